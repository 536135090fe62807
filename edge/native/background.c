/* See background.h. */
#include "background.h"

#include <string.h>

/* SEADRIFT_SCALAR, for tests: only what every processor has. */
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__)) && !defined(SEADRIFT_SCALAR)
#define HAS_AVX2_PATH 1
#define INLINE static inline __attribute__((always_inline))
#else
#define HAS_AVX2_PATH 0
#define INLINE static inline
#endif
#if defined(__ARM_NEON) && defined(__aarch64__) && !defined(SEADRIFT_SCALAR)
#include <arm_neon.h>
#define HAS_NEON_PATH 1
#else
#define HAS_NEON_PATH 0
#endif

enum {
    TILE = SEADRIFT_TILE_SAMPLES,
    LEVELS = 256,
    ONE = 16,             /* a grey level */
    TOP = 255 * ONE,      /* the brightest */
    FINE = 8,             /* in between, a sixteenth is cut into so many */
    TERMS = 10,           /* of a cubic in x and y */
    ROUNDS = 6,           /* of fitting */
    FIT = 64,             /* a grey level, while fitting */
    FAR = 500 * FIT,      /* distances from the surface end here */
    COVERED = 4,          /* a tile so many levels off the surface may be covered, and ... */
    DARK_SHARE = 35,      /* ... its quantile in percent */
    ALL_SHARE = 100,
    VECTOR = 16,          /* bytes done together */
    CHUNK = 64,           /* samples counted together */
    CELL = 64,            /* pixels side by side whose level ... */
    STRETCH = 16,         /* ... is the same in so many rows, mostly; divides a tile's side */
    MOST_CELLS = SEADRIFT_MAX_TILES * TILE * SEADRIFT_MAX_STRIDE / CELL
};

static const double SPREAD = 1.4826; /* the standard deviation over the median distance */

int32_t seadrift_background_version(void) { return SEADRIFT_BACKGROUND_VERSION; }

static int32_t over(int32_t a, int32_t b) { return (a + b - 1) / b; }

static int32_t check(const seadrift_scene *s)
{
    if (!s || !s->grey || s->height < 1 || s->width < 1 || s->height > (INT32_MAX - 1) / s->width)
        return SEADRIFT_BAD_ARGUMENT;
    if (s->stride < 1 || s->stride > SEADRIFT_MAX_STRIDE || s->bright < 0 || s->bright > 1)
        return SEADRIFT_BAD_ARGUMENT;
    if (s->rows != over(over(s->height, s->stride), TILE) || s->columns != over(over(s->width, s->stride), TILE))
        return SEADRIFT_BAD_ARGUMENT;
    if (s->rows > SEADRIFT_MAX_TILES || s->columns > SEADRIFT_MAX_TILES)
        return SEADRIFT_BAD_ARGUMENT;
    return SEADRIFT_OK;
}

/* --- pixels to samples */

/* Every stride-th of a row's bytes, n of them; `there`: how many bytes may be read. */
INLINE void pick(const uint8_t *row, int64_t there, int64_t stride, int32_t n, uint8_t *to)
{
    int32_t i = 0;
#if HAS_NEON_PATH
    for (; stride == 4 && i + VECTOR <= n && (i + VECTOR) * stride <= there; i += VECTOR)
        vst1q_u8(to + i, vld4q_u8(row + i * stride).val[0]);
    for (; stride == 3 && i + VECTOR <= n && (i + VECTOR) * stride <= there; i += VECTOR)
        vst1q_u8(to + i, vld3q_u8(row + i * stride).val[0]);
    for (; stride == 2 && i + VECTOR <= n && (i + VECTOR) * stride <= there; i += VECTOR)
        vst1q_u8(to + i, vld2q_u8(row + i * stride).val[0]);
#else
    if (stride == 4 && n * stride <= there)
        for (; i < n; i++)
            to[i] = row[4 * i];
#endif
    for (; i < n; i++)
        to[i] = row[i * stride];
}

/* --- tiles to quantiles */

/* Gathers the samples of a tile; returns how many there are. */
INLINE int32_t gather(const seadrift_scene *s, int32_t row, int32_t column, uint8_t samples[TILE * TILE])
{
    int64_t step = s->stride, x0 = (int64_t)column * TILE * step;
    int32_t n = 0, left = over((int32_t)(s->width - x0), s->stride), across = left < TILE ? left : TILE;
    for (int64_t y = (int64_t)row * TILE * step; y < ((int64_t)row + 1) * TILE * step && y < s->height; y += step) {
        pick(s->grey + y * s->width + x0, s->width - x0, step, across, samples + n);
        n += across;
    }
    return n;
}

/* The quantile of a tile's samples, bit after bit of it. */
INLINE int32_t quantile(const seadrift_scene *s, int32_t row, int32_t column)
{
    uint8_t samples[TILE * TILE];
    memset(samples, LEVELS - 1, sizeof samples); /* what is not there sorts behind the rest */
    int32_t n = gather(s, row, column, samples), level = 0;
    int32_t k = (n - 1) * (s->bright ? ALL_SHARE - DARK_SHARE : DARK_SHARE) / ALL_SHARE;
    for (int32_t bit = LEVELS / 2; bit > 0; bit /= 2) {
        uint8_t bound = (uint8_t)(level + bit - 1);
        uint16_t count = 0;
        for (int32_t i = 0; i < TILE * TILE; i++)
            count = (uint16_t)(count + (samples[i] <= bound));
        if (count <= k)
            level += bit;
    }
    return level;
}

/* --- quantiles to a smooth surface */

typedef struct {
    const int16_t *level; /* of each tile, in grey levels */
    int16_t *off;         /* how far it lies from the surface, towards the objects, in 1 / FIT */
    double *weight;
    int32_t rows, columns, terms;
    double sign; /* +1: objects are brighter; -1: darker */
    double fit[TERMS];
} surface;

/* The k-th smallest (from 0) of n numbers between -FAR and FAR, by halving the range. */
INLINE int32_t kth(const int16_t *values, int32_t n, int32_t k)
{
    int32_t low = -FAR, high = FAR;
    while (low < high) {
        int32_t middle = low + (high - low) / 2, count = 0;
        int16_t bound = (int16_t)middle;
        for (int32_t i = 0; i < n; i++)
            count += values[i] <= bound;
        if (count > k)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The median of the distances from the median; the lower of two. Replaces the values by these distances. */
INLINE int32_t spread_of(int16_t *values, int32_t n)
{
    int32_t middle = kth(values, n, (n - 1) / 2);
    for (int32_t i = 0; i < n; i++) {
        int32_t away = values[i] < middle ? middle - values[i] : values[i] - middle;
        values[i] = (int16_t)(away < FAR ? away : FAR);
    }
    return kth(values, n, (n - 1) / 2);
}

/* 1, v, v^2, v^3 of the i-th of n places from -1 to 1. */
static void powers(int32_t i, int32_t n, double out[4])
{
    double v = n > 1 ? -1.0 + i * (2.0 / (n - 1)) : -1.0;
    out[0] = 1.0;
    for (int k = 1; k < 4; k++)
        out[k] = out[k - 1] * v;
}

/* All of a cubic, or the first alone. */
INLINE void terms_of(const surface *s, const double x[4], const double y[4], double *out)
{
    int n = 0;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4 - i; j++)
            out[n++] = x[i] * y[j];
    for (n = s->terms; n < TERMS; n++)
        out[n] = 0;
}

INLINE double height_at(const surface *s, const double *term)
{
    double sum = s->fit[0] * term[0];
    for (int p = 1; p < TERMS; p++)
        sum += s->fit[p] * term[p];
    return sum;
}

/* One tile of the normal equations. What stands left of the diagonal is not used. */
INLINE void add_tile(const double term[TERMS], double weight, double value, double matrix[TERMS][TERMS], double *right)
{
    for (int p = 0; p < TERMS; p += 2) {
        double one = term[p] * weight, other = term[p + 1] * weight;
        for (int q = p; q < TERMS; q++) {
            matrix[p][q] += one * term[q];
            matrix[p + 1][q] += other * term[q];
        }
        right[p] += one * value;
        right[p + 1] += other * value;
    }
}

/* The normal equations, summed tile after tile; terms that the surface lacks are 0. */
INLINE void sum_equations(const surface *s, double matrix[TERMS][TERMS], double *right)
{
    double x[SEADRIFT_MAX_TILES][4], term[TERMS] = {0};
    memset(matrix, 0, sizeof(double) * TERMS * TERMS);
    memset(right, 0, sizeof(double) * TERMS);
    for (int32_t column = 0; column < s->columns; column++)
        powers(column, s->columns, x[column]);
    for (int32_t row = 0, i = 0; row < s->rows; row++) {
        double y[4];
        powers(row, s->rows, y);
        for (int32_t column = 0; column < s->columns; column++, i++) {
            terms_of(s, x[column], y, term);
            add_tile(term, s->weight[i], s->level[i], matrix, right);
        }
    }
}

/* By elimination; a little is added to the diagonal, so that it is never singular. */
static void solve(surface *s, double matrix[TERMS][TERMS], double *right)
{
    int n = s->terms;
    for (int p = 0; p < n; p++)
        matrix[p][p] += 1e-9 * ((double)s->rows * s->columns);
    for (int p = 0; p < n; p++)
        for (int r = p + 1; r < n; r++) {
            double factor = matrix[p][r] / matrix[p][p]; /* symmetric: only the upper half is used */
            for (int q = r; q < n; q++)
                matrix[r][q] -= factor * matrix[p][q];
            right[r] -= factor * right[p];
        }
    for (int p = n - 1; p >= 0; p--) {
        double rest = right[p];
        for (int q = p + 1; q < n; q++)
            rest -= matrix[p][q] * s->fit[q];
        s->fit[p] = rest / matrix[p][p];
    }
}

/* Rounds to whole numbers, halves up, within +-most, without the cost of a call. */
INLINE int32_t rounded(double value, int32_t most)
{
    double edge = most;
    value = value < edge ? value : edge;
    value = value > -edge ? value : -edge;
    return (int32_t)(value + (edge + 0.5)) - most;
}

/* Every tile's distance from the surface; `heights`, if there, gets the surface in 1 / ONE. */
INLINE void measure_off(surface *s, int16_t *heights)
{
    double x[SEADRIFT_MAX_TILES][4];
    for (int32_t column = 0; column < s->columns; column++)
        powers(column, s->columns, x[column]);
    for (int32_t row = 0, i = 0; row < s->rows; row++) {
        double y[4];
        powers(row, s->rows, y);
        for (int32_t column = 0; column < s->columns; column++, i++) {
            double term[TERMS];
            terms_of(s, x[column], y, term);
            double height = height_at(s, term);
            s->off[i] = (int16_t)rounded((s->level[i] - height) * s->sign * FIT, FAR);
            if (heights)
                heights[i] = (int16_t)rounded(height * ONE, 2 * TOP);
        }
    }
}

/* Tiles that stand out towards the objects weigh less and less (a Cauchy weight, squared). */
INLINE void weigh(surface *s, int16_t *spare)
{
    int32_t n = s->rows * s->columns;
    memcpy(spare, s->off, (size_t)n * sizeof *spare);
    double spread = SPREAD * spread_of(spare, n);
    double per = 1.0 / (spread > FIT ? spread : FIT);
    for (int32_t i = 0; i < n; i++) {
        double far = (s->off[i] > 0 ? s->off[i] : 0) * per, cut = 1.0 + far * far;
        s->weight[i] = 1.0 / (cut * cut);
    }
}

INLINE void fit_surface(surface *s, int16_t *heights, int16_t *spare)
{
    double matrix[TERMS][TERMS], right[TERMS];
    for (int32_t i = 0; i < s->rows * s->columns; i++)
        s->weight[i] = 1.0;
    for (int round = 0; round < ROUNDS; round++) {
        if (round > 0)
            weigh(s, spare);
        sum_equations(s, matrix, right);
        solve(s, matrix, right);
        measure_off(s, round == ROUNDS - 1 ? heights : 0);
    }
}

/* --- the tiles made even */

static int32_t within(int32_t i, int32_t n) { return i < 0 ? 0 : i < n ? i : n - 1; }

static int16_t median_of_nine(int16_t *v)
{
    for (int i = 1; i < 9; i++)
        for (int j = i; j > 0 && v[j - 1] > v[j]; j--) {
            int16_t swapped = v[j];
            v[j] = v[j - 1];
            v[j - 1] = swapped;
        }
    return v[4];
}

/* The median of 3x3 tiles, the outermost ones repeated. */
static void take_medians(const seadrift_scene *s, const int16_t *from, int16_t *to)
{
    for (int32_t row = 0; row < s->rows; row++)
        for (int32_t column = 0; column < s->columns; column++) {
            int16_t nine[9];
            int n = 0;
            for (int32_t y = row - 1; y <= row + 1; y++)
                for (int32_t x = column - 1; x <= column + 1; x++)
                    nine[n++] = from[within(y, s->rows) * s->columns + within(x, s->columns)];
            *to++ = median_of_nine(nine);
        }
}

/* Binomial smoothing, 1 4 6 4 1 each way (a Gaussian of one tile), the outermost tiles repeated. */
static void make_even(const seadrift_scene *s, const int16_t *from, int16_t *to)
{
    static const int32_t weights[5] = {1, 4, 6, 4, 1};
    for (int32_t row = 0; row < s->rows; row++) {
        int32_t down[SEADRIFT_MAX_TILES] = {0};
        for (int k = 0; k < 5; k++) {
            const int16_t *line = from + within(row + k - 2, s->rows) * s->columns;
            for (int32_t x = 0; x < s->columns; x++)
                down[x] += weights[k] * line[x];
        }
        for (int32_t x = 0; x < s->columns; x++) {
            int32_t sum = 128;
            for (int k = 0; k < 5; k++)
                sum += weights[k] * down[within(x + k - 2, s->columns)];
            *to++ = (int16_t)(sum >> 8);
        }
    }
}

INLINE void estimate(const seadrift_scene *s, int16_t *tiles, double *weights, int16_t *spare)
{
    int32_t n = s->rows * s->columns;
    int16_t *level = tiles, *off = spare, *heights = spare + n, *third = spare + 2 * n;
    for (int32_t row = 0, i = 0; row < s->rows; row++)
        for (int32_t column = 0; column < s->columns; column++, i++)
            level[i] = (int16_t)quantile(s, row, column);
    int cubic = s->rows >= 6 && s->columns >= 6;
    surface found = {level, off, weights, s->rows, s->columns, cubic ? TERMS : 1,
                     s->bright ? -1.0 : 1.0, {0}};
    fit_surface(&found, heights, third);
    memcpy(third, off, (size_t)n * sizeof *third);
    double most = 3.0 * (SPREAD * spread_of(third, n));
    for (int32_t i = 0; i < n; i++) {
        int covered = off[i] > COVERED * FIT && off[i] > most;
        third[i] = covered ? heights[i] : (int16_t)(level[i] * ONE);
        third[i] = (int16_t)(third[i] < 0 ? 0 : third[i] < TOP ? third[i] : TOP);
    }
    if (s->rows >= 3 && s->columns >= 3) {
        take_medians(s, third, off);
        make_even(s, off, tiles);
    } else {
        make_even(s, third, tiles);
    }
}

/* --- tiles to a background */

/* From a to a + step, at a weight of 0 .. 2^15: the upper half of the product, which is one instruction. */
INLINE int16_t between(int16_t a, int16_t step, int16_t weight)
{
    int16_t half = (int16_t)((int32_t)step * (int32_t)weight >> 16);
    return (int16_t)(a + 2 * half);
}

/* The background between two rows of tile centres: at the upper one, and how much more at the lower one. */
typedef struct {
    int16_t *upper, *step; /* [length] */
    int32_t length, every; /* every `every`-th pixel of a row */
    int32_t row;           /* of the lower tiles; -1: none yet */
    int32_t side;
    int16_t weights[TILE * SEADRIFT_MAX_STRIDE]; /* of what comes next, at the p-th pixel behind a centre */
} band;

static void start_band(const seadrift_scene *s, int16_t *room, int32_t every, band *b)
{
    b->upper = room;
    b->step = room + s->width;
    b->every = every;
    b->length = over(s->width, every);
    b->row = -1;
    b->side = TILE * s->stride;
    for (int32_t p = 0; p < b->side; p++)
        b->weights[p] = (int16_t)(((2 * p + 1) << 14) / b->side);
}

INLINE int16_t node(const seadrift_scene *s, const int16_t *tiles, int32_t row, int32_t column)
{
    int16_t tile = tiles[within(row, s->rows) * s->columns + within(column, s->columns)];
    return (int16_t)(within(tile, TOP + 1) * FINE);
}

/* A line through the tile centres of a row. */
INLINE void draw_line(const seadrift_scene *s, const int16_t *tiles, const band *b, int32_t row, int16_t *line)
{
    int32_t i = 0, first = b->side / 2, every = b->every;
    for (int32_t j = 0; i < b->length; j++) { /* from centre to centre: `every` divides a tile's side */
        int16_t left = node(s, tiles, row, j - 1), step = (int16_t)(node(s, tiles, row, j) - left);
        int32_t n = (b->side - first) / every;
        n = n < b->length - i ? n : b->length - i;
        for (int32_t k = 0; k < n; k++)
            line[i + k] = between(left, step, b->weights[first + k * every]);
        i += n;
        first = 0;
    }
}

/* Brings the band to where row y is; returns the weight of its lower edge there. */
INLINE int16_t move_band(const seadrift_scene *s, const int16_t *tiles, int32_t y, band *b)
{
    int32_t row = (y + b->side / 2) / b->side;
    if (row != b->row) {
        if (b->row < 0)
            draw_line(s, tiles, b, row - 1, b->upper);
        else
            for (int32_t i = 0; i < b->length; i++)
                b->upper[i] = (int16_t)(b->upper[i] + b->step[i]);
        draw_line(s, tiles, b, row, b->step);
        for (int32_t i = 0; i < b->length; i++)
            b->step[i] = (int16_t)(b->step[i] - b->upper[i]);
        b->row = row;
    }
    return b->weights[(y + b->side / 2) % b->side];
}

INLINE uint8_t level_at(int16_t a, int16_t step, int16_t weight)
{
    return (uint8_t)((uint16_t)(between(a, step, weight) + ONE * FINE / 2) / (ONE * FINE));
}

/* The levels of pixels [x, end) of a row. */
INLINE void draw_levels(const band *b, int16_t weight, int32_t x, int32_t end, uint8_t *restrict levels)
{
    const int16_t *restrict upper = b->upper, *restrict step = b->step;
#if HAS_NEON_PATH /* the product's upper half comes doubled; its last bit goes */
    int16x8_t even = vdupq_n_s16(-2);
    for (; x + VECTOR <= end; x += VECTOR) {
        int16x8_t low = vandq_s16(vqdmulhq_n_s16(vld1q_s16(step + x), weight), even);
        int16x8_t high = vandq_s16(vqdmulhq_n_s16(vld1q_s16(step + x + 8), weight), even);
        uint16x8_t a = vreinterpretq_u16_s16(vaddq_s16(vld1q_s16(upper + x), low));
        uint16x8_t c = vreinterpretq_u16_s16(vaddq_s16(vld1q_s16(upper + x + 8), high));
        vst1q_u8(levels + x, vrshrn_high_n_u16(vrshrn_n_u16(a, 7), c, 7)); /* 2^7 = ONE * FINE */
    }
#endif
    for (; x < end; x++)
        levels[x] = level_at(upper[x], step[x], weight);
}

INLINE void subtract_row(const uint8_t *restrict grey, const uint8_t *restrict levels, int32_t width, int bright,
                         uint8_t *restrict signal)
{
    const uint8_t *from = bright ? levels : grey, *less = bright ? grey : levels;
    int32_t x = 0;
#if HAS_NEON_PATH
    for (; x + CELL <= width; x += CELL) {
        uint8x16x4_t a = vld1q_u8_x4(from + x), c = vld1q_u8_x4(less + x);
        for (int i = 0; i < 4; i++)
            a.val[i] = vqsubq_u8(a.val[i], c.val[i]);
        vst1q_u8_x4(signal + x, a);
    }
#endif
    for (; x < width; x++)
        signal[x] = from[x] > less[x] ? (uint8_t)(from[x] - less[x]) : 0;
}

/* Which cells' levels differ in two rows; returns how many, their numbers in `moving`. */
INLINE int32_t compare_levels(const uint8_t *a, const uint8_t *b, int32_t width, uint16_t *moving)
{
    int32_t n = 0;
    for (int32_t x = 0; x < width; x += CELL) {
        int32_t length = width - x < CELL ? width - x : CELL;
        uint8_t differ = 0;
        for (int32_t i = 0; length == CELL && i < CELL; i++)
            differ |= a[x + i] ^ b[x + i];
        if (differ || length < CELL)
            moving[n++] = (uint16_t)(x / CELL);
    }
    return n;
}

/* Between two tile centres a pixel's level goes one way only: where the first and the last row of a stretch
 * have the same, so have the rows between. */
INLINE void subtract(const seadrift_scene *s, const int16_t *tiles, int16_t *room, uint8_t *signal)
{
    uint8_t *levels = (uint8_t *)(room + 2 * (int64_t)s->width), *later = levels + s->width;
    uint16_t moving[MOST_CELLS];
    band b;
    start_band(s, room, 1, &b);
    for (int32_t y = 0, end; y < s->height; y = end) {
        int32_t behind = (y + b.side / 2) % b.side; /* the centre above */
        end = y + STRETCH - behind % STRETCH;
        end = end < s->height ? end : s->height;
        draw_levels(&b, move_band(s, tiles, y, &b), 0, s->width, levels);
        draw_levels(&b, b.weights[behind + end - 1 - y], 0, s->width, later);
        int32_t n = compare_levels(levels, later, s->width, moving);
        for (int32_t i = y; i < end; i++) {
            int64_t start = (int64_t)i * s->width;
            for (int32_t k = 0; i > y && k < n; k++) {
                int32_t x = moving[k] * CELL, left = s->width - x;
                draw_levels(&b, b.weights[behind + i - y], x, x + (left < CELL ? left : CELL), levels);
            }
            subtract_row(s->grey + start, levels, s->width, s->bright, signal + start);
        }
    }
}

/* Counts in four histograms in turn: neighbours are often equal, and a count waits for the one before it. */
INLINE void count_samples(const uint8_t *samples, const uint8_t *levels, int32_t n, int32_t counts[4][2 * LEVELS])
{
    uint16_t at[CHUNK];
    int32_t i = 0;
    for (int32_t k = 0; k < CHUNK; k++)
        at[k] = (uint16_t)(LEVELS + samples[k] - levels[k]);
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++)
            counts[k][at[i + k]]++;
    for (; i < n; i++)
        counts[0][at[i]]++;
}

INLINE void count_residuals(const seadrift_scene *s, const int16_t *tiles, int16_t *room, int32_t *histogram)
{
    int32_t counts[4][2 * LEVELS];
    uint8_t samples[CHUNK] = {0}, own[CHUNK] = {0};
    band b;
    memset(counts, 0, sizeof counts);
    start_band(s, room, s->stride, &b);
    uint8_t *levels = (uint8_t *)(room + 2 * (int64_t)s->width);
    for (int32_t y = 0; y < s->height; y += s->stride) {
        const uint8_t *grey = s->grey + (int64_t)y * s->width;
        draw_levels(&b, move_band(s, tiles, y, &b), 0, b.length, levels);
        for (int32_t i = 0; i < b.length; i += CHUNK) {
            int32_t n = b.length - i < CHUNK ? b.length - i : CHUNK;
            int64_t from = (int64_t)i * s->stride;
            pick(grey + from, s->width - from, s->stride, n, samples);
            memcpy(own, levels + i, (size_t)n);
            count_samples(samples, own, n, counts);
        }
    }
    for (int i = 1 - LEVELS; i < LEVELS; i++) {
        int32_t at = LEVELS + (s->bright ? -i : i);
        histogram[LEVELS - 1 + i] = counts[0][at] + counts[1][at] + counts[2][at] + counts[3][at];
    }
}

/* --- the same, for the processor at hand */

#if HAS_AVX2_PATH
__attribute__((target("avx2"))) static void estimate_avx2(const seadrift_scene *s, int16_t *tiles,
                                                          double *weights, int16_t *spare)
{
    estimate(s, tiles, weights, spare);
}

__attribute__((target("avx2"))) static void subtract_avx2(const seadrift_scene *s, const int16_t *tiles,
                                                          int16_t *room, uint8_t *signal)
{
    subtract(s, tiles, room, signal);
}

__attribute__((target("avx2"))) static void count_residuals_avx2(const seadrift_scene *s, const int16_t *tiles,
                                                                 int16_t *room, int32_t *histogram)
{
    count_residuals(s, tiles, room, histogram);
}

static int has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }
#else
static int has_avx2(void) { return 0; }
#define estimate_avx2 estimate
#define subtract_avx2 subtract
#define count_residuals_avx2 count_residuals
#endif

int32_t seadrift_background_tiles(const seadrift_scene *scene, int16_t *tiles, double *weights, int16_t *spare)
{
    if (check(scene) != SEADRIFT_OK || !tiles || !weights || !spare)
        return SEADRIFT_BAD_ARGUMENT;
    (has_avx2() ? estimate_avx2 : estimate)(scene, tiles, weights, spare);
    return SEADRIFT_OK;
}

int32_t seadrift_background_residuals(const seadrift_scene *scene, const int16_t *tiles, int16_t *room,
                                      int32_t *histogram)
{
    if (check(scene) != SEADRIFT_OK || !tiles || !room || !histogram)
        return SEADRIFT_BAD_ARGUMENT;
    (has_avx2() ? count_residuals_avx2 : count_residuals)(scene, tiles, room, histogram);
    return SEADRIFT_OK;
}

int32_t seadrift_background_subtract(const seadrift_scene *scene, const int16_t *tiles, int16_t *room,
                                     uint8_t *signal)
{
    if (check(scene) != SEADRIFT_OK || !tiles || !room || !signal)
        return SEADRIFT_BAD_ARGUMENT;
    (has_avx2() ? subtract_avx2 : subtract)(scene, tiles, room, signal);
    return SEADRIFT_OK;
}

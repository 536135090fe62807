/* See background.h. */
#include "background.h"

#include <string.h>

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#define HAS_AVX2_PATH 1
#define INLINE static inline __attribute__((always_inline))
#else
#define HAS_AVX2_PATH 0
#define INLINE static inline
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
    ALL_SHARE = 100
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

/* --- tiles to quantiles */

/* Counts the samples of a tile in two histograms, since neighbours are often equal. Returns how many. */
static int32_t count_tile(const seadrift_scene *s, int32_t row, int32_t column, uint16_t counts[2][LEVELS])
{
    int64_t step = s->stride, first_y = (int64_t)row * TILE * step, first_x = (int64_t)column * TILE * step;
    int32_t n = 0;
    for (int64_t y = first_y; y < first_y + TILE * step && y < s->height; y += step) {
        const uint8_t *grey = s->grey + y * s->width;
        for (int64_t x = first_x; x < first_x + TILE * step && x < s->width; x += step)
            counts[n++ & 1][grey[x]]++;
    }
    return n;
}

static int32_t quantile(const seadrift_scene *s, int32_t row, int32_t column)
{
    uint16_t counts[2][LEVELS];
    memset(counts, 0, sizeof counts);
    int32_t n = count_tile(s, row, column, counts);
    int32_t k = (n - 1) * (s->bright ? ALL_SHARE - DARK_SHARE : DARK_SHARE) / ALL_SHARE, level = 0;
    for (int32_t before = 0; before <= k; level++) /* ends: the counts sum to n > k */
        before += counts[0][level] + counts[1][level];
    return level - 1;
}

/* --- quantiles to a smooth surface */

typedef struct {
    const int16_t *level; /* of each tile, in grey levels */
    int16_t *off;         /* how far it lies from the surface, towards the objects, in 1 / FIT */
    double *weight;
    int32_t rows, columns, degree, terms;
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

INLINE void terms_of(const surface *s, const double x[4], const double y[4], double *out)
{
    int n = 0;
    for (int i = 0; i <= s->degree; i++)
        for (int j = 0; j <= s->degree - i; j++)
            out[n++] = x[i] * y[j];
}

INLINE double height_at(const surface *s, const double *term)
{
    double sum = s->fit[0] * term[0];
    for (int p = 1; p < s->terms; p++)
        sum += s->fit[p] * term[p];
    return sum;
}

/* The normal equations, summed tile after tile. */
INLINE void sum_equations(const surface *s, double matrix[TERMS][TERMS], double *right)
{
    memset(matrix, 0, sizeof(double) * TERMS * TERMS);
    memset(right, 0, sizeof(double) * TERMS);
    for (int32_t row = 0, i = 0; row < s->rows; row++) {
        double y[4];
        powers(row, s->rows, y);
        for (int32_t column = 0; column < s->columns; column++, i++) {
            double x[4], term[TERMS] = {0}, value = s->level[i];
            powers(column, s->columns, x);
            terms_of(s, x, y, term);
            for (int p = 0; p < s->terms; p++) {
                double weighted = term[p] * s->weight[i];
                for (int q = 0; q < TERMS; q++)
                    matrix[p][q] += weighted * term[q];
                right[p] += weighted * value;
            }
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
    for (int32_t row = 0, i = 0; row < s->rows; row++) {
        double y[4];
        powers(row, s->rows, y);
        for (int32_t column = 0; column < s->columns; column++, i++) {
            double x[4], term[TERMS];
            powers(column, s->columns, x);
            terms_of(s, x, y, term);
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
    surface found = {level, off, weights, s->rows, s->columns, cubic ? 3 : 0, cubic ? TERMS : 1,
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
    int16_t *upper, *step; /* [width] */
    int32_t row;           /* of the lower tiles; -1: none yet */
    int32_t side;
} band;

/* The weight of what comes next, at the p-th pixel behind a tile centre. */
INLINE int16_t weight_of(int32_t p, int32_t side) { return (int16_t)(((2 * p + 1) << 14) / side); }

INLINE int16_t node(const seadrift_scene *s, const int16_t *tiles, int32_t row, int32_t column)
{
    int16_t tile = tiles[within(row, s->rows) * s->columns + within(column, s->columns)];
    return (int16_t)(within(tile, TOP + 1) * FINE);
}

/* A line through the tile centres of a row, every `every`-th pixel of it. */
static void draw_line(const seadrift_scene *s, const int16_t *tiles, int32_t row, int32_t every, int16_t *line)
{
    int32_t side = TILE * s->stride, p = side / 2, j = 0;
    int16_t a = node(s, tiles, row, -1), b = node(s, tiles, row, 0);
    for (int32_t x = 0; x < s->width; x += every, p += every) {
        if (p >= side) {
            p -= side;
            a = b;
            b = node(s, tiles, row, ++j);
        }
        *line++ = between(a, (int16_t)(b - a), weight_of(p, side));
    }
}

/* Brings the band to where row y is; returns the weight of its lower edge there. */
static int16_t move_band(const seadrift_scene *s, const int16_t *tiles, int32_t y, int32_t every, band *b)
{
    int32_t row = (y + b->side / 2) / b->side, n = over(s->width, every);
    if (row != b->row) {
        draw_line(s, tiles, row - 1, every, b->upper);
        draw_line(s, tiles, row, every, b->step);
        for (int32_t i = 0; i < n; i++)
            b->step[i] = (int16_t)(b->step[i] - b->upper[i]);
        b->row = row;
    }
    return weight_of((y + b->side / 2) % b->side, b->side);
}

INLINE uint8_t level_at(int16_t a, int16_t step, int16_t weight)
{
    return (uint8_t)((uint16_t)(between(a, step, weight) + ONE * FINE / 2) / (ONE * FINE));
}

INLINE void subtract_row(const uint8_t *restrict grey, const band *b, int16_t weight, int32_t width, int bright,
                         uint8_t *restrict signal)
{
    const int16_t *restrict upper = b->upper, *restrict step = b->step;
    for (int32_t x = 0; x < width; x++) {
        uint8_t level = level_at(upper[x], step[x], weight), own = grey[x];
        uint8_t from = bright ? level : own, less = bright ? own : level;
        signal[x] = from > less ? (uint8_t)(from - less) : 0;
    }
}

INLINE void subtract(const seadrift_scene *s, const int16_t *tiles, int16_t *room, uint8_t *signal)
{
    band b = {room, room + s->width, -1, TILE * s->stride};
    for (int32_t y = 0; y < s->height; y++) {
        int16_t weight = move_band(s, tiles, y, 1, &b);
        int64_t start = (int64_t)y * s->width;
        subtract_row(s->grey + start, &b, weight, s->width, s->bright, signal + start);
    }
}

/* Four histograms in turn: neighbours are often equal, and a count waits for the one before it. */
static void count_residuals(const seadrift_scene *s, const int16_t *tiles, int16_t *room, int32_t *histogram)
{
    int32_t counts[4][SEADRIFT_RESIDUALS + 1], n = over(s->width, s->stride);
    band b = {room, room + s->width, -1, TILE * s->stride};
    memset(counts, 0, sizeof counts);
    for (int32_t y = 0; y < s->height; y += s->stride) {
        const uint8_t *grey = s->grey + (int64_t)y * s->width;
        int16_t weight = move_band(s, tiles, y, s->stride, &b);
        for (int32_t i = 0; i < n; i++) {
            int32_t own = grey[(int64_t)i * s->stride], level = level_at(b.upper[i], b.step[i], weight);
            counts[i & 3][255 + (s->bright ? level - own : own - level)]++;
        }
    }
    for (int i = 0; i < SEADRIFT_RESIDUALS; i++)
        histogram[i] = counts[0][i] + counts[1][i] + counts[2][i] + counts[3][i];
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

static int has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }
#else
static int has_avx2(void) { return 0; }
#define estimate_avx2 estimate
#define subtract_avx2 subtract
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
    count_residuals(scene, tiles, room, histogram);
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

/* The costly measures of one object: thickness, skeleton, symmetry and fractal dimension of the filled object.
 * See measures_parts.h.
 *
 * An object whose extent has more than SEADRIFT_COSTLY_CELLS pixels is halved (a block of 2 x 2 pixels is in
 * the object if one of them is) until it has not, and lengths are doubled again: so no object costs more than
 * another by far, and the room is bounded.
 */
#include "measures_parts.h"

#include <math.h>
#include <string.h>

enum {
    STEP = 32,      /* cells at a time */
    RIBBON = 8,     /* the largest radius of the sausage */
    RADII = 6,
    FAR = 128,      /* in a plane of squared distances up to RIBBON^2: further */
    THICKEST = 150, /* above half of the shorter side of any extent: sqrt(SEADRIFT_COSTLY_CELLS) / 2 */
    SQUARES = 16641 /* squared distances to the outside: up to (256 / 2 + 1)^2 */
};

/* The filled object, perhaps halved: 1 inside, with margins of 0 on all sides (STEP cells left and right). */
typedef struct {
    int32_t height, width, halved;
    int64_t stride;
    uint8_t *cells; /* the first pixel */
    int32_t columns; /* of words of 64 pixels */
    int64_t tall;    /* words in a column, a margin of one above and below included */
    uint64_t *bits, *other; /* column after column, a column of 0 before and after; the first pixel's word */
    uint8_t *rest;
} plane;

static int64_t rounded(int64_t size) { return (size + STEP - 1) / STEP * STEP; }

/* A side after so many halvings. */
static int64_t side(int32_t length, int32_t halved) { return ((length - 1) >> halved) + 1; }

static int32_t halvings(int32_t height, int32_t width)
{
    int32_t k = 0;
    while (side(height, k) * side(width, k) > SEADRIFT_COSTLY_CELLS)
        k++;
    return k;
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* Sizes in bytes of the parts of the room, for an extent after halving. */
static int64_t cells_size(int64_t height, int64_t width) { return (height + 2) * (rounded(width) + 2 * STEP); }
static int64_t bits_size(int64_t height, int64_t width) { return rounded(((width + 63) / 64 + 2) * (height + 2) * 8); }
static int64_t ribbon_stride(int64_t width) { return rounded(width + 2 * RIBBON) + STEP; }

static int64_t rest_size(int64_t height, int64_t width)
{
    int64_t ribbon = (height + 2 * RIBBON) * ribbon_stride(width) + (1 + RADII) * rounded(width + 2 * RIBBON);
    int64_t squares = 2 * (height * rounded(width) + rounded(width) + 2 * (THICKEST + STEP));
    return rounded(larger(ribbon, 4 * rounded(SQUARES) + squares));
}

int64_t seadrift_costly_bytes(int32_t height, int32_t width)
{
    int32_t k = halvings(height, width);
    int64_t h = side(height, k), w = side(width, k);
    return cells_size(h, w) + 2 * bits_size(h, w) + rest_size(h, w);
}

/* --- the plane */

static void set_bits(plane *p, int64_t y, int64_t x0, int64_t x1)
{
    for (int64_t x = x0; x < x1;) {
        int64_t end = x / 64 * 64 + 64 < x1 ? x / 64 * 64 + 64 : x1;
        uint64_t run = end - x == 64 ? ~UINT64_C(0) : ((UINT64_C(1) << (end - x)) - 1) << x % 64;
        p->bits[x / 64 * p->tall + y] |= run;
        x = end;
    }
}

static void draw(const seadrift_measured *o, uint8_t *room, plane *p)
{
    int32_t k = halvings(o->bottom - o->top, o->right - o->left);
    p->halved = k;
    p->height = (int32_t)side(o->bottom - o->top, k);
    p->width = (int32_t)side(o->right - o->left, k);
    p->stride = rounded(p->width) + 2 * STEP;
    p->columns = (p->width + 63) / 64;
    p->tall = p->height + 2;
    int64_t cells = cells_size(p->height, p->width), bits = bits_size(p->height, p->width);
    memset(room, 0, (size_t)(cells + 2 * bits));
    p->cells = room + p->stride + STEP;
    p->bits = (uint64_t *)(void *)(room + cells) + p->tall + 1;
    p->other = (uint64_t *)(void *)(room + cells + bits) + p->tall + 1;
    p->rest = room + cells + 2 * bits;
    for (int32_t y = o->top; y < o->bottom; y++)
        for (int32_t i = o->rows[y]; i < o->rows[y + 1]; i++) {
            int64_t row = (y - o->top) >> k;
            int64_t x0 = (o->spans[i].x0 - o->left) >> k, x1 = ((o->spans[i].x1 - 1 - o->left) >> k) + 1;
            memset(p->cells + row * p->stride + x0, 1, (size_t)(x1 - x0));
            set_bits(p, row, x0, x1);
        }
}

/* Takes the lowest run of ones out of a word: bits from .. to - 1. */
static int next_run(uint64_t *word, int *from, int *to)
{
    if (!*word)
        return 0;
    *from = seadrift_lowest_bit(*word);
    uint64_t filled = *word | (*word - 1); /* ones below it, too */
    *to = ~filled ? seadrift_lowest_bit(~filled) : 64;
    *word &= filled + 1;
    return 1;
}

/* --- symmetry: whether the mirror images of the pixels lie in the object, in units of 1/65536 pixel */

enum { UNIT = 65536, BIAS = 1 << 14 }; /* so many pixels added make any coordinate positive */

/* v / UNIT, rounded down. */
static int64_t down(int64_t v) { return (int64_t)(((uint64_t)v + (UINT64_C(1) << 62)) >> 16) - (INT64_C(1) << 46); }

typedef struct {
    int64_t cx, cy;     /* the centroid */
    int64_t cos2, sin2; /* of twice the major axis' angle */
    int64_t area;
} axes;

static void add_row(const plane *p, int64_t y, int64_t sums[6])
{
    for (int32_t c = 0; c < p->columns; c++) {
        uint64_t word = p->bits[c * p->tall + y];
        int64_t low[4], high[4];
        int from, to;
        while (next_run(&word, &from, &to)) {
            seadrift_powers_below(64 * c + from, low);
            seadrift_powers_below(64 * c + to, high);
            int64_t n = high[0] - low[0], x = high[1] - low[1];
            sums[0] += n;
            sums[1] += x;
            sums[2] += n * y;
            sums[3] += high[2] - low[2];
            sums[4] += x * y;
            sums[5] += n * y * y;
        }
    }
}

static void find_axes(const plane *p, axes *a)
{
    int64_t sums[6] = {0};
    for (int64_t y = 0; y < p->height; y++)
        add_row(p, y, sums);
    double s00 = (double)sums[0], s10 = (double)sums[1], s01 = (double)sums[2];
    double x = s10 / s00, y = s01 / s00;
    double mu20 = (double)sums[3] - x * s10, mu11 = (double)sums[4] - x * s01, mu02 = (double)sums[5] - y * s01;
    double gap = mu20 - mu02, skew = 2 * mu11, length = sqrt(gap * gap + skew * skew);
    int round = !(length > 1e-9 * (mu20 + mu02)); /* then the x axis will do */
    a->area = sums[0];
    a->cx = (int64_t)floor(x * UNIT + 0.5);
    a->cy = (int64_t)floor(y * UNIT + 0.5);
    a->cos2 = round ? UNIT : (int64_t)floor(gap / length * UNIT + 0.5);
    a->sin2 = round ? 0 : (int64_t)floor(skew / length * UNIT + 0.5);
}

enum { LANES = 8 };

/* Where each of LANES points lies in the plane; -1, a cell of the margin, for those outside. */
SEADRIFT_INLINE void look_up(const plane *p, int32_t x, int32_t y, int32_t dx, int32_t dy, int32_t at[LANES])
{
    const uint32_t width = (uint32_t)p->width, height = (uint32_t)p->height;
    const int32_t stride = (int32_t)p->stride;
    for (int i = 0; i < LANES; i++) {
        /* Below 0 becomes far above the sides. */
        uint32_t px = (((uint32_t)(x + i * dx) + UNIT / 2 + (uint32_t)BIAS * UNIT) >> 16) - BIAS;
        uint32_t py = (((uint32_t)(y + i * dy) + UNIT / 2 + (uint32_t)BIAS * UNIT) >> 16) - BIAS;
        int32_t in = -(int32_t)((px < width) & (py < height));
        at[i] = (((int32_t)py * stride + (int32_t)px) & in) | ~in;
    }
}

SEADRIFT_INLINE void mirror_run(const plane *p, const axes *a, int64_t y, int64_t from, int64_t to, int64_t hits[2])
{
    int64_t dy = y * UNIT - a->cy;
    int32_t cos2 = (int32_t)a->cos2, sin2 = (int32_t)a->sin2, across = 0, along = 0;
    int32_t x1 = (int32_t)(a->cx + a->cos2 * from + down(a->sin2 * dy - a->cos2 * a->cx + UNIT / 2));
    int32_t y1 = (int32_t)(a->cy + a->sin2 * from + down(-a->cos2 * dy - a->sin2 * a->cx + UNIT / 2));
    int32_t x2 = (int32_t)(2 * a->cx - x1), y2 = (int32_t)(2 * a->cy - y1), first[LANES], second[LANES];
    for (int32_t left = (int32_t)(to - from); left > 0; left -= LANES) {
        look_up(p, x1, y1, cos2, sin2, first);
        look_up(p, x2, y2, -cos2, -sin2, second);
        for (int i = 0; i < LANES && i < left; i++) {
            across += p->cells[first[i]];
            along += p->cells[second[i]];
        }
        x1 += LANES * cos2;
        y1 += LANES * sin2;
        x2 -= LANES * cos2;
        y2 -= LANES * sin2;
    }
    hits[0] += across;
    hits[1] += along;
}

SEADRIFT_INLINE void mirror_rows(const plane *p, const axes *a, int64_t hits[2])
{
    int from, to;
    for (int64_t y = 0; y < p->height; y++)
        for (int32_t c = 0; c < p->columns; c++) {
            uint64_t word = p->bits[c * p->tall + y];
            while (next_run(&word, &from, &to))
                mirror_run(p, a, y, 64 * c + from, 64 * c + to, hits);
        }
}

static void mirror_anywhere(const plane *p, const axes *a, int64_t hits[2]) { mirror_rows(p, a, hits); }
SEADRIFT_AVX2 static void mirror_avx2(const plane *p, const axes *a, int64_t hits[2]) { mirror_rows(p, a, hits); }

static void mirror(const plane *p, seadrift_costly *out)
{
    axes a;
    int64_t hits[2] = {0, 0};
    find_axes(p, &a);
    if (SEADRIFT_HAS_AVX2)
        mirror_avx2(p, &a, hits);
    else
        mirror_anywhere(p, &a, hits);
    double pixels = (double)(INT64_C(1) << 2 * p->halved);
    out->unlike_across = (double)(a.area - hits[0]) * pixels;
    out->unlike_along = (double)(a.area - hits[1]) * pixels;
}

/* --- skeleton: the thinning of Guo and Hall (1989), 64 pixels at a time */

/* One half of a round: what stays of `from` is put to `to`. Returns what went, of all words together. */
SEADRIFT_INLINE uint64_t thin(const uint64_t *from, uint64_t *to, int64_t tall, int64_t height, int second)
{
    const uint64_t *left = from - tall, *right = from + tall; /* bit 0 is the leftmost pixel */
    uint64_t gone = 0;
    for (int64_t y = 0; y < height; y++) {
        uint64_t here = from[y], n = from[y - 1], s = from[y + 1];
        uint64_t e = here >> 1 | right[y] << 63, w = here << 1 | left[y] >> 63;
        uint64_t ne = n >> 1 | right[y - 1] << 63, nw = n << 1 | left[y - 1] >> 63;
        uint64_t se = s >> 1 | right[y + 1] << 63, sw = s << 1 | left[y + 1] >> 63;
        /* one step from outside to inside round the ring, the corners being inside if a side beside them is */
        uint64_t b1 = ~e & (ne | n), b2 = ~n & (nw | w), b3 = ~w & (sw | s), b4 = ~s & (se | e);
        uint64_t steps = (b1 ^ b2 ^ b3 ^ b4) & ~((b1 & b2) | (b3 & b4));
        /* neighbours, in pairs one way round and the other: two or three in the one that has fewer */
        uint64_t p1 = e | ne, p2 = n | nw, p3 = w | sw, p4 = s | se;
        uint64_t q1 = ne | n, q2 = nw | w, q3 = sw | s, q4 = se | e;
        uint64_t p_two = (p1 & p2) | (p3 & p4) | ((p1 | p2) & (p3 | p4));
        uint64_t q_two = (q1 & q2) | (q3 & q4) | ((q1 | q2) & (q3 | q4));
        uint64_t all = p1 & p2 & p3 & p4 & q1 & q2 & q3 & q4;
        uint64_t kept = second ? (sw | s | ~nw) & w : (ne | n | ~se) & e;
        uint64_t goes = here & steps & p_two & q_two & ~all & ~kept;
        to[y] = here & ~goes;
        gone |= goes;
    }
    return gone;
}

SEADRIFT_INLINE uint64_t thin_round(const plane *p)
{
    uint64_t gone = 0;
    for (int32_t c = 0; c < p->columns; c++)
        gone |= thin(p->bits + c * p->tall, p->other + c * p->tall, p->tall, p->height, 0);
    for (int32_t c = 0; c < p->columns; c++)
        gone |= thin(p->other + c * p->tall, p->bits + c * p->tall, p->tall, p->height, 1);
    return gone;
}

static uint64_t thin_anywhere(const plane *p) { return thin_round(p); }
SEADRIFT_AVX2 static uint64_t thin_avx2(const plane *p) { return thin_round(p); }

static int64_t count_bits(uint64_t word)
{
    const uint64_t fives = UINT64_C(0x5555555555555555), threes = UINT64_C(0x3333333333333333);
    word -= word >> 1 & fives;
    word = (word & threes) + (word >> 2 & threes);
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int64_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* Uses up the plane's bits. */
static void skeleton(const plane *p, seadrift_costly *out)
{
    int64_t pixels = 0;
    int avx2 = SEADRIFT_HAS_AVX2;
    while (avx2 ? thin_avx2(p) : thin_anywhere(p))
        continue;
    for (int32_t c = 0; c < p->columns; c++)
        for (int64_t y = 0; y < p->height; y++)
            pixels += count_bits(p->bits[c * p->tall + y]);
    out->skeleton = (double)pixels * (double)(INT64_C(1) << p->halved);
}

/* --- thickness: squared distances to the nearest pixel outside, first in columns, then in rows */

typedef struct {
    uint16_t *squares; /* [height, stride] */
    uint16_t *line;    /* of the row at hand, with THICKEST + STEP zeros on either side */
    int64_t stride;
    uint32_t *counts;  /* [SQUARES] */
} distances;

SEADRIFT_INLINE void down_columns(const plane *p, const distances *d)
{
    for (int64_t y = 0; y < p->height; y++) {
        const uint8_t *cells = p->cells + y * p->stride;
        uint16_t *row = d->squares + y * d->stride, *above = row - (y > 0 ? d->stride : 0);
        for (int64_t x = 0; x < d->stride; x++) {
            uint16_t next = (uint16_t)((y > 0 ? above[x] : 0) + 1);
            row[x] = cells[x] ? next < THICKEST ? next : THICKEST : 0;
        }
    }
}

SEADRIFT_INLINE void up_columns(const plane *p, const distances *d)
{
    for (int64_t y = p->height - 1; y >= 0; y--) {
        uint16_t *row = d->squares + y * d->stride, *below = row + d->stride;
        int last = y == p->height - 1;
        for (int64_t x = 0; x < d->stride; x++) {
            uint16_t next = (uint16_t)((last ? 0 : below[x]) + 1);
            row[x] = next < row[x] ? next : row[x];
        }
    }
}

SEADRIFT_INLINE void along_rows(const plane *p, const distances *d)
{
    for (int64_t y = 0; y < p->height; y++) {
        uint16_t *row = d->squares + y * d->stride, *line = d->line, most = 0;
        for (int64_t x = 0; x < d->stride; x++) {
            most = row[x] > most ? row[x] : most;
            row[x] = line[x] = (uint16_t)(row[x] * row[x]);
        }
        int reach = most < (p->width + 1) / 2 ? most : (p->width + 1) / 2;
        for (int k = 1; k <= reach; k++) {
            const uint16_t *before = line - k, *after = line + k;
            uint16_t square = (uint16_t)(k * k);
            for (int64_t x = 0; x < d->stride; x++) {
                uint16_t nearer = (uint16_t)((before[x] < after[x] ? before[x] : after[x]) + square);
                row[x] = nearer < row[x] ? nearer : row[x];
            }
        }
    }
}

static void measure_distances(const plane *p, const distances *d)
{
    down_columns(p, d);
    up_columns(p, d);
    along_rows(p, d);
}

SEADRIFT_AVX2 static void measure_distances_avx2(const plane *p, const distances *d)
{
    down_columns(p, d);
    up_columns(p, d);
    along_rows(p, d);
}

static void thickness(const plane *p, seadrift_costly *out)
{
    distances d;
    d.stride = rounded(p->width);
    d.counts = (uint32_t *)(void *)p->rest;
    uint16_t *room = (uint16_t *)(void *)(p->rest + 4 * rounded(SQUARES));
    d.squares = room;
    d.line = room + p->height * d.stride + THICKEST + STEP;
    memset(d.line - THICKEST - STEP, 0, (size_t)(d.stride + 2 * (THICKEST + STEP)) * sizeof *d.line);
    if (SEADRIFT_HAS_AVX2)
        measure_distances_avx2(p, &d);
    else
        measure_distances(p, &d);
    int64_t half = ((p->height < p->width ? p->height : p->width) + 1) / 2, most = half * half, pixels = 0;
    memset(d.counts, 0, (size_t)(most + 1) * sizeof *d.counts);
    for (int64_t y = 0; y < p->height; y++)
        for (int32_t c = 0; c < p->columns; c++) {
            const uint16_t *squares = d.squares + y * d.stride + 64 * c;
            uint64_t word = p->bits[c * p->tall + y];
            int from, to;
            while (next_run(&word, &from, &to))
                for (; from < to; from++)
                    d.counts[squares[from]]++;
        }
    double sum = 0;
    for (int64_t k = 1; k <= most; k++)
        if (d.counts[k]) {
            pixels += d.counts[k];
            sum += (double)d.counts[k] * sqrt((double)k);
        }
    while (d.counts[most] == 0)
        most--;
    out->thickness_ratio = sqrt((double)most) / (sum / (double)pixels);
    out->inscribed = (2 * sqrt((double)most) - 1) * (double)(INT64_C(1) << p->halved);
}

/* --- fractal dimension: how the area of the outline, dilated by discs, grows with their width (Berube and
 * Jebrak 1999) */

static const uint8_t RADIUS[RADII] = {1, 2, 3, 4, 6, 8};

typedef struct {
    int64_t stride, height, width;
    uint8_t *cells; /* the first pixel of the extent, RIBBON cells round it being looked at */
    uint8_t *lines; /* 1 + RADII of them */
    int64_t areas[RADII];
} ribbon;

SEADRIFT_INLINE uint8_t least(uint8_t a, uint8_t b) { return a < b ? a : b; }

/* 0 in the outline, FAR elsewhere. */
SEADRIFT_INLINE void outline_row(const uint8_t *restrict cells, int64_t stride, int64_t width, uint8_t *restrict to)
{
    for (int64_t x = 0; x < width; x++) {
        uint8_t within = cells[x - stride] & cells[x + stride] & cells[x - 1] & cells[x + 1];
        to[x] = (uint8_t)(FAR - FAR * (cells[x] & ~within));
    }
}

SEADRIFT_INLINE void step_row(const uint8_t *restrict before, int64_t width, uint8_t *restrict row)
{
    for (int64_t x = 0; x < width; x++)
        row[x] = least(row[x], (uint8_t)(before[x] + 1));
}

SEADRIFT_INLINE void square_row(int64_t width, uint8_t *restrict row)
{
    for (int64_t x = 0; x < width; x++) {
        uint8_t far = (uint8_t) - (row[x] > RIBBON);
        row[x] = (uint8_t)(((row[x] * row[x]) & ~far) | (FAR & far));
    }
}

/* Squared distance to the outline within each column, FAR beyond RIBBON. */
SEADRIFT_INLINE void ribbon_columns(const plane *p, const ribbon *r)
{
    const int64_t stride = r->stride, height = r->height;
    uint8_t *first = r->cells - RIBBON * stride - 2 * RIBBON;
    memset(first, FAR, (size_t)(height * stride));
    for (int64_t y = 0; y < p->height; y++)
        outline_row(p->cells + y * p->stride, p->stride, rounded(p->width), r->cells + y * stride);
    for (int64_t y = 1; y < height; y++)
        step_row(first + (y - 1) * stride, stride, first + y * stride);
    for (int64_t y = height - 2; y >= 0; y--)
        step_row(first + (y + 1) * stride, stride, first + y * stride);
    for (int64_t y = 0; y < height; y++)
        square_row(stride, first + y * stride);
}

/* Squared distance to the outline of a row's cells. */
SEADRIFT_INLINE void ribbon_row(const uint8_t *restrict row, int64_t width, uint8_t *restrict nearest)
{
    for (int64_t x = 0; x < width; x++) {
        uint8_t found = row[x];
        for (int k = 1; k <= RIBBON; k++)
            found = least(found, (uint8_t)(least(row[x - k], row[x + k]) + k * k));
        nearest[x] = found;
    }
}

/* Counts in each of the columns: up to 255 rows. */
SEADRIFT_INLINE void ribbon_count(const uint8_t *restrict nearest, int64_t width, uint8_t *restrict counts)
{
    for (int n = 0; n < RADII; n++) {
        const uint8_t most = (uint8_t)(RADIUS[n] * RADIUS[n]);
        uint8_t *restrict to = counts + n * width;
        for (int64_t x = 0; x < width; x++)
            to[x] = (uint8_t)(to[x] + (nearest[x] <= most));
    }
}

SEADRIFT_INLINE void ribbon_rows(ribbon *r)
{
    int64_t width = rounded(r->width + 2 * RIBBON);
    uint8_t *nearest = r->lines, *counts = r->lines + width;
    for (int64_t y = 0; y < r->height; y++) {
        if (y % 255 == 0)
            memset(counts, 0, (size_t)(RADII * width));
        ribbon_row(r->cells + (y - RIBBON) * r->stride - RIBBON, width, nearest);
        ribbon_count(nearest, width, counts);
        if (y % 255 == 254 || y == r->height - 1)
            for (int n = 0; n < RADII; n++)
                for (int64_t x = 0; x < width; x++)
                    r->areas[n] += counts[n * width + x];
    }
}

static void measure_ribbon(const plane *p, ribbon *r)
{
    ribbon_columns(p, r);
    ribbon_rows(r);
}

SEADRIFT_AVX2 static void measure_ribbon_avx2(const plane *p, ribbon *r)
{
    ribbon_columns(p, r);
    ribbon_rows(r);
}

static void fractal(const plane *p, seadrift_costly *out)
{
    ribbon r = {.stride = ribbon_stride(p->width), .height = p->height + 2 * RIBBON, .width = p->width};
    r.cells = p->rest + RIBBON * r.stride + 2 * RIBBON;
    r.lines = p->rest + r.height * r.stride;
    if (SEADRIFT_HAS_AVX2)
        measure_ribbon_avx2(p, &r);
    else
        measure_ribbon(p, &r);
    double mean = 0, top = 0, bottom = 0;
    for (int n = 0; n < RADII; n++)
        mean += log(2 * RADIUS[n] + 1) / RADII;
    for (int n = 0; n < RADII; n++) {
        double away = log(2 * RADIUS[n] + 1) - mean;
        top += away * log((double)r.areas[n]);
        bottom += away * away;
    }
    out->fractal = 2 - top / bottom;
}

void seadrift_measure_costly(const seadrift_measured *o, uint8_t *room, seadrift_costly *out)
{
    plane p;
    draw(o, room, &p);
    mirror(&p, out);
    thickness(&p, out);
    fractal(&p, out);
    skeleton(&p, out); /* uses up the bits */
}

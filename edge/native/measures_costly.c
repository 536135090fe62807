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
    STEP = 16,    /* cells at a time */
    ROWS = 8,     /* rows of words at a time, when thinning */
    RIBBON = 8,   /* the largest radius of the sausage */
    RADII = 6,
    DEEPEST = 128, /* half of the shorter side of any extent: sqrt(SEADRIFT_COSTLY_CELLS) / 2 */
    SQUARES = DEEPEST * DEEPEST + 1, /* squared distances to the outside */
    APRON = DEEPEST + STEP,          /* cells of 0 on either side of a row */
    BLOCKS = SEADRIFT_MEASURES_MAX_SIDE / ROWS + 1
};

/* The filled object, perhaps halved: 1 inside. */
typedef struct {
    int32_t height, width, halved;
    int64_t stride;
    uint8_t *cells; /* [height, stride] */
    int32_t columns; /* of words of 64 pixels */
    int64_t tall;    /* words in a column: a multiple of ROWS, and a margin of one above and below */
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
static int64_t tall_of(int64_t height) { return (height + ROWS - 1) / ROWS * ROWS + 2; }
static int64_t cells_size(int64_t height, int64_t width) { return rounded(height * rounded(width)); }
static int64_t bits_size(int64_t height, int64_t width)
{
    return rounded(((width + 63) / 64 + 2) * tall_of(height) * 8);
}


/* Rows of the dilated outline: RIBBON above and below the object, a multiple of 4; twice RIBBON to look at. */
static int64_t ribbon_rows(int64_t height) { return (height + 2 * RIBBON + 3) / 4 * 4; }
static int64_t ribbon_size(int64_t height) { return (1 + RIBBON) * (ribbon_rows(height) + 2 * RIBBON) * 8; }

static int64_t rest_size(int64_t height, int64_t width)
{
    int64_t lines = 2 * (2 * rounded(width) + 2 * APRON) + 2 * rounded(width) + 2 * APRON;
    return rounded(larger(ribbon_size(height), 4 * rounded(SQUARES) + cells_size(height, width) + lines));
}

int64_t seadrift_costly_bytes(int32_t height, int32_t width)
{
    int32_t k = halvings(height, width);
    int64_t h = side(height, k), w = side(width, k);
    return cells_size(h, w) + 2 * bits_size(h, w) + rest_size(h, w);
}

/* --- the plane */

static void set_bits(const plane *p, int64_t y, uint32_t x0, uint32_t x1)
{
    for (uint32_t c = x0 / 64; c <= (x1 - 1) / 64; c++) {
        uint64_t run = ~UINT64_C(0);
        if (c == x0 / 64)
            run <<= x0 % 64;
        if (c == (x1 - 1) / 64)
            run &= ~UINT64_C(0) >> (63 - (x1 - 1) % 64);
        p->bits[c * p->tall + y] |= run;
    }
}

static void draw(const seadrift_measured *o, uint8_t *room, plane *p)
{
    int32_t k = halvings(o->bottom - o->top, o->right - o->left);
    p->halved = k;
    p->height = (int32_t)side(o->bottom - o->top, k);
    p->width = (int32_t)side(o->right - o->left, k);
    p->stride = rounded(p->width);
    p->columns = (p->width + 63) / 64;
    p->tall = tall_of(p->height);
    int64_t cells = cells_size(p->height, p->width), bits = bits_size(p->height, p->width);
    memset(room, 0, (size_t)(cells + 2 * bits));
    p->cells = room;
    p->bits = (uint64_t *)(void *)(room + cells) + p->tall + 1;
    p->other = (uint64_t *)(void *)(room + cells + bits) + p->tall + 1;
    p->rest = room + cells + 2 * bits;
    for (int32_t y = o->top; y < o->bottom; y++)
        for (int32_t i = o->rows[y]; i < o->rows[y + 1]; i++) {
            int64_t row = (y - o->top) >> k;
            int32_t x0 = (o->spans[i].x0 - o->left) >> k, x1 = ((o->spans[i].x1 - 1 - o->left) >> k) + 1;
            memset(p->cells + row * p->stride + x0, 1, (size_t)(x1 - x0));
            set_bits(p, row, (uint32_t)x0, (uint32_t)x1);
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

static int64_t count_bits(uint64_t word)
{
    const uint64_t fives = UINT64_C(0x5555555555555555), threes = UINT64_C(0x3333333333333333);
    word -= word >> 1 & fives;
    word = (word & threes) + (word >> 2 & threes);
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int64_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* --- symmetry: whether the mirror images of the pixels lie in the object, in units of 1/65536 pixel */

enum { UNIT = 65536, LEAST = 12 }; /* LEAST: fewer pixels are not worth leaving out */

/* v / UNIT, rounded down. */
static int64_t down(int64_t v) { return (int64_t)(((uint64_t)v + (UINT64_C(1) << 62)) >> 16) - (INT64_C(1) << 46); }

typedef struct {
    int64_t cx, cy;     /* the centroid */
    int64_t cos2, sin2; /* of twice the major axis' angle */
    int64_t area;
    int64_t deep; /* squared distance from the centroid's pixel to the nearest outside */
} axes;

/* Sum of the squares below n. */
static int64_t squares_below(int64_t n) { return (int64_t)((uint64_t)((n - 1) * n * (2 * n - 1)) / 6); }

static void add_row(const plane *p, int64_t y, int64_t sums[6])
{
    int64_t n = 0, x = 0, squares = 0;
    int from, to;
    for (int32_t c = 0; c < p->columns; c++) {
        uint64_t word = p->bits[c * p->tall + y];
        while (next_run(&word, &from, &to)) {
            int64_t x0 = 64 * c + from, x1 = 64 * c + to;
            n += x1 - x0;
            x += (x1 - x0) * (x0 + x1 - 1) / 2;
            squares += squares_below(x1) - squares_below(x0);
        }
    }
    sums[0] += n;
    sums[1] += x;
    sums[2] += n * y;
    sums[3] += squares;
    sums[4] += x * y;
    sums[5] += n * y * y;
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

/* Whether a point lies outside: below 0 becomes far above the sides. */
SEADRIFT_INLINE int is_outside(const plane *p, int32_t x, int32_t y)
{
    return ((uint32_t)x >> 16 >= (uint32_t)p->width) | ((uint32_t)y >> 16 >= (uint32_t)p->height);
}

/* How many of `count` points in a line, (dx, dy) apart, lie in the object. */
SEADRIFT_INLINE int32_t walk(const plane *p, int32_t x, int32_t y, int32_t dx, int32_t dy, int32_t count)
{
    for (; count > 0 && is_outside(p, x, y); count--) {
        x += dx;
        y += dy;
    }
    /* Those that lie in the plane follow each other. */
    int32_t last_x = x + (count - 1) * dx, last_y = y + (count - 1) * dy;
    for (; count > 0 && is_outside(p, last_x, last_y); count--) {
        last_x -= dx;
        last_y -= dy;
    }
    /* Both coordinates in one word: y above, x below, which stays above 0. */
    uint64_t at = ((uint64_t)(uint32_t)y << 32) + (uint32_t)x;
    const uint64_t step = ((uint64_t)(int64_t)dy << 32) + (uint64_t)(int64_t)dx, stride = (uint64_t)p->stride;
    int32_t hits = 0;
    for (; count >= 4; count -= 4) {
        hits += p->cells[(at >> 48) * stride + (uint16_t)(at >> 16)], at += step;
        hits += p->cells[(at >> 48) * stride + (uint16_t)(at >> 16)], at += step;
        hits += p->cells[(at >> 48) * stride + (uint16_t)(at >> 16)], at += step;
        hits += p->cells[(at >> 48) * stride + (uint16_t)(at >> 16)], at += step;
    }
    for (; count > 0; count--, at += step)
        hits += p->cells[(at >> 48) * stride + (uint16_t)(at >> 16)];
    return hits;
}

static void mirror_part(const plane *p, const axes *a, int64_t y, int64_t from, int64_t to, int64_t hits[2])
{
    int64_t dy = y * UNIT - a->cy;
    int32_t cos2 = (int32_t)a->cos2, sin2 = (int32_t)a->sin2, count = (int32_t)(to - from);
    int32_t x1 = (int32_t)(a->cx + a->cos2 * from + down(a->sin2 * dy - a->cos2 * a->cx + UNIT / 2));
    int32_t y1 = (int32_t)(a->cy + a->sin2 * from + down(-a->cos2 * dy - a->sin2 * a->cx + UNIT / 2));
    int32_t x2 = (int32_t)(2 * a->cx - x1), y2 = (int32_t)(2 * a->cy - y1);
    hits[0] += walk(p, x1 + UNIT / 2, y1 + UNIT / 2, cos2, sin2, count);
    hits[1] += walk(p, x2 + UNIT / 2, y2 + UNIT / 2, -cos2, -sin2, count);
}

/* Without the middle: the mirror images of what lies in a disc round the centroid lie in it, too. */
static void mirror_run(const plane *p, const axes *a, int64_t y, int64_t from, int64_t to, const int64_t disc[2],
                       int64_t hits[2])
{
    int64_t begin = larger(from, disc[0]), end = to < disc[1] ? to : disc[1];
    if (end - begin < LEAST) {
        mirror_part(p, a, y, from, to, hits);
        return;
    }
    hits[0] += end - begin;
    hits[1] += end - begin;
    if (from < begin)
        mirror_part(p, a, y, from, begin, hits);
    if (end < to)
        mirror_part(p, a, y, end, to, hits);
}

/* Pixels of a row that lie in a disc round the centroid, which lies in the object with 1.6 pixels to spare:
 * rounding may move a mirror image by 0.71 pixel, and has moved the centroid by as much. */
static void disc_row(const axes *a, int64_t y, int64_t disc[2])
{
    double radius = sqrt((double)a->deep) - 1.6, away = (double)y - (double)a->cy / UNIT;
    disc[0] = disc[1] = 0;
    if (radius > fabs(away)) {
        double half = sqrt(radius * radius - away * away), middle = (double)a->cx / UNIT;
        disc[0] = (int64_t)ceil(middle - half);
        disc[1] = (int64_t)floor(middle + half) + 1;
    }
}

static void mirror_rows(const plane *p, const axes *a, int64_t hits[2])
{
    int64_t disc[2];
    int from, to;
    for (int64_t y = 0; y < p->height; y++) {
        disc_row(a, y, disc);
        for (int32_t c = 0; c < p->columns; c++) {
            uint64_t word = p->bits[c * p->tall + y];
            while (next_run(&word, &from, &to))
                mirror_run(p, a, y, 64 * c + from, 64 * c + to, disc, hits);
        }
    }
}

static void mirror(const plane *p, const axes *a, seadrift_costly *out)
{
    int64_t hits[2] = {0, 0};
    mirror_rows(p, a, hits);
    double pixels = (double)(INT64_C(1) << 2 * p->halved);
    out->unlike_across = (double)(a->area - hits[0]) * pixels;
    out->unlike_along = (double)(a->area - hits[1]) * pixels;
}

/* --- skeleton: the thinning of Guo and Hall (1989), 64 pixels at a time */

/* Whether a pixel goes in the first half of a round, by its neighbours (in the second by those opposite).
 *
 * The rule: one step from outside to inside round the ring; two or three pairs of neighbours inside, paired the
 * way that gives fewer; and not (n or ne or not se) and e. Written out for the four cases of e and w, that is
 * what follows. With e inside n and ne are outside, se is inside, and then s must be. */
SEADRIFT_INLINE uint64_t erasable(uint64_t e, uint64_t ne, uint64_t n, uint64_t nw, uint64_t w, uint64_t sw,
                                  uint64_t s, uint64_t se)
{
    uint64_t top = ne & n, bottom = s & se, above = ne | n, apart = (ne & ~n) | (se & ~s);
    uint64_t with_w = (n | s | (nw & sw)) & ~(apart | (top & bottom));
    uint64_t without_w = (top & nw & ~(sw | s | se)) | (bottom & sw & ~(above | nw));
    uint64_t with_e = bottom & ~above & (w | ~nw);
    return (e & with_e) | (~e & ((w & with_w) | (~w & without_w)));
}

/* One half of a round, in ROWS words below each other: what stays of `from` is put to `to`. Returns what went, of
 * all words together. `left` and `right` are the columns beside, 0 where the object has but one. */
SEADRIFT_INLINE uint64_t thin(const uint64_t *restrict from, uint64_t *restrict to, int64_t tall, int second, int one)
{
    const uint64_t *left = from - tall, *right = from + tall; /* bit 0 is the leftmost pixel */
    uint64_t gone = 0;
    for (int y = 0; y < ROWS; y++) {
        uint64_t here = from[y], n = from[y - 1], s = from[y + 1];
        uint64_t e = here >> 1, ne = n >> 1, se = s >> 1, w = here << 1, nw = n << 1, sw = s << 1;
        if (!one) {
            e |= right[y] << 63, ne |= right[y - 1] << 63, se |= right[y + 1] << 63;
            w |= left[y] >> 63, nw |= left[y - 1] >> 63, sw |= left[y + 1] >> 63;
        }
        uint64_t goes = here & (second ? erasable(w, sw, s, se, e, ne, n, nw) : erasable(e, ne, n, nw, w, sw, s, se));
        to[y] = here ^ goes;
        gone |= goes;
    }
    return gone;
}

/* What is thinned, ROWS rows at a time. A narrow object's words hold several parts of it, one below another, side
 * by side with a column of 0 between: the last row's neighbour below is the first row, `part` bits on. */
typedef struct {
    int64_t tall, height;
    int32_t columns, part;       /* part: 64 if there is but one */
    int32_t changed[BLOCKS + 2]; /* the half round that last took pixels from each ROWS rows, from index 1 on; at
                                    either end a copy of the other end's */
} thinning;

static void pack(const plane *p, thinning *t)
{
    *t = (thinning){.tall = p->tall, .height = p->tall - 2, .columns = p->columns, .part = 64};
    int32_t parts = 64 / (p->width + 1);
    if (parts < 2)
        return;
    t->part = p->width + 1;
    t->height = ((p->height + parts - 1) / parts + ROWS - 1) / ROWS * ROWS;
    for (int64_t y = t->height; y < p->height; y++)
        p->bits[y % t->height] |= p->bits[y] << y / t->height * t->part;
}

/* The rows above the first and below the last. */
static void wrap(const thinning *t, uint64_t *words)
{
    if (t->part == 64)
        return;
    words[-1] = words[t->height - 1] << t->part;
    words[t->height] = words[0] >> t->part;
}

/* Half a round, where something changed in the last two. The others would stay as they are. */
SEADRIFT_INLINE void thin_rows(thinning *t, uint64_t *from, uint64_t *to, int32_t now, int second, int one)
{
    int64_t blocks = t->height / ROWS;
    wrap(t, from);
    t->changed[0] = t->changed[blocks];
    t->changed[blocks + 1] = t->changed[1];
    for (int64_t b = 0; b < blocks; b++) {
        int32_t *changed = t->changed + 1 + b;
        if (changed[-1] < now - 2 && changed[0] < now - 2 && changed[1] < now - 2)
            continue;
        uint64_t gone = 0;
        for (int32_t c = 0; c < (one ? 1 : t->columns); c++)
            gone |= thin(from + c * t->tall + b * ROWS, to + c * t->tall + b * ROWS, t->tall, second, one);
        if (gone)
            changed[0] = now;
    }
}

SEADRIFT_INLINE void thin_all(const plane *p, thinning *t, int one)
{
    int32_t last = 0;
    for (int32_t now = 1; now <= last + 2; now += 2) {
        thin_rows(t, p->bits, p->other, now, 0, one);
        thin_rows(t, p->other, p->bits, now + 1, 1, one);
        for (int64_t b = 1; b <= t->height / ROWS; b++)
            last = t->changed[b] > last ? t->changed[b] : last;
    }
}

static void thin_anywhere(const plane *p, thinning *t)
{
    if (t->columns == 1)
        thin_all(p, t, 1);
    else
        thin_all(p, t, 0);
}

SEADRIFT_AVX2 static void thin_avx2(const plane *p, thinning *t)
{
    if (t->columns == 1)
        thin_all(p, t, 1);
    else
        thin_all(p, t, 0);
}

/* Uses up the plane's bits. */
static void skeleton(const plane *p, seadrift_costly *out)
{
    int64_t pixels = 0;
    thinning t;
    pack(p, &t);
    if (SEADRIFT_HAS_AVX2)
        thin_avx2(p, &t);
    else
        thin_anywhere(p, &t);
    for (int32_t c = 0; c < p->columns; c++)
        for (int64_t y = 0; y < t.height; y++)
            pixels += count_bits(p->bits[c * p->tall + y]);
    out->skeleton = (double)pixels * (double)(INT64_C(1) << p->halved);
}

/* --- thickness: squared distances to the nearest pixel outside, first in columns, then in rows */

typedef struct {
    uint32_t *counts; /* [SQUARES]: pixels at each squared distance */
    uint8_t *down;    /* [height, stride]: distances in columns, to the nearest pixel outside above */
    uint16_t *line;   /* of the row at hand, APRON zeros on either side: their squares */
    uint16_t *nearest;
    uint8_t *short_line; /* the same where they are small */
} distances;

SEADRIFT_INLINE void down_row(const uint8_t *restrict cells, const uint8_t *restrict above, int64_t width,
                              uint8_t *restrict row)
{
    for (int64_t x = 0; x < width; x++) {
        uint8_t next = (uint8_t)((above[x] < DEEPEST ? above[x] : DEEPEST) + 1);
        row[x] = (uint8_t)(next & -cells[x]);
    }
}

SEADRIFT_INLINE uint8_t up_row(const uint8_t *restrict below, int64_t width, uint8_t *restrict row)
{
    uint8_t most = 0;
    for (int64_t x = 0; x < width; x++) {
        uint8_t next = (uint8_t)(below[x] + 1);
        row[x] = next < row[x] ? next : row[x];
        most = row[x] > most ? row[x] : most;
    }
    return most;
}

/* Distances in rows of `first` to `last`; `full` where sums may be above 255. */
SEADRIFT_INLINE void short_reach(const uint8_t *restrict line, int64_t width, int first, int last, int full,
                                 uint8_t *restrict to)
{
    for (int64_t x = 0; x < width; x++) {
        uint8_t found = to[x];
        for (int k = first; k <= last; k++) {
            uint8_t next = line[x - k] < line[x + k] ? line[x - k] : line[x + k];
            if (full)
                next = next < 255 - k * k ? next : (uint8_t)(255 - k * k);
            next = (uint8_t)(next + k * k);
            found = next < found ? next : found;
        }
        to[x] = found;
    }
}

SEADRIFT_INLINE void long_reach(const uint16_t *restrict line, int64_t width, int first, uint16_t *restrict to)
{
    for (int64_t x = 0; x < width; x++) {
        uint16_t found = to[x];
        for (int k = first; k < first + 4; k++) {
            uint16_t next = (uint16_t)((line[x - k] < line[x + k] ? line[x - k] : line[x + k]) + k * k);
            found = next < found ? next : found;
        }
        to[x] = found;
    }
}

enum { SHORT = 15, BARE = 11 }; /* SHORT^2 and BARE^2 + (BARE - 1)^2 are less than 255 */

SEADRIFT_INLINE void short_row(const distances *d, const uint8_t *restrict row, int64_t width, int most)
{
    uint8_t *restrict line = d->short_line, *restrict nearest = (uint8_t *)d->nearest;
    for (int64_t x = 0; x < width; x++) {
        uint8_t length = row[x] < most ? row[x] : (uint8_t)most;
        nearest[x] = line[x] = (uint8_t)(length * length);
    }
    if (most > 1)
        short_reach(line, width, 1, 3, 0, nearest);
    if (most > 4 && most <= BARE)
        short_reach(line, width, 4, 6, 0, nearest);
    if (most > 7 && most <= BARE)
        short_reach(line, width, 7, 10, 0, nearest);
    if (most > BARE) {
        short_reach(line, width, 4, 6, 1, nearest);
        short_reach(line, width, 7, 10, 1, nearest);
        short_reach(line, width, 11, 14, 1, nearest);
    }
}

SEADRIFT_INLINE void long_row(const distances *d, const uint8_t *restrict row, int64_t width, int most)
{
    uint16_t *restrict line = d->line, *restrict nearest = d->nearest;
    for (int64_t x = 0; x < width; x++) {
        uint16_t length = row[x] < most ? row[x] : (uint16_t)most;
        nearest[x] = line[x] = (uint16_t)(length * length);
    }
    for (int k = 1; k < most; k += 4)
        long_reach(line, width, k, nearest);
}

SEADRIFT_INLINE void count_short(const distances *d, int64_t from, int64_t to)
{
    const uint8_t *nearest = (const uint8_t *)d->nearest;
    uint32_t *counts = d->counts;
    for (; from + 4 <= to; from += 4) {
        counts[nearest[from]]++;
        counts[nearest[from + 1]]++;
        counts[nearest[from + 2]]++;
        counts[nearest[from + 3]]++;
    }
    for (; from < to; from++)
        counts[nearest[from]]++;
}

SEADRIFT_INLINE void count_long(const distances *d, int64_t from, int64_t to)
{
    for (; from < to; from++)
        d->counts[d->nearest[from]]++;
}

SEADRIFT_INLINE void count_row(const plane *p, const distances *d, int64_t y, int is_short)
{
    int from, to;
    for (int32_t c = 0; c < p->columns; c++) {
        uint64_t word = p->bits[c * p->tall + y];
        while (next_run(&word, &from, &to))
            if (is_short)
                count_short(d, 64 * c + from, 64 * c + to);
            else
                count_long(d, 64 * c + from, 64 * c + to);
    }
}

SEADRIFT_INLINE int greatest(const distances *d, int64_t width, int is_short)
{
    const uint8_t *small = (const uint8_t *)d->nearest;
    uint8_t short_most = 0;
    uint16_t most = 0;
    if (is_short)
        for (int64_t x = 0; x < width; x++)
            short_most = small[x] > short_most ? small[x] : short_most;
    else
        for (int64_t x = 0; x < width; x++)
            most = d->nearest[x] > most ? d->nearest[x] : most;
    return is_short ? short_most : most;
}

/* Returns a distance that none is above. */
SEADRIFT_INLINE int measure_rows(const plane *p, const distances *d, axes *a)
{
    const int64_t middle_x = (a->cx + UNIT / 2) / UNIT, middle_y = (a->cy + UNIT / 2) / UNIT;
    const int64_t stride = p->stride;
    const uint8_t *none = d->short_line - APRON; /* still 0 */
    int deepest = 0, reach = 0;
    for (int64_t y = 0; y < p->height; y++)
        down_row(p->cells + y * stride, y ? d->down + (y - 1) * stride : none, stride, d->down + y * stride);
    for (int64_t y = p->height - 1; y >= 0; y--) {
        uint8_t *row = d->down + y * stride;
        int64_t pixels = 0;
        if (y == p->height - 1)
            for (int64_t x = 0; x < stride; x++)
                row[x] = row[x] > 0;
        int most = y == p->height - 1 ? 1 : up_row(row + stride, stride, row);
        for (int32_t c = 0; c < p->columns; c++)
            pixels += count_bits(p->bits[c * p->tall + y]);
        /* A row of so many has none further from its ends. */
        most = most < (pixels + 1) / 2 ? most : (int)(pixels + 1) / 2;
        most = most < reach + 1 ? most : reach + 1; /* one more than in the row below */
        int is_short = most <= SHORT;
        if (is_short) {
            short_row(d, row, stride, most);
            count_row(p, d, y, 1);
        } else {
            long_row(d, row, stride, most);
            count_row(p, d, y, 0);
        }
        if (y == middle_y)
            a->deep = is_short ? ((const uint8_t *)d->nearest)[middle_x] : d->nearest[middle_x];
        int square = greatest(d, stride, is_short);
        for (reach = most; reach > 0 && (reach - 1) * (reach - 1) >= square;)
            reach--;
        deepest = reach > deepest ? reach : deepest;
    }
    return deepest;
}

static int measure_distances(const plane *p, const distances *d, axes *a) { return measure_rows(p, d, a); }
SEADRIFT_AVX2 static int measure_distances_avx2(const plane *p, const distances *d, axes *a)
{
    return measure_rows(p, d, a);
}

/* Finds the depth of the centroid, too. */
static void thickness(const plane *p, axes *a, seadrift_costly *out)
{
    distances d;
    int64_t cells = cells_size(p->height, p->width), half = ((p->height < p->width ? p->height : p->width) + 1) / 2;
    d.counts = (uint32_t *)(void *)p->rest;
    d.down = p->rest + 4 * rounded(SQUARES);
    d.nearest = (uint16_t *)(void *)(d.down + cells);
    d.line = d.nearest + p->stride + APRON;
    d.short_line = (uint8_t *)(d.line + p->stride + APRON) + APRON;
    memset(d.line - APRON, 0, (size_t)(3 * (p->stride + 2 * APRON)));
    memset(d.counts, 0, (size_t)(half * half + 1) * sizeof *d.counts);
    int64_t most = SEADRIFT_HAS_AVX2 ? measure_distances_avx2(p, &d, a) : measure_distances(p, &d, a), pixels = 0;
    most *= most;
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

/* How far a disc of each radius reaches in rows so far from its middle. */
static const uint8_t REACH[RADII][RIBBON + 1] = {
    {1, 0},
    {2, 1, 0},
    {3, 2, 2, 0},
    {4, 3, 3, 2, 0},
    {6, 5, 5, 5, 4, 3, 0},
    {8, 7, 7, 7, 6, 6, 5, 3, 0},
};

enum {
    TILE = 64 - 2 * RIBBON, /* columns of the extent that a word sees whole, with RIBBON more on either side */
    CHUNK = 28              /* rows whose bits are counted in bytes: 8 * CHUNK is less than 256 */
};

typedef struct {
    int64_t rows;   /* in `wide` those of the ribbon, RIBBON of 0 before and after */
    uint64_t *wide; /* [1 + RIBBON, 2 * RIBBON + rows]: a tile's outline, and dilated in rows by 1, 2, .. */
    int64_t areas[RADII];
} ribbon;

/* Puts the outline to the other bits. */
SEADRIFT_INLINE void draw_outline(const plane *p)
{
    for (int32_t c = 0; c < p->columns; c++) {
        const uint64_t *here = p->bits + c * p->tall, *left = here - p->tall, *right = here + p->tall;
        uint64_t *restrict to = p->other + c * p->tall;
        for (int64_t y = 0; y < p->height; y++) {
            uint64_t east = here[y] >> 1 | right[y] << 63, west = here[y] << 1 | left[y] >> 63;
            to[y] = here[y] & ~(here[y - 1] & here[y + 1] & east & west);
        }
    }
}

/* From the pixel RIBBON left of the tile's first. */
SEADRIFT_INLINE void copy_tile(const plane *p, int32_t tile, uint64_t *restrict to)
{
    int32_t bit = 64 - RIBBON + TILE * tile; /* from the column before the first */
    const uint64_t *left = p->other + (bit / 64 - 1) * p->tall, *right = left + p->tall;
    for (int64_t y = 0; y < p->height; y++)
        to[y] = left[y] >> bit % 64 | right[y] << (64 - bit % 64);
}

SEADRIFT_INLINE void widen(const uint64_t *restrict from, int64_t height, uint64_t *restrict to)
{
    for (int64_t y = 0; y < height; y++)
        to[y] = from[y] | from[y] << 1 | from[y] >> 1;
}

/* Bits set in `count` rows of the tile, a multiple of 4, dilated by a disc. */
SEADRIFT_INLINE int64_t dilated(const uint64_t *wide, int64_t pitch, int64_t count, uint64_t valid, int n)
{
    const uint64_t fives = UINT64_C(0x5555555555555555), threes = UINT64_C(0x3333333333333333);
    const uint64_t bytes = UINT64_C(0x00ff00ff00ff00ff);
    uint64_t sums = 0;
    for (int64_t y = 0; y < count; y++) {
        uint64_t word = wide[REACH[n][0] * pitch + y];
        for (int k = 1; k <= RADIUS[n]; k++)
            word |= wide[REACH[n][k] * pitch + y - k] | wide[REACH[n][k] * pitch + y + k];
        word &= valid;
        word -= word >> 1 & fives;
        word = (word & threes) + (word >> 2 & threes);
        sums += (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    }
    sums = (sums & bytes) + (sums >> 8 & bytes);
    return (int64_t)(sums * UINT64_C(0x0001000100010001) >> 48);
}

SEADRIFT_INLINE void measure_tile(const plane *p, ribbon *r, int32_t tile, uint64_t valid)
{
    int64_t pitch = r->rows + 2 * RIBBON;
    uint64_t *first = r->wide + 2 * RIBBON;
    copy_tile(p, tile, first);
    for (int k = 1; k <= RIBBON; k++)
        widen(first + (k - 1) * pitch, p->height, first + k * pitch);
    for (int64_t y = 0; y < r->rows; y += CHUNK) {
        const uint64_t *wide = r->wide + RIBBON + y;
        int64_t count = r->rows - y < CHUNK ? r->rows - y : CHUNK;
        r->areas[0] += dilated(wide, pitch, count, valid, 0);
        r->areas[1] += dilated(wide, pitch, count, valid, 1);
        r->areas[2] += dilated(wide, pitch, count, valid, 2);
        r->areas[3] += dilated(wide, pitch, count, valid, 3);
        r->areas[4] += dilated(wide, pitch, count, valid, 4);
        r->areas[5] += dilated(wide, pitch, count, valid, 5);
    }
}

SEADRIFT_INLINE void measure_tiles(const plane *p, ribbon *r)
{
    int32_t tiles = (p->width + TILE - 1) / TILE;
    draw_outline(p);
    for (int32_t tile = 0; tile < tiles; tile++) {
        uint64_t valid = ~UINT64_C(0);
        if (tile > 0)
            valid <<= RIBBON;
        if (tile < tiles - 1)
            valid &= ~UINT64_C(0) >> RIBBON;
        measure_tile(p, r, tile, valid);
    }
}

static void measure_ribbon(const plane *p, ribbon *r) { measure_tiles(p, r); }
SEADRIFT_AVX2 static void measure_ribbon_avx2(const plane *p, ribbon *r) { measure_tiles(p, r); }

static void fractal(const plane *p, seadrift_costly *out)
{
    ribbon r = {.rows = ribbon_rows(p->height), .wide = (uint64_t *)(void *)p->rest};
    for (int k = 0; k <= RIBBON; k++) {
        uint64_t *above = r.wide + k * (r.rows + 2 * RIBBON), *below = above + 2 * RIBBON + p->height;
        memset(above, 0, 2 * RIBBON * sizeof *above);
        memset(below, 0, (size_t)(r.rows - p->height) * sizeof *below);
    }
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
    axes a;
    draw(o, room, &p);
    find_axes(&p, &a);
    thickness(&p, &a, out);
    mirror(&p, &a, out);
    fractal(&p, out);
    skeleton(&p, out); /* uses up the bits */
}

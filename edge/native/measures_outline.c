/* Spans, holes, moments, outline and hull of one object. See measures_parts.h. */
#include "measures_parts.h"

#include <math.h>
#include <string.h>

/* --- spans */

int seadrift_lowest_bit(uint64_t word)
{
#if defined(__GNUC__)
    return __builtin_ctzll(word);
#else
    int n = 0;
    while (!(word & 1)) {
        word >>= 1;
        n++;
    }
    return n;
#endif
}

/* Bit i of the result: is byte i not 0? */
static uint64_t bits_of_8(const uint8_t *bytes)
{
    uint64_t word = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(&word, bytes, sizeof word);
#else
    for (int i = 0; i < 8; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
#endif
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    word = ((((word & low) + low) | word) & ~low) >> 7;
    return (word * UINT64_C(0x0102040810204080)) >> 56;
}

static uint64_t bits_of_row(const uint8_t *row, int32_t count)
{
    uint64_t word = 0;
    int32_t i = 0;
    for (; i + 8 <= count; i += 8)
        word |= bits_of_8(row + i) << i;
    if (i < count && count >= 8) /* the last 8, of which some were seen */
        return word | bits_of_8(row + count - 8) << (count - 8);
    for (; i < count; i++)
        word |= (uint64_t)(row[i] != 0) << i;
    return word;
}

/* Writes the spans of a row from number n on, as far as there is room; returns the number after the last. */
static int32_t spans_of_row(const uint8_t *row, int32_t width, seadrift_span *spans, int64_t most, int32_t n)
{
    uint64_t before = 0; /* is the last pixel of the word before in the object? */
    for (int32_t x = 0; x < width; x += 64) {
        int32_t count = width - x < 64 ? width - x : 64;
        uint64_t word = bits_of_row(row + x, count);
        uint64_t turns = word ^ (word << 1 | before);
        for (; turns; turns &= turns - 1) {
            uint16_t at = (uint16_t)(x + seadrift_lowest_bit(turns));
            if (word >> (at - x) & 1) {
                if (n < most)
                    spans[n].x0 = at;
            } else {
                if (n < most)
                    spans[n].x1 = at;
                n++;
            }
        }
        before = word >> 63;
        if (before && x + 64 == width) { /* the row ends with a whole word */
            if (n < most)
                spans[n].x1 = (uint16_t)width;
            n++;
        }
    }
    return n;
}

static void widen(seadrift_measured *o, const seadrift_span *first, const seadrift_span *last, int32_t y)
{
    if (o->bottom == 0) {
        o->top = y;
        o->first_x = o->left = first->x0;
        o->right = last->x1;
    }
    if (first->x0 < o->left)
        o->left = first->x0;
    if (last->x1 > o->right)
        o->right = last->x1;
    o->bottom = y + 1;
}

int32_t seadrift_find_spans(seadrift_measured *o, seadrift_room *room)
{
    o->rows = seadrift_take(room, ((int64_t)o->height + 1) * (int64_t)sizeof *o->rows);
    o->spans = seadrift_take(room, 0);
    int64_t most = o->rows && o->spans ? room->left / (int64_t)sizeof *o->spans : 0;
    int32_t n = 0;
    o->bottom = 0;
    for (int32_t y = 0; y < o->height; y++) {
        if (o->rows)
            o->rows[y] = n;
        int32_t next = spans_of_row(o->mask + (int64_t)y * o->width, o->width, o->spans, most, n);
        if (next > n && next <= most)
            widen(o, o->spans + n, o->spans + next - 1, y);
        n = next;
    }
    if (o->rows)
        o->rows[o->height] = n;
    seadrift_take(room, n * (int64_t)sizeof *o->spans);
    return n <= most && o->rows != NULL;
}

/* --- holes: gaps between spans that no path of side-by-side pixels joins to the outside
 *
 * A gap is named by the span right of it; a row's first span names the outside, which is gap 0 (the very
 * first span of all is the first of its row). */

static int32_t find(seadrift_span *spans, int32_t i)
{
    while (spans[i].gap != i) {
        spans[i].gap = spans[spans[i].gap].gap;
        i = spans[i].gap;
    }
    return i;
}

static void unite(seadrift_span *spans, int32_t a, int32_t b)
{
    a = find(spans, a);
    b = find(spans, b);
    if (a < b)
        spans[b].gap = a;
    else
        spans[a].gap = b;
}

/* Unites the gaps of one row with those of another that they touch; those that stick out, with the outside. */
static void join_gaps(const seadrift_measured *o, int32_t y, int32_t other)
{
    seadrift_span *spans = o->spans;
    int32_t first = o->rows[y], last = o->rows[y + 1] - 1;
    int outside = other < 0 || other >= o->height || o->rows[other] == o->rows[other + 1];
    int32_t low = outside ? 0 : o->rows[other], high = outside ? 0 : o->rows[other + 1] - 1;
    int32_t left = spans[low].x0, right = spans[high].x1;
    for (int32_t i = first + 1; i <= last; i++) {
        int32_t x0 = spans[i - 1].x1, x1 = spans[i].x0;
        if (outside || x0 < left || x1 > right)
            unite(spans, 0, i);
        if (outside || other > y) /* the gaps below look up to this row */
            continue;
        while (low < high && spans[low + 1].x0 <= x0)
            low++;
        for (int32_t k = low + 1; k <= high && spans[k - 1].x1 < x1; k++)
            if (spans[k].x0 > x0)
                unite(spans, k, i);
    }
}

/* Spans of neighbouring rows that touch, be it at a corner. */
static int64_t touching(const seadrift_measured *o, int32_t y)
{
    int64_t pairs = 0;
    int32_t i = o->rows[y - 1], end = o->rows[y];
    for (int32_t j = o->rows[y]; j < o->rows[y + 1]; j++) {
        while (i < end && o->spans[i].x1 < o->spans[j].x0)
            i++;
        for (int32_t k = i; k < end && o->spans[k].x0 <= o->spans[j].x1; k++)
            pairs++;
    }
    return pairs;
}

/* Joins the spans on either side of each hole. */
static void close_gaps(seadrift_measured *o)
{
    int32_t n = 0, begin = 0;
    for (int32_t y = 0; y < o->height; y++) {
        int32_t end = o->rows[y + 1], first = n;
        for (int32_t i = begin; i < end; i++) {
            if (i > begin && find(o->spans, i) != 0) {
                o->spans[n - 1].x1 = o->spans[i].x1;
            } else {
                /* Gaps keep their old names: gap 0, the outside, is all that is asked for from here on,
                 * and a root is never moved before the gaps that it stands for were looked at. */
                o->spans[n].x0 = o->spans[i].x0;
                o->spans[n].x1 = o->spans[i].x1;
                n++;
            }
        }
        o->rows[y] = first;
        begin = end;
    }
    o->rows[o->height] = n;
}

void seadrift_fill_holes(seadrift_measured *o)
{
    int32_t n = o->rows[o->height];
    o->area_exc = 0;
    o->euler = n;
    for (int32_t i = 0; i < n; i++) {
        o->area_exc += o->spans[i].x1 - o->spans[i].x0;
        o->spans[i].gap = i;
    }
    int gaps = 0;
    for (int32_t y = 0; y < o->height; y++) {
        if (y > 0)
            o->euler -= touching(o, y);
        gaps |= o->rows[y + 1] - o->rows[y] > 1;
    }
    o->holes = 0;
    if (!gaps)
        return;
    for (int32_t y = 0; y < o->height; y++) {
        if (o->rows[y] < o->rows[y + 1])
            unite(o->spans, 0, o->rows[y]);
        join_gaps(o, y, y - 1);
        join_gaps(o, y, y + 1);
    }
    for (int32_t i = 1; i < n; i++)
        o->holes += o->spans[i].gap == i;
    if (o->holes)
        close_gaps(o);
}

/* --- moments of the filled object, span by span */

/* Sums of 1, x, x^2, x^3 for x below n, taking those of negative n as what must be added to come to 0. */
void seadrift_powers_below(int64_t n, int64_t sums[4])
{
    int64_t triangle = n * (n - 1) / 2;
    sums[0] = n;
    sums[1] = triangle;
    sums[2] = (n - 1) * n * (2 * n - 1) / 6;
    sums[3] = triangle * triangle;
}

void seadrift_add_row(seadrift_moments *m, const int64_t row[4], int64_t y)
{
    int64_t power = 1;
    for (int q = 0; q < 4; q++, power *= y)
        for (int p = 0; p + q < 4; p++)
            m->s[p][q] += row[p] * power;
}

void seadrift_sum_shape(const seadrift_measured *o, seadrift_moments *out)
{
    int64_t ox = o->left + (o->right - o->left) / 2, oy = o->top + (o->bottom - o->top) / 2;
    memset(out, 0, sizeof *out);
    for (int32_t y = o->top; y < o->bottom; y++) {
        int64_t row[4] = {0, 0, 0, 0}, low[4], high[4];
        for (int32_t i = o->rows[y]; i < o->rows[y + 1]; i++) {
            seadrift_powers_below(o->spans[i].x0 - ox, low);
            seadrift_powers_below(o->spans[i].x1 - ox, high);
            for (int k = 0; k < 4; k++)
                row[k] += high[k] - low[k];
        }
        seadrift_add_row(out, row, y - oy);
    }
}

/* --- outline, along pixel edges with the object on the right hand (ImageJ's traced perimeter) */

typedef struct {
    int64_t corners;
    int64_t shorts;       /* sides of one edge since the last long one */
    int64_t shorts_first; /* before the first long one */
    int any_long;
} sides;

/* A corner is cut beside each long side, and every second of the corners of a staircase between two. */
static void end_side(sides *s, int64_t length)
{
    if (length == 1) {
        s->shorts++;
        return;
    }
    if (s->any_long)
        s->corners += s->shorts / 2;
    else
        s->shorts_first = s->shorts;
    s->any_long = 1;
    s->corners++;
    s->shorts = 0;
}

/* The outline that begins at the upper left corner of `start`, the first pixel of a part. */
static void walk(uint8_t *start, int64_t stride, seadrift_outline *out)
{
    /* A corner is named by the pixel right below it. Headings: right, down, left, up. */
    const int64_t step[4] = {1, stride, -1, -stride};
    const int64_t left_of[4] = {-stride, 0, -1, -stride - 1};
    const int64_t right_of[4] = {0, -1, -stride - 1, -stride};
    uint8_t *at = start;
    int heading = 0;
    int64_t edges = 0, side = 0;
    sides s = {0, 0, 0, 0};
    do {
        at += step[heading];
        edges++;
        side++;
        if (heading == 3)
            *at |= 2; /* the pixel on the right hand: its left edge was walked */
        if (at[left_of[heading]]) {
            heading = (heading + 3) & 3;
        } else if (!at[right_of[heading]]) {
            heading = (heading + 1) & 3;
        } else {
            continue;
        }
        end_side(&s, side);
        side = 0;
    } while (side > 0 || at != start || heading != 0);
    if (s.any_long) {
        out->edges += edges;
        out->corners += s.corners + (s.shorts + s.shorts_first) / 2;
    } else {
        out->diagonal += edges;
    }
}

void seadrift_walk_outline(seadrift_measured *o, seadrift_outline *out)
{
    memset(out, 0, sizeof *out);
    for (int32_t y = o->top; y < o->bottom; y++)
        for (int32_t i = o->rows[y]; i < o->rows[y + 1]; i++) {
            uint8_t *pixel = o->filled + y * o->stride + o->spans[i].x0;
            if (*pixel == 1)
                walk(pixel, o->stride, out);
        }
}

/* --- convex hull of the pixels, as squares */

static int64_t cross(seadrift_point a, seadrift_point b, seadrift_point c)
{
    return (int64_t)(b.x - a.x) * (c.y - a.y) - (int64_t)(b.y - a.y) * (c.x - a.x);
}

/* The outermost corners in each row of corners, from the top: the left side's or the right side's chain. */
static int32_t chain(const seadrift_measured *o, int right, seadrift_point *points)
{
    const int32_t none = right ? -1 : INT32_MAX;
    int32_t n = 0, above = none;
    for (int32_t y = o->top; y <= o->bottom; y++) {
        int32_t below = none;
        if (y < o->bottom && o->rows[y] < o->rows[y + 1])
            below = right ? o->spans[o->rows[y + 1] - 1].x1 : o->spans[o->rows[y]].x0;
        int32_t x = (right ? below > above : below < above) ? below : above;
        above = below;
        if (x == none)
            continue;
        seadrift_point p = {x, y};
        while (n > 1) {
            int64_t turn = cross(points[n - 2], points[n - 1], p);
            if (right ? turn > 0 : turn < 0)
                break;
            n--;
        }
        points[n++] = p;
    }
    return n;
}

static int64_t squared(seadrift_point a, seadrift_point b)
{
    int64_t x = b.x - a.x, y = b.y - a.y;
    return x * x + y * y;
}

static void measure_polygon(const seadrift_point *p, int32_t n, seadrift_hull *out)
{
    int32_t j = 1;
    memset(out, 0, sizeof *out);
    for (int32_t i = 0; i < n; i++) {
        seadrift_point a = p[i], b = p[i + 1 < n ? i + 1 : 0];
        out->perimeter += sqrt((double)squared(a, b));
        out->twice_area += cross(p[0], a, b);
        /* The corner furthest from this edge; of two, both are looked at (rotating calipers). */
        for (;;) {
            int32_t next = j + 1 < n ? j + 1 : 0;
            if (cross(a, b, p[next]) <= cross(a, b, p[j]))
                break;
            j = next;
        }
        for (int twin = 0; twin < 2; twin++) {
            int32_t k = twin && j + 1 >= n ? 0 : j + twin;
            if (twin && cross(a, b, p[k]) < cross(a, b, p[j]))
                break;
            if (squared(a, p[k]) > out->feret_squared)
                out->feret_squared = squared(a, p[k]);
            if (squared(b, p[k]) > out->feret_squared)
                out->feret_squared = squared(b, p[k]);
        }
        double height = (double)cross(a, b, p[j]) / sqrt((double)squared(a, b));
        if (i == 0 || height < out->feret_min)
            out->feret_min = height;
    }
}

/* points: room for 2 (height + 2). The polygon begins at the upper right and goes clockwise, as seen. */
void seadrift_hull_of(const seadrift_measured *o, seadrift_point *points, seadrift_hull *out)
{
    int32_t n = chain(o, 1, points);
    int32_t m = chain(o, 0, points + n);
    for (int32_t i = 0; i < m / 2; i++) {
        seadrift_point swapped = points[n + i];
        points[n + i] = points[n + m - 1 - i];
        points[n + m - 1 - i] = swapped;
    }
    measure_polygon(points, n + m, out);
}

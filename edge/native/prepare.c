/* See prepare.h. */
#include "prepare.h"

#include "raster.h"

#include <string.h>

enum { CHUNK = 256, WORD = 8 }; /* columns of two rows halved together; bytes looked at together */

typedef struct {
    int32_t top, bottom, left, right; /* inclusive */
} box;

int32_t seadrift_prepare_version(void) { return SEADRIFT_PREPARE_VERSION; }

/* The sum of the squares below k. */
static int64_t squares(int64_t k) { return (k - 1) * k * (2 * k - 1) / 6; }

/* Which of eight bytes is the first that is not 0; there is one. */
static int32_t first_byte(uint64_t word)
{
#if defined(__GNUC__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_ctzll(word) / 8;
#else
    uint8_t bytes[WORD];
    int32_t i = 0;
    memcpy(bytes, &word, WORD);
    while (!bytes[i])
        i++;
    return i;
#endif
}

/* The first column from x on that is (or is not) set, else the width: eight at a time. */
static int32_t next(const uint8_t *row, int32_t width, int32_t x, int set)
{
    for (; x + WORD <= width; x += WORD) {
        uint64_t word, low = 0x7f7f7f7f7f7f7f7fu;
        memcpy(&word, row + x, WORD);
        if (!set) /* 0x80 where a byte is 0: no sum of this reaches the next byte */
            word = ~(((word & low) + low) | word | low);
        if (word)
            return x + first_byte(word);
    }
    while (x < width && (row[x] != 0) != set)
        x++;
    return x;
}

/* The object's box, and its sums from the corner of the whole plane: run by run, in closed form. */
static box survey(const seadrift_planes *o, int64_t sums[6])
{
    box found = {-1, -1, o->width, -1};
    for (int i = 0; i < 6; i++)
        sums[i] = 0;
    for (int32_t y = 0; y < o->height; y++) {
        const uint8_t *row = o->mask + y * o->mask_stride;
        int32_t from = next(row, o->width, 0, 1), to = from;
        int64_t n = 0, x = 0, xx = 0;
        if (from == o->width)
            continue;
        found.left = from < found.left ? from : found.left;
        for (; from < o->width; from = next(row, o->width, to, 1)) {
            to = next(row, o->width, from, 0);
            n += to - from;
            x += (int64_t)(from + to - 1) * (to - from) / 2;
            xx += squares(to) - squares(from);
        }
        found.right = to - 1 > found.right ? to - 1 : found.right;
        if (found.top < 0)
            found.top = y;
        found.bottom = y;
        sums[0] += n;
        sums[1] += n * y;
        sums[2] += x;
        sums[3] += n * y * y;
        sums[4] += xx;
        sums[5] += x * y;
    }
    return found;
}

/* The same sums from the object's own corner. */
static void shift(int64_t s[6], int64_t top, int64_t left)
{
    s[3] += top * top * s[0] - 2 * top * s[1];
    s[4] += left * left * s[0] - 2 * left * s[2];
    s[5] += top * left * s[0] - top * s[2] - left * s[1];
    s[1] -= top * s[0];
    s[2] -= left * s[0];
}

/* Sums and counts over two rows' own pixels; `below` may be the row above it again, without weight. */
static void add_rows(const uint8_t *above, const uint8_t *below, const uint8_t *mask, const uint8_t *mask_below,
                     int both, int32_t width, uint16_t *total, uint16_t *count)
{
    uint16_t weight = both ? 0xffff : 0;
    for (int32_t x = 0; x < width; x++) {
        uint16_t in = mask[x] ? 0xffff : 0, in_below = mask_below[x] ? weight : 0;
        total[x] = (uint16_t)((above[x] & in) + (below[x] & in_below));
        count[x] = (uint16_t)((in & 1) + (in_below & 1));
    }
}

/* (2 total + count) / (2 count) of each pair, without a division: exact, since the dividend is below 2^11. */
static int32_t mean_pairs(const uint16_t *total, const uint16_t *count, int32_t pairs, uint8_t *to)
{
    int32_t area = 0;
    for (int32_t i = 0; i < pairs; i++) {
        uint16_t n = (uint16_t)(count[2 * i] + count[2 * i + 1]);
        uint16_t dividend = (uint16_t)(2 * (total[2 * i] + total[2 * i + 1]) + n);
        uint16_t over = n == 3 ? 10923 : 8192; /* 2^16 / (2 count), rounded up */
        over = n == 2 ? 16384 : over;
        over = n == 1 ? 32768 : over;
        to[i] = (uint8_t)((uint32_t)dividend * over >> 16);
        area += n > 0;
    }
    return area;
}

static void flag_pairs(const uint16_t *count, int32_t pairs, uint8_t *there)
{
    for (int32_t i = 0; i < pairs; i++)
        there[i] = (count[2 * i] | count[2 * i + 1]) ? 1 : 0;
}

/* Halves into `to` and `there`, which may be the beginnings of `from` and `mask`: a cell is written after its
 * block and all before it were read. Returns the area. */
static int64_t halve(const uint8_t *from, int64_t stride, const uint8_t *mask, int64_t mask_stride,
                     int32_t height, int32_t width, uint8_t *to, uint8_t *there)
{
    uint16_t total[CHUNK + 1], count[CHUNK + 1];
    int64_t area = 0;
    for (int32_t y = 0; y < height; y += 2)
        for (int32_t x = 0; x < width; x += CHUNK) {
            int32_t length = width - x < CHUNK ? width - x : CHUNK, pairs = (length + 1) / 2;
            int64_t down = y + 1 < height;
            const uint8_t *above = from + y * stride + x, *flag = mask + y * mask_stride + x;
            add_rows(above, above + down * stride, flag, flag + down * mask_stride, down != 0, length, total, count);
            total[length] = count[length] = 0; /* a pair of one */
            area += mean_pairs(total, count, pairs, to);
            flag_pairs(count, pairs, there);
            to += pairs;
            there += pairs;
        }
    return area;
}

int seadrift_trim(seadrift_planes *o, int64_t sums[6])
{
    box b = survey(o, sums);
    if (b.top < 0)
        return 0;
    shift(sums, b.top, b.left);
    o->values += b.top * o->stride + b.left;
    o->mask += b.top * o->mask_stride + b.left;
    o->height = b.bottom - b.top + 1;
    o->width = b.right - b.left + 1;
    o->area = sums[0];
    return 1;
}

int32_t seadrift_shrink(seadrift_planes *o, int64_t max_area, uint8_t *values, uint8_t *present)
{
    int32_t level = 0;
    for (; o->area > max_area; level++) {
        o->area = halve(o->values, o->stride, o->mask, o->mask_stride, o->height, o->width, values, present);
        o->height = (o->height + 1) / 2;
        o->width = (o->width + 1) / 2;
        o->values = values;
        o->mask = present;
        o->stride = o->mask_stride = o->width;
    }
    return level;
}

int32_t seadrift_prepare(seadrift_object *o)
{
    if (!o || !o->signal || !o->mask || !o->x || !o->present || !o->scratch || o->height < 1 || o->width < 1 ||
        o->height > SEADRIFT_PREPARE_MAX_SIDE || o->width > SEADRIFT_PREPARE_MAX_SIDE || o->max_area < 1)
        return SEADRIFT_BAD_ARGUMENT;
    seadrift_planes p = {o->signal, o->mask, o->signal_stride, o->mask_stride, o->height, o->width, 0};
    if (!seadrift_trim(&p, o->sums))
        return SEADRIFT_BAD_ARGUMENT;
    int64_t h = p.height, w = p.width;
    if ((p.area > o->max_area ? (h + 1) / 2 * ((w + 1) / 2) : h * w) > o->cells)
        return SEADRIFT_SMALL_SCRATCH;
    o->level = seadrift_shrink(&p, o->max_area, o->scratch, o->present);
    uint8_t *x = o->x, *present = o->present;
    for (int32_t i = 0; i < p.height; i++)
        for (int32_t j = 0; j < p.width; j++) {
            uint8_t in = p.mask[i * p.mask_stride + j] != 0;
            *present++ = in;
            *x++ = in ? p.values[i * p.stride + j] : 0;
            *x++ = in ? 255 : 0;
        }
    o->out_height = p.height;
    o->out_width = p.width;
    return SEADRIFT_OK;
}

/* See prepare.h. */
#include "prepare.h"

enum { CHUNK = 256 }; /* of a row: its sums fit 32 bits, so that the compiler can use vectors */

typedef struct {
    int32_t top, bottom, left, right; /* inclusive */
} box;

int32_t seadrift_prepare_version(void) { return SEADRIFT_PREPARE_VERSION; }

/* Sums of 1, x, x^2 over one row of the mask. */
static void sum_row(const uint8_t *mask, int32_t width, int64_t sums[3])
{
    sums[0] = sums[1] = sums[2] = 0;
    for (int32_t base = 0; base < width; base += CHUNK) {
        int32_t length = width - base < CHUNK ? width - base : CHUNK;
        int32_t n = 0, x = 0, xx = 0;
        for (int32_t i = 0; i < length; i++) {
            int32_t in = -(mask[base + i] != 0); /* all bits or none */
            n -= in;
            x += in & i;
            xx += in & (int32_t)((uint32_t)i * (uint32_t)i);
        }
        sums[0] += n;
        sums[1] += (int64_t)base * n + x;
        sums[2] += (int64_t)base * base * n + (int64_t)2 * base * x + xx;
    }
}

/* The object's box, and its sums from the corner of the whole plane. */
static box survey(const seadrift_object *o, int64_t sums[6])
{
    box found = {-1, -1, o->width, -1};
    for (int32_t y = 0; y < o->height; y++) {
        const uint8_t *row = o->mask + y * o->mask_stride;
        int64_t own[3];
        sum_row(row, o->width, own);
        if (own[0] == 0)
            continue;
        if (found.top < 0)
            found.top = y;
        found.bottom = y;
        for (int32_t x = 0; x < found.left; x++)
            if (row[x])
                found.left = x;
        for (int32_t x = o->width - 1; x > found.right; x--)
            if (row[x])
                found.right = x;
        sums[0] += own[0];
        sums[1] += own[0] * y;
        sums[2] += own[1];
        sums[3] += own[0] * y * y;
        sums[4] += own[2];
        sums[5] += own[1] * y;
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

/* (2 total + count) / (2 count) without a division; exact, since the dividend is below 2^11. */
static uint8_t mean(uint32_t total, uint32_t count)
{
    static const uint32_t over[5] = {0, 32768, 16384, 10923, 8192}; /* 2^16 / (2 count), rounded up */
    return (uint8_t)((2 * total + count) * over[count] >> 16);
}

/* Halves into `to` and `there`, which may be the beginnings of `from` and `mask`: a cell is written after its
 * block and all before it were read. Returns the area. */
static int64_t halve(const uint8_t *from, int64_t stride, const uint8_t *mask, int64_t mask_stride,
                     int32_t height, int32_t width, uint8_t *to, uint8_t *there)
{
    int64_t area = 0;
    for (int32_t y = 0; y < height; y += 2)
        for (int32_t x = 0; x < width; x += 2) {
            uint32_t total = 0, count = 0;
            for (int32_t dy = 0; dy < 2 && y + dy < height; dy++)
                for (int32_t dx = 0; dx < 2 && x + dx < width; dx++) {
                    uint32_t in = mask[(y + dy) * mask_stride + x + dx] != 0;
                    count += in;
                    total += in * from[(y + dy) * stride + x + dx];
                }
            *to++ = mean(total, count);
            *there++ = count > 0;
            area += count > 0;
        }
    return area;
}

int32_t seadrift_prepare(seadrift_object *o)
{
    if (!o || !o->signal || !o->mask || !o->x || !o->present || !o->scratch || o->height < 1 || o->width < 1 ||
        o->height > SEADRIFT_PREPARE_MAX_SIDE || o->width > SEADRIFT_PREPARE_MAX_SIDE || o->max_area < 1)
        return SEADRIFT_BAD_ARGUMENT;
    for (int i = 0; i < 6; i++)
        o->sums[i] = 0;
    box b = survey(o, o->sums);
    if (b.top < 0)
        return SEADRIFT_BAD_ARGUMENT;
    shift(o->sums, b.top, b.left);
    int32_t h = b.bottom - b.top + 1, w = b.right - b.left + 1;
    const uint8_t *values = o->signal + b.top * o->signal_stride + b.left;
    const uint8_t *mask = o->mask + b.top * o->mask_stride + b.left;
    int64_t stride = o->signal_stride, mask_stride = o->mask_stride, area = o->sums[0];
    int64_t cells = area > o->max_area ? (int64_t)((h + 1) / 2) * ((w + 1) / 2) : (int64_t)h * w;
    if (cells > o->cells)
        return SEADRIFT_SMALL_SCRATCH;
    for (o->level = 0; area > o->max_area; o->level++) {
        area = halve(values, stride, mask, mask_stride, h, w, o->scratch, o->present);
        h = (h + 1) / 2;
        w = (w + 1) / 2;
        values = o->scratch;
        mask = o->present;
        stride = mask_stride = w;
    }
    uint8_t *x = o->x, *present = o->present;
    for (int32_t i = 0; i < h; i++)
        for (int32_t j = 0; j < w; j++) {
            uint8_t in = mask[i * mask_stride + j] != 0;
            *present++ = in;
            *x++ = in ? values[i * stride + j] : 0;
            *x++ = in ? 255 : 0;
        }
    o->out_height = h;
    o->out_width = w;
    return SEADRIFT_OK;
}

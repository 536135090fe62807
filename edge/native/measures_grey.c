/* Histogram, grey moments and Laplacian of one object. See measures_parts.h. */
#include "measures_parts.h"

#include <string.h>

enum { STEP = 32 }; /* cells at a time */

/* --- grey moments: of each 32 cells about their first, which fits 32 bits */

static const int16_t FIRST[STEP] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
static const int16_t SECOND[STEP] = {0,   1,   4,   9,   16,  25,  36,  49,  64,  81,  100,
                                     121, 144, 169, 196, 225, 256, 289, 324, 361, 400, 441,
                                     484, 529, 576, 625, 676, 729, 784, 841, 900, 961};
static const int16_t THIRD[STEP] = {0,    1,     8,     27,    64,    125,   216,   343,   512,   729,  1000,
                                    1331, 1728,  2197,  2744,  3375,  4096,  4913,  5832,  6859,  8000, 9261,
                                    10648, 12167, 13824, 15625, 17576, 19683, 21952, 24389, 27000, 29791};

SEADRIFT_INLINE void sum_row(const uint8_t *grey, const uint8_t *filled, int32_t width, int64_t from, int64_t row[4])
{
    for (int32_t x = 0; x < width; x += STEP) {
        int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (int i = 0; i < STEP; i++) {
            int16_t v = (int16_t)(grey[x + i] & (uint8_t)-filled[x + i]);
            s0 += v;
            s1 += v * FIRST[i];
            s2 += v * SECOND[i];
            s3 += v * THIRD[i];
        }
        int64_t b = from + x;
        row[0] += s0;
        row[1] += b * s0 + s1;
        row[2] += b * (b * s0 + 2 * (int64_t)s1) + s2;
        row[3] += b * (b * (b * s0 + 3 * (int64_t)s1) + 3 * (int64_t)s2) + s3;
    }
}

SEADRIFT_INLINE void sum_rows(const seadrift_measured *o, seadrift_moments *out)
{
    int64_t ox = o->left + (o->right - o->left) / 2, oy = o->top + (o->bottom - o->top) / 2;
    for (int32_t y = o->top; y < o->bottom; y++) {
        int64_t row[4] = {0, 0, 0, 0}, at = y * o->stride + o->left;
        sum_row(o->picture + at, o->filled + at, o->right - o->left, o->left - ox, row);
        seadrift_add_row(out, row, y - oy);
    }
}

static void sum_rows_anywhere(const seadrift_measured *o, seadrift_moments *out) { sum_rows(o, out); }

/* --- Laplacian */

/* Cells at or beyond the width count for nothing. */
SEADRIFT_INLINE void laplacian_row(const uint8_t *mid, int64_t stride, int32_t width, seadrift_laplacian *out)
{
    static const int16_t keep[2 * STEP] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                           -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    const uint8_t *up = mid - stride, *down = mid + stride;
    for (int32_t x = 0; x < width; x += STEP) {
        const int16_t *kept = keep + (width - x < STEP ? STEP - (width - x) : 0);
        int32_t sum = 0, squares = 0;
        for (int i = 0; i < STEP; i++) {
            int16_t round = (int16_t)(up[x + i] + down[x + i] + mid[x + i - 1] + mid[x + i + 1]);
            int16_t value = (int16_t)((round - 4 * mid[x + i]) & kept[i]);
            sum += value;
            squares += value * value;
        }
        out->sum += sum;
        out->squares += squares;
    }
}

SEADRIFT_INLINE void laplacian(const seadrift_measured *o, seadrift_laplacian *out)
{
    for (int32_t y = 0; y < o->height; y++)
        laplacian_row(o->picture + y * o->stride, o->stride, o->width, out);
}

static void laplacian_anywhere(const seadrift_measured *o, seadrift_laplacian *out) { laplacian(o, out); }

SEADRIFT_AVX2 static void sum_rows_avx2(const seadrift_measured *o, seadrift_moments *out) { sum_rows(o, out); }
SEADRIFT_AVX2 static void laplacian_avx2(const seadrift_measured *o, seadrift_laplacian *out) { laplacian(o, out); }

void seadrift_sum_laplacian(const seadrift_measured *o, seadrift_laplacian *out)
{
    memset(out, 0, sizeof *out);
    if (SEADRIFT_HAS_AVX2)
        laplacian_avx2(o, out);
    else
        laplacian_anywhere(o, out);
}

/* --- histogram: four, so that equal neighbours do not wait for one another */

static void count_levels(const seadrift_measured *o, uint32_t levels[256])
{
    uint32_t four[4][256];
    memset(four, 0, sizeof four);
    for (int32_t y = o->top; y < o->bottom; y++)
        for (int32_t i = o->rows[y]; i < o->rows[y + 1]; i++) {
            const uint8_t *grey = o->signal + (int64_t)y * o->width + o->spans[i].x0;
            int32_t n = o->spans[i].x1 - o->spans[i].x0;
            for (; n >= 4; n -= 4, grey += 4) {
                four[0][grey[0]]++;
                four[1][grey[1]]++;
                four[2][grey[2]]++;
                four[3][grey[3]]++;
            }
            for (; n > 0; n--)
                four[n][*grey++]++;
        }
    for (int k = 0; k < 256; k++)
        levels[k] = four[0][k] + four[1][k] + four[2][k] + four[3][k];
}

void seadrift_sum_signal(const seadrift_measured *o, seadrift_signal *out)
{
    memset(&out->moments, 0, sizeof out->moments);
    count_levels(o, out->levels);
    if (SEADRIFT_HAS_AVX2)
        sum_rows_avx2(o, &out->moments);
    else
        sum_rows_anywhere(o, &out->moments);
}

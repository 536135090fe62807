/* The path for x86 processors with AVX2, chosen at run time, so that one library serves every x86.
 *
 * Activations are 16 bits wide and weights too: pmaddwd adds the products of a pair of channels exactly.
 * (pmaddubsw would take bytes, but saturates: 2 * 255 * 127 does not fit 16 bits.)
 */
#include "network_kernels.h"

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

enum { MOST_SITES = 8, WIDE_SITES = 6, PAIR = 2 };

int seadrift_has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }

AVX2 static inline __m128i requantize(__m256i acc, __m256 multiplier)
{
    __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), multiplier);
    value = _mm256_min_ps(_mm256_max_ps(value, _mm256_setzero_ps()), _mm256_set1_ps(255.0f));
    __m256i whole = _mm256_cvtps_epi32(value); /* half to even */
    return _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
}

/* The sites of a tile: where their taps' rows begin, in activations from the map, and which taps any of them has. */
typedef struct {
    int32_t row[MOST_SITES * SEADRIFT_NETWORK_MAX_TAPS];
    int32_t site[MOST_SITES];
    uint64_t taps;
} places;

AVX2 static inline __attribute__((always_inline)) void scale_row(const int32_t *from, int32_t taps, int32_t stride,
                                                                 int32_t *to)
{
    int32_t t = 0;
    for (; t + 8 <= taps; t += 8) {
        __m256i rows = _mm256_loadu_si256((const __m256i *)(from + t));
        _mm256_storeu_si256((__m256i *)(to + t), _mm256_mullo_epi32(rows, _mm256_set1_epi32(stride)));
    }
    for (; t + 4 <= taps; t += 4) {
        __m128i rows = _mm_loadu_si128((const __m128i *)(from + t));
        _mm_storeu_si128((__m128i *)(to + t), _mm_mullo_epi32(rows, _mm_set1_epi32(stride)));
    }
    for (; t < taps; t++)
        to[t] = from[t] * stride;
}

AVX2 static inline __attribute__((always_inline)) void find_rows(const seadrift_task *task, int32_t first, int sites,
                                                                 places *p)
{
    const int32_t taps = task->layer->taps, last = task->layer->sites - 1;
    p->taps = task->turns ? 0 : ~(uint64_t)0 >> (64 - taps);
    for (int s = 0; s < sites; s++) {
        int32_t i = first + s < last ? first + s : last;
        p->site[s] = seadrift_site(task, i);
        p->taps |= task->turns ? task->turns[i].taps : 0;
        scale_row(seadrift_taps(task, i), taps, (int32_t)task->stride, p->row + s * taps);
    }
}

/* `sites` x 8 `blocks` sums in registers. All numbers but the taps are known when inlined (channels: or 0). */
AVX2 static inline __attribute__((always_inline)) void tile(const seadrift_task *task, int32_t first, int32_t site,
                                                            const places *p, const int sites, const int blocks,
                                                            const int32_t known)
{
    const seadrift_layer *layer = task->layer;
    const uint16_t *x = task->x;
    const int32_t channels = known ? known : task->channels, taps = layer->taps;
    size_t panel = (size_t)taps * (size_t)channels * BLOCK;
    const int16_t *panels = (const int16_t *)layer->weights + (size_t)first / BLOCK * panel;
    __m256i acc[MOST_SITES][2];
    for (int s = 0; s < sites; s++)
        for (int b = 0; b < blocks; b++)
            acc[s][b] = _mm256_loadu_si256((const __m256i *)(layer->bias + first + b * BLOCK));
    for (uint64_t left = p->taps; left; left &= left - 1) {
        int32_t t = __builtin_ctzll(left);
        const int16_t *w = panels + (size_t)(t * channels) * BLOCK;
        const uint16_t *row[MOST_SITES];
        for (int s = 0; s < sites; s++)
            row[s] = x + p->row[s * taps + t];
#pragma GCC unroll 8
        for (int32_t c = 0; c < channels; c += PAIR, w += PAIR * BLOCK) {
            __m256i weights[2];
            for (int b = 0; b < blocks; b++)
                weights[b] = _mm256_loadu_si256((const __m256i *)(w + (size_t)b * panel));
            for (int s = 0; s < sites; s++) {
                int32_t pair;
                memcpy(&pair, row[s] + c, sizeof pair);
                __m256i both = _mm256_set1_epi32(pair);
                for (int b = 0; b < blocks; b++)
                    acc[s][b] = _mm256_add_epi32(acc[s][b], _mm256_madd_epi16(both, weights[b]));
            }
        }
    }
    for (int s = 0; s < sites && site + s < layer->sites; s++)
        for (int b = 0; b < blocks; b++) {
            __m256 multiplier = _mm256_loadu_ps(layer->multiplier + first + b * BLOCK);
            uint16_t *out = (uint16_t *)task->y + (size_t)p->site[s] * task->y_stride + first + b * BLOCK;
            _mm_storeu_si128((__m128i *)out, requantize(acc[s][b], multiplier));
        }
}

/* All channels of all sites: 16 channels of 6 sites at once (twelve sums), then 8 of 8 if 8 are left. */
AVX2 static inline __attribute__((always_inline)) void layer_of(const seadrift_task *task, const int32_t known)
{
    const int32_t sites = task->layer->sites, channels = (int32_t)task->y_stride;
    const int32_t even = channels / (2 * BLOCK) * (2 * BLOCK);
    places p;
    for (int32_t site = 0; even && site < sites; site += WIDE_SITES) {
        find_rows(task, site, WIDE_SITES, &p);
        for (int32_t first = 0; first < even; first += 2 * BLOCK)
            tile(task, first, site, &p, WIDE_SITES, 2, known);
    }
    for (int32_t site = 0; even < channels && site < sites; site += MOST_SITES) {
        find_rows(task, site, MOST_SITES, &p);
        tile(task, even, site, &p, MOST_SITES, 1, known);
    }
}

AVX2 void seadrift_layer_avx2(const seadrift_task *task)
{
    switch (task->channels) { /* the usual ones, so that their loops unroll */
    case 8:
        layer_of(task, 8);
        break;
    case 16:
        layer_of(task, 16);
        break;
    case 32:
        layer_of(task, 32);
        break;
    default:
        layer_of(task, 0);
    }
}

#else

int seadrift_has_avx2(void) { return 0; }
void seadrift_layer_avx2(const seadrift_task *task) { (void)task; }

#endif

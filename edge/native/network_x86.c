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

enum { MOST_SITES = 8, PAIR = 2 };

int seadrift_has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }

AVX2 static inline __m128i requantize(__m256i acc, __m256 multiplier)
{
    __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), multiplier);
    value = _mm256_min_ps(_mm256_max_ps(value, _mm256_setzero_ps()), _mm256_set1_ps(255.0f));
    __m256i whole = _mm256_cvtps_epi32(value); /* half to even */
    return _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
}

/* 8 channels of 8 sites at once, or 16 of 4: eight sums in registers. Both numbers are known when inlined. */
AVX2 static inline __attribute__((always_inline)) void tile(const seadrift_task *task, int32_t first,
                                                            int32_t site, int sites, int blocks)
{
    const seadrift_layer *layer = task->layer;
    const uint16_t *x = task->x;
    size_t panel = (size_t)layer->taps * (size_t)task->channels * BLOCK;
    const int16_t *w = (const int16_t *)layer->weights + (size_t)first / BLOCK * panel;
    const int32_t *taps[MOST_SITES];
    __m256i acc[MOST_SITES][2];
    for (int s = 0; s < sites; s++) {
        taps[s] = seadrift_taps(layer, site + s);
        for (int b = 0; b < blocks; b++)
            acc[s][b] = _mm256_loadu_si256((const __m256i *)(layer->bias + first + b * BLOCK));
    }
    for (int32_t t = 0; t < layer->taps; t++) {
        const uint16_t *row[MOST_SITES];
        for (int s = 0; s < sites; s++)
            row[s] = x + (size_t)taps[s][t] * task->stride;
        for (int32_t c = 0; c < task->channels; c += PAIR, w += PAIR * BLOCK) {
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
            uint16_t *out = (uint16_t *)task->y + (size_t)(site + s) * task->y_stride + first + b * BLOCK;
            _mm_storeu_si128((__m128i *)out, requantize(acc[s][b], multiplier));
        }
}

AVX2 void seadrift_layer_avx2(const seadrift_task *task)
{
    int32_t first = 0, sites = task->layer->sites, channels = (int32_t)task->y_stride;
    for (; first + 2 * BLOCK <= channels; first += 2 * BLOCK)
        for (int32_t site = 0; site < sites; site += 4)
            tile(task, first, site, 4, 2);
    for (; first < channels; first += BLOCK)
        for (int32_t site = 0; site < sites; site += 8)
            tile(task, first, site, 8, 1);
}

#else

int seadrift_has_avx2(void) { return 0; }
void seadrift_layer_avx2(const seadrift_task *task) { (void)task; }

#endif

/* The paths for AArch64: smlal on every processor (Cortex-A53 on), sdot where the processor has it.
 *
 * smlal: activations and weights of 16 bits, products by lane into 32 bits; nothing can overflow.
 * sdot: signed bytes, so activations are stored less 128 and the packed bias makes up for it.
 */
#include "network_kernels.h"

#if defined(__GNUC__) && defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__)

#include <arm_neon.h>
#include <string.h>

enum { SITES = 4, QUAD = 4, HALF = BLOCK / 2 };

int seadrift_has_neon(void) { return 1; }

/* 8 accumulators to 8 values of 0 .. 255; vcvtnq rounds half to even. */
static inline uint16x8_t requantize(int32x4_t low, int32x4_t high, const float *multiplier)
{
    float32x4_t zero = vdupq_n_f32(0.0f), most = vdupq_n_f32(255.0f);
    float32x4_t a = vmulq_f32(vcvtq_f32_s32(low), vld1q_f32(multiplier));
    float32x4_t b = vmulq_f32(vcvtq_f32_s32(high), vld1q_f32(multiplier + HALF));
    a = vminq_f32(vmaxq_f32(a, zero), most);
    b = vminq_f32(vmaxq_f32(b, zero), most);
    return vcombine_u16(vqmovun_s32(vcvtnq_s32_f32(a)), vqmovun_s32(vcvtnq_s32_f32(b)));
}

#define STEP(lane)                                                                                 \
    do {                                                                                           \
        int16x8_t weights = vld1q_s16(w + (lane) * BLOCK);                                         \
        for (int s = 0; s < SITES; s++) {                                                          \
            acc[s][0] = vmlal_lane_s16(acc[s][0], vget_low_s16(weights), x[s], lane);              \
            acc[s][1] = vmlal_lane_s16(acc[s][1], vget_high_s16(weights), x[s], lane);             \
        }                                                                                          \
    } while (0)

static inline void tile_neon(const seadrift_task *task, int32_t first, int32_t site)
{
    const seadrift_layer *layer = task->layer;
    const int16_t *w =
        (const int16_t *)layer->weights + (size_t)first * (size_t)layer->taps * (size_t)task->channels;
    const int32_t *taps[SITES];
    int32x4_t acc[SITES][2];
    for (int s = 0; s < SITES; s++) {
        taps[s] = seadrift_taps(task, site + s);
        acc[s][0] = vld1q_s32(layer->bias + first);
        acc[s][1] = vld1q_s32(layer->bias + first + HALF);
    }
    for (int32_t t = 0; t < layer->taps; t++) {
        const int16_t *row[SITES]; /* 0 .. 255 in 16 bits: signed is the same */
        int16x4_t x[SITES];
        int32_t any = 0;
        for (int s = 0; s < SITES; s++)
            any |= taps[s][t];
        if (!any) { /* zero sites add nothing */
            w += (size_t)task->channels * BLOCK;
            continue;
        }
        for (int s = 0; s < SITES; s++)
            row[s] = (const int16_t *)task->x + (size_t)taps[s][t] * task->stride;
        int32_t c = 0;
        for (; c + QUAD <= task->channels; c += QUAD, w += QUAD * BLOCK) {
            for (int s = 0; s < SITES; s++)
                x[s] = vld1_s16(row[s] + c);
            STEP(0);
            STEP(1);
            STEP(2);
            STEP(3);
        }
        for (; c < task->channels; c++, w += BLOCK) {
            for (int s = 0; s < SITES; s++)
                x[s] = vld1_dup_s16(row[s] + c);
            STEP(0);
        }
    }
    for (int s = 0; s < SITES && site + s < layer->sites; s++)
        vst1q_u16((uint16_t *)task->y + (size_t)seadrift_site(task, site + s) * task->y_stride + first,
                  requantize(acc[s][0], acc[s][1], layer->multiplier + first));
}

void seadrift_layer_neon(const seadrift_task *task)
{
    for (int32_t first = 0; first < task->layer->channels_out; first += BLOCK)
        for (int32_t site = 0; site < task->layer->sites; site += SITES)
            tile_neon(task, first, site);
}

#else

int seadrift_has_neon(void) { return 0; }
void seadrift_layer_neon(const seadrift_task *task) { (void)task; }

#endif

/* Known when compiled (Apple, -march=armv8.2-a+dotprod), or asked of Linux at run time. */
#if defined(__GNUC__) && defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__) && \
    (defined(__ARM_FEATURE_DOTPROD) || (defined(__linux__) && !defined(__clang__)))

#if defined(__ARM_FEATURE_DOTPROD)
#define DOT
int seadrift_has_dot(void) { return 1; }
#else
#define DOT __attribute__((target("arch=armv8.2-a+dotprod")))
#include <sys/auxv.h>
enum { DOT_BIT = 1 << 20 }; /* HWCAP_ASIMDDP of Linux */
int seadrift_has_dot(void) { return (getauxval(AT_HWCAP) & DOT_BIT) != 0; }
#endif

DOT static inline void tile_dot(const seadrift_task *task, int32_t first, int32_t site)
{
    const seadrift_layer *layer = task->layer;
    const int8_t *w =
        (const int8_t *)layer->weights + (size_t)first * (size_t)layer->taps * (size_t)task->channels;
    const int32_t *taps[SITES];
    int32x4_t acc[SITES][2];
    for (int s = 0; s < SITES; s++) {
        taps[s] = seadrift_taps(task, site + s);
        acc[s][0] = vld1q_s32(layer->bias + first);
        acc[s][1] = vld1q_s32(layer->bias + first + HALF);
    }
    for (int32_t t = 0; t < layer->taps; t++)
        for (int32_t c = 0; c < task->channels; c += QUAD, w += QUAD * BLOCK) {
            int8x16_t low = vld1q_s8(w), high = vld1q_s8(w + QUAD * HALF);
            for (int s = 0; s < SITES; s++) {
                int32_t quad;
                memcpy(&quad, (const int8_t *)task->x + (size_t)taps[s][t] * task->stride + c, sizeof quad);
                int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(quad));
                acc[s][0] = vdotq_s32(acc[s][0], low, x);
                acc[s][1] = vdotq_s32(acc[s][1], high, x);
            }
        }
    for (int s = 0; s < SITES && site + s < layer->sites; s++) {
        uint16x8_t q = requantize(acc[s][0], acc[s][1], layer->multiplier + first);
        uint8x8_t bytes = veor_u8(vmovn_u16(q), vdup_n_u8(0x80));
        vst1_u8((uint8_t *)task->y + (size_t)(site + s) * task->y_stride + first, bytes);
    }
}

DOT void seadrift_layer_dot(const seadrift_task *task)
{
    for (int32_t first = 0; first < task->layer->channels_out; first += BLOCK)
        for (int32_t site = 0; site < task->layer->sites; site += SITES)
            tile_dot(task, first, site);
}

#else

int seadrift_has_dot(void) { return 0; }
void seadrift_layer_dot(const seadrift_task *task) { (void)task; }

#endif

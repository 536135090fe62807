/* See segment.h. */
#include "segment.h"

#include <string.h>

/* SEADRIFT_SCALAR, for tests: only what every processor has. */
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__)) && !defined(SEADRIFT_SCALAR)
#include <immintrin.h>
#define HAS_AVX2_PATH 1
#define INLINE static inline __attribute__((always_inline))
#else
#define HAS_AVX2_PATH 0
#define INLINE static inline
#endif
#if defined(__ARM_NEON) && defined(__aarch64__) && !defined(SEADRIFT_SCALAR)
#include <arm_neon.h>
#define HAS_NEON_PATH 1
#else
#define HAS_NEON_PATH 0
#endif

enum { WORD = 64 };

int32_t seadrift_segment_version(void) { return SEADRIFT_SEGMENT_VERSION; }

/* --- the room */

static int64_t words_of(const seadrift_frame *f) { return (f->width + WORD - 1) / WORD; }

/* Bit x of a row: is the pixel of an object? */
static uint64_t *in_row(const seadrift_frame *f, int64_t y) { return f->bits + y * words_of(f); }

/* Is its smoothed signal above the high threshold? */
static uint64_t *high_row(const seadrift_frame *f, int64_t y) { return f->bits + (f->height + y) * words_of(f); }

/* Rows with a word more on either side, for the closing. */
static uint64_t *spare_row(const seadrift_frame *f, int i)
{
    return f->bits + 2 * f->height * words_of(f) + i * (words_of(f) + 2) + 1;
}

/* Words of such flags, a bit for each word of a row. */
static int64_t groups_of(const seadrift_frame *f) { return (words_of(f) + WORD - 1) / WORD; }

/* Which words of a row hold a pixel of an object. Most hold none, and are not looked at again. */
static uint64_t *full_row(const seadrift_frame *f, int64_t y)
{
    return spare_row(f, 3) - 1 + y * groups_of(f);
}

/* Four more rows of flags. */
static uint64_t *flag_row(const seadrift_frame *f, int i) { return full_row(f, f->height + i); }

static uint64_t last_bits(const seadrift_frame *f) { return ~UINT64_C(0) >> (WORD - 1 - (f->width - 1) % WORD); }

static int lowest_bit(uint64_t word)
{
#ifdef __GNUC__
    return __builtin_ctzll(word);
#else
    int i = 0;
    while (!(word >> i & 1))
        i++;
    return i;
#endif
}

/* --- pixels to bits */

typedef struct {
    const uint8_t *signal;
    const uint16_t *sum; /* of the column of three, from x = -1 */
    int32_t low, own, high; /* thresholds; low and high of sixteen times the smoothed signal */
    uint64_t *in, *bright;
} marks;

#if HAS_NEON_PATH
/* Bits from four times 16 bytes of which each is 0 or 255. */
static inline uint64_t pack_neon(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
    static const uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t place = vld1q_u8(places);
    a = vpaddq_u8(vandq_u8(a, place), vandq_u8(b, place));
    c = vpaddq_u8(vandq_u8(c, place), vandq_u8(d, place));
    a = vpaddq_u8(a, c);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(a, a)), 0);
}

/* A whole word of a row from the three rows that it is smoothed from. */
static void mark_word_neon(const seadrift_frame *f, const uint8_t *const rows[3], int32_t x, uint64_t *in,
                           uint64_t *bright)
{
    int32_t before = x > 0 ? x - 1 : 1, behind = x + WORD < f->width ? x + WORD : f->width - 2;
    uint16x8_t sum[10], low = vdupq_n_u16((uint16_t)(f->low > 0 ? 16 * f->low - 8 : 0));
    uint16x8_t high = vdupq_n_u16((uint16_t)(f->high > 0 ? 16 * f->high - 8 : 0)), two = vdupq_n_u16(2);
    uint8x16_t own = vdupq_n_u8((uint8_t)f->own), ins[4], brights[4];
    sum[0] = vdupq_n_u16((uint16_t)(rows[0][before] + 2 * rows[1][before] + rows[2][before]));
    sum[9] = vdupq_n_u16((uint16_t)(rows[0][behind] + 2 * rows[1][behind] + rows[2][behind]));
    for (int i = 0; i < 4; i++) {
        uint8x16_t up = vld1q_u8(rows[0] + x + 16 * i), mid = vld1q_u8(rows[1] + x + 16 * i);
        uint8x16_t down = vld1q_u8(rows[2] + x + 16 * i), twice = vdupq_n_u8(2);
        sum[2 * i + 1] = vmlal_u8(vaddl_u8(vget_low_u8(up), vget_low_u8(down)), vget_low_u8(mid), vget_low_u8(twice));
        sum[2 * i + 2] = vmlal_high_u8(vaddl_high_u8(up, down), mid, twice);
        ins[i] = vcgeq_u8(mid, own);
    }
    for (int i = 0; i < 4; i++) {
        uint16x8_t smooth[2];
        for (int k = 0; k < 2; k++) {
            const uint16x8_t *at = sum + 2 * i + k;
            smooth[k] = vmlaq_u16(vaddq_u16(vextq_u16(at[0], at[1], 7), vextq_u16(at[1], at[2], 1)), at[1], two);
        }
        uint16x8_t a = vcgeq_u16(smooth[0], low), b = vcgeq_u16(smooth[1], low);
        ins[i] = vandq_u8(ins[i], vuzp1q_u8(vreinterpretq_u8_u16(a), vreinterpretq_u8_u16(b)));
        a = vcgeq_u16(smooth[0], high);
        b = vcgeq_u16(smooth[1], high);
        brights[i] = vuzp1q_u8(vreinterpretq_u8_u16(a), vreinterpretq_u8_u16(b));
    }
    *in = f->own < 256 ? pack_neon(ins[0], ins[1], ins[2], ins[3]) : 0;
    *bright = pack_neon(brights[0], brights[1], brights[2], brights[3]);
}
#else
/* Bits from 64 bytes of which each is 0 or 255. */
static uint64_t pack(const uint8_t *flags)
{
    uint64_t bits = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (int i = 0; i < WORD; i += 8) {
        uint64_t eight;
        memcpy(&eight, flags + i, sizeof eight);
        bits |= ((eight & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56) << i;
    }
#else
    for (int i = 0; i < WORD; i++)
        bits |= (uint64_t)(flags[i] & 1) << i;
#endif
    return bits;
}

/* The pixels of words [first, last), which are whole. */
static void mark_words(const marks *m, int64_t first, int64_t last)
{
    for (int64_t word = first; word < last; word++) {
        const uint8_t *signal = m->signal + word * WORD;
        const uint16_t *sum = m->sum + word * WORD;
        uint8_t in[WORD], bright[WORD], own = (uint8_t)m->own;
        uint16_t low = (uint16_t)m->low, high = (uint16_t)m->high;
        for (int x = 0; x < WORD; x++) {
            uint16_t smooth = (uint16_t)(sum[x] + 2 * sum[x + 1] + sum[x + 2] + 8);
            in[x] = (uint8_t)(-(smooth >= low) & -(signal[x] >= own));
            bright[x] = (uint8_t)-(smooth >= high);
        }
        m->in[word] = m->own < 256 ? pack(in) : 0;
        m->bright[word] = pack(bright);
    }
}
#endif

#if HAS_AVX2_PATH
__attribute__((target("avx2"))) static __m256i smooth_avx2(const uint16_t *sum)
{
    __m256i left = _mm256_loadu_si256((const __m256i *)sum);
    __m256i mid = _mm256_loadu_si256((const __m256i *)(sum + 1));
    __m256i right = _mm256_loadu_si256((const __m256i *)(sum + 2));
    return _mm256_add_epi16(_mm256_add_epi16(left, right), _mm256_add_epi16(mid, mid));
}

/* Bytes of ones where 16 + 16 numbers are greater; in the lanes' own order, as `packs` leaves it. */
__attribute__((target("avx2"))) static __m256i greater_avx2(__m256i a, __m256i b, __m256i bound)
{
    __m256i both = _mm256_packs_epi16(_mm256_cmpgt_epi16(a, bound), _mm256_cmpgt_epi16(b, bound));
    return _mm256_permute4x64_epi64(both, 0xd8);
}

__attribute__((target("avx2"))) static void mark_words_avx2(const marks *m, int64_t first, int64_t last)
{
    __m256i low = _mm256_set1_epi16((int16_t)(m->low - 9)), high = _mm256_set1_epi16((int16_t)(m->high - 9));
    __m256i own = _mm256_set1_epi8((char)(m->own < 256 ? m->own : 255));
    uint64_t any = m->own < 256 ? ~UINT64_C(0) : 0;
    for (int64_t word = first; word < last; word++) {
        uint64_t in = 0, bright = 0;
        for (int half = 0; half < WORD; half += 32) {
            const uint16_t *sum = m->sum + word * WORD + half;
            __m256i signal = _mm256_loadu_si256((const __m256i *)(m->signal + word * WORD + half));
            __m256i a = smooth_avx2(sum), b = smooth_avx2(sum + 16);
            __m256i itself = _mm256_cmpeq_epi8(_mm256_max_epu8(signal, own), signal);
            __m256i above = _mm256_and_si256(greater_avx2(a, b, low), itself);
            in |= (uint64_t)(uint32_t)_mm256_movemask_epi8(above) << half;
            bright |= (uint64_t)(uint32_t)_mm256_movemask_epi8(greater_avx2(a, b, high)) << half;
        }
        m->in[word] = in & any;
        m->bright[word] = bright;
    }
}

/* Sums of columns, a vector wider than what every x86 has. */
__attribute__((target("avx2"))) static void add_rows_avx2(const uint8_t *restrict up, const uint8_t *restrict mid,
                                                          const uint8_t *restrict down, int32_t n,
                                                          uint16_t *restrict sum)
{
    for (int32_t x = 0; x < n; x++)
        sum[x] = (uint16_t)(up[x] + 2 * mid[x] + down[x]);
}

__attribute__((target("avx2"))) static uint64_t find_hot_avx2(const uint8_t *row, int64_t words, uint8_t bound)
{
    __m256i least = _mm256_set1_epi8((char)bound);
    uint64_t hot = 0;
    for (int64_t word = 0; word < words; word++) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(row + word * WORD));
        __m256i b = _mm256_loadu_si256((const __m256i *)(row + word * WORD + 32));
        __m256i most = _mm256_max_epu8(a, b);
        uint64_t is = _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(most, least), most)) != 0;
        hot |= is << word;
    }
    return hot;
}

static int has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }
#else
static int has_avx2(void) { return 0; }
#define mark_words_avx2 mark_words
#define add_rows_avx2 add_rows
#define find_hot_avx2 find_hot
#endif

static void add_rows(const uint8_t *restrict up, const uint8_t *restrict mid, const uint8_t *restrict down,
                     int32_t n, uint16_t *restrict sum)
{
    for (int32_t x = 0; x < n; x++)
        sum[x] = (uint16_t)(up[x] + 2 * mid[x] + down[x]);
}

#if HAS_NEON_PATH
/* The brightest of each of 16 words, one beside the other. */
static inline uint8x16_t most_neon(const uint8_t *row)
{
    uint8x16_t most[16];
    for (int i = 0; i < 16; i++) {
        uint8x16x4_t word = vld1q_u8_x4(row + i * WORD);
        most[i] = vmaxq_u8(vmaxq_u8(word.val[0], word.val[1]), vmaxq_u8(word.val[2], word.val[3]));
    }
    for (int n = 8; n > 0; n /= 2)
        for (int i = 0; i < n; i++)
            most[i] = vpmaxq_u8(most[2 * i], most[2 * i + 1]);
    return most[0];
}
#endif

/* Which of a row's first words (at most 64) have a pixel that is not below the bound. */
static uint64_t find_hot(const uint8_t *row, int64_t words, uint8_t bound)
{
    int64_t word = 0;
    uint64_t hot = 0;
#if HAS_NEON_PATH
    uint8x16_t none = vdupq_n_u8(0);
    for (; word + 16 <= words; word += 16) {
        uint8x16_t is = vcgeq_u8(most_neon(row + word * WORD), vdupq_n_u8(bound));
        hot |= pack_neon(is, none, none, none) << word;
    }
#endif
    for (; word < words; word++) {
        uint8_t most = 0;
        for (int x = 0; x < WORD; x++)
            most = row[word * WORD + x] > most ? row[word * WORD + x] : most;
        hot |= (uint64_t)(most >= bound) << word;
    }
    return hot;
}

/* What is left of a row behind its last whole word. */
static void mark_rest(const marks *m, int32_t width)
{
    int64_t word = width / WORD;
    uint64_t in = 0, bright = 0;
    for (int64_t x = word * WORD; x < width; x++) {
        int32_t smooth = m->sum[x] + 2 * m->sum[x + 1] + m->sum[x + 2] + 8;
        in |= (uint64_t)(smooth >= m->low && m->signal[x] >= m->own) << (x % WORD);
        bright |= (uint64_t)(smooth >= m->high) << (x % WORD);
    }
    m->in[word] = in;
    m->bright[word] = bright;
}

/* Less than this cannot bring a pixel beside it above a threshold. */
static uint8_t least_of(const seadrift_frame *f)
{
    int32_t bound = f->low < f->high ? f->low : f->high;
    return (uint8_t)(bound < 256 ? bound : 255);
}

/* Flags of three rows: has a word a pixel that may bring one beside it above a threshold? Most have none. */
static uint64_t *hot_row(const seadrift_frame *f, int32_t y) { return flag_row(f, y % 3); }

static void heat_row(const seadrift_frame *f, int32_t y, int wide)
{
    const uint8_t *row = f->signal + (int64_t)y * f->width;
    uint64_t *hot = hot_row(f, y);
    int64_t whole = f->width / WORD;
    for (int64_t first = 0; first < words_of(f); first += WORD) {
        int64_t n = whole - first < WORD ? whole - first : WORD;
        hot[first / WORD] = (wide ? find_hot_avx2 : find_hot)(row + first * WORD, n, least_of(f));
    }
    if (f->width % WORD)
        hot[whole / WORD] |= UINT64_C(1) << whole % WORD;
}

/* The frame's 3x3 binomial smoothing (1 2 1, mirrored at the edges, halves up) against the thresholds, in
 * words [first, last) of a row. */
static void mark_piece(const seadrift_frame *f, const uint8_t *const rows[3], int32_t y, int64_t first, int64_t last,
                       int wide)
{
    int32_t width = f->width;
    int64_t whole = last <= width / WORD ? last : width / WORD;
    uint64_t *in = in_row(f, y), *bright = high_row(f, y), *full = full_row(f, y);
    (void)wide;
#if HAS_NEON_PATH
    for (int64_t word = first; word < whole; word++)
        mark_word_neon(f, rows, (int32_t)(word * WORD), in + word, bright + word);
    int64_t begin = whole;
#else
    int64_t begin = first;
#endif
    if (begin < last) {
        int32_t x0 = begin > 0 ? (int32_t)(begin * WORD - 1) : 0;
        int32_t x1 = last * WORD < width ? (int32_t)(last * WORD + 1) : width;
        uint16_t *sum = f->sums + 1;
        (wide ? add_rows_avx2 : add_rows)(rows[0] + x0, rows[1] + x0, rows[2] + x0, x1 - x0, sum + x0);
        if (x0 == 0)
            sum[-1] = sum[width > 1 ? 1 : 0];
        if (x1 == width)
            sum[width] = sum[width > 1 ? width - 2 : 0];
        marks m = {rows[1], f->sums, 16 * f->low, f->own, 16 * f->high, in, bright};
#if !HAS_NEON_PATH
        (wide ? mark_words_avx2 : mark_words)(&m, first, whole);
#endif
        if (last > whole)
            mark_rest(&m, width);
    }
    for (int64_t word = first; word < last; word++)
        full[word / WORD] |= (uint64_t)(in[word] != 0) << word % WORD;
}

/* A pixel is at most as bright as the brightest of the nine it is smoothed from, so words stay empty that are
 * cold and have nothing hot right beside them. */
static void mark_row(const seadrift_frame *f, int32_t y, int wide)
{
    const uint8_t *mid = f->signal + (int64_t)y * f->width, least = least_of(f);
    int32_t above = y > 0 ? y - 1 : f->height > 1 ? 1 : 0, below = y < f->height - 1 ? y + 1 : y > 0 ? y - 1 : 0;
    const uint8_t *up = f->signal + (int64_t)above * f->width, *down = f->signal + (int64_t)below * f->width;
    const uint8_t *const rows[3] = {up, mid, down};
    for (int64_t g = 0; g < groups_of(f); g++) {
        uint64_t near = hot_row(f, above)[g] | hot_row(f, y)[g] | hot_row(f, below)[g];
        while (near) {
            int begin = lowest_bit(near);
            uint64_t rest = near + (UINT64_C(1) << begin); /* the carry runs to where the row of ones ends */
            int end = rest ? lowest_bit(rest & ~near) : WORD;
            int64_t first = g * WORD + begin, last = g * WORD + end, x = first * WORD;
            if (first > 0 && (up[x] >= least || mid[x] >= least || down[x] >= least))
                first--;
            x = last * WORD - 1;
            if (last < words_of(f) && (up[x] >= least || mid[x] >= least || down[x] >= least))
                last++;
            mark_piece(f, rows, y, first, last, wide);
            near = end < WORD ? near >> end << end : 0;
        }
    }
}

static void mark_rows(const seadrift_frame *f)
{
    int wide = has_avx2();
    memset(f->bits, 0, 2 * (size_t)f->height * (size_t)words_of(f) * sizeof *f->bits);
    memset(full_row(f, 0), 0, (size_t)f->height * (size_t)groups_of(f) * sizeof *f->bits);
    heat_row(f, 0, wide);
    for (int32_t y = 0; y < f->height; y++) {
        if (y < f->height - 1)
            heat_row(f, y + 1, wide);
        mark_row(f, y, wide);
    }
}

/* --- gaps closed */

/* A word of what three rows have in one of them, or in all. */
static uint64_t any_of(const uint64_t *const rows[3], int64_t i) { return rows[0][i] | rows[1][i] | rows[2][i]; }
static uint64_t all_of(const uint64_t *const rows[3], int64_t i) { return rows[0][i] & rows[1][i] & rows[2][i]; }

/* Flags of three rows: which words of a dilated row may hold something. */
static uint64_t *reach_row(const seadrift_frame *f, int32_t y) { return flag_row(f, y % 3); }

/* Which words of a row a dilation may reach: those in or beside a word that is full, in three rows. */
static void find_reach(const seadrift_frame *f, const uint64_t *const full[3], uint64_t *reach)
{
    int64_t groups = groups_of(f), n = words_of(f);
    for (int64_t g = 0; g < groups; g++) {
        uint64_t near = any_of(full, g);
        reach[g] = near | near << 1 | near >> 1;
        if (g > 0)
            reach[g] |= any_of(full, g - 1) >> (WORD - 1);
        if (g < groups - 1)
            reach[g] |= any_of(full, g + 1) << (WORD - 1);
    }
    reach[groups - 1] &= ~UINT64_C(0) >> (WORD - 1 - (n - 1) % WORD);
}

/* One row dilated by a 3x3 square. Outside the frame are ones, for the erosion that follows. */
static void dilate_row(const seadrift_frame *f, int32_t y)
{
    int64_t n = words_of(f), groups = groups_of(f);
    int32_t above = y > 0 ? y - 1 : y, below = y < f->height - 1 ? y + 1 : y;
    const uint64_t *const rows[3] = {in_row(f, above), in_row(f, y), in_row(f, below)};
    const uint64_t *const full[3] = {full_row(f, above), full_row(f, y), full_row(f, below)};
    uint64_t *out = spare_row(f, y % 3), *reach = reach_row(f, y);
    for (int64_t g = 0; g < groups; g++) /* what the row has from the one it held before */
        for (uint64_t left = reach[g]; left; left &= left - 1)
            out[g * WORD + lowest_bit(left)] = 0;
    find_reach(f, full, reach);
    for (int64_t g = 0; g < groups; g++)
        for (uint64_t left = reach[g]; left; left &= left - 1) {
            int64_t i = g * WORD + lowest_bit(left);
            uint64_t own = any_of(rows, i);
            out[i] = own | own << 1 | own >> 1;
            out[i] |= i > 0 ? any_of(rows, i - 1) >> (WORD - 1) : 0;
            out[i] |= i < n - 1 ? any_of(rows, i + 1) << (WORD - 1) : 0;
        }
    out[n - 1] |= ~last_bits(f);
}

/* A row of the frame from the dilated ones round it. */
static void erode_row(const seadrift_frame *f, int32_t y)
{
    int32_t above = y > 0 ? y - 1 : y, below = y < f->height - 1 ? y + 1 : y;
    const uint64_t *const rows[3] = {spare_row(f, above % 3), spare_row(f, y % 3), spare_row(f, below % 3)};
    const uint64_t *reach = reach_row(f, y);
    uint64_t *in = in_row(f, y), *full = full_row(f, y);
    for (int64_t g = 0; g < groups_of(f); g++) {
        full[g] = 0;
        for (uint64_t left = reach[g]; left; left &= left - 1) {
            int bit = lowest_bit(left);
            int64_t i = g * WORD + bit;
            uint64_t own = all_of(rows, i);
            if (own)
                own &= (own << 1 | all_of(rows, i - 1) >> (WORD - 1)) & (own >> 1 | all_of(rows, i + 1) << (WORD - 1));
            in[i] = i < words_of(f) - 1 ? own : own & last_bits(f);
            full[g] |= (uint64_t)(in[i] != 0) << bit;
        }
    }
}

/* What lies outside the frame neither dilates nor erodes. */
static void close_gaps(const seadrift_frame *f)
{
    size_t n = (size_t)words_of(f);
    memset(spare_row(f, 0) - 1, 0, 3 * (n + 2) * sizeof *f->bits);
    memset(flag_row(f, 0), 0, 3 * (size_t)groups_of(f) * sizeof *f->bits);
    for (int i = 0; i < 3; i++)
        spare_row(f, i)[-1] = spare_row(f, i)[n] = ~UINT64_C(0);
    dilate_row(f, 0);
    for (int32_t y = 0; y < f->height; y++) {
        if (y < f->height - 1)
            dilate_row(f, y + 1);
        erode_row(f, y);
    }
}

/* --- bits to runs */

static int count_bits(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int)(word * UINT64_C(0x0101010101010101) >> 56);
}

static void add_run(seadrift_frame *f, int32_t n, int32_t x0)
{
    if (n < f->runs_room) {
        f->runs[n].x0 = x0;
        f->runs[n].part = n;
    }
}

/* Words that are full, and those behind them, where what goes on in them may end. */
static void find_runs_of(seadrift_frame *f, int32_t y, int32_t *n)
{
    const uint64_t *row = in_row(f, y), *full = full_row(f, y);
    for (int64_t g = 0; g < groups_of(f); g++) {
        uint64_t look = full[g] | full[g] << 1 | (g > 0 ? full[g - 1] >> (WORD - 1) : 0);
        for (; look; look &= look - 1) {
            int64_t i = g * WORD + lowest_bit(look);
            if (i >= words_of(f))
                return;
            uint64_t changes = row[i] ^ (row[i] << 1 | (i > 0 ? row[i - 1] >> (WORD - 1) : 0));
            if (i == words_of(f) - 1)
                changes &= last_bits(f);
            for (; changes; changes &= changes - 1)
                add_run(f, (*n)++, (int32_t)(i * WORD) + lowest_bit(changes));
        }
    }
}

/* Run 0 stands for what lies outside the frame. */
static void find_runs(seadrift_frame *f)
{
    int32_t n = 0;
    add_run(f, n++, 0);
    for (int32_t y = 0; y < f->height; y++) {
        f->starts[y] = n;
        add_run(f, n++, 0);
        find_runs_of(f, y, &n);
    }
    f->starts[f->height] = n;
    f->runs_count = n;
}

/* The end of run i of row y. */
static int32_t end_of(const seadrift_frame *f, int32_t i, int32_t y)
{
    return i + 1 < f->starts[y + 1] ? f->runs[i + 1].x0 : f->width;
}

/* Runs alternate, the background first. */
static int is_inside(const seadrift_frame *f, int32_t i, int32_t y) { return (i - f->starts[y]) & 1; }

/* --- runs to parts */

static int32_t find(seadrift_run *runs, int32_t i)
{
    while (runs[i].part != i) {
        runs[i].part = runs[runs[i].part].part;
        i = runs[i].part;
    }
    return i;
}

/* The earlier run stays the root: it has the part's first pixel. */
static void unite(seadrift_run *runs, int32_t a, int32_t b)
{
    a = find(runs, a);
    b = find(runs, b);
    if (a < b)
        runs[b].part = a;
    else
        runs[a].part = b;
}

/* Walks along two rows at once: the runs at hand overlap, and of these the one that ends first is left. Where
 * both end at once and only one is of an object, that one touches the other row's next run at a corner. */
static void join_rows(const seadrift_frame *f, int32_t y)
{
    seadrift_run *runs = f->runs;
    int32_t i = f->starts[y - 1], j = f->starts[y], above = j, here = f->starts[y + 1];
    int i_in = 0, j_in = 0;
    while (i < above && j < here) {
        int32_t i_end = i + 1 < above ? runs[i + 1].x0 : f->width;
        int32_t j_end = j + 1 < here ? runs[j + 1].x0 : f->width;
        if (i_in == j_in && runs[i].part != runs[j].part)
            unite(runs, i, j);
        if (i_end == j_end && i_in != j_in && i_end < f->width)
            unite(runs, i_in ? i : i + 1, i_in ? j + 1 : j);
        if (i_end <= j_end) {
            i++;
            i_in = !i_in;
        }
        if (j_end <= i_end) {
            j++;
            j_in = !j_in;
        }
    }
}

static void join_runs(const seadrift_frame *f)
{
    for (int32_t y = 0; y < f->height; y++) {
        int edge = y == 0 || y == f->height - 1;
        for (int32_t i = f->starts[y]; i < f->starts[y + 1]; i += 2)
            if (edge || f->runs[i].x0 == 0 || end_of(f, i, y) == f->width)
                unite(f->runs, 0, i);
        if (y > 0)
            join_rows(f, y);
    }
}

static void start_part(const seadrift_frame *f, int32_t n, int32_t i, int32_t y)
{
    seadrift_part *part = f->parts + n;
    part->parent = i > f->starts[y] ? f->runs[i - 1].part : 0;
    part->home = -1;
    part->inside = is_inside(f, i, y);
    part->first_x = f->runs[i].x0;
    part->first_y = y;
    part->area = part->filled = 0;
    part->object = -1;
}

/* Numbers the parts and sums their own pixels. A root comes before all other runs of its part. */
static void number_parts(seadrift_frame *f)
{
    const seadrift_part outside = {-1, -1, 0, 0, -1, 0, 0, -1};
    int32_t n = 1;
    if (f->parts_room > 0)
        f->parts[0] = outside;
    for (int32_t y = 0; y < f->height; y++)
        for (int32_t i = f->starts[y]; i < f->starts[y + 1]; i++) {
            seadrift_run *run = f->runs + i;
            if (run->part != i) {
                run->part = f->runs[run->part].part;
            } else {
                if (n < f->parts_room)
                    start_part(f, n, i, y);
                run->part = n++;
            }
            if (run->part < f->parts_room) {
                f->parts[run->part].area += end_of(f, i, y) - run->x0;
                f->parts[run->part].filled = f->parts[run->part].area;
            }
        }
    f->parts_count = n;
}

/* --- parts to objects */

static int is_in(const seadrift_frame *f, int32_t x, int32_t y)
{
    return x >= 0 && y >= 0 && x < f->width && y < f->height && (in_row(f, y)[x / WORD] >> (x % WORD) & 1);
}

/* Twice the area of the polygon through the pixels round a hole, by following them with the hole on the
 * left hand side of the look-out (Suzuki and Abe 1985). */
static int64_t outline_twice(const seadrift_frame *f, const seadrift_part *hole)
{
    static const int8_t dx[8] = {1, 1, 0, -1, -1, -1, 0, 1}, dy[8] = {0, 1, 1, 1, 0, -1, -1, -1};
    const int32_t x0 = hole->first_x - 1, y0 = hole->first_y;
    int32_t x = x0, y = y0;
    int from = 0, first = -1;
    int64_t twice = 0, steps = 8 * ((int64_t)hole->filled + 2);
    while (steps-- > 0) {
        int d = from, turns = 0;
        do {
            d = (d + 1) & 7;
        } while (++turns < 8 && !is_in(f, x + dx[d], y + dy[d]));
        if (x == x0 && y == y0 && d == first)
            break;
        if (first < 0)
            first = d;
        /* Relative to the start, so that the products stay small. */
        twice += (int64_t)(x - x0) * dy[d] - (int64_t)(y - y0) * dx[d];
        x += dx[d];
        y += dy[d];
        from = (d + (d & 1 ? 5 : 6)) & 7;
    }
    return twice < 0 ? -twice : twice;
}

static int is_pinhole(const seadrift_frame *f, const seadrift_part *hole)
{
    if (hole->filled >= f->pinhole) /* the outline encloses more than the pixels of the hole */
        return 0;
    return 0.5 * (double)outline_twice(f, hole) < f->pinhole;
}

/* Whose pixels a part's are. What lies in a pinhole belongs to the object round it. */
static int32_t home_of(const seadrift_frame *f, int32_t n)
{
    const seadrift_part *part = f->parts + n, *parent = f->parts + part->parent;
    if (part->inside)
        return parent->home >= 0 ? parent->home : n;
    if (parent->home != part->parent)
        return parent->home;
    return parent->object >= 0 && is_pinhole(f, part) ? part->parent : -1;
}

static void start_object(seadrift_frame *f, int32_t n)
{
    seadrift_part *part = f->parts + n;
    int32_t k = f->objects_count++;
    if (k >= f->objects_room)
        return;
    part->object = k;
    seadrift_component *object = f->objects + k;
    memset(object, 0, sizeof *object);
    object->part = n;
    object->bx = part->first_x;
    object->by = part->first_y;
    object->filled = part->filled;
}

static void choose_objects(seadrift_frame *f)
{
    seadrift_part *parts = f->parts;
    for (int32_t n = f->parts_count - 1; n > 0; n--)
        parts[parts[n].parent].filled += parts[n].filled;
    for (int32_t n = 1; n < f->parts_count; n++) {
        if (parts[n].inside) {
            if (parts[n].filled >= f->filled_min)
                start_object(f, n);
            else
                f->specks++;
        }
        parts[n].home = home_of(f, n);
    }
}

/* How many bits of [x0, x1) of a row are set. */
static int32_t count_range(const uint64_t *row, int32_t x0, int32_t x1)
{
    int32_t sum = 0;
    while (x0 < x1) {
        int32_t end = (x0 / WORD + 1) * WORD;
        end = end < x1 ? end : x1;
        sum += count_bits(row[x0 / WORD] >> (x0 % WORD) << (WORD - (end - x0)));
        x0 = end;
    }
    return sum;
}

static void sum_run(const seadrift_frame *f, seadrift_component *object, int32_t x0, int32_t x1, int32_t y)
{
    object->high += count_range(high_row(f, y), x0, x1);
    object->area += x1 - x0;
    if (x0 < object->bx) {
        object->width += object->bx - x0; /* keeps the right side where it is */
        object->bx = x0;
    }
    if (x1 > object->bx + object->width)
        object->width = x1 - object->bx;
    object->height = y + 1 - object->by;
}

static void sum_objects(const seadrift_frame *f)
{
    for (int32_t y = 0; y < f->height; y++)
        for (int32_t i = f->starts[y]; i < f->starts[y + 1]; i++) {
            int32_t home = f->parts[f->runs[i].part].home;
            if (home >= 0 && f->parts[home].object >= 0)
                sum_run(f, f->objects + f->parts[home].object, f->runs[i].x0, end_of(f, i, y), y);
        }
}

static int32_t check(const seadrift_frame *f)
{
    if (!f->signal || f->height < 1 || f->width < 1 || f->height > (INT32_MAX - 1) / f->width / 2)
        return SEADRIFT_BAD_ARGUMENT;
    if (f->low < 0 || f->own < 0 || f->high < 0 || f->low > 256 || f->own > 256 || f->high > 256)
        return SEADRIFT_BAD_ARGUMENT;
    if (!f->bits || !f->sums || !f->starts || !f->runs || !f->parts || !f->objects)
        return SEADRIFT_BAD_ARGUMENT;
    return SEADRIFT_OK;
}

int32_t seadrift_find_objects(seadrift_frame *frame)
{
    if (!frame || check(frame) != SEADRIFT_OK)
        return SEADRIFT_BAD_ARGUMENT;
    frame->runs_count = frame->parts_count = frame->objects_count = frame->specks = 0;
    mark_rows(frame);
    if (frame->close)
        close_gaps(frame);
    find_runs(frame);
    if (frame->runs_count > frame->runs_room)
        return SEADRIFT_SMALL_RUNS;
    join_runs(frame);
    number_parts(frame);
    if (frame->parts_count > frame->parts_room)
        return SEADRIFT_SMALL_PARTS;
    choose_objects(frame);
    if (frame->objects_count > frame->objects_room)
        return SEADRIFT_SMALL_OBJECTS;
    sum_objects(frame);
    return SEADRIFT_OK;
}

/* --- objects to pixels */

/* The run of a row that holds x. */
static int32_t run_at(const seadrift_frame *f, int32_t y, int32_t x)
{
    int32_t low = f->starts[y], high = f->starts[y + 1] - 1;
    while (low < high) {
        int32_t middle = low + (high - low + 1) / 2;
        if (f->runs[middle].x0 <= x)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void cut_row(const seadrift_frame *f, const seadrift_component *object, int32_t y, uint8_t *mask)
{
    int32_t right = object->bx + object->width;
    memset(mask, 0, (size_t)object->width);
    for (int32_t i = run_at(f, y, object->bx); i < f->starts[y + 1] && f->runs[i].x0 < right; i++)
        if (f->parts[f->runs[i].part].home == object->part)
            memset(mask + (f->runs[i].x0 - object->bx), 1, (size_t)(end_of(f, i, y) - f->runs[i].x0));
}

int32_t seadrift_cut_objects(const seadrift_frame *frame, const int32_t *which, int32_t count, uint8_t *masks,
                             uint8_t *signals, int64_t room)
{
    if (!frame || check(frame) != SEADRIFT_OK || count < 0 || (count > 0 && (!which || !masks || !signals)))
        return SEADRIFT_BAD_ARGUMENT;
    for (int32_t k = 0; k < count; k++) {
        if (which[k] < 0 || which[k] >= frame->objects_count)
            return SEADRIFT_BAD_ARGUMENT;
        const seadrift_component *object = frame->objects + which[k];
        int64_t size = (int64_t)object->width * object->height;
        if (size > room)
            return SEADRIFT_BAD_ARGUMENT;
        room -= size;
        for (int32_t y = object->by; y < object->by + object->height; y++) {
            const uint8_t *signal = frame->signal + (int64_t)y * frame->width + object->bx;
            cut_row(frame, object, y, masks);
            memcpy(signals, signal, (size_t)object->width);
            masks += object->width;
            signals += object->width;
        }
    }
    return SEADRIFT_OK;
}

static int is_box(const int32_t *box, int32_t height, int32_t width)
{
    return box[0] >= 0 && box[1] >= 0 && box[2] >= 0 && box[3] >= 0 && box[2] <= width - box[0] &&
           box[3] <= height - box[1];
}

int32_t seadrift_cut_boxes(const uint8_t *plane, int32_t height, int32_t width, const int32_t *boxes,
                           int32_t count, int32_t inverted, uint8_t *out, int64_t room)
{
    if (!plane || height < 1 || width < 1 || count < 0 || (count > 0 && (!boxes || !out)))
        return SEADRIFT_BAD_ARGUMENT;
    for (; count > 0; count--, boxes += 4) {
        if (!is_box(boxes, height, width) || (int64_t)boxes[2] * boxes[3] > room)
            return SEADRIFT_BAD_ARGUMENT;
        room -= (int64_t)boxes[2] * boxes[3];
        for (int32_t y = boxes[1]; y < boxes[1] + boxes[3]; y++, out += boxes[2]) {
            const uint8_t *row = plane + (int64_t)y * width + boxes[0];
            if (!inverted)
                memcpy(out, row, (size_t)boxes[2]);
            for (int32_t x = 0; inverted && x < boxes[2]; x++)
                out[x] = (uint8_t)~row[x];
        }
    }
    return SEADRIFT_OK;
}

/* An input of the fuzzer read as structured arguments: numbers within bounds, then buffers.
 *
 * Every buffer is a block of its own, exactly as large as asked, so that the address sanitizer sees the
 * first byte read or written too far. What the input does not hold reads as zero: short inputs are valid.
 */
#ifndef SEADRIFT_FUZZ_INPUT_H
#define SEADRIFT_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *at;
    size_t left;
} input;

enum { MOST_BLOCKS = 128 };
static void *blocks[MOST_BLOCKS];
static size_t blocks_count;

/* What must hold. A failure is a finding like any other. */
#define MUST(condition)                                                            \
    do {                                                                           \
        if (!(condition)) {                                                        \
            fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                               \
        }                                                                          \
    } while (0)

static inline uint8_t take(input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

/* low .. high, both included. */
static inline int32_t take_int(input *in, int32_t low, int32_t high)
{
    uint32_t value = take(in), range = (uint32_t)(high - low) + 1;
    if (range > 256)
        value |= (uint32_t)take(in) << 8;
    return low + (int32_t)(range ? value % range : value);
}

/* A number that nobody expects. */
static inline int32_t take_wild(input *in)
{
    static const int32_t wild[] = {0, -1, 1, INT32_MAX, INT32_MIN, INT32_MAX - 1, 65536, 46341, -46341};
    uint8_t which = take(in);
    if (which < sizeof wild / sizeof *wild)
        return wild[which];
    return (int32_t)((uint32_t)take(in) << 24 | (uint32_t)take(in) << 16 | (uint32_t)take(in) << 8 | which);
}

static inline float take_float(input *in)
{
    static const float wild[] = {0.0f, -1.0f, 1e-9f, 1e30f, 3e38f, 1.0f};
    uint8_t which = take(in);
    if (which < 6)
        return wild[which];
    return (float)which / 65536.0f;
}

/* `bytes` of room that is freed at the end of the input; what it holds is not defined. */
static inline void *room(size_t bytes)
{
    void *block = malloc(bytes);
    if (!block || blocks_count == MOST_BLOCKS)
        abort();
    return blocks[blocks_count++] = block;
}

static inline void free_rooms(void)
{
    while (blocks_count > 0)
        free(blocks[--blocks_count]);
}

/* A buffer from the input: as it is, repeated, or noise from a seed, or noise of which little is not zero. */
static inline uint8_t *take_bytes(input *in, size_t bytes)
{
    uint8_t *block = room(bytes), kind = take(in) % 5;
    if (kind < 2) {
        size_t known = in->left < bytes ? in->left : bytes;
        if (known > 0)
            memcpy(block, in->at, known);
        for (size_t i = known; i < bytes; i++)
            block[i] = kind == 1 && known > 0 ? block[i - known] : 0;
        in->at += known;
        in->left -= known;
        return block;
    }
    if (kind == 2) {
        memset(block, take(in), bytes);
        return block;
    }
    uint32_t state = 0x9E3779B9u ^ ((uint32_t)take(in) << 8 | take(in));
    uint8_t least = kind == 3 ? 0 : take(in);
    for (size_t i = 0; i < bytes; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        uint8_t value = (uint8_t)(state >> 11);
        block[i] = value >= least ? value : 0;
    }
    return block;
}

#endif

/* Runs a target without a fuzzer, for compilers that have none:
 *
 *   replay COUNT         COUNT inputs drawn from a seed, of 0 to 512 bytes
 *   replay FILE...       these inputs, which a fuzzer has kept
 *
 * Half of the drawn inputs are small numbers mostly, since bounds are near them.
 */
#include "input.h"

enum { MOST = 512 };

static uint32_t state = 2463534242u;

static uint32_t next(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void drawn(long count)
{
    uint8_t data[MOST];
    for (long i = 0; i < count; i++) {
        size_t size = next() % (MOST + 1);
        uint32_t most = next() & 1 ? 256 : 1 + next() % 24;
        for (size_t k = 0; k < size; k++)
            data[k] = (uint8_t)(next() >> 9 & 0xff) % most;
        LLVMFuzzerTestOneInput(data, size);
    }
}

static int file(const char *path)
{
    static uint8_t data[1 << 16];
    FILE *in = fopen(path, "rb");
    if (!in)
        return 3;
    size_t size = fread(data, 1, sizeof data, in);
    fclose(in);
    LLVMFuzzerTestOneInput(data, size);
    return 0;
}

int main(int count, char **words)
{
    char *end = NULL;
    long inputs = count == 2 ? strtol(words[1], &end, 10) : 0;
    if (end && *end == 0) {
        drawn(inputs);
        return 0;
    }
    for (int i = 1; i < count; i++)
        if (file(words[i]) != 0)
            return 3;
    return 0;
}

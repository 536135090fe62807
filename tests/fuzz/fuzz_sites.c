/* seadrift_build_sites: any batch of small masks, any room; every number written names a site. */
#include "input.h"
#include "sites.h"

enum { OBJECTS = 6, SIDE = 20, MOST = SEADRIFT_SITES_MAX_LEVELS };

static seadrift_sites read_batch(input *in)
{
    seadrift_sites b;
    memset(&b, 0, sizeof b);
    b.objects = take_int(in, 0, OBJECTS);
    b.channels = take_int(in, 1, 3);
    b.levels = take_int(in, 1, MOST);
    int32_t *heights = room((size_t)b.objects * sizeof *heights);
    int32_t *widths = room((size_t)b.objects * sizeof *widths);
    size_t cells = 0;
    for (int32_t i = 0; i < b.objects; i++) {
        heights[i] = take_int(in, 1, SIDE);
        widths[i] = take_int(in, 1, SIDE);
        cells += (size_t)heights[i] * (size_t)widths[i];
    }
    b.heights = heights;
    b.widths = widths;
    b.scratch_cells = take_int(in, 0, 900);
    for (int level = 0; level <= b.levels; level++)
        b.capacity[level] = take_int(in, 0, 400);
    b.mask = take_bytes(in, cells);
    b.x = take_bytes(in, cells * (size_t)b.channels);
    return b;
}

static void lend(seadrift_sites *b)
{
    b->scratch = room(2 * (size_t)b->scratch_cells * sizeof *b->scratch);
    b->x0 = room(((size_t)b->capacity[0] + 1) * (size_t)b->channels);
    for (int level = 1; level <= b->levels; level++) {
        size_t sites = (size_t)b->capacity[level], window = level == 1 ? 16 : 4;
        b->children[level - 1] = room(sites * window * sizeof(int32_t));
        b->near[level - 1] = room(sites * 9 * sizeof(int32_t));
    }
    b->object_sites = room((size_t)b->objects * sizeof *b->object_sites);
}

static void check_table(const int32_t *table, size_t numbers, int32_t most)
{
    for (size_t i = 0; i < numbers; i++)
        MUST(table[i] >= 0 && table[i] <= most);
}

static void check_tables(const seadrift_sites *b)
{
    int64_t last = 0;
    for (int level = 1; level <= b->levels; level++) {
        size_t sites = (size_t)b->counts[level], window = level == 1 ? 16 : 4;
        MUST(b->counts[level] <= b->counts[level - 1]);
        check_table(b->children[level - 1], sites * window, b->counts[level - 1]);
        check_table(b->near[level - 1], sites * 9, b->counts[level]);
        for (size_t i = 0; i < sites; i++)
            MUST(b->near[level - 1][9 * i + 4] == (int32_t)i + 1);
    }
    for (int32_t i = 0; i < b->objects; i++)
        last += b->object_sites[i];
    MUST(last == b->counts[b->levels]);
}

static void hostile(input *in, seadrift_sites b)
{
    int32_t bad = take_wild(in), *sizes = room((size_t)(b.objects + 1) * sizeof *sizes);
    b.objects++;
    for (int32_t i = 0; i < b.objects; i++)
        sizes[i] = 65536;
    switch (take_int(in, 0, 5)) {
    case 4: b.levels = bad < 1 || bad > MOST ? bad : 0; break;
    case 0: b.objects = bad < 0 ? bad : -1; break;
    case 1: b.channels = bad < 1 ? bad : 0; break;
    case 2: b.heights = b.widths = sizes; break;
    case 3: sizes[0] = bad < 1 ? bad : 0; b.heights = b.widths = sizes; break;
    default: b.mask = NULL; break;
    }
    MUST(seadrift_build_sites(&b) == SEADRIFT_BAD_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    uint8_t kind = take(&in) % 16;
    seadrift_sites b = read_batch(&in);
    lend(&b);
    if (kind == 0) {
        hostile(&in, b);
        free_rooms();
        return 0;
    }
    int32_t code = seadrift_build_sites(&b);
    if (code == SEADRIFT_SMALL_SCRATCH) {
        MUST(b.needed_scratch > b.scratch_cells);
        b.scratch_cells = b.needed_scratch;
        lend(&b);
        code = seadrift_build_sites(&b);
    }
    if (code == SEADRIFT_SMALL_TABLES) {
        for (int level = 0; level <= b.levels; level++)
            b.capacity[level] = b.counts[level];
        lend(&b);
        code = seadrift_build_sites(&b);
    }
    MUST(code == SEADRIFT_OK);
    check_tables(&b);
    free_rooms();
    return 0;
}

/* seadrift_build_batch: any batch of small masks, any room; the tables of prepare.h and sites.h one by one. */
#include "input.h"
#include "batch.h"

enum { OBJECTS = 5, SIDE = 24, MOST = SEADRIFT_SITES_MAX_LEVELS, WINDOW = SEADRIFT_BATCH_WINDOW };

static seadrift_batch read_batch(input *in)
{
    seadrift_batch b;
    memset(&b, 0, sizeof b);
    b.objects = take_int(in, 0, OBJECTS);
    b.levels = take_int(in, 1, MOST);
    b.max_area = take_int(in, 1, 200);
    b.gathered = take(in) & 1;
    int32_t *boxes = room(4 * (size_t)b.objects * sizeof *boxes), most = take(in) % 4 ? SIDE / 2 : SIDE;
    int64_t *starts = room(((size_t)b.objects + 1) * sizeof *starts);
    starts[0] = 0;
    for (int32_t i = 0; i < b.objects; i++) {
        boxes[4 * i] = take_wild(in);
        boxes[4 * i + 1] = take_wild(in);
        boxes[4 * i + 2] = take_int(in, 1, most);
        boxes[4 * i + 3] = take_int(in, 1, most);
        starts[i + 1] = starts[i] + (int64_t)boxes[4 * i + 2] * boxes[4 * i + 3];
    }
    b.boxes = boxes;
    b.starts = starts;
    b.cells = starts[b.objects];
    b.scratch_bytes = take_int(in, 0, 12000);
    for (int level = 0; level <= b.levels; level++)
        b.capacity[level] = take_int(in, 0, 300);
    b.masks = take_bytes(in, (size_t)b.cells);
    b.signals = take_bytes(in, (size_t)b.cells);
    return b;
}

static void lend(seadrift_batch *b)
{
    size_t rows = (size_t)b->capacity[b->gathered] + 1;
    b->scratch = room((size_t)b->scratch_bytes);
    b->x0 = room(rows * (b->gathered ? WINDOW : 2));
    for (int level = 1; level <= b->levels; level++) {
        size_t sites = (size_t)b->capacity[level], window = level == 1 ? 16 : 4;
        b->children[level - 1] = level == 1 && b->gathered ? NULL : room(sites * window * sizeof(int32_t));
        b->near[level - 1] = room(sites * 9 * sizeof(int32_t));
    }
    b->object_sites = room((size_t)b->objects * sizeof *b->object_sites);
    b->halvings = room((size_t)b->objects * sizeof *b->halvings);
    b->sums = room(6 * (size_t)b->objects * sizeof *b->sums);
}

static int32_t first_empty(const seadrift_batch *b)
{
    for (int32_t i = 0; i < b->objects; i++) {
        int any = 0;
        for (int64_t k = b->starts[i]; k < b->starts[i + 1]; k++)
            any |= b->masks[k];
        if (!any)
            return i;
    }
    return -1;
}

/* The objects one by one, laid one after another for sites.h. */
static seadrift_sites one_by_one(const seadrift_batch *b)
{
    seadrift_sites s;
    memset(&s, 0, sizeof s);
    uint8_t *mask = room((size_t)b->cells), *x = room(2 * (size_t)b->cells);
    int32_t *heights = room((size_t)b->objects * sizeof *heights);
    int32_t *widths = room((size_t)b->objects * sizeof *widths);
    int64_t at = 0;
    for (int32_t i = 0; i < b->objects; i++) {
        seadrift_object o;
        memset(&o, 0, sizeof o);
        o.width = b->boxes[4 * i + 2];
        o.height = b->boxes[4 * i + 3];
        o.signal_stride = o.mask_stride = o.width;
        o.signal = b->signals + b->starts[i];
        o.mask = b->masks + b->starts[i];
        o.max_area = b->max_area;
        o.cells = b->starts[i + 1] - b->starts[i];
        o.scratch = room((size_t)o.cells);
        o.x = x + 2 * at;
        o.present = mask + at;
        MUST(seadrift_prepare(&o) == SEADRIFT_OK);
        MUST(o.level == b->halvings[i] && memcmp(o.sums, b->sums + 6 * i, sizeof o.sums) == 0);
        heights[i] = o.out_height;
        widths[i] = o.out_width;
        at += (int64_t)o.out_height * o.out_width;
    }
    s.mask = mask;
    s.x = x;
    s.heights = heights;
    s.widths = widths;
    s.objects = b->objects;
    s.channels = 2;
    s.levels = b->levels;
    s.scratch_cells = (SIDE + 8) * (SIDE + 8);
    s.scratch = room(2 * (size_t)s.scratch_cells * sizeof *s.scratch);
    s.x0 = room(2 * ((size_t)b->counts[0] + 1));
    s.object_sites = room((size_t)b->objects * sizeof *s.object_sites);
    for (int level = 0; level <= b->levels; level++) {
        size_t sites = (size_t)b->counts[level];
        s.capacity[level] = b->counts[level];
        if (level > 0) {
            s.children[level - 1] = room(sites * (level == 1 ? 16 : 4) * sizeof(int32_t));
            s.near[level - 1] = room(sites * 9 * sizeof(int32_t));
        }
    }
    MUST(seadrift_build_sites(&s) == SEADRIFT_OK);
    return s;
}

static void check_windows(const seadrift_batch *b, const seadrift_sites *s)
{
    for (int k = 0; k < WINDOW; k++)
        MUST(b->x0[k] == 0);
    for (int32_t i = 0; i < b->counts[1]; i++)
        for (int tap = 0; tap < 16; tap++)
            MUST(memcmp(b->x0 + (size_t)(i + 1) * WINDOW + 2 * tap, s->x0 + 2 * s->children[0][16 * i + tap], 2) == 0);
}

static void check_tables(const seadrift_batch *b)
{
    seadrift_sites s = one_by_one(b);
    MUST(memcmp(b->counts, s.counts, ((size_t)b->levels + 1) * sizeof *s.counts) == 0);
    MUST(memcmp(b->object_sites, s.object_sites, (size_t)b->objects * sizeof *s.object_sites) == 0);
    for (int level = 1; level <= b->levels; level++) {
        size_t sites = (size_t)b->counts[level], window = level == 1 ? 16 : 4;
        if (level > 1 || !b->gathered)
            MUST(memcmp(b->children[level - 1], s.children[level - 1], sites * window * sizeof(int32_t)) == 0);
        MUST(memcmp(b->near[level - 1], s.near[level - 1], sites * 9 * sizeof(int32_t)) == 0);
    }
    if (b->gathered)
        check_windows(b, &s);
    else
        MUST(memcmp(b->x0, s.x0, 2 * ((size_t)s.counts[0] + 1)) == 0);
}

static void hostile(input *in, seadrift_batch b)
{
    int32_t bad = take_wild(in), *boxes = room(4 * sizeof *boxes);
    int64_t *starts = room(2 * sizeof *starts);
    uint8_t *ones = room(9);
    memset(ones, 1, 9);
    b.objects = 1;
    b.scratch_bytes = 1 << 14;
    boxes[0] = boxes[1] = starts[0] = 0;
    boxes[2] = boxes[3] = 3;
    starts[1] = b.cells = 9;
    b.boxes = boxes;
    b.starts = starts;
    b.masks = b.signals = ones;
    for (int level = 0; level <= MOST; level++)
        b.capacity[level] = 16;
    lend(&b);
    switch (take_int(in, 0, 9)) {
    case 0: b.objects = bad < 0 ? bad : -1; break;
    case 1: b.levels = bad < 1 || bad > MOST ? bad : 0; break;
    case 2: b.max_area = bad < 1 ? bad : 0; break;
    case 3: boxes[2] = bad == 3 ? 4 : bad; break;
    case 4: boxes[3] = bad == 3 ? 4 : bad; break;
    case 5: starts[0] = bad ? bad : 1; break;
    case 6: starts[1] = bad == 9 ? 8 : bad; break;
    case 7: b.cells = 8; break;
    case 8: b.masks = NULL; break;
    default: b.x0 = NULL; break;
    }
    MUST(seadrift_build_batch(&b) == SEADRIFT_BAD_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    uint8_t kind = take(&in) % 16;
    seadrift_batch b = read_batch(&in);
    if (kind == 0) {
        hostile(&in, b);
        free_rooms();
        return 0;
    }
    int32_t code = SEADRIFT_SMALL_SCRATCH, empty = first_empty(&b);
    for (int turn = 0; turn < OBJECTS + 2; turn++) {
        lend(&b);
        code = seadrift_build_batch(&b);
        if (code == SEADRIFT_SMALL_SCRATCH) {
            MUST(b.needed_scratch > b.scratch_bytes);
            b.scratch_bytes = b.needed_scratch;
        } else if (code == SEADRIFT_SMALL_TABLES) {
            for (int level = 0; level <= b.levels; level++)
                b.capacity[level] = b.counts[level];
        } else {
            break;
        }
    }
    MUST(code == (empty < 0 ? SEADRIFT_OK : SEADRIFT_BAD_ARGUMENT));
    MUST(code == SEADRIFT_OK || b.refused == empty);
    if (code == SEADRIFT_OK)
        check_tables(&b);
    free_rooms();
    return 0;
}

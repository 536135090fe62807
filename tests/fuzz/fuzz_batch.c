/* seadrift_build_batch: any boxes, any room; the same sites gathered or not, and each one by one. */
#include "batch.h"
#include "input.h"

enum { OBJECTS = 5, SIDE = 40, LEVELS = SEADRIFT_SITES_MAX_LEVELS, WINDOW = SEADRIFT_BATCH_WINDOW };

static seadrift_batch read_batch(input *in)
{
    seadrift_batch b;
    memset(&b, 0, sizeof b);
    b.objects = take_int(in, 0, OBJECTS);
    b.levels = take_int(in, 1, LEVELS);
    b.max_area = take_int(in, 1, 600);
    int32_t *boxes = room(4 * (size_t)b.objects * sizeof *boxes);
    int64_t *starts = room(((size_t)b.objects + 1) * sizeof *starts);
    for (int32_t i = 0; i < b.objects; i++) {
        boxes[4 * i] = boxes[4 * i + 1] = take_wild(in); /* where in the frame: of no account */
        boxes[4 * i + 2] = take_int(in, 1, SIDE);
        boxes[4 * i + 3] = take_int(in, 1, SIDE);
        starts[i] = b.cells;
        b.cells += boxes[4 * i + 2] * boxes[4 * i + 3];
    }
    starts[b.objects] = b.cells;
    b.boxes = boxes;
    b.starts = starts;
    b.scratch_bytes = 8 * take_int(in, 0, 2000);
    for (int level = 0; level <= b.levels; level++)
        b.capacity[level] = take_int(in, 0, 300);
    b.masks = take_bytes(in, (size_t)b.cells);
    b.signals = take_bytes(in, (size_t)b.cells);
    return b;
}

static void lend(seadrift_batch *b, int near)
{
    size_t objects = (size_t)b->objects;
    b->scratch = room((size_t)b->scratch_bytes);
    b->x0 = room(b->gathered ? ((size_t)b->capacity[1] + 1) * WINDOW : ((size_t)b->capacity[0] + 1) * 2);
    for (int level = 1; level <= b->levels; level++) {
        size_t sites = (size_t)b->capacity[level], taps = level > 1 ? 4 : b->gathered ? 0 : 16;
        b->children[level - 1] = room(sites * taps * sizeof(int32_t));
        b->near[level - 1] = near ? room(sites * 9 * sizeof(int32_t)) : NULL;
    }
    b->object_sites = room(objects * sizeof(int32_t));
    b->halvings = room(objects * sizeof(int32_t));
    b->sums = room(6 * objects * sizeof(int64_t));
}

/* First with the room that the input gave, then with what the function asked for. */
static int32_t build(seadrift_batch *b, int near)
{
    lend(b, near);
    int32_t code = seadrift_build_batch(b);
    if (code == SEADRIFT_SMALL_SCRATCH) {
        MUST(b->needed_scratch > b->scratch_bytes);
        b->scratch_bytes = b->needed_scratch;
        lend(b, near);
        code = seadrift_build_batch(b);
    }
    if (code == SEADRIFT_SMALL_TABLES) {
        for (int level = 0; level <= b->levels; level++)
            b->capacity[level] = b->counts[level];
        lend(b, near);
        code = seadrift_build_batch(b);
    }
    MUST(code == SEADRIFT_OK || code == SEADRIFT_BAD_ARGUMENT);
    MUST((code == SEADRIFT_OK) == (b->refused < 0)); /* an empty mask is the only fault of these boxes */
    return code;
}

static void check_same(const seadrift_batch *plain, const seadrift_batch *gathered)
{
    for (int level = 0; level <= plain->levels; level++)
        MUST(plain->counts[level] == gathered->counts[level]);
    for (int32_t i = 0; i < plain->counts[1]; i++)
        for (int t = 0; t < 16; t++) {
            int32_t site = plain->children[0][16 * i + t];
            MUST(site >= 0 && site <= plain->counts[0]);
            MUST(memcmp(gathered->x0 + WINDOW * (i + 1) + 2 * t, plain->x0 + 2 * site, 2) == 0);
        }
    for (int level = 2; level <= plain->levels; level++)
        MUST(memcmp(plain->children[level - 1], gathered->children[level - 1],
                    (size_t)plain->counts[level] * 4 * sizeof(int32_t)) == 0);
    int64_t last = 0;
    for (int32_t i = 0; i < plain->objects; i++) {
        MUST(plain->object_sites[i] >= 1 && plain->object_sites[i] == gathered->object_sites[i]);
        MUST(plain->halvings[i] == gathered->halvings[i]);
        MUST(memcmp(plain->sums + 6 * i, gathered->sums + 6 * i, 6 * sizeof(int64_t)) == 0);
        last += plain->object_sites[i];
    }
    MUST(last == plain->counts[plain->levels]);
}

/* One object is what seadrift_prepare and seadrift_build_sites make of it. */
static void check_first(const seadrift_batch *b)
{
    size_t cells = (size_t)b->starts[1];
    seadrift_object o;
    memset(&o, 0, sizeof o);
    o.signal = b->signals;
    o.mask = b->masks;
    o.width = b->boxes[2];
    o.height = b->boxes[3];
    o.signal_stride = o.mask_stride = o.width;
    o.max_area = b->max_area;
    o.x = room(2 * cells);
    o.present = room(cells);
    o.scratch = room(cells);
    o.cells = (int64_t)cells;
    MUST(seadrift_prepare(&o) == SEADRIFT_OK);
    MUST(o.level == b->halvings[0] && memcmp(o.sums, b->sums, sizeof o.sums) == 0);
    int32_t n = 0;
    for (int32_t i = 0; i < o.out_height * o.out_width; i++)
        if (o.present[i])
            MUST(memcmp(b->x0 + 2 * ++n, o.x + 2 * i, 2) == 0);
}

static void hostile(input *in, seadrift_batch b)
{
    int32_t bad = take_wild(in);
    int64_t starts[OBJECTS + 1];
    int32_t boxes[4 * OBJECTS];
    memcpy(starts, b.starts, ((size_t)b.objects + 1) * sizeof *starts);
    memcpy(boxes, b.boxes, 4 * (size_t)b.objects * sizeof *boxes);
    switch (take_int(in, 0, 9)) {
    case 0: b.objects = bad < 0 ? bad : -1; break;
    case 1: b.levels = bad < 1 || bad > LEVELS ? bad : 0; break;
    case 2: b.max_area = bad < 1 ? bad : 0; break;
    case 3: b.gathered = bad < 0 || bad > 1 ? bad : 2; break;
    case 4: b.scratch_bytes = bad < 0 ? bad : -1; break;
    case 5: b.x0 = NULL; break;
    case 6: b.children[b.levels - 1] = NULL; b.gathered = 0; break;
    case 7: b.scratch = NULL; break;
    default:
        if (b.objects == 0)
            return;
        if (in->left % 2)
            starts[take(in) % (uint32_t)(b.objects + 1)] += bad ? bad : 1;
        else
            boxes[4 * (take(in) % (uint32_t)b.objects) + 2 + take(in) % 2] = bad < 1 ? bad : INT32_MAX;
        b.starts = starts;
        b.boxes = boxes;
    }
    MUST(seadrift_build_batch(&b) == SEADRIFT_BAD_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    uint8_t kind = take(&in) % 16;
    seadrift_batch plain = read_batch(&in), gathered = plain;
    gathered.gathered = 1;
    if (kind == 0) {
        lend(&plain, 1);
        hostile(&in, plain);
    } else {
        int32_t code = build(&plain, kind % 2);
        MUST(build(&gathered, kind % 3 == 0) == code);
        if (code == SEADRIFT_OK) {
            check_same(&plain, &gathered);
            if (plain.objects > 0)
                check_first(&plain);
        }
    }
    free_rooms();
    return 0;
}

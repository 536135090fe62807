/* seadrift_split on small masks. */
#include "input.h"
#include "split.h"

enum { SIDE = 28, OBJECTS = 3 };

static seadrift_splitting read_objects(input *in)
{
    seadrift_splitting all;
    memset(&all, 0, sizeof all);
    all.objects = take_int(in, 0, OBJECTS);
    int32_t *boxes = room(4 * (size_t)all.objects * sizeof *boxes);
    int64_t *starts = room(((size_t)all.objects + 1) * sizeof *starts);
    starts[0] = 0;
    for (int32_t i = 0; i < all.objects; i++) {
        boxes[4 * i] = boxes[4 * i + 1] = take(in);
        boxes[4 * i + 2] = take_int(in, 1, SIDE);
        boxes[4 * i + 3] = take_int(in, 1, SIDE);
        int32_t cells = boxes[4 * i + 2] * boxes[4 * i + 3];
        starts[i + 1] = starts[i] + cells;
        all.room_cells = cells > all.room_cells ? cells : all.room_cells;
    }
    all.boxes = boxes;
    all.starts = starts;
    all.cells = starts[all.objects];
    all.summit = take_int(in, 1, 6);
    all.pass_percent = take_int(in, 0, 100);
    all.lobes_most = take_int(in, 1, SEADRIFT_SPLIT_MAX_LOBES);
    all.height = room((size_t)all.room_cells * sizeof *all.height);
    all.room = room((4 * (size_t)all.room_cells + 4) * sizeof *all.room);
    all.labels = room((size_t)all.cells);
    all.lobes = room((size_t)all.objects * sizeof *all.lobes);
    all.masks = take_bytes(in, (size_t)all.cells);
    return all;
}

static void check(const seadrift_splitting *all)
{
    for (int32_t i = 0; i < all->objects; i++) {
        MUST(all->lobes[i] >= 1 && all->lobes[i] <= all->lobes_most);
        uint8_t seen[256] = {0};
        for (int64_t k = all->starts[i]; all->lobes[i] > 1 && k < all->starts[i + 1]; k++) {
            MUST(all->labels[k] <= all->lobes[i]);
            seen[all->labels[k]] = 1;
        }
        for (int32_t k = 1; all->lobes[i] > 1 && k <= all->lobes[i]; k++)
            MUST(seen[k]);
    }
}

static void hostile(input *in, seadrift_splitting all)
{
    int32_t bad = take_wild(in);
    switch (take_int(in, 0, 5)) {
    case 0: all.objects = bad < 0 ? bad : -1; break;
    case 1: all.summit = bad < 1 ? bad : 0; break;
    case 2: all.pass_percent = bad < 0 ? bad : 101; break;
    case 3: all.lobes_most = bad < 1 ? bad : 33; break;
    case 4: all.room_cells = all.objects ? all.room_cells - 1 : -1; break;
    default: all.labels = NULL; break;
    }
    MUST(seadrift_split(&all) == SEADRIFT_BAD_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    uint8_t kind = take(&in) % 16;
    seadrift_splitting all = read_objects(&in);
    if (kind == 0) {
        hostile(&in, all);
    } else {
        MUST(seadrift_split(&all) == SEADRIFT_OK);
        check(&all);
    }
    free_rooms();
    return 0;
}

/* seadrift_find_objects, seadrift_cut_objects and seadrift_cut_boxes on small frames. */
#include "input.h"
#include "segment.h"

enum { SIDE = 72 }; /* more than a word of bits */

static seadrift_frame read_frame(input *in)
{
    seadrift_frame f;
    memset(&f, 0, sizeof f);
    int32_t most = take(in) % 4 ? SIDE / 4 : SIDE; /* small frames mostly: they are quick and find as much */
    f.height = take_int(in, 1, most);
    f.width = take_int(in, 1, most);
    f.low = take_int(in, 0, 256);
    f.own = take_int(in, 0, 256);
    f.high = take_int(in, 0, 256);
    f.close = take_int(in, 0, 1);
    f.filled_min = take_int(in, -1, 64);
    f.pinhole = take_int(in, -1, 120) + 0.5 * take_int(in, 0, 1);
    size_t pixels = (size_t)f.height * (size_t)f.width;
    f.runs_room = take_int(in, 0, (int32_t)pixels + 1);
    f.parts_room = take_int(in, 0, (int32_t)pixels + 1);
    f.objects_room = take_int(in, 0, 200);
    size_t words = ((size_t)f.width + 63) / 64;
    f.bits = room((2 * (size_t)f.height * words + 3 * (words + 2) + (size_t)f.height + 4) * sizeof *f.bits);
    f.sums = room(((size_t)f.width + 2) * sizeof *f.sums);
    f.starts = room(((size_t)f.height + 1) * sizeof *f.starts);
    f.signal = take_bytes(in, pixels);
    return f;
}

static void lend(seadrift_frame *f)
{
    f->runs = room((size_t)f->runs_room * sizeof *f->runs);
    f->parts = room((size_t)f->parts_room * sizeof *f->parts);
    f->objects = room((size_t)f->objects_room * sizeof *f->objects);
}

/* Each room may be too small once; then the frame has said how much it needs. */
static int32_t find_with_room(seadrift_frame *f)
{
    int32_t code = SEADRIFT_OK;
    for (int turn = 0; turn < 4; turn++) {
        lend(f);
        code = seadrift_find_objects(f);
        if (code == SEADRIFT_SMALL_RUNS) {
            MUST(f->runs_count > f->runs_room);
            f->runs_room = f->runs_count;
        } else if (code == SEADRIFT_SMALL_PARTS) {
            MUST(f->parts_count > f->parts_room);
            f->parts_room = f->parts_count;
        } else if (code == SEADRIFT_SMALL_OBJECTS) {
            MUST(f->objects_count > f->objects_room);
            f->objects_room = f->objects_count;
        } else {
            break;
        }
    }
    return code;
}

static int64_t check_objects(const seadrift_frame *f)
{
    int64_t cells = 0, area = 0;
    for (int32_t i = 0; i < f->objects_count; i++) {
        const seadrift_component *o = f->objects + i;
        MUST(o->width >= 0 && o->height >= 0 && o->bx >= 0 && o->by >= 0);
        MUST(o->bx + o->width <= f->width && o->by + o->height <= f->height);
        MUST(o->high <= o->area && o->area <= o->filled && o->area <= o->width * o->height);
        cells += (int64_t)o->width * o->height;
        area += o->area;
    }
    MUST(area <= (int64_t)f->width * f->height);
    return cells;
}

static void cut_all(const seadrift_frame *f, int64_t cells)
{
    int32_t *which = room((size_t)f->objects_count * sizeof *which);
    uint8_t *masks = room((size_t)cells), *signals = room((size_t)cells);
    for (int32_t i = 0; i < f->objects_count; i++)
        which[i] = f->objects_count - 1 - i;
    MUST(seadrift_cut_objects(f, which, f->objects_count, masks, signals, cells) == SEADRIFT_OK);
    for (int32_t i = 0; i < f->objects_count; i++) {
        const seadrift_component *o = f->objects + which[i];
        int32_t own = 0;
        for (int64_t k = 0; k < (int64_t)o->width * o->height; k++)
            own += *masks++;
        MUST(own == o->area);
    }
}

static void cut_some(input *in, const seadrift_frame *f)
{
    int32_t count = take_int(in, 0, 8);
    int64_t bytes = take_int(in, 0, 4000);
    int32_t *which = room((size_t)count * sizeof *which);
    for (int32_t i = 0; i < count; i++)
        which[i] = take(in) & 1 ? take_wild(in) : take_int(in, 0, 9);
    seadrift_cut_objects(f, which, count, room((size_t)bytes), room((size_t)bytes), bytes);
}

static void cut_boxes(input *in, const seadrift_frame *f)
{
    int32_t count = take_int(in, 0, 3), inverted = take(in) & 1, fits = 1;
    int64_t bytes = take_int(in, 0, 4000), cells = 0;
    int32_t *boxes = room(4 * (size_t)count * sizeof *boxes);
    for (int32_t i = 0; i < 4 * count; i++)
        boxes[i] = take(in) % 8 ? take_int(in, 0, SIDE) : take_wild(in);
    for (int32_t *box = boxes; box < boxes + 4 * count; box += 4) {
        fits = fits && box[0] >= 0 && box[1] >= 0 && box[2] >= 0 && box[3] >= 0;
        fits = fits && (int64_t)box[0] + box[2] <= f->width && (int64_t)box[1] + box[3] <= f->height;
        cells += fits ? (int64_t)box[2] * box[3] : 0;
    }
    int32_t expected = fits && cells <= bytes ? SEADRIFT_OK : SEADRIFT_BAD_ARGUMENT;
    uint8_t *out = room((size_t)bytes);
    MUST(seadrift_cut_boxes(f->signal, f->height, f->width, boxes, count, inverted, out, bytes) == expected);
}

static void hostile(input *in, seadrift_frame f)
{
    int32_t bad = take_wild(in), big = bad < 1 ? bad : 65536;
    switch (take_int(in, 0, 5)) {
    case 0: f.height = bad < 1 ? bad : 0; break;
    case 1: f.width = big; f.height = big; break;
    case 2: f.low = bad < 0 ? bad : 257; break;
    case 3: f.high = bad < 0 ? bad : INT32_MAX; break;
    case 4: f.signal = NULL; break;
    default: f.bits = NULL; break;
    }
    lend(&f);
    MUST(seadrift_find_objects(&f) == SEADRIFT_BAD_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    uint8_t kind = take(&in) % 16;
    seadrift_frame f = read_frame(&in);
    if (kind == 0) {
        hostile(&in, f);
    } else {
        MUST(find_with_room(&f) == SEADRIFT_OK);
        cut_all(&f, check_objects(&f));
        cut_some(&in, &f);
        cut_boxes(&in, &f);
    }
    free_rooms();
    return 0;
}

/* seadrift_prepare: any region, any strides, any room. */
#include "input.h"
#include "prepare.h"

enum { SIDE = 40, SLACK = 8 };

static seadrift_object read_object(input *in)
{
    seadrift_object o;
    memset(&o, 0, sizeof o);
    o.height = take_int(in, 1, SIDE);
    o.width = take_int(in, 1, SIDE);
    o.signal_stride = o.width + take_int(in, 0, SLACK);
    o.mask_stride = o.width + take_int(in, 0, SLACK);
    o.max_area = take_int(in, 1, SIDE * SIDE);
    o.cells = take_int(in, 0, SIDE * SIDE);
    o.signal = take_bytes(in, (size_t)(o.signal_stride * (o.height - 1) + o.width));
    o.mask = take_bytes(in, (size_t)(o.mask_stride * (o.height - 1) + o.width));
    return o;
}

static void check_result(const seadrift_object *o)
{
    int64_t area = 0;
    int32_t n = o->out_height * o->out_width;
    MUST(o->out_height >= 1 && o->out_width >= 1 && n <= o->cells);
    for (int32_t i = 0; i < n; i++) {
        MUST(o->present[i] <= 1 && o->x[2 * i + 1] == 255 * o->present[i]);
        MUST(o->present[i] || o->x[2 * i] == 0);
        area += o->present[i];
    }
    MUST(area >= 1 && area <= o->max_area && (o->level > 0 || area == o->sums[0]));
}

static int any(const seadrift_object *o)
{
    for (int32_t y = 0; y < o->height; y++)
        for (int32_t x = 0; x < o->width; x++)
            if (o->mask[y * o->mask_stride + x])
                return 1;
    return 0;
}

static void hostile(input *in, seadrift_object o)
{
    int32_t bad = take_wild(in);
    switch (take_int(in, 0, 4)) {
    case 0: o.height = bad < 1 ? bad : SEADRIFT_PREPARE_MAX_SIDE + 1; break;
    case 1: o.width = bad < 1 ? bad : INT32_MAX; break;
    case 2: o.max_area = bad < 1 ? bad : 0; break;
    case 3: o.mask = NULL; break;
    default: o.x = NULL; break;
    }
    MUST(seadrift_prepare(&o) == SEADRIFT_BAD_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    uint8_t kind = take(&in) % 16;
    seadrift_object o = read_object(&in);
    for (int turn = 0; turn < 2; turn++) { /* with the room of the input, then with enough */
        o.x = room(2 * (size_t)o.cells);
        o.present = room((size_t)o.cells);
        o.scratch = room((size_t)o.cells);
        if (kind == 0) {
            hostile(&in, o);
            break;
        }
        int32_t code = seadrift_prepare(&o);
        MUST((code == SEADRIFT_BAD_ARGUMENT) == !any(&o));
        if (code == SEADRIFT_OK)
            check_result(&o);
        if (code != SEADRIFT_SMALL_SCRATCH)
            break;
        MUST(turn == 0 && o.cells < (int64_t)o.height * o.width);
        o.cells = (int64_t)o.height * o.width;
    }
    free_rooms();
    return 0;
}

/* seadrift_cut_boxes: boxes of a plane, some of them nowhere near it. */
#include "input.h"
#include "segment.h"

static void boxes(input *in)
{
    int32_t height = take_int(in, 1, 24), width = take_int(in, 1, 24), count = take_int(in, 0, 9);
    uint8_t *plane = take_bytes(in, (size_t)height * (size_t)width);
    int32_t *box = room(4 * (size_t)count * sizeof *box), inverted = take(in) & 1, inside = 1;
    int64_t cells = 0;
    for (int32_t i = 0; i < count; i++) {
        int32_t *b = box + 4 * i;
        b[0] = take_int(in, 0, width - 1);
        b[1] = take_int(in, 0, height - 1);
        b[2] = take_int(in, 1, width - b[0]);
        b[3] = take_int(in, 1, height - b[1]);
        if (take(in) == 7)
            b[take(in) % 4] = take_wild(in);
        inside &= b[0] >= 0 && b[1] >= 0 && b[2] >= 0 && b[3] >= 0 && b[2] <= width && b[3] <= height &&
                  b[0] <= width - b[2] && b[1] <= height - b[3];
        cells += inside ? (int64_t)b[2] * b[3] : 0;
    }
    int64_t bytes = cells - (take(in) == 7 && cells > 0);
    uint8_t *out = room((size_t)bytes);
    int32_t code = seadrift_cut_boxes(plane, height, width, box, count, inverted, out, bytes);
    MUST(code == (inside && bytes == cells ? SEADRIFT_OK : SEADRIFT_BAD_ARGUMENT));
    for (int32_t i = 0; code == SEADRIFT_OK && i < count; i++)
        for (int32_t y = 0; y < box[4 * i + 3]; y++)
            for (int32_t x = 0; x < box[4 * i + 2]; x++) {
                uint8_t here = plane[(box[4 * i + 1] + y) * width + box[4 * i] + x];
                MUST(*out++ == (inverted ? 255 - here : here));
            }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    boxes(&in);
    free_rooms();
    return 0;
}

/* seadrift_measure: any batch of small masks, any room; every value a number. */
#include "input.h"
#include "measures.h"

#include <math.h>

enum { OBJECTS = 4, SIDE = 28 };

static seadrift_measures read_frame(input *in)
{
    seadrift_measures m;
    memset(&m, 0, sizeof m);
    m.objects = take_int(in, 0, OBJECTS);
    m.bright = take(in) & 1;
    m.costly = take(in) % 8 == 7; /* these take ten times as long */
    m.columns = SEADRIFT_MEASURES_COUNT;
    int32_t *boxes = room(4 * (size_t)m.objects * sizeof *boxes);
    int64_t *starts = room(((size_t)m.objects + 1) * sizeof *starts);
    int32_t most = take(in) % 4 ? SIDE / 3 : SIDE;
    starts[0] = 0;
    for (int32_t i = 0; i < m.objects; i++) {
        boxes[4 * i] = take_int(in, 0, 4000);
        boxes[4 * i + 1] = take_int(in, 0, 4000);
        boxes[4 * i + 2] = take_int(in, 1, most);
        boxes[4 * i + 3] = take_int(in, 1, most);
        starts[i + 1] = starts[i] + (int64_t)boxes[4 * i + 2] * boxes[4 * i + 3];
    }
    m.boxes = boxes;
    m.starts = starts;
    m.cells = starts[m.objects];
    m.scratch_bytes = take_int(in, 0, 20000);
    m.masks = take_bytes(in, (size_t)m.cells);
    m.signals = take_bytes(in, (size_t)m.cells);
    m.values = room((size_t)m.objects * SEADRIFT_MEASURES_COUNT * sizeof *m.values);
    return m;
}

static int32_t first_empty(const seadrift_measures *m)
{
    for (int32_t i = 0; i < m->objects; i++) {
        int any = 0;
        for (int64_t k = m->starts[i]; k < m->starts[i + 1]; k++)
            any |= m->masks[k];
        if (!any)
            return i;
    }
    return -1;
}

static void check_values(const seadrift_measures *m)
{
    for (int32_t i = 0; i < m->objects; i++) {
        const float *values = m->values + (int64_t)i * SEADRIFT_MEASURES_COUNT;
        int64_t area = 0;
        for (int64_t k = m->starts[i]; k < m->starts[i + 1]; k++)
            area += m->masks[k] != 0;
        for (int k = 0; k < SEADRIFT_MEASURES_COUNT; k++)
            MUST(isfinite(values[k]));
        MUST(values[0] >= (float)area && values[0] <= (float)(m->starts[i + 1] - m->starts[i]));
    }
}

static void hostile(input *in, seadrift_measures m)
{
    int32_t bad = take_wild(in), *boxes = room(4 * sizeof *boxes);
    int64_t *starts = room(2 * sizeof *starts);
    m.objects = 1;
    boxes[0] = boxes[1] = starts[0] = 0;
    boxes[2] = boxes[3] = 3;
    starts[1] = m.cells = 9;
    m.boxes = boxes;
    m.starts = starts;
    m.masks = m.signals = room(9);
    memset((void *)m.masks, 1, 9);
    m.values = room(SEADRIFT_MEASURES_COUNT * sizeof *m.values);
    m.scratch_bytes = 1 << 16;
    m.scratch = room(1 << 16);
    switch (take_int(in, 0, 8)) {
    case 0: m.objects = bad < 0 ? bad : -1; break;
    case 1: m.columns = bad == SEADRIFT_MEASURES_COUNT ? 0 : bad; break;
    case 2: boxes[2] = bad == 3 ? 4 : bad; break;
    case 3: boxes[3] = bad == 3 ? 4 : bad; break;
    case 4: starts[0] = bad ? bad : 1; break;
    case 5: starts[1] = bad == 9 ? 8 : bad; break;
    case 6: m.cells = 8; break;
    case 7: m.masks = NULL; break;
    default: m.values = NULL; break;
    }
    MUST(seadrift_measure(&m) == SEADRIFT_BAD_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    uint8_t kind = take(&in) % 16;
    seadrift_measures m = read_frame(&in);
    if (kind == 0) {
        hostile(&in, m);
        free_rooms();
        return 0;
    }
    int32_t code = SEADRIFT_SMALL_MEASURES, empty = first_empty(&m);
    for (int turn = 0; turn <= m.objects + 1 && code == SEADRIFT_SMALL_MEASURES; turn++) {
        m.scratch = room((size_t)m.scratch_bytes);
        code = seadrift_measure(&m);
        if (code == SEADRIFT_SMALL_MEASURES) {
            MUST(m.needed_scratch > m.scratch_bytes);
            m.scratch_bytes = m.needed_scratch;
        }
    }
    MUST(code == (empty < 0 ? SEADRIFT_OK : SEADRIFT_BAD_ARGUMENT));
    MUST(m.refused == empty);
    if (code == SEADRIFT_OK)
        check_values(&m);
    free_rooms();
    return 0;
}

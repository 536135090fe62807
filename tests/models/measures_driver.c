/* Measures the objects of a file and writes their values: for builds that Python cannot load.
 *
 *   measures_driver IN OUT     IN: n, bright, costly (int32), boxes, starts, masks, signals
 */
#include "measures.h"

#include <stdio.h>
#include <stdlib.h>

static void *bytes(FILE *in, size_t size)
{
    void *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, in) != size)
        exit(2);
    return data;
}

int main(int argc, char **argv)
{
    FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL, *out = argc == 3 ? fopen(argv[2], "wb") : NULL;
    if (!in || !out)
        return 2;
    int32_t *head = bytes(in, 3 * sizeof *head);
    size_t n = (size_t)head[0], count = n * SEADRIFT_MEASURES_COUNT;
    seadrift_measures m = {.objects = head[0], .bright = head[1], .costly = head[2]};
    int32_t *boxes = bytes(in, 4 * n * sizeof *boxes);
    int64_t *starts = bytes(in, (n + 1) * sizeof *starts);
    m.boxes = boxes;
    m.starts = starts;
    m.cells = starts[n];
    m.masks = bytes(in, (size_t)m.cells);
    m.signals = bytes(in, (size_t)m.cells);
    m.columns = SEADRIFT_MEASURES_COUNT;
    m.values = malloc(count * sizeof *m.values);
    m.scratch_bytes = 1 << 24;
    m.scratch = malloc((size_t)m.scratch_bytes);
    if (!m.values || !m.scratch)
        return 2;
    int32_t code = seadrift_measure(&m);
    if (code == SEADRIFT_OK && fwrite(m.values, sizeof *m.values, count, out) != count)
        return 2;
    return fclose(out) ? 2 : code;
}

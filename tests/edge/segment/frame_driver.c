/* Drawn frames through background, components, crops and lobes; prints one number for all that comes out, so
 * that processors and paths can be compared. Every buffer is exactly as large as it must be, so that a
 * sanitizer sees the first byte too far.
 */
#include "background.h"
#include "segment.h"
#include "split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 60 };

static uint64_t hash = UINT64_C(14695981039346656037);
static uint32_t state = 1;

static void add(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
}

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (state >> 8) % below;
}

static void *room(size_t bytes)
{
    void *block = malloc(bytes ? bytes : 1);
    if (!block)
        exit(3);
    memset(block, 0, bytes);
    return block;
}

static void must(int32_t code)
{
    if (code != SEADRIFT_OK) {
        printf("code %d\n", code);
        exit(2);
    }
}

/* Discs on a slope of grey with some noise, or noise alone. */
static void paint(uint8_t *grey, int32_t height, int32_t width, int32_t kind)
{
    for (int32_t i = 0; i < height * width; i++)
        grey[i] = (uint8_t)(kind == 0 ? (int32_t)draw(256) : 20 + 30 * (i % width) / width + (int32_t)draw(3));
    for (uint32_t n = kind == 0 ? 0 : draw(30); n > 0; n--) {
        int32_t cx = (int32_t)draw((uint32_t)width), cy = (int32_t)draw((uint32_t)height);
        int32_t r = 2 + (int32_t)draw(16), level = 70 + (int32_t)draw(150);
        for (int32_t y = cy - r; y <= cy + r; y++)
            for (int32_t x = cx - r; x <= cx + r; x++)
                if (x >= 0 && y >= 0 && x < width && y < height &&
                    (x - cx) * (x - cx) + (y - cy) * (y - cy) <= r * r)
                    grey[y * width + x] = (uint8_t)level;
    }
}

static void correct(const uint8_t *grey, int32_t height, int32_t width, int32_t bright, uint8_t *signal)
{
    int32_t stride = 1 + (int32_t)draw(2);
    int32_t rows = ((height + stride - 1) / stride + 15) / 16, columns = ((width + stride - 1) / stride + 15) / 16;
    seadrift_scene scene = {grey, height, width, stride, rows, columns, bright};
    size_t n = (size_t)rows * (size_t)columns;
    int16_t *tiles = room(2 * n), *spare = room(6 * n), *lines = room(6 * (size_t)width);
    double *weights = room(sizeof(double) * n);
    int32_t histogram[SEADRIFT_RESIDUALS];
    must(seadrift_background_tiles(&scene, tiles, weights, spare));
    must(seadrift_background_residuals(&scene, tiles, lines, histogram));
    must(seadrift_background_subtract(&scene, tiles, lines, signal));
    add(tiles, 2 * n);
    add(histogram, sizeof histogram);
    add(signal, (size_t)height * (size_t)width);
    free(tiles);
    free(spare);
    free(lines);
    free(weights);
}

static void split(const seadrift_frame *f, const int32_t *boxes, const int64_t *starts, const uint8_t *masks)
{
    seadrift_splitting all = {boxes, starts, masks, starts[f->objects_count], f->objects_count, 3, 60, 16,
                              0,     0,      0,     0,                        0};
    for (int32_t i = 0; i < f->objects_count; i++)
        if (starts[i + 1] - starts[i] > all.room_cells)
            all.room_cells = starts[i + 1] - starts[i];
    all.height = room(2 * (size_t)all.room_cells);
    all.room = room(16 * (size_t)all.room_cells + 16);
    all.labels = room((size_t)all.cells);
    all.lobes = room(4 * (size_t)all.objects);
    must(seadrift_split(&all));
    add(all.lobes, 4 * (size_t)all.objects);
    add(all.labels, (size_t)all.cells);
    free(all.height);
    free(all.room);
    free(all.labels);
    free(all.lobes);
}

static void cut(const seadrift_frame *f)
{
    size_t n = (size_t)f->objects_count;
    int32_t *which = room(4 * n), *boxes = room(16 * n);
    int64_t *starts = room(8 * (n + 1));
    for (size_t i = 0; i < n; i++) {
        const seadrift_component *o = f->objects + i;
        const int32_t box[4] = {o->bx, o->by, o->width, o->height};
        which[i] = (int32_t)i;
        memcpy(boxes + 4 * i, box, sizeof box);
        starts[i + 1] = starts[i] + (int64_t)o->width * o->height;
    }
    uint8_t *masks = room((size_t)starts[n]), *signals = room((size_t)starts[n]);
    must(seadrift_cut_objects(f, which, f->objects_count, masks, signals, starts[n]));
    add(masks, (size_t)starts[n]);
    add(signals, (size_t)starts[n]);
    must(seadrift_cut_boxes(f->signal, f->height, f->width, boxes, f->objects_count, 1, signals, starts[n]));
    add(signals, (size_t)starts[n]);
    split(f, boxes, starts, masks);
    free(which);
    free(boxes);
    free(starts);
    free(masks);
    free(signals);
}

static void find(const uint8_t *signal, int32_t height, int32_t width)
{
    seadrift_frame f;
    memset(&f, 0, sizeof f);
    size_t words = ((size_t)width + 63) / 64, pixels = (size_t)height * (size_t)width;
    f.signal = signal;
    f.height = height;
    f.width = width;
    f.low = (int32_t)draw(40);
    f.own = f.low / 2;
    f.high = f.low + (int32_t)draw(230);
    f.close = (int32_t)draw(2);
    f.filled_min = 1 + (int32_t)draw(60);
    f.pinhole = f.filled_min;
    f.bits = room((2 * (size_t)height * words + 3 * (words + 2) + (size_t)height + 4) * sizeof *f.bits);
    f.sums = room(((size_t)width + 2) * sizeof *f.sums);
    f.starts = room(((size_t)height + 1) * sizeof *f.starts);
    f.runs_room = f.parts_room = f.objects_room = (int32_t)(pixels + 2 * (size_t)height + 2);
    f.runs = room((size_t)f.runs_room * sizeof *f.runs);
    f.parts = room((size_t)f.parts_room * sizeof *f.parts);
    f.objects = room((size_t)f.objects_room * sizeof *f.objects);
    must(seadrift_find_objects(&f));
    add(f.objects, (size_t)f.objects_count * sizeof *f.objects);
    add(&f.specks, sizeof f.specks);
    cut(&f);
    free(f.bits);
    free(f.sums);
    free(f.starts);
    free(f.runs);
    free(f.parts);
    free(f.objects);
}

int main(void)
{
    for (int32_t i = 0; i < FRAMES; i++) {
        int32_t height = 1 + (int32_t)draw(150), width = 1 + (int32_t)draw(300);
        size_t pixels = (size_t)height * (size_t)width;
        uint8_t *grey = room(pixels), *signal = room(pixels);
        paint(grey, height, width, i % 5);
        correct(grey, height, width, i & 1, signal);
        find(signal, height, width);
        free(grey);
        free(signal);
    }
    printf("%016llx\n", (unsigned long long)hash);
    return 0;
}

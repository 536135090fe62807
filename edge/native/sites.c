/* See sites.h. One pass per object and level over a raster with an empty margin of four cells, so that no
 * window of a cell of the object can leave the raster and no neighbour needs a bounds test.
 */
#include "sites.h"

#include <string.h>

enum { MARGIN = SEADRIFT_SITES_MARGIN };

typedef struct {
    int32_t *cells; /* site number, 0 = none */
    int64_t stride;
    int32_t height;
    int32_t width;
} raster;

int32_t seadrift_sites_version(void) { return SEADRIFT_SITES_VERSION; }

static void clear(raster *r, int32_t *cells, int32_t height, int32_t width)
{
    r->cells = cells;
    r->height = height;
    r->width = width;
    r->stride = (int64_t)width + 2 * MARGIN;
    memset(cells, 0, (size_t)(((int64_t)height + 2 * MARGIN) * r->stride) * sizeof *cells);
}

static int32_t *cell(const raster *r, int32_t y, int32_t x)
{
    return r->cells + ((int64_t)y + MARGIN) * r->stride + x + MARGIN;
}

/* Copies a size x size window whose first cell is `from` into one table row. */
static void window(int32_t *row, const int32_t *from, int64_t stride, int size)
{
    for (int dy = 0; dy < size; dy++)
        for (int dx = 0; dx < size; dx++)
            *row++ = from[dy * stride + dx];
}

static void number_pixels(seadrift_sites *b, raster *r, const uint8_t *mask, const uint8_t *x)
{
    size_t channels = (size_t)b->channels;
    int32_t n = b->counts[0];
    for (int32_t y = 0; y < r->height; y++) {
        int32_t *row = cell(r, y, 0);
        for (int32_t i = 0; i < r->width; i++, mask++, x += channels) {
            if (!*mask)
                continue;
            row[i] = ++n;
            if (n <= b->capacity[0])
                memcpy(b->x0 + (size_t)n * channels, x, channels);
        }
    }
    b->counts[0] = n;
}

/* Numbers the coarse sites over `fine` and writes their children. */
static void number_coarse(seadrift_sites *b, int level, const raster *fine, raster *coarse)
{
    int size = level == 1 ? 4 : 2;
    int64_t back = level == 1 ? fine->stride + 1 : 0;
    int32_t n = b->counts[level];
    for (int32_t y = 0; y < coarse->height; y++)
        for (int32_t x = 0; x < coarse->width; x++) {
            const int32_t *block = cell(fine, 2 * y, 2 * x);
            if (!(block[0] | block[1] | block[fine->stride] | block[fine->stride + 1]))
                continue;
            *cell(coarse, y, x) = ++n;
            if (n <= b->capacity[level])
                window(b->children[level - 1] + (size_t)(n - 1) * (size_t)(size * size), block - back,
                       fine->stride, size);
        }
    b->counts[level] = n;
}

static void write_near(seadrift_sites *b, int level, const raster *r)
{
    for (int32_t y = 0; y < r->height; y++)
        for (int32_t x = 0; x < r->width; x++) {
            const int32_t *c = cell(r, y, x);
            if (*c && *c <= b->capacity[level])
                window(b->near[level - 1] + (size_t)(*c - 1) * 9, c - r->stride - 1, r->stride, 3);
        }
}

/* Sizes are checked before anything is written: cells of the largest raster, and at most INT32_MAX pixels. */
static int32_t check(seadrift_sites *b)
{
    int64_t pixels = 0;
    if (b->objects < 0 || b->channels < 1 || b->levels < 1 || b->levels > SEADRIFT_SITES_MAX_LEVELS ||
        !b->x0 || !b->scratch || !b->object_sites)
        return SEADRIFT_BAD_ARGUMENT;
    if (b->objects > 0 && (!b->mask || !b->x || !b->heights || !b->widths))
        return SEADRIFT_BAD_ARGUMENT;
    for (int level = 1; level <= b->levels; level++)
        if (!b->children[level - 1] || !b->near[level - 1])
            return SEADRIFT_BAD_ARGUMENT;
    b->needed_scratch = 0;
    for (int32_t i = 0; i < b->objects; i++) {
        int64_t h = b->heights[i], w = b->widths[i];
        if (h < 1 || w < 1 || h > INT32_MAX / w)
            return SEADRIFT_BAD_ARGUMENT;
        pixels += h * w;
        if (pixels > INT32_MAX - 1)
            return SEADRIFT_BAD_ARGUMENT;
        int64_t cells = (h + 2 * MARGIN) * (w + 2 * MARGIN);
        if (cells > b->needed_scratch)
            b->needed_scratch = cells;
    }
    return b->needed_scratch > b->scratch_cells ? SEADRIFT_SMALL_SCRATCH : SEADRIFT_OK;
}

int32_t seadrift_build_sites(seadrift_sites *b)
{
    if (!b)
        return SEADRIFT_BAD_ARGUMENT;
    memset(b->counts, 0, sizeof b->counts);
    int32_t code = check(b);
    if (code != SEADRIFT_OK)
        return code;
    memset(b->x0, 0, (size_t)b->channels);
    const uint8_t *mask = b->mask, *x = b->x;
    for (int32_t i = 0; i < b->objects; i++) {
        raster fine, coarse;
        int32_t h = b->heights[i], w = b->widths[i];
        int32_t *here = b->scratch, *there = b->scratch + b->scratch_cells;
        int32_t last_before = b->counts[b->levels];
        clear(&fine, here, h, w);
        number_pixels(b, &fine, mask, x);
        for (int level = 1; level <= b->levels; level++) {
            clear(&coarse, there, (fine.height + 1) / 2, (fine.width + 1) / 2);
            number_coarse(b, level, &fine, &coarse);
            write_near(b, level, &coarse);
            there = fine.cells;
            fine = coarse;
        }
        b->object_sites[i] = b->counts[b->levels] - last_before;
        mask += (size_t)h * (size_t)w;
        x += (size_t)h * (size_t)w * (size_t)b->channels;
    }
    for (int level = 0; level <= b->levels; level++)
        if (b->counts[level] > b->capacity[level])
            return SEADRIFT_SMALL_TABLES;
    return SEADRIFT_OK;
}

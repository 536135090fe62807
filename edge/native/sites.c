/* See sites.h. One pass per object and level over a raster with an empty margin of four cells, so that no
 * window of a cell of the object can leave the raster and no neighbour needs a bounds test.
 */
#include "sites.h"

#include "raster.h"

#include <string.h>

enum { MARGIN = SEADRIFT_SITES_MARGIN };

int32_t seadrift_sites_version(void) { return SEADRIFT_SITES_VERSION; }

void seadrift_clear(seadrift_raster *r, int32_t *cells, int32_t height, int32_t width)
{
    r->cells = cells;
    r->height = height;
    r->width = width;
    r->stride = (int64_t)width + 2 * MARGIN;
    memset(cells, 0, (size_t)(((int64_t)height + 2 * MARGIN) * r->stride) * sizeof *cells);
}

int32_t seadrift_number_coarse(const seadrift_raster *fine, seadrift_raster *coarse, int size, int32_t n,
                               int32_t *children, int32_t capacity)
{
    int64_t stride = fine->stride;
    for (int32_t y = 0; y < coarse->height; y++) {
        const int32_t *block = seadrift_cell(fine, 2 * y, 0);
        int32_t *number = seadrift_cell(coarse, y, 0);
        for (int32_t x = 0; x < coarse->width; x++, block += 2) {
            if (!(block[0] | block[1] | block[stride] | block[stride + 1]))
                continue;
            number[x] = ++n;
            if (n > capacity)
                continue;
            if (size == 4) { /* the window from one cell before the block */
                int32_t *row = children + (size_t)(n - 1) * 16;
                for (int dy = 0; dy < 4; dy++)
                    memcpy(row + 4 * dy, block + (dy - 1) * stride - 1, 4 * sizeof *row);
            } else {
                int32_t *row = children + (size_t)(n - 1) * 4;
                memcpy(row, block, 2 * sizeof *row);
                memcpy(row + 2, block + stride, 2 * sizeof *row);
            }
        }
    }
    return n;
}

void seadrift_write_near(const seadrift_raster *r, int32_t *near, int32_t capacity)
{
    for (int32_t y = 0; near && y < r->height; y++) {
        const int32_t *c = seadrift_cell(r, y, 0);
        for (int32_t x = 0; x < r->width; x++, c++) {
            if (!*c || *c > capacity)
                continue;
            int32_t *row = near + (size_t)(*c - 1) * 9;
            memcpy(row, c - r->stride - 1, 4 * sizeof *row); /* one too many, overwritten by the next */
            memcpy(row + 3, c - 1, 4 * sizeof *row);
            memcpy(row + 6, c + r->stride - 1, 3 * sizeof *row);
        }
    }
}

static void number_pixels(seadrift_sites *b, seadrift_raster *r, const uint8_t *mask, const uint8_t *x)
{
    size_t channels = (size_t)b->channels;
    int32_t n = b->counts[0];
    for (int32_t y = 0; y < r->height; y++) {
        int32_t *row = seadrift_cell(r, y, 0);
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
        seadrift_raster fine, coarse;
        int32_t h = b->heights[i], w = b->widths[i];
        int32_t *here = b->scratch, *there = b->scratch + b->scratch_cells;
        int32_t last_before = b->counts[b->levels];
        seadrift_clear(&fine, here, h, w);
        number_pixels(b, &fine, mask, x);
        for (int level = 1; level <= b->levels; level++) {
            seadrift_clear(&coarse, there, (fine.height + 1) / 2, (fine.width + 1) / 2);
            b->counts[level] = seadrift_number_coarse(&fine, &coarse, level == 1 ? 4 : 2, b->counts[level],
                                                      b->children[level - 1], b->capacity[level]);
            seadrift_write_near(&coarse, b->near[level - 1], b->capacity[level]);
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

/* What prepare.c, sites.c and batch.c share; none of it is for callers of the library. */
#ifndef SEADRIFT_RASTER_H
#define SEADRIFT_RASTER_H

#include "prepare.h"

/* --- prepare.c: one object's pixels */

typedef struct {
    const uint8_t *values;
    const uint8_t *mask; /* nonzero where the object is */
    int64_t stride;      /* bytes from row to row */
    int64_t mask_stride;
    int32_t height;
    int32_t width;
    int64_t area;
} seadrift_planes;

/* Narrows the planes to the object's box, and gives its sums (prepare.h) and area. 0: nothing in the mask. */
int seadrift_trim(seadrift_planes *object, int64_t sums[6]);

/* Halves until the area is at most max_area, into two rooms of ((height + 1) / 2) * ((width + 1) / 2) cells
 * (untouched where it is small enough). Returns how often. */
int32_t seadrift_shrink(seadrift_planes *object, int64_t max_area, uint8_t *values, uint8_t *present);

/* --- sites.c: numbers of sites, with an empty margin, so that no window of a cell can leave the raster */

typedef struct {
    int32_t *cells; /* site number, 0 = none */
    int64_t stride;
    int32_t height;
    int32_t width;
} seadrift_raster;

void seadrift_clear(seadrift_raster *raster, int32_t *cells, int32_t height, int32_t width);

static inline int32_t *seadrift_cell(const seadrift_raster *raster, int32_t y, int32_t x)
{
    return raster->cells + ((int64_t)y + SEADRIFT_SITES_MARGIN) * raster->stride + x + SEADRIFT_SITES_MARGIN;
}

/* Numbers the sites of `coarse` over `fine` from n + 1 and writes their children (windows of 4x4 or 2x2), as far
 * as there is capacity. Returns the last number. */
int32_t seadrift_number_coarse(const seadrift_raster *fine, seadrift_raster *coarse, int size, int32_t n,
                               int32_t *children, int32_t capacity);

/* The 3x3 neighbourhood of each site, as far as there is capacity; nothing where `near` is null. */
void seadrift_write_near(const seadrift_raster *raster, int32_t *near, int32_t capacity);

#endif

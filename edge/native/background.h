/* The background of a frame: what edge/segment/backdrop.py defines with numpy, in portable C99.
 *
 * A frame is looked at through every stride-th pixel of every stride-th row, 16 x 16 of these to a tile. Each
 * tile gives a quantile of its greys; tiles that an object covers are bent to the smooth surface that the
 * others lie on; between tile centres the background is linear. Levels are in sixteenths of a grey level.
 *
 * Floating point is used for the surface alone, as single operations in a fixed order, so that the numpy
 * definition gives the same numbers. Nothing is allocated; nothing is written outside the room given.
 */
#ifndef SEADRIFT_BACKGROUND_H
#define SEADRIFT_BACKGROUND_H

#include "sites.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SEADRIFT_BACKGROUND_VERSION = 2,
    SEADRIFT_TILE_SAMPLES = 16, /* per side of a tile */
    SEADRIFT_MAX_STRIDE = 256,
    SEADRIFT_MAX_TILES = 64, /* per side of a frame */
    SEADRIFT_RESIDUALS = 511 /* -255 .. 255 */
};

typedef struct {
    const uint8_t *grey; /* [height, width] */
    int32_t height, width;
    int32_t stride;
    int32_t rows, columns; /* of tiles: ceil(ceil(side / stride) / 16) */
    int32_t bright;        /* 1: objects are darker than the background */
} seadrift_scene;

SEADRIFT_EXPORT int32_t seadrift_background_version(void);

/* A frame's own background. `weights` [rows * columns] and `spare` [3 * rows * columns] are room. */
SEADRIFT_EXPORT int32_t seadrift_background_tiles(const seadrift_scene *scene, int16_t *tiles, double *weights,
                                                  int16_t *spare);

/* How many samples lie how far from the background, towards the objects: histogram[255 + distance]. `room`: [3 * width]. */
SEADRIFT_EXPORT int32_t seadrift_background_residuals(const seadrift_scene *scene, const int16_t *tiles,
                                                      int16_t *room, int32_t *histogram);

/* The distance of every pixel from the background, towards the objects; 0 on the other side. `room`: [3 * width]. */
SEADRIFT_EXPORT int32_t seadrift_background_subtract(const seadrift_scene *scene, const int16_t *tiles,
                                                     int16_t *room, uint8_t *signal);

#ifdef __cplusplus
}
#endif

#endif

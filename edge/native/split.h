/* Objects that touch, told apart: what edge/segment/lobes.py defines with OpenCV and numpy, in portable C99.
 *
 * An object with its holes filled is a relief: each pixel is as high as it is far from the edge. Two summits
 * are lobes of their own if the pass between them is low against the lower summit: a narrow neck. The pixels
 * are then flooded from the summits of the lobes downwards. Thin things (antennae, fibres) have no summit that
 * is high enough, and chains no pass that is low enough.
 *
 * Nothing is allocated; nothing is written outside the room given.
 */
#ifndef SEADRIFT_SPLIT_H
#define SEADRIFT_SPLIT_H

#include "sites.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SEADRIFT_SPLIT_VERSION = 1,
    SEADRIFT_SPLIT_MAX_SIDE = 16384, /* heights, in thirds of a pixel, fit 16 bits */
    SEADRIFT_SPLIT_MAX_LOBES = 32
};

typedef struct {
    /* in: the objects (models/crops.py) */
    const int32_t *boxes;  /* [objects, 4]: bx, by, width, height */
    const int64_t *starts; /* [objects + 1] */
    const uint8_t *masks;  /* nonzero where the object is */
    int64_t cells;         /* bytes in masks and in labels */
    int32_t objects;
    int32_t summit;        /* a lobe is at least so high, pixels */
    int32_t pass_percent;  /* of the lower summit: a pass is at most so high */
    int32_t lobes_most;    /* an object of more lobes is left whole; up to SEADRIFT_SPLIT_MAX_LOBES */
    /* room, for the largest box: it has `room_cells` cells */
    uint16_t *height; /* [room_cells] */
    int32_t *room;    /* [4 * room_cells + 4] */
    int64_t room_cells;
    /* out */
    uint8_t *labels; /* [cells]: which lobe, 1 and up; holes belong to one too. Not written for whole objects */
    int32_t *lobes;  /* [objects]: how many; 1: whole */
} seadrift_splitting;

SEADRIFT_EXPORT int32_t seadrift_split_version(void);

/* SEADRIFT_OK or SEADRIFT_BAD_ARGUMENT. */
SEADRIFT_EXPORT int32_t seadrift_split(seadrift_splitting *all);

#ifdef __cplusplus
}
#endif

#endif

/* One object for the network: what models/preprocess.py defines with numpy, in portable C99.
 *
 * The object's own pixels are halved (mean of each 2x2 block's object pixels, rounded half up) until its
 * area is at most max_area. Of the mask before halving the exact sums are given from which its ellipse
 * follows. Nothing is allocated; nothing is written outside the room given.
 */
#ifndef SEADRIFT_PREPARE_H
#define SEADRIFT_PREPARE_H

#include "sites.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SEADRIFT_PREPARE_VERSION = 1,
    SEADRIFT_PREPARE_MAX_SIDE = 8192 /* sums stay below 2^53: exact in double too */
};

typedef struct {
    /* in */
    const uint8_t *signal;
    const uint8_t *mask; /* nonzero where the object is; somewhere it must be */
    int64_t signal_stride; /* bytes from row to row */
    int64_t mask_stride;
    int32_t height;
    int32_t width;
    int64_t max_area;
    /* room: height * width cells, or, with more than max_area pixels, ((height + 1) / 2) * ((width + 1) / 2) */
    uint8_t *x;       /* out [out_height, out_width, 2]: signal, 255 */
    uint8_t *present; /* out [out_height, out_width]: 0 or 1 */
    uint8_t *scratch; /* as many cells again, where it is halved */
    int64_t cells;    /* in each of the three (in x, pairs) */
    /* out */
    int32_t out_height;
    int32_t out_width;
    int32_t level; /* how often it was halved */
    int64_t sums[6]; /* over the object's pixels, from its own corner: 1, y, x, y^2, x^2, x y */
} seadrift_object;

SEADRIFT_EXPORT int32_t seadrift_prepare_version(void);

/* SEADRIFT_OK, SEADRIFT_BAD_ARGUMENT (a side too long, nothing in the mask), SEADRIFT_SMALL_SCRATCH. */
SEADRIFT_EXPORT int32_t seadrift_prepare(seadrift_object *object);

#ifdef __cplusplus
}
#endif

#endif

/* The measures of all objects of a frame in one call: what models/measures.py defines with OpenCV and numpy,
 * in portable C99.
 *
 * Objects come one after another in flat planes (models/crops.py). Sums are whole numbers and exact; what
 * follows from them is computed in double in the order of the definition, so that both give the same float.
 * Nothing is allocated; nothing is written outside the room given.
 */
#ifndef SEADRIFT_MEASURES_H
#define SEADRIFT_MEASURES_H

#include "sites.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SEADRIFT_MEASURES_VERSION = 2,     /* that of models/measure_table.py */
    SEADRIFT_MEASURES_COUNT = 85,      /* columns, in the order of its table */
    SEADRIFT_MEASURES_MAX_SIDE = 4096, /* sums of grey times the cube of a coordinate stay below 2^63 */
    SEADRIFT_SMALL_MEASURES = 8        /* scratch_bytes < needed_scratch */
};

typedef struct {
    /* in: the objects */
    const int32_t *boxes;   /* [objects, 4]: bx, by, width, height */
    const int64_t *starts;  /* [objects + 1]: where an object's box begins in both planes */
    const uint8_t *masks;   /* nonzero where the object is; somewhere it must be */
    const uint8_t *signals; /* distance from the background */
    int64_t cells;          /* bytes in each plane */
    int32_t objects;
    int32_t bright;         /* 1: grey is 255 - signal */
    int32_t costly;         /* 0: the columns of the costly tier are left 0 */
    int32_t columns;        /* SEADRIFT_MEASURES_COUNT */
    /* room */
    uint8_t *scratch;
    int64_t scratch_bytes;
    float *values;          /* out [objects, columns] */
    /* out */
    int64_t needed_scratch; /* for the largest of the objects up to the one that did not fit, at least */
    int32_t refused;        /* the object that was refused; -1 if none was */
} seadrift_measures;

SEADRIFT_EXPORT int32_t seadrift_measures_version(void);

/* SEADRIFT_OK; SEADRIFT_SMALL_MEASURES: give needed_scratch and call again; SEADRIFT_BAD_ARGUMENT: a null
 * pointer, another number of columns, a box that does not fit its start, a side below 1 or above
 * SEADRIFT_MEASURES_MAX_SIDE, nothing in a mask. */
SEADRIFT_EXPORT int32_t seadrift_measure(seadrift_measures *frame);

#ifdef __cplusplus
}
#endif

#endif

/* The objects of a frame for the network, in one call: what prepare.h does to each and sites.h to all.
 *
 * With `gathered`, the stem's windows are written instead of the pixels and the table that gathers them: row i
 * of x0 then holds the 4x4 pixels, 2 bytes each, of site i of level 1. That is what the network's first layer
 * multiplies, so that layer becomes one of a single tap with 32 channels (network.h: no table), and level 0
 * needs no numbers at all.
 *
 * Nothing is allocated. The caller gives room; counts[] and needed_scratch tell what the whole batch needs (with
 * too little scratch, counts[] only what was reached), and nothing is ever written outside the room given.
 */
#ifndef SEADRIFT_BATCH_H
#define SEADRIFT_BATCH_H

#include "prepare.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SEADRIFT_BATCH_VERSION = 1, SEADRIFT_BATCH_WINDOW = 32 /* bytes of the stem's window */ };

typedef struct {
    /* in: boxes of objects, one after another */
    const int32_t *boxes;   /* [objects, 4]: x, y, width, height; the last two count here */
    const int64_t *starts;  /* [objects + 1]: where a box begins in masks and signals */
    const uint8_t *masks;   /* [cells]; nonzero where the object is, somewhere in each box */
    const uint8_t *signals; /* [cells] */
    int64_t cells;
    int32_t objects;
    int32_t levels; /* 1 .. SEADRIFT_SITES_MAX_LEVELS */
    int64_t max_area;
    int32_t gathered; /* 0 or 1 */
    /* room */
    int32_t capacity[SEADRIFT_SITES_MAX_LEVELS + 1]; /* sites; [0] is not used when gathered */
    uint8_t *scratch;                                /* aligned to 8 */
    int64_t scratch_bytes;
    /* out */
    uint8_t *x0;                                  /* [1 + capacity[0], 2], or gathered [1 + capacity[1], 32] */
    int32_t *children[SEADRIFT_SITES_MAX_LEVELS]; /* as in sites.h; [0] is not written when gathered */
    int32_t *near[SEADRIFT_SITES_MAX_LEVELS];     /* null: not wanted */
    int32_t *object_sites;                        /* [objects] */
    int32_t *halvings;                            /* [objects] */
    int64_t *sums;                                /* [objects, 6], as in prepare.h */
    int32_t counts[SEADRIFT_SITES_MAX_LEVELS + 1]; /* [0]: pixels, gathered or not */
    int64_t needed_scratch;
    int32_t refused; /* with SEADRIFT_BAD_ARGUMENT: the object, or -1 */
} seadrift_batch;

SEADRIFT_EXPORT int32_t seadrift_batch_version(void);

/* Fills the batch; returns SEADRIFT_OK or one of the codes of sites.h. */
SEADRIFT_EXPORT int32_t seadrift_build_batch(seadrift_batch *batch);

#ifdef __cplusplus
}
#endif

#endif

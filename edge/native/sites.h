/* Site tables of the sparse network: what models/sites.py builds with numpy, in portable C99.
 *
 * All objects of a frame form one batch. Level 0 has one site per object pixel, in raster order, object
 * after object; a site of level l + 1 covers a 2x2 block of level l that holds at least one site. Tables
 * hold site numbers; number 0 is a constant zero site, so a missing neighbour needs no test.
 *
 *   children[0] [N1, 16]  the 4x4 window of level 0 from (2y - 1, 2x - 1), the stem
 *   children[l] [Nl+1, 4] the 2x2 block of level l
 *   near[l]     [Nl+1, 9] the 3x3 neighbourhood in level l + 1 itself
 *
 * Nothing is allocated. The caller gives room; counts[] and needed_scratch always tell what the whole batch
 * needs, and nothing is ever written outside the room given.
 */
#ifndef SEADRIFT_SITES_H
#define SEADRIFT_SITES_H

#include <stdint.h>

#if defined(_WIN32)
#define SEADRIFT_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define SEADRIFT_EXPORT __attribute__((visibility("default")))
#else
#define SEADRIFT_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SEADRIFT_SITES_VERSION = 2,
    SEADRIFT_SITES_MAX_LEVELS = 5, /* coarser ones than level 0, the pixels */
    SEADRIFT_SITES_MARGIN = 4      /* empty cells around an object in the scratch raster */
};

enum {
    SEADRIFT_OK = 0,
    SEADRIFT_BAD_ARGUMENT = 1, /* a size or level out of range, a null pointer, more sites than int32 can number */
    SEADRIFT_SMALL_SCRATCH = 2, /* scratch_cells < needed_scratch */
    SEADRIFT_SMALL_TABLES = 3  /* capacity[l] < counts[l] for some level */
};

typedef struct {
    /* in: the objects, one after another */
    const uint8_t *mask;     /* sum(heights * widths); nonzero where the object is */
    const uint8_t *x;        /* the same pixels, `channels` bytes each */
    const int32_t *heights;  /* [objects] */
    const int32_t *widths;   /* [objects] */
    int32_t objects;
    int32_t channels;
    int32_t levels; /* coarse ones, 1 .. SEADRIFT_SITES_MAX_LEVELS: as many as the network has */
    /* room */
    int32_t *scratch;        /* 2 * scratch_cells int32 */
    int64_t scratch_cells;
    int32_t capacity[SEADRIFT_SITES_MAX_LEVELS + 1]; /* sites per level, the zero site not counted */
    /* out */
    uint8_t *x0;             /* [1 + capacity[0], channels]; row 0 becomes zero */
    int32_t *children[SEADRIFT_SITES_MAX_LEVELS];
    int32_t *near[SEADRIFT_SITES_MAX_LEVELS];
    int32_t *object_sites;   /* [objects]: sites of each object at the last level */
    int32_t counts[SEADRIFT_SITES_MAX_LEVELS + 1];
    int64_t needed_scratch;
} seadrift_sites;

SEADRIFT_EXPORT int32_t seadrift_sites_version(void);

/* Fills the tables; returns SEADRIFT_OK or one of the codes above. */
SEADRIFT_EXPORT int32_t seadrift_build_sites(seadrift_sites *batch);

#ifdef __cplusplus
}
#endif

#endif

/* Components of a background-corrected frame: what edge/segment/regions.py finds with OpenCV, in portable C99.
 *
 * A frame becomes two planes of bits (above the low threshold, above the high one), these become runs: every
 * row is tiled by runs that alternate between object and background. Union-find joins object runs that touch
 * (8 neighbours) and background runs that touch (4 neighbours), so objects, their holes and what lies in
 * these form a tree. Specks end as one number each in that tree; nobody looks at them again.
 *
 * Nothing is allocated. The caller gives room; if some is too small, its code is returned and the count says
 * how much is needed. Nothing is ever written outside the room given, and the time is bounded by the number
 * of pixels (times the inverse Ackermann function), whatever the frame shows.
 */
#ifndef SEADRIFT_SEGMENT_H
#define SEADRIFT_SEGMENT_H

#include "sites.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SEADRIFT_SEGMENT_VERSION = 3 };

enum { /* besides SEADRIFT_OK and SEADRIFT_BAD_ARGUMENT */
    SEADRIFT_SMALL_RUNS = 4,   /* runs_room < runs_count */
    SEADRIFT_SMALL_PARTS = 5,  /* parts_room < parts_count */
    SEADRIFT_SMALL_OBJECTS = 6 /* objects_room < objects_count */
};

/* It ends where the next one begins. In each row runs of background and of objects alternate; the first is of
 * background, and empty if an object begins the row. */
typedef struct {
    int32_t x0;
    int32_t part;
} seadrift_run;

/* An object with its holes not counted, or a connected piece of background; part 0 is all background that
 * reaches the frame's edge. Parts come in the order of their first pixels, so a parent precedes its children. */
typedef struct {
    int32_t parent; /* what lies round it; -1 for part 0 */
    int32_t home;   /* the object whose pixels these are, small holes filled; -1: nobody's */
    int32_t inside;
    int32_t first_x, first_y;
    int32_t area;   /* own pixels */
    int32_t filled; /* with everything inside it */
    int32_t object; /* its number in objects[], or -1 */
} seadrift_part;

typedef struct {
    int32_t part;
    int32_t bx, by, width, height; /* the tight box */
    int32_t filled;                /* pixels with all holes filled */
    int32_t area;                  /* pixels with small holes filled: those of the mask */
    int32_t high;                  /* of these, pixels whose smoothed signal is above the high threshold */
} seadrift_component;

typedef struct {
    /* in */
    const uint8_t *signal; /* [height, width] */
    int32_t height, width;
    int32_t low, own, high; /* a pixel is above if it is >= these, 0 .. 256: smoothed, itself, smoothed */
    int32_t close;          /* 1: close gaps with a 3x3 square */
    int32_t filled_min;     /* less is a speck */
    double pinhole;         /* a hole whose outline encloses less is filled */
    /* room */
    uint64_t *bits;  /* [2 * height * n + 3 * (n + 2) + (height + 4) * m], n = (width + 63) / 64, m = (n + 63) / 64 */
    uint16_t *sums;  /* [width + 2] */
    int32_t *starts; /* [height + 1]: the first run of each row */
    seadrift_run *runs;
    seadrift_part *parts;
    int32_t runs_room, parts_room, objects_room;
    /* out */
    seadrift_component *objects; /* in the order of their first pixels */
    int32_t runs_count, parts_count, objects_count;
    int32_t specks;
} seadrift_frame;

SEADRIFT_EXPORT int32_t seadrift_segment_version(void);

/* Finds the objects of a frame; returns SEADRIFT_OK or a code. */
SEADRIFT_EXPORT int32_t seadrift_find_objects(seadrift_frame *frame);

/* Writes the masks (1: of the object) and the signal of some objects, box after box, after
 * seadrift_find_objects has returned SEADRIFT_OK for the same frame. `room`: bytes in each of both. */
SEADRIFT_EXPORT int32_t seadrift_cut_objects(const seadrift_frame *frame, const int32_t *which, int32_t count,
                                             uint8_t *masks, uint8_t *signals, int64_t room);

/* Writes some boxes [count, 4] (x, y, width, height) of a plane [height, width] one after another, each byte
 * less than 255 by what it is if `inverted`. `room`: bytes in `out`. */
SEADRIFT_EXPORT int32_t seadrift_cut_boxes(const uint8_t *plane, int32_t height, int32_t width,
                                           const int32_t *boxes, int32_t count, int32_t inverted, uint8_t *out,
                                           int64_t room);

#ifdef __cplusplus
}
#endif

#endif

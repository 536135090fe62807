/* What the parts of the measures share: measures.c calls them for one object after another. */
#ifndef SEADRIFT_MEASURES_PARTS_H
#define SEADRIFT_MEASURES_PARTS_H

#include "measures.h"

/* Loops that see every pixel are written for the compiler to vectorise, and compiled twice on x86: for every
 * processor, and for those with AVX2. Both compute the same whole numbers. SEADRIFT_PLAIN leaves the second
 * out, for tests. */
#if defined(__GNUC__) && !defined(SEADRIFT_PLAIN) && (defined(__x86_64__) || defined(__i386__))
#define SEADRIFT_AVX2 __attribute__((target("avx2")))
#define SEADRIFT_HAS_AVX2 (__builtin_cpu_supports("avx2") != 0)
#else
#define SEADRIFT_AVX2
#define SEADRIFT_HAS_AVX2 0
#endif
#if defined(__GNUC__)
#define SEADRIFT_INLINE static inline __attribute__((always_inline))
#else
#define SEADRIFT_INLINE static
#endif

/* Pixels x0 .. x1 - 1 of a row. `gap` is for the search of holes: the gap left of the span. */
typedef struct {
    uint16_t x0;
    uint16_t x1;
    int32_t gap;
} seadrift_span;

typedef struct {
    int32_t x;
    int32_t y;
} seadrift_point;

/* What is left of the scratch. `needed` counts on where nothing is left. */
typedef struct {
    uint8_t *next;
    int64_t left;
    int64_t needed;
} seadrift_room;

/* One object. The rasters have a cell of margin above and left of the box's first pixel, and at least one
 * below and 32 right of its last, so that rows can be taken 32 cells at a time. */
typedef struct {
    const uint8_t *mask, *signal; /* [height, width], as given */
    int32_t height, width;
    int32_t left, top, right, bottom; /* of its pixels; right and bottom lie outside */
    int32_t first_x;                  /* of its first pixel, which lies in row `top` */
    int64_t area_exc;
    int64_t euler; /* components less holes */
    int64_t holes;
    int32_t *rows; /* [height + 1]: where each row's spans begin */
    seadrift_span *spans;
    int64_t stride;   /* of the rasters */
    uint8_t *filled;  /* 1 in the filled object, margin 0; its first pixel is that of the box */
    uint8_t *picture; /* the signal, mirrored about its border pixels */
} seadrift_measured;

/* Moments about (ox, oy), the middle of the object's extent: s[p][q] = sum of x^p y^q. */
typedef struct {
    int64_t s[4][4];
} seadrift_moments;

typedef struct {
    int64_t edges;    /* pixel edges walked */
    int64_t corners;  /* of them cut, each saving 2 - sqrt(2) */
    int64_t diagonal; /* edges of outlines that are all corners, each 1 / sqrt(2) long */
} seadrift_outline;

typedef struct {
    double perimeter;
    int64_t twice_area;
    int64_t feret_squared;
    double feret_min;
} seadrift_hull;

typedef struct {
    uint32_t levels[256]; /* of the signal, over the filled object */
    seadrift_moments moments;
} seadrift_signal;

typedef struct {
    int64_t sum;
    int64_t squares;
} seadrift_laplacian;

void *seadrift_take(seadrift_room *room, int64_t bytes);
int seadrift_lowest_bit(uint64_t word); /* its number; the word is not 0 */

/* measures_outline.c */
int32_t seadrift_find_spans(seadrift_measured *object, seadrift_room *room); /* 0: no room */
void seadrift_fill_holes(seadrift_measured *object);
void seadrift_powers_below(int64_t n, int64_t sums[4]); /* sums of 1, x, x^2, x^3 for x < n */
void seadrift_sum_shape(const seadrift_measured *object, seadrift_moments *out);
void seadrift_walk_outline(seadrift_measured *object, seadrift_outline *out); /* marks the raster: 3 for 1 */
void seadrift_hull_of(const seadrift_measured *object, seadrift_point *points, seadrift_hull *out);

void seadrift_add_row(seadrift_moments *moments, const int64_t row[4], int64_t y); /* sums of x^p at y */

/* measures_grey.c */
void seadrift_sum_signal(const seadrift_measured *object, seadrift_signal *out);
void seadrift_sum_laplacian(const seadrift_measured *object, seadrift_laplacian *out);

/* measures_costly.c */
typedef struct {
    double fractal;
    double unlike_across; /* pixels whose mirror image in the major axis is outside, in the minor axis */
    double unlike_along;
    double skeleton;
    double thickness_ratio;
    double inscribed;
} seadrift_costly;

enum { SEADRIFT_COSTLY_CELLS = 65536 }; /* a larger extent is halved first */

int64_t seadrift_costly_bytes(int32_t height, int32_t width);
void seadrift_measure_costly(const seadrift_measured *object, uint8_t *room, seadrift_costly *out);

#endif

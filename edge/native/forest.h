/* A random forest's trees (Breiman 2001): grown and asked. The shore's, not the instrument's; it is here since
 * one library is built.
 *
 * Values come as ranks: a column's distinct values are numbered upwards, so that splits are exact and a node's
 * objects are sorted by a few passes over bytes. At each node some columns are drawn without replacement; the
 * split with the least Gini impurity is taken, and a node is left as a leaf when it is pure or when a side would
 * hold fewer than `leaf_least` objects. Sums are doubles, so a tree is the same on every machine that adds so.
 *
 * Nothing is allocated; nothing is written outside the room given.
 */
#ifndef SEADRIFT_FOREST_H
#define SEADRIFT_FOREST_H

#include "sites.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SEADRIFT_FOREST_VERSION = 1, SEADRIFT_FOREST_MOST = 1 << 29 /* objects */ };

typedef struct {
    /* in */
    const uint32_t *ranks;  /* [columns, objects]: column by column */
    const int32_t *target;  /* [objects], 0 to classes - 1 */
    const double *weight;   /* [objects], at least 0; 0: the tree does not see it */
    int64_t seed;
    int32_t objects;
    int32_t columns;
    int32_t classes;
    int32_t tries;      /* columns drawn at a node, at least 1 */
    int32_t leaf_least; /* objects, at least 1 */
    /* room */
    uint64_t *keys;   /* [2 * objects] */
    double *sums;     /* [3 * classes] */
    int32_t *drawn;   /* [columns] */
    int32_t *stack;   /* [2 * objects + 2] */
    /* out: at most 2 * objects nodes; node 0 is the root */
    int32_t *order;   /* [objects]: the objects seen, those of a node side by side */
    int32_t *first;   /* [2 * objects]: where a node's objects begin in `order` */
    int32_t *count;   /* [2 * objects] */
    int32_t *column;  /* [2 * objects]; -2 for a leaf */
    uint32_t *below;  /* [2 * objects]: the largest rank that goes left */
    uint32_t *above;  /* [2 * objects]: the smallest rank that goes right */
    int32_t *left;    /* [2 * objects]; -1 for a leaf */
    int32_t *right;   /* [2 * objects] */
    int32_t nodes;
} seadrift_tree;

typedef struct {
    const float *values;     /* [objects, columns] */
    const int64_t *starts;   /* [trees + 1] */
    const int32_t *feature;  /* [nodes] */
    const double *threshold; /* [nodes] */
    const int32_t *left;     /* [nodes], within the tree; below 0 for a leaf */
    const int32_t *right;    /* [nodes] */
    const int64_t *leaf;     /* [nodes + 1] */
    const int32_t *taxon;    /* [entries] */
    const double *share;     /* [entries] */
    int64_t objects;
    int32_t columns;
    int32_t trees;
    int32_t classes;
    double *total; /* [objects, classes]: the leaves' shares are added */
} seadrift_asked;

SEADRIFT_EXPORT int32_t seadrift_forest_version(void);

/* Grow one tree. Returns SEADRIFT_OK, or BAD_ARGUMENT, having written nothing, for numbers that cannot be. */
SEADRIFT_EXPORT int32_t seadrift_grow(seadrift_tree *tree);

/* Ask the trees of a forest that was checked (models/trees.py). */
SEADRIFT_EXPORT int32_t seadrift_ask(const seadrift_asked *asked);

#ifdef __cplusplus
}
#endif

#endif

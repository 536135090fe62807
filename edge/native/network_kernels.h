/* What the paths of network.c share. A kernel computes one layer whose arguments have been checked. */
#ifndef SEADRIFT_NETWORK_KERNELS_H
#define SEADRIFT_NETWORK_KERNELS_H

#include "network.h"

#include <stddef.h>

enum { BLOCK = SEADRIFT_NETWORK_BLOCK };

/* Sites that lack the same taps come one after another, so that a kernel which takes several at once can leave
 * those taps out: two of five at the coarse levels, where objects are a few sites wide. */
typedef struct {
    int32_t site;
    uint32_t taps; /* bit t: its tap t is not the zero site */
} seadrift_turn;

typedef struct {
    const seadrift_layer *layer;
    const void *x;     /* the previous map, row 0 included */
    size_t stride;     /* of its rows, in activations */
    void *y;           /* this layer's map, after its row 0 */
    size_t y_stride;   /* a multiple of BLOCK */
    int32_t channels;  /* channels_in, padded to the group */
    const seadrift_turn *turns; /* [sites], sorted; null: the sites as they come, every tap */
} seadrift_task;

/* Available on this machine? Where a path is not compiled in, its kernel is never called. */
int seadrift_has_avx2(void);
int seadrift_has_neon(void);
int seadrift_has_dot(void);

void seadrift_layer_avx2(const seadrift_task *task);
void seadrift_layer_neon(const seadrift_task *task);
void seadrift_layer_dot(const seadrift_task *task);

/* The i-th site in turn, or the last one for those behind it: kernels take several sites at once, and computing
 * the last one again is simpler than a second kernel for what is left over. */
static inline int32_t seadrift_site(const seadrift_task *task, int32_t i)
{
    int32_t last = task->layer->sites - 1;
    i = i < last ? i : last;
    return task->turns ? task->turns[i].site : i;
}

/* Its row of the table. */
static inline const int32_t *seadrift_taps(const seadrift_task *task, int32_t i)
{
    return task->layer->table + (size_t)seadrift_site(task, i) * (size_t)task->layer->taps;
}

#endif

/* What the paths of network.c share. A kernel computes one layer whose arguments have been checked. */
#ifndef SEADRIFT_NETWORK_KERNELS_H
#define SEADRIFT_NETWORK_KERNELS_H

#include "network.h"

#include <stddef.h>

enum { BLOCK = SEADRIFT_NETWORK_BLOCK };

typedef struct {
    const seadrift_layer *layer;
    const void *x;     /* the previous map, row 0 included */
    size_t stride;     /* of its rows, in activations */
    void *y;           /* this layer's map, after its row 0 */
    size_t y_stride;   /* a multiple of BLOCK */
    int32_t channels;  /* channels_in, padded to the group */
} seadrift_task;

/* Available on this machine? Where a path is not compiled in, its kernel is never called. */
int seadrift_has_avx2(void);
int seadrift_has_neon(void);
int seadrift_has_dot(void);

void seadrift_layer_avx2(const seadrift_task *task);
void seadrift_layer_neon(const seadrift_task *task);
void seadrift_layer_dot(const seadrift_task *task);

/* Row `tap` of site `site`, or of the last site for the ones behind it: kernels take several sites at once,
 * and computing the last one again is simpler than a second kernel for what is left over. */
static inline const int32_t *seadrift_taps(const seadrift_layer *layer, int32_t site)
{
    int32_t last = layer->sites - 1;
    return layer->table + (size_t)(site < last ? site : last) * (size_t)layer->taps;
}

#endif

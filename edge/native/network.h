/* The int8 sparse network: the integers of models/network.py, in portable C99.
 *
 * A layer gathers `taps` rows of the previous feature map by a site table (sites.h), multiplies them with
 * int8 weights, adds an int32 bias and requantizes, half to even and without fused multiply-add:
 *
 *   q = saturate_uint8(rint((float)acc * multiplier))
 *
 * Why beside LiteRT and ONNX Runtime: the gather happens inside the product, so no gathered matrix is ever
 * written, and an instrument needs no inference runtime at all.
 *
 * A path is one way to compute the same integers. A path may use instructions that this processor lacks:
 * ask seadrift_network_group first. Weights are packed for a path, once:
 *
 *   weights [channels_out / 8][taps * channels_in / group][8][group]
 *
 * with channels_in padded by zeros to a multiple of the group, channels_out to one of 8. They are int16,
 * except for a group of 4: int8, and the bias then holds 128 * (the sum of the channel's weights) more,
 * since that path stores activations less 128.
 *
 * Nothing is allocated. The caller gives room and its size; every site number, size and count is checked
 * before anything is computed, and nothing is ever read or written outside the room given.
 */
#ifndef SEADRIFT_NETWORK_H
#define SEADRIFT_NETWORK_H

#include "sites.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SEADRIFT_NETWORK_VERSION = 2,
    SEADRIFT_NETWORK_BLOCK = 8,          /* output channels computed together */
    SEADRIFT_NETWORK_MAX_CHANNELS = 4096,
    SEADRIFT_NETWORK_MAX_TAPS = 64
};

enum {
    SEADRIFT_PATH_SCALAR = 0, /* any C99 compiler */
    SEADRIFT_PATH_AVX2 = 1,   /* x86: pmaddwd on 16-bit pairs; pmaddubsw would saturate */
    SEADRIFT_PATH_NEON = 2,   /* AArch64: smlal by lane */
    SEADRIFT_PATH_DOT = 3,    /* AArch64 with FEAT_DotProd: sdot by lane */
    SEADRIFT_PATHS = 4
};

/* How an object's sites become its embedding, in 1/256: uint16 [objects, channels_out, twice that for both]. */
enum {
    SEADRIFT_POOL_NONE = 0,
    SEADRIFT_POOL_MEAN = 1,    /* 256 * sum / count, rounded down */
    SEADRIFT_POOL_MEAN_MAX = 2 /* that, then 256 * the largest */
};

/* Beside SEADRIFT_OK and SEADRIFT_BAD_ARGUMENT of sites.h. */
enum {
    SEADRIFT_SMALL_ROOM = 4, /* one of the ..._bytes is too small */
    SEADRIFT_BAD_SITE = 5,   /* a table names a site that the previous feature map does not have */
    SEADRIFT_NO_PATH = 6     /* this path is not for this machine */
};

typedef struct {
    const int32_t *table; /* [sites, taps]: rows of the previous map; 0 is the zero site. With one tap it may be
                           * null: site i then reads row i + 1 */
    int32_t sites;
    int32_t taps;
    int32_t channels_in;
    int32_t channels_out;
    const void *weights; /* packed, see above */
    int64_t weights_bytes;
    const int32_t *bias;     /* [channels_out, padded to 8 with 0] */
    const float *multiplier; /* the same */
} seadrift_layer;

typedef struct {
    int32_t path;
    int32_t layers; /* at least 1 */
    const seadrift_layer *layer;
    const uint8_t *x0; /* [rows, layer[0].channels_in]; row 0 is the zero site, whatever it holds */
    int32_t rows;
    /* room, aligned to 8: each map takes (1 + sites) rows of its channels padded to 8 (x0: to the group), 2 bytes
     * each, and behind it lies the order of a layer's sites, 8 bytes each */
    void *scratch[2];
    int64_t scratch_bytes; /* of each of the two */
    /* out */
    uint8_t *features; /* [sites of the last layer, its channels_out]; may be null with a pooling */
    int64_t features_bytes;
    int32_t pooling;             /* SEADRIFT_POOL_* */
    int32_t objects;             /* the rest of this group counts with a pooling only */
    const int32_t *object_sites; /* in: [objects], each at least 1, together the last layer's sites */
    uint16_t *embedding;
    int64_t embedding_bytes;
    int64_t needed_scratch; /* what scratch_bytes must be at least */
} seadrift_network;

SEADRIFT_EXPORT int32_t seadrift_network_version(void);

/* Channels that this path takes together (1, 2 or 4), or 0 where this machine does not have the path. */
SEADRIFT_EXPORT int32_t seadrift_network_group(int32_t path);

/* Computes the last feature map or the embedding; returns SEADRIFT_OK or a code. */
SEADRIFT_EXPORT int32_t seadrift_run_network(seadrift_network *network);

#ifdef __cplusplus
}
#endif

#endif

/* See network.h. Checks, the order of the layers, and the path that every machine has. */
#include "network.h"

#include "network_kernels.h"

#include <string.h>

typedef struct {
    int32_t group;
    size_t bytes; /* of an activation and of a weight */
    uint8_t zero; /* how the activation 0 is stored, with bytes == 1 */
    int sorts;    /* takes several sites at once, and leaves out the taps that all of them lack */
    int (*available)(void);
    void (*run)(const seadrift_task *task);
} path_kind;

enum { SORTED_TAPS = 9, SORTED_WORK = 512 }; /* more patterns than sites, or less to gain than sorting costs */
enum { CHUNK = 32 }; /* rows of a layer without a table that are computed together */

static int always(void) { return 1; }

/* acc is exact in float32 (below 2^24); adding 2^23 rounds half to even and leaves the integer in the low
 * bits. The casts drop excess precision where a processor has any. */
static uint16_t requantize(uint32_t acc, float multiplier)
{
    int32_t sum;
    uint32_t bits;
    memcpy(&sum, &acc, sizeof sum);
    float value = (float)((float)sum * multiplier);
    value = value > 0.0f ? value : 0.0f;
    value = value < 255.0f ? value : 255.0f;
    float shifted = (float)(value + 8388608.0f);
    memcpy(&bits, &shifted, sizeof bits);
    return (uint16_t)(bits & 0xffu);
}

static void layer_scalar(const seadrift_task *task)
{
    const seadrift_layer *layer = task->layer;
    const uint16_t *x = task->x;
    size_t rows = (size_t)layer->taps * (size_t)task->channels;
    for (int32_t first = 0; first < layer->channels_out; first += BLOCK) {
        const int16_t *panel = (const int16_t *)layer->weights + (size_t)first * rows;
        for (int32_t site = 0; site < layer->sites; site++) {
            const int32_t *taps = layer->table + (size_t)site * (size_t)layer->taps;
            const int16_t *w = panel;
            uint32_t acc[BLOCK]; /* unsigned: wraps as the vector units do, whatever the weights are */
            for (int j = 0; j < BLOCK; j++)
                acc[j] = (uint32_t)layer->bias[first + j];
            for (int32_t t = 0; t < layer->taps; t++) {
                const uint16_t *row = x + (size_t)taps[t] * task->stride;
                if (!taps[t]) { /* the zero site adds nothing */
                    w += (size_t)task->channels * BLOCK;
                    continue;
                }
                for (int32_t c = 0; c < task->channels; c++, w += BLOCK) {
                    int16_t value = (int16_t)row[c]; /* 16 by 16 bits: compilers have vectors for that */
                    for (int j = 0; j < BLOCK; j++)
                        acc[j] += (uint32_t)(value * w[j]);
                }
            }
            uint16_t *out = (uint16_t *)task->y + (size_t)site * task->y_stride + first;
            for (int j = 0; j < BLOCK; j++)
                out[j] = requantize(acc[j], layer->multiplier[first + j]);
        }
    }
}

static const path_kind PATHS[SEADRIFT_PATHS] = {
    {1, 2, 0, 0, always, layer_scalar},
    {2, 2, 0, 1, seadrift_has_avx2, seadrift_layer_avx2},
    {1, 2, 0, 1, seadrift_has_neon, seadrift_layer_neon},
    {4, 1, 0x80, 0, seadrift_has_dot, seadrift_layer_dot}, /* its zero is not 0: no tap can be left out */
};

int32_t seadrift_network_version(void) { return SEADRIFT_NETWORK_VERSION; }

int32_t seadrift_network_group(int32_t path)
{
    if (path < 0 || path >= SEADRIFT_PATHS || !PATHS[path].available())
        return 0;
    return PATHS[path].group;
}

static int64_t padded(int64_t channels, int64_t to) { return (channels + to - 1) / to * to; }

/* Whether it pays to sort the layer's sites by the taps that they lack. */
static int sorts(const path_kind *path, const seadrift_layer *l)
{
    return path->sorts && l->table && l->taps > 1 && l->taps <= SORTED_TAPS &&
           (int64_t)l->channels_in * l->channels_out >= SORTED_WORK;
}

/* Bytes for the turns of any layer. */
static int64_t most_turns(const seadrift_network *n)
{
    int64_t most = 0;
    for (int32_t i = 0; i < n->layers; i++)
        if (n->layer[i].sites > most && sorts(&PATHS[n->path], &n->layer[i]))
            most = n->layer[i].sites;
    return most * (int64_t)sizeof(seadrift_turn);
}

/* Shapes, room and pointers of one layer; *rows and *channels are those of the map it reads, then its own. */
static int32_t check_layer(seadrift_network *n, const seadrift_layer *l, int32_t *rows, int32_t *channels)
{
    const path_kind *path = &PATHS[n->path];
    if (l->channels_in != *channels || l->channels_out < 1 ||
        l->channels_out > SEADRIFT_NETWORK_MAX_CHANNELS || l->taps < 1 ||
        l->taps > SEADRIFT_NETWORK_MAX_TAPS || l->sites < 0 || l->sites == INT32_MAX || !l->weights ||
        !l->bias || !l->multiplier || (l->sites > 0 && !l->table && l->taps != 1))
        return SEADRIFT_BAD_ARGUMENT;
    int64_t out = padded(l->channels_out, BLOCK);
    int64_t weights = out * l->taps * padded(l->channels_in, path->group) * (int64_t)path->bytes;
    int64_t room = ((int64_t)l->sites + 1) * out * (int64_t)path->bytes;
    if (room > n->needed_scratch)
        n->needed_scratch = room;
    if (room > INT32_MAX) /* the kernels reckon in int32 */
        return SEADRIFT_BAD_ARGUMENT;
    if (l->weights_bytes < weights)
        return SEADRIFT_SMALL_ROOM;
    if (!l->table && l->sites > *rows - 1)
        return SEADRIFT_BAD_SITE;
    uint32_t signs = 0, last = (uint32_t)*rows - 1; /* the top bit: a number below 0 or behind the last row */
    for (int64_t i = 0; l->table && i < (int64_t)l->sites * l->taps; i++)
        signs |= (uint32_t)l->table[i] | (last - (uint32_t)l->table[i]);
    if (signs >> 31)
        return SEADRIFT_BAD_SITE;
    *rows = l->sites + 1;
    *channels = l->channels_out;
    return SEADRIFT_OK;
}

/* What comes out: the last map of `sites`, or with a pooling the embedding. */
static int32_t check_results(const seadrift_network *n, int32_t sites, int32_t channels)
{
    int64_t features = (int64_t)sites * channels, values = 0;
    if (n->pooling < SEADRIFT_POOL_NONE || n->pooling > SEADRIFT_POOL_MEAN_MAX)
        return SEADRIFT_BAD_ARGUMENT;
    if (n->pooling != SEADRIFT_POOL_NONE) {
        int64_t pooled = 0;
        if (n->objects < 0 || (n->objects > 0 && (!n->object_sites || !n->embedding)))
            return SEADRIFT_BAD_ARGUMENT;
        for (int32_t i = 0; i < n->objects; i++) {
            if (n->object_sites[i] < 1)
                return SEADRIFT_BAD_ARGUMENT;
            pooled += n->object_sites[i];
        }
        if (pooled != sites)
            return SEADRIFT_BAD_ARGUMENT;
        values = (int64_t)n->objects * channels * n->pooling; /* the mean alone, or two */
        if (!n->features)
            features = 0;
    } else if (features > 0 && !n->features) {
        return SEADRIFT_BAD_ARGUMENT;
    }
    if (n->scratch_bytes < n->needed_scratch || n->features_bytes < features ||
        n->embedding_bytes / (int64_t)sizeof *n->embedding < values)
        return SEADRIFT_SMALL_ROOM;
    return SEADRIFT_OK;
}

static int32_t check(seadrift_network *n)
{
    if (n->layers < 1 || !n->layer || !n->x0 || n->rows < 1 || !n->scratch[0] || !n->scratch[1])
        return SEADRIFT_BAD_ARGUMENT;
    if (!seadrift_network_group(n->path))
        return SEADRIFT_NO_PATH;
    const path_kind *path = &PATHS[n->path];
    int32_t rows = n->rows, channels = n->layer[0].channels_in;
    if (channels < 1 || channels > SEADRIFT_NETWORK_MAX_CHANNELS)
        return SEADRIFT_BAD_ARGUMENT;
    int64_t held = n->layer[0].table || rows <= CHUNK ? rows : CHUNK + 1; /* rows of x0 as activations at once */
    n->needed_scratch = held * padded(channels, path->group) * (int64_t)path->bytes;
    if (n->needed_scratch > INT32_MAX)
        return SEADRIFT_BAD_ARGUMENT;
    for (int32_t i = 0; i < n->layers; i++) {
        int32_t code = check_layer(n, &n->layer[i], &rows, &channels);
        if (code != SEADRIFT_OK)
            return code;
    }
    n->needed_scratch = (n->needed_scratch + 7) / 8 * 8 + most_turns(n); /* behind the map of the first of the two */
    return check_results(n, rows - 1, channels);
}

/* uint8 rows into activations, the channels behind the last one as 0. */
static void store(const path_kind *path, const uint8_t *from, int64_t rows, int32_t channels, size_t stride,
                  void *to)
{
    if (path->bytes == 2 && stride == (size_t)channels) { /* the usual case, in one sweep */
        for (size_t i = 0; i < (size_t)rows * stride; i++)
            ((uint16_t *)to)[i] = from[i];
        return;
    }
    for (int64_t r = 0; r < rows; r++)
        for (size_t c = 0; c < stride; c++) {
            uint8_t value = c < (size_t)channels ? from[(size_t)r * (size_t)channels + c] : 0;
            if (path->bytes == 1)
                ((uint8_t *)to)[(size_t)r * stride + c] = value ^ path->zero;
            else
                ((uint16_t *)to)[(size_t)r * stride + c] = value;
        }
}

/* And back. */
static void fetch(const path_kind *path, const void *from, int64_t rows, int32_t channels, size_t stride,
                  uint8_t *to)
{
    for (int64_t r = 0; r < rows; r++)
        for (int32_t c = 0; c < channels; c++) {
            size_t at = (size_t)r * stride + (size_t)c;
            *to++ = path->bytes == 1 ? ((const uint8_t *)from)[at] ^ path->zero
                                     : (uint8_t)((const uint16_t *)from)[at];
        }
}

/* One value of a map. */
static uint32_t value_at(const path_kind *path, const void *map, size_t at)
{
    return path->bytes == 1 ? (uint32_t)(((const uint8_t *)map)[at] ^ path->zero) : ((const uint16_t *)map)[at];
}

static void pool(const seadrift_network *n, const path_kind *path, const void *map, int32_t channels, size_t stride)
{
    uint16_t *out = n->embedding;
    for (int32_t i = 0; i < n->objects; i++) {
        uint32_t count = (uint32_t)n->object_sites[i];
        for (int32_t first = 0; first < channels; first += BLOCK) {
            uint64_t sums[BLOCK] = {0};
            uint32_t most[BLOCK] = {0};
            for (uint32_t site = 0; site < count; site++)
                for (int j = 0; j < BLOCK; j++) { /* the padding behind the last channel is there to read */
                    uint32_t value = value_at(path, map, (size_t)site * stride + (size_t)(first + j));
                    sums[j] += value;
                    most[j] = most[j] > value ? most[j] : value;
                }
            for (int j = 0; j < BLOCK && first + j < channels; j++) {
                out[first + j] = (uint16_t)(256 * sums[j] / count);
                if (n->pooling == SEADRIFT_POOL_MEAN_MAX)
                    out[channels + first + j] = (uint16_t)(256 * most[j]);
            }
        }
        out += (size_t)channels * (size_t)n->pooling;
        map = (const uint8_t *)map + (size_t)count * stride * path->bytes;
    }
}

/* The layer's sites by the taps they have; `patterns` is room for 2 bytes each. */
static void sort_sites(const seadrift_layer *l, uint16_t *patterns, seadrift_turn *turns)
{
    int32_t begins[(1 << SORTED_TAPS) + 1];
    memset(begins, 0, sizeof begins);
    const int32_t *row = l->table;
    for (int32_t i = 0; i < l->sites; i++, row += l->taps) {
        uint32_t pattern = 0;
        for (int32_t t = 0; t < l->taps; t++)
            pattern |= (uint32_t)(row[t] != 0) << t;
        patterns[i] = (uint16_t)pattern;
        begins[pattern + 1]++;
    }
    for (int32_t p = 0; p < 1 << SORTED_TAPS; p++)
        begins[p + 1] += begins[p];
    for (int32_t i = 0; i < l->sites; i++) {
        seadrift_turn *turn = turns + begins[patterns[i]]++;
        turn->site = i;
        turn->taps = patterns[i];
    }
}

/* A layer without a table: CHUNK rows at a time, those of x0 as they become activations. */
static void run_rows(const seadrift_network *n, const path_kind *path, seadrift_task task, int first)
{
    static const int32_t ROWS[CHUNK] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                                        17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
    seadrift_layer part = *task.layer;
    const uint8_t *x = task.x;
    part.table = ROWS;
    task.layer = &part;
    for (int32_t done = 0, all = part.sites; done < all; done += part.sites) {
        part.sites = all - done < CHUNK ? all - done : CHUNK;
        if (first)
            store(path, n->x0 + (size_t)done * (size_t)part.channels_in, part.sites + 1, part.channels_in,
                  task.stride, n->scratch[0]); /* the row before them stands where the zero site would */
        else
            task.x = x + (size_t)done * task.stride * path->bytes;
        path->run(&task);
        task.y = (uint8_t *)task.y + (size_t)part.sites * task.y_stride * path->bytes;
    }
}

int32_t seadrift_run_network(seadrift_network *n)
{
    if (!n)
        return SEADRIFT_BAD_ARGUMENT;
    n->needed_scratch = 0;
    int32_t code = check(n);
    if (code != SEADRIFT_OK)
        return code;
    const path_kind *path = &PATHS[n->path];
    size_t stride = (size_t)padded(n->layer[0].channels_in, path->group);
    if (n->layer[0].table) {
        store(path, n->x0, n->rows, n->layer[0].channels_in, stride, n->scratch[0]);
        memset(n->scratch[0], path->zero, stride * path->bytes);
    }
    seadrift_task task;
    seadrift_turn *turns = (seadrift_turn *)(void *)((uint8_t *)n->scratch[0] + n->needed_scratch - most_turns(n));
    for (int32_t i = 0; i < n->layers; i++) {
        const seadrift_layer *layer = &n->layer[i];
        void *from = n->scratch[i % 2], *to = n->scratch[(i + 1) % 2];
        task.layer = layer;
        task.x = from;
        task.stride = stride;
        task.channels = (int32_t)padded(layer->channels_in, path->group);
        stride = task.y_stride = (size_t)padded(layer->channels_out, BLOCK);
        memset(to, path->zero, stride * path->bytes);
        task.y = (uint8_t *)to + stride * path->bytes;
        task.turns = NULL;
        if (layer->sites > 0 && sorts(path, layer)) { /* its map is still free: the patterns go there */
            sort_sites(layer, task.y, turns);
            task.turns = turns;
        }
        if (layer->sites > 0 && layer->table)
            path->run(&task);
        else if (layer->sites > 0)
            run_rows(n, path, task, i == 0);
    }
    const seadrift_layer *last = &n->layer[n->layers - 1];
    if (n->pooling != SEADRIFT_POOL_NONE)
        pool(n, path, task.y, last->channels_out, stride);
    if (n->features)
        fetch(path, task.y, last->sites, last->channels_out, stride, n->features);
    return SEADRIFT_OK;
}

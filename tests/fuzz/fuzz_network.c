/* seadrift_run_network: any small network over any tables, every path of this machine with equal integers. */
#include "input.h"
#include "network.h"

enum { LAYERS = 4, CHANNELS = 20, SITES = 12, TAPS = 9, BLOCK = SEADRIFT_NETWORK_BLOCK };

static size_t padded(int32_t channels, int32_t to) { return ((size_t)channels + (size_t)to - 1) / (size_t)to * (size_t)to; }

/* What does not depend on the path. */
typedef struct {
    seadrift_layer layer;
    const int8_t *weights; /* [channels_out][taps][channels_in] */
} shared;

static shared read_layer(input *in, int32_t rows, int32_t channels)
{
    shared s;
    memset(&s, 0, sizeof s);
    seadrift_layer *l = &s.layer;
    l->sites = take_int(in, 0, SITES);
    l->taps = take_int(in, 1, TAPS);
    l->channels_in = channels;
    l->channels_out = take_int(in, 1, CHANNELS);
    size_t numbers = (size_t)l->sites * (size_t)l->taps, out = padded(l->channels_out, BLOCK);
    int32_t *table = room(numbers * sizeof *table);
    const uint8_t *bytes = take_bytes(in, numbers);
    for (size_t i = 0; i < numbers; i++)
        table[i] = bytes[i] % rows;
    if (numbers > 0 && take(in) == 7)
        table[take(in) % numbers] = take_wild(in);
    int32_t *bias = room(out * sizeof *bias);
    float *multiplier = room(out * sizeof *multiplier);
    float gain = take_float(in);
    for (size_t i = 0; i < out; i++) {
        bias[i] = i < (size_t)l->channels_out ? take_int(in, -30000, 30000) : 0;
        multiplier[i] = i < (size_t)l->channels_out ? gain : 0.0f;
    }
    l->table = table;
    if (take(in) % 4 == 0) { /* row after row, as far as there are some */
        l->taps = 1;
        l->sites = l->sites < rows - 1 ? l->sites : rows - 1;
        l->table = NULL;
    }
    l->bias = bias;
    l->multiplier = multiplier;
    s.weights = (const int8_t *)take_bytes(in, (size_t)l->channels_out * (size_t)l->taps * (size_t)channels);
    return s;
}

/* The layer as network.h wants it for a path of 16-bit weights in groups. */
static seadrift_layer packed(const shared *s, int32_t group)
{
    seadrift_layer l = s->layer;
    size_t out = padded(l.channels_out, BLOCK), in = padded(l.channels_in, group), step = (size_t)group;
    size_t row = (size_t)l.taps * in, source = (size_t)l.taps * (size_t)l.channels_in;
    int16_t *to = room(out * row * sizeof *to);
    memset(to, 0, out * row * sizeof *to);
    for (size_t o = 0; o < (size_t)l.channels_out; o++)
        for (size_t t = 0; t < (size_t)l.taps; t++)
            for (size_t c = 0; c < (size_t)l.channels_in; c++) {
                size_t k = t * in + c;
                to[o / BLOCK * BLOCK * row + k / step * step * BLOCK + o % BLOCK * step + k % step] =
                    s->weights[o * source + t * (size_t)l.channels_in + c];
            }
    l.weights = to;
    l.weights_bytes = (int64_t)(out * row * sizeof *to);
    return l;
}

/* Objects of one site and, the last, all that are left. */
static void share_sites(input *in, int32_t sites, seadrift_network *n)
{
    n->pooling = take_int(in, SEADRIFT_POOL_NONE, SEADRIFT_POOL_MEAN_MAX);
    n->objects = sites < 1 ? 0 : take_int(in, 1, sites);
    int32_t *counts = room((size_t)n->objects * sizeof *counts);
    for (int32_t i = 0; i < n->objects; i++)
        counts[i] = i + 1 < n->objects ? 1 : sites - i;
    n->object_sites = counts;
}

static void check_pooled(const seadrift_network *n, const seadrift_layer *last)
{
    size_t c = (size_t)last->channels_out, site = 0;
    for (int32_t i = 0; i < n->objects; i++, site += (size_t)n->object_sites[i - 1])
        for (size_t j = 0; j < c; j++) {
            uint64_t sum = 0;
            uint32_t most = 0, count = (uint32_t)n->object_sites[i];
            for (size_t s = site; s < site + count; s++) {
                sum += n->features[s * c + j];
                most = n->features[s * c + j] > most ? n->features[s * c + j] : most;
            }
            size_t at = (size_t)i * c * (size_t)n->pooling + j;
            MUST(n->embedding[at] == 256 * sum / count);
            MUST(n->pooling == SEADRIFT_POOL_MEAN || n->embedding[at + c] == 256 * most);
        }
}

static int32_t run_path(const shared *layers, seadrift_network n, int64_t scratch, uint8_t **features)
{
    seadrift_layer own[LAYERS];
    int32_t group = seadrift_network_group(n.path);
    const seadrift_layer *last = &layers[n.layers - 1].layer;
    for (int32_t i = 0; i < n.layers; i++)
        own[i] = packed(layers + i, group);
    n.layer = own;
    n.features_bytes = (int64_t)last->sites * last->channels_out;
    n.features = *features = room((size_t)n.features_bytes);
    n.scratch_bytes = scratch;
    n.embedding_bytes = (int64_t)n.objects * last->channels_out * n.pooling * (int64_t)sizeof *n.embedding;
    n.embedding = room((size_t)n.embedding_bytes);
    for (int turn = 0; turn < 2; turn++) {
        n.scratch[0] = room((size_t)n.scratch_bytes);
        n.scratch[1] = room((size_t)n.scratch_bytes);
        int32_t code = seadrift_run_network(&n);
        if (code == SEADRIFT_OK && n.pooling != SEADRIFT_POOL_NONE)
            check_pooled(&n, last);
        if (code != SEADRIFT_SMALL_ROOM)
            return code;
        MUST(n.needed_scratch > n.scratch_bytes);
        n.scratch_bytes = n.needed_scratch;
    }
    return SEADRIFT_SMALL_ROOM;
}

static void hostile(input *in, const shared *layers, seadrift_network n)
{
    seadrift_layer l = packed(layers, 1);
    int32_t bad = take_wild(in);
    n.path = SEADRIFT_PATH_SCALAR;
    n.layers = 1;
    n.layer = &l;
    n.scratch_bytes = 1 << 16;
    n.scratch[0] = room(1 << 16);
    n.scratch[1] = room(1 << 16);
    n.features_bytes = 1 << 12;
    n.features = room(1 << 12);
    switch (take_int(in, 0, 12)) {
    case 9: n.pooling = bad < 0 || bad > SEADRIFT_POOL_MEAN_MAX ? bad : 3; break;
    case 10: n.pooling = 1; n.objects = bad < 0 ? bad : 1 << 20; n.object_sites = NULL; break;
    case 11: n.pooling = 2; n.objects = 1; n.object_sites = &n.layers; l.sites = 0; break;
    case 12: l.table = NULL; l.taps = 1; l.sites = n.rows; break;
    case 0: n.layers = bad < 1 ? bad : 0; break;
    case 1: n.path = bad < 0 || bad >= SEADRIFT_PATHS ? bad : -1; break;
    case 2: l.sites = bad < 0 ? bad : INT32_MAX; break;
    case 3: l.taps = bad < 1 || bad > SEADRIFT_NETWORK_MAX_TAPS ? bad : 0; break;
    case 4: l.channels_out = bad < 1 || bad > SEADRIFT_NETWORK_MAX_CHANNELS ? bad : 0; break;
    case 5: l.channels_in = l.channels_in + 1; break;
    case 6: l.weights_bytes = bad < 0 ? bad : 0; break;
    case 7: n.rows = bad < 1 ? bad : 0; break;
    default: l.weights = NULL; break;
    }
    MUST(seadrift_run_network(&n) != SEADRIFT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    uint8_t kind = take(&in) % 16;
    shared layers[LAYERS];
    seadrift_network n;
    memset(&n, 0, sizeof n);
    n.layers = take_int(&in, 1, LAYERS);
    n.rows = take_int(&in, 1, 32);
    int32_t channels = take_int(&in, 1, CHANNELS), rows = n.rows;
    int64_t scratch = take_int(&in, 0, 4000);
    n.x0 = take_bytes(&in, (size_t)n.rows * (size_t)channels);
    for (int32_t i = 0; i < n.layers; i++) {
        layers[i] = read_layer(&in, rows, channels);
        rows = layers[i].layer.sites + 1;
        channels = layers[i].layer.channels_out;
    }
    if (kind == 0) {
        hostile(&in, layers, n);
    } else {
        uint8_t *first, *other;
        share_sites(&in, layers[n.layers - 1].layer.sites, &n);
        int32_t code = run_path(layers, n, scratch, &first);
        MUST(code == SEADRIFT_OK || code == SEADRIFT_BAD_SITE);
        for (n.path = SEADRIFT_PATH_SCALAR + 1; n.path <= SEADRIFT_PATH_NEON; n.path++) {
            if (!seadrift_network_group(n.path))
                continue;
            MUST(run_path(layers, n, scratch, &other) == code);
            if (code == SEADRIFT_OK) {
                const seadrift_layer *last = &layers[n.layers - 1].layer;
                MUST(memcmp(first, other, (size_t)last->sites * (size_t)last->channels_out) == 0);
            }
        }
    }
    free_rooms();
    return 0;
}

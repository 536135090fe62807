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
    if (l->taps == 1 && l->sites < rows && take(in) % 2)
        table = NULL; /* site i reads row i + 1 */
    int32_t *bias = room(out * sizeof *bias);
    float *multiplier = room(out * sizeof *multiplier);
    float gain = take_float(in);
    for (size_t i = 0; i < out; i++) {
        bias[i] = i < (size_t)l->channels_out ? take_int(in, -30000, 30000) : 0;
        multiplier[i] = i < (size_t)l->channels_out ? gain : 0.0f;
    }
    l->table = table;
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

/* Splits the last layer's sites among objects, and gives room for their embedding. */
static void pool(input *in, seadrift_network *n, const seadrift_layer *last)
{
    int32_t left = last->sites, *sites = room((size_t)(left + 1) * sizeof *sites);
    n->pooling = take_int(in, 0, 2);
    for (; left > 0; n->objects++) {
        sites[n->objects] = take_int(in, 1, left);
        left -= sites[n->objects];
    }
    if (take(in) == 7)
        sites[take(in) % (last->sites + 1)] = take_wild(in);
    n->object_sites = sites;
    n->embedding_bytes = n->pooling * (int64_t)n->objects * last->channels_out * (int64_t)sizeof *n->embedding;
}

static int fits(const seadrift_network *n, const seadrift_layer *last)
{
    int64_t sum = 0;
    for (int32_t i = 0; n->pooling && i < n->objects; i++) {
        if (n->object_sites[i] < 1)
            return 0;
        sum += n->object_sites[i];
    }
    return !n->pooling || sum == last->sites;
}

static int32_t run_path(const shared *layers, seadrift_network n, int64_t scratch, uint8_t **features,
                        uint16_t **embedding)
{
    seadrift_layer own[LAYERS];
    int32_t group = seadrift_network_group(n.path);
    const seadrift_layer *last = &layers[n.layers - 1].layer;
    for (int32_t i = 0; i < n.layers; i++)
        own[i] = packed(layers + i, group);
    n.layer = own;
    n.features_bytes = (int64_t)last->sites * last->channels_out;
    n.features = *features = room((size_t)n.features_bytes);
    n.embedding = *embedding = room((size_t)n.embedding_bytes);
    n.scratch_bytes = scratch;
    for (int turn = 0; turn < 2; turn++) {
        n.scratch[0] = room((size_t)n.scratch_bytes);
        n.scratch[1] = room((size_t)n.scratch_bytes);
        int32_t code = seadrift_run_network(&n);
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
    switch (take_int(in, 0, 8)) {
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
        uint16_t *pooled, *again;
        const seadrift_layer *last = &layers[n.layers - 1].layer;
        pool(&in, &n, last);
        int32_t code = run_path(layers, n, scratch, &first, &pooled);
        MUST(code == SEADRIFT_OK || code == SEADRIFT_BAD_SITE || !fits(&n, last));
        for (n.path = SEADRIFT_PATH_SCALAR + 1; n.path <= SEADRIFT_PATH_NEON; n.path++) {
            if (!seadrift_network_group(n.path))
                continue;
            MUST(run_path(layers, n, scratch, &other, &again) == code);
            if (code == SEADRIFT_OK) {
                MUST(memcmp(first, other, (size_t)last->sites * (size_t)last->channels_out) == 0);
                MUST(memcmp(pooled, again, (size_t)n.embedding_bytes) == 0);
            }
        }
    }
    free_rooms();
    return 0;
}

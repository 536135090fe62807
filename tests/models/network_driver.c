/* Runs edge/native/network.c on one case from a file, with every buffer exactly as large as it must be, so
 * that a sanitizer sees the first byte too far; also under emulation of another processor.
 *
 *   driver groups          prints the group of every path on this machine
 *   driver FILE            exit status 0: the file's features, bit by bit
 *
 * The file, native integers: path, layers, rows, channels; x0; per layer sites, taps, channels_in,
 * channels_out, weights_bytes, then table, weights, bias, multiplier; then the features.
 */
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LAYERS = 16 };

static void *take(FILE *file, size_t bytes)
{
    void *data = malloc(bytes ? bytes : 1);
    if (!data || fread(data, 1, bytes, file) != bytes)
        exit(3);
    return data;
}

static int32_t number(FILE *file)
{
    int32_t value;
    if (fread(&value, sizeof value, 1, file) != 1)
        exit(3);
    return value;
}

static seadrift_layer read_layer(FILE *file)
{
    seadrift_layer layer;
    memset(&layer, 0, sizeof layer);
    layer.sites = number(file);
    layer.taps = number(file);
    layer.channels_in = number(file);
    layer.channels_out = number(file);
    layer.weights_bytes = number(file);
    size_t padded = ((size_t)layer.channels_out + 7) / 8 * 8;
    layer.table = take(file, 4 * (size_t)layer.sites * (size_t)layer.taps);
    layer.weights = take(file, (size_t)layer.weights_bytes);
    layer.bias = take(file, 4 * padded);
    layer.multiplier = take(file, 4 * padded);
    return layer;
}

static int run(FILE *file)
{
    seadrift_layer layers[MOST_LAYERS];
    seadrift_network network;
    memset(&network, 0, sizeof network);
    network.path = number(file);
    network.layers = number(file);
    network.rows = number(file);
    int32_t channels = number(file);
    if (network.layers > MOST_LAYERS)
        exit(3);
    network.x0 = take(file, (size_t)network.rows * (size_t)channels);
    for (int32_t i = 0; i < network.layers; i++)
        layers[i] = read_layer(file);
    network.layer = layers;
    const seadrift_layer *last = &layers[network.layers - 1];
    network.features_bytes = (int64_t)last->sites * last->channels_out;
    uint8_t *expected = take(file, (size_t)network.features_bytes);
    network.features = malloc((size_t)network.features_bytes + !network.features_bytes);
    network.scratch[0] = network.scratch[1] = network.features; /* none yet: it must say what it needs */
    if (seadrift_run_network(&network) != SEADRIFT_SMALL_ROOM)
        return 4;
    network.scratch_bytes = network.needed_scratch;
    network.scratch[0] = malloc((size_t)network.scratch_bytes);
    network.scratch[1] = malloc((size_t)network.scratch_bytes);
    int32_t code = seadrift_run_network(&network);
    if (code != SEADRIFT_OK) {
        printf("code %d\n", (int)code);
        return 5;
    }
    if (memcmp(expected, network.features, (size_t)network.features_bytes) != 0)
        return 6;
    free(network.scratch[0]);
    free(network.scratch[1]);
    free(network.features);
    free(expected);
    free((void *)network.x0);
    for (int32_t i = 0; i < network.layers; i++) {
        free((void *)layers[i].table);
        free((void *)layers[i].weights);
        free((void *)layers[i].bias);
        free((void *)layers[i].multiplier);
    }
    return 0;
}

int main(int count, char **words)
{
    if (count != 2)
        return 2;
    if (strcmp(words[1], "groups") == 0) {
        for (int32_t path = 0; path < SEADRIFT_PATHS; path++)
            printf("%d\n", (int)seadrift_network_group(path));
        return 0;
    }
    FILE *file = fopen(words[1], "rb");
    if (!file)
        return 3;
    int status = run(file);
    fclose(file);
    return status;
}

/* The three functions of background.h on small frames; tiles that no frame would give, too. */
#include "input.h"
#include "background.h"

enum { SIDE = 80 };

static int32_t over(int32_t a, int32_t b) { return (a + b - 1) / b; }

static seadrift_scene read_scene(input *in)
{
    seadrift_scene s;
    memset(&s, 0, sizeof s);
    int32_t most = take(in) % 4 ? SIDE / 4 : SIDE;
    s.height = take_int(in, 1, most);
    s.width = take_int(in, 1, most);
    s.stride = take_int(in, 1, 5);
    s.rows = over(over(s.height, s.stride), SEADRIFT_TILE_SAMPLES);
    s.columns = over(over(s.width, s.stride), SEADRIFT_TILE_SAMPLES);
    s.bright = take(in) & 1;
    s.grey = take_bytes(in, (size_t)s.height * (size_t)s.width);
    return s;
}

static int16_t *estimate(const seadrift_scene *s)
{
    size_t tiles = (size_t)s->rows * (size_t)s->columns;
    int16_t *out = room(tiles * sizeof *out);
    double *weights = room(tiles * sizeof *weights);
    int16_t *spare = room(3 * tiles * sizeof *spare);
    MUST(seadrift_background_tiles(s, out, weights, spare) == SEADRIFT_OK);
    for (size_t i = 0; i < tiles; i++)
        MUST(out[i] >= 0 && out[i] <= 16 * 255);
    return out;
}

/* Any 16 bits, as after frames that nobody foresaw. */
static int16_t *invent(input *in, const seadrift_scene *s)
{
    size_t tiles = (size_t)s->rows * (size_t)s->columns;
    const uint8_t *bytes = take_bytes(in, 2 * tiles);
    int16_t *out = room(tiles * sizeof *out);
    memcpy(out, bytes, tiles * sizeof *out);
    return out;
}

static void use(const seadrift_scene *s, const int16_t *tiles)
{
    int16_t *spare = room(3 * (size_t)s->width * sizeof *spare);
    int32_t *histogram = room(SEADRIFT_RESIDUALS * sizeof *histogram), samples = 0;
    uint8_t *signal = room((size_t)s->height * (size_t)s->width);
    MUST(seadrift_background_residuals(s, tiles, spare, histogram) == SEADRIFT_OK);
    for (int i = 0; i < SEADRIFT_RESIDUALS; i++) {
        MUST(histogram[i] >= 0);
        samples += histogram[i];
    }
    MUST(samples == over(s->height, s->stride) * over(s->width, s->stride));
    MUST(seadrift_background_subtract(s, tiles, spare, signal) == SEADRIFT_OK);
}

static void hostile(input *in, seadrift_scene s)
{
    int32_t bad = take_wild(in);
    switch (take_int(in, 0, 6)) {
    case 0: s.height = bad < 1 ? bad : 0; break;
    case 1: s.width = s.height = 65536; break;
    case 2: s.stride = bad < 1 || bad > SEADRIFT_MAX_STRIDE ? bad : 0; break;
    case 3: s.rows = bad == s.rows ? 0 : bad; break;
    case 4: s.columns = bad == s.columns ? -1 : bad; break;
    case 5: s.bright = bad < 0 || bad > 1 ? bad : 2; break;
    default: s.grey = NULL; break;
    }
    void *one = room(1);
    MUST(seadrift_background_tiles(&s, one, one, one) == SEADRIFT_BAD_ARGUMENT);
    MUST(seadrift_background_residuals(&s, one, one, one) == SEADRIFT_BAD_ARGUMENT);
    MUST(seadrift_background_subtract(&s, one, one, one) == SEADRIFT_BAD_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    uint8_t kind = take(&in) % 16;
    seadrift_scene s = read_scene(&in);
    if (kind == 0)
        hostile(&in, s);
    else
        use(&s, kind < 12 ? estimate(&s) : invent(&in, &s));
    free_rooms();
    return 0;
}

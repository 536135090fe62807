/* See batch.h. */
#include "batch.h"

#include "raster.h"

#include <string.h>

enum { PAIR = 2, EDGE = 4, WINDOW = SEADRIFT_BATCH_WINDOW };

int32_t seadrift_batch_version(void) { return SEADRIFT_BATCH_VERSION; }

/* Where in the scratch an object's planes lie. Their sizes are those of the object once halved, at the least
 * as often as its area says. */
typedef struct {
    int64_t halved;  /* values, then flags, of a halved object; 0 each where it is not halved */
    int64_t pixels;  /* pairs (signal, 255) with an edge of empty ones */
    int64_t numbers; /* of one raster of site numbers; there are two */
    int64_t all;
} plan;

static int64_t eights(int64_t bytes) { return (bytes + 7) / 8 * 8; }

static plan plan_object(const seadrift_batch *b, int32_t height, int32_t width, int64_t area)
{
    plan p;
    int64_t h = height, w = width;
    p.halved = 0;
    if (area > b->max_area) {
        h = (h + 1) / 2;
        w = (w + 1) / 2;
        p.halved = eights(h * w);
    }
    p.pixels = eights((h + 2 * EDGE) * (w + 2 * EDGE) * PAIR);
    int64_t down = b->gathered ? 2 : 1; /* the finest level with numbers */
    p.numbers = eights(((h + down - 1) / down + 2 * SEADRIFT_SITES_MARGIN) *
                       ((w + down - 1) / down + 2 * SEADRIFT_SITES_MARGIN) * (int64_t)sizeof(int32_t));
    p.all = 2 * p.halved + p.pixels + 2 * p.numbers;
    return p;
}

/* The pixels as pairs (signal, 255) or (0, 0), with an edge of EDGE empty cells on all sides. */
static void draw_pixels(const seadrift_planes *o, uint8_t *pairs)
{
    int64_t stride = ((int64_t)o->width + 2 * EDGE) * PAIR;
    memset(pairs, 0, (size_t)(EDGE * stride));
    for (int32_t y = 0; y < o->height; y++) {
        const uint8_t *values = o->values + y * o->stride, *mask = o->mask + y * o->mask_stride;
        uint8_t *row = pairs + (y + EDGE) * stride;
        memset(row, 0, EDGE * PAIR);
        row += EDGE * PAIR;
        for (int32_t x = 0; x < o->width; x++) {
            uint8_t in = mask[x] ? 0xff : 0;
            row[PAIR * x] = values[x] & in;
            row[PAIR * x + 1] = in;
        }
        memset(row + (size_t)o->width * PAIR, 0, EDGE * PAIR);
    }
    memset(pairs + (o->height + EDGE) * stride, 0, (size_t)(EDGE * stride));
}

/* Level 1 from the pixels: its numbers, and each site's 4x4 window. */
static void gather_windows(seadrift_batch *b, const seadrift_planes *o, const uint8_t *pairs,
                           seadrift_raster *coarse)
{
    int64_t stride = ((int64_t)o->width + 2 * EDGE) * PAIR;
    int32_t n = b->counts[1];
    for (int32_t y = 0; y < coarse->height; y++) {
        const uint8_t *upper = pairs + (2 * y + EDGE) * stride + EDGE * PAIR, *lower = upper + stride;
        int32_t *numbers = seadrift_cell(coarse, y, 0);
        for (int32_t x = 0; x < coarse->width; x++, upper += 2 * PAIR, lower += 2 * PAIR) {
            uint32_t above, below;
            memcpy(&above, upper, sizeof above);
            memcpy(&below, lower, sizeof below);
            if (!(above | below))
                continue;
            numbers[x] = ++n;
            if (n > b->capacity[1])
                continue;
            uint8_t *window = b->x0 + (size_t)n * WINDOW;
            const uint8_t *from = upper - stride - PAIR;
            memcpy(window, from, 8);
            memcpy(window + 8, from + stride, 8);
            memcpy(window + 16, from + 2 * stride, 8);
            memcpy(window + 24, from + 3 * stride, 8);
        }
    }
    b->counts[1] = n;
}

/* Level 0 as sites of their own. */
static void number_pixels(seadrift_batch *b, const seadrift_planes *o, seadrift_raster *r)
{
    int32_t n = b->counts[0];
    for (int32_t y = 0; y < o->height; y++) {
        int32_t *row = seadrift_cell(r, y, 0);
        for (int32_t x = 0; x < o->width; x++) {
            if (!o->mask[y * o->mask_stride + x])
                continue;
            row[x] = ++n;
            if (n <= b->capacity[0]) {
                b->x0[(size_t)n * PAIR] = o->values[y * o->stride + x];
                b->x0[(size_t)n * PAIR + 1] = 0xff;
            }
        }
    }
    b->counts[0] = n;
}

static void add_object(seadrift_batch *b, int32_t i, const seadrift_planes *o, const plan *p)
{
    uint8_t *pairs = b->scratch + 2 * p->halved;
    int32_t *here = (int32_t *)(void *)(pairs + p->pixels), *there = here + p->numbers / (int64_t)sizeof *here;
    seadrift_raster fine, coarse;
    int32_t before = b->counts[b->levels];
    int level = 1;
    if (b->gathered) {
        draw_pixels(o, pairs);
        seadrift_clear(&fine, here, (o->height + 1) / 2, (o->width + 1) / 2);
        gather_windows(b, o, pairs, &fine);
        b->counts[0] += (int32_t)o->area;
        seadrift_write_near(&fine, b->near[0], b->capacity[1]);
        level = 2;
    } else {
        seadrift_clear(&fine, here, o->height, o->width);
        number_pixels(b, o, &fine);
    }
    for (; level <= b->levels; level++) {
        seadrift_clear(&coarse, there, (fine.height + 1) / 2, (fine.width + 1) / 2);
        b->counts[level] = seadrift_number_coarse(&fine, &coarse, level == 1 ? 4 : 2, b->counts[level],
                                                  b->children[level - 1], b->capacity[level]);
        seadrift_write_near(&coarse, b->near[level - 1], b->capacity[level]);
        there = fine.cells;
        fine = coarse;
    }
    b->object_sites[i] = b->counts[b->levels] - before;
}

static int32_t check(const seadrift_batch *b)
{
    if (b->objects < 0 || b->levels < 1 || b->levels > SEADRIFT_SITES_MAX_LEVELS || b->max_area < 1 ||
        (b->gathered != 0 && b->gathered != 1) || !b->x0 || !b->scratch || b->scratch_bytes < 0)
        return SEADRIFT_BAD_ARGUMENT;
    if (b->objects > 0 && (!b->boxes || !b->starts || !b->masks || !b->signals || !b->object_sites ||
                           !b->halvings || !b->sums))
        return SEADRIFT_BAD_ARGUMENT;
    for (int level = 1; level <= b->levels; level++)
        if (!b->children[level - 1] && !(b->gathered && level == 1))
            return SEADRIFT_BAD_ARGUMENT;
    return SEADRIFT_OK;
}

/* The box of object i as planes; 0 if it does not lie in what was given, or holds no pixel. */
static int open_object(seadrift_batch *b, int32_t i, seadrift_planes *o)
{
    int64_t w = b->boxes[4 * (int64_t)i + 2], h = b->boxes[4 * (int64_t)i + 3], start = b->starts[i];
    if (h < 1 || w < 1 || h > SEADRIFT_PREPARE_MAX_SIDE || w > SEADRIFT_PREPARE_MAX_SIDE || start < 0 ||
        start > b->cells || h * w > b->cells - start || b->starts[i + 1] != start + h * w)
        return 0;
    o->values = b->signals + start;
    o->mask = b->masks + start;
    o->stride = o->mask_stride = w;
    o->height = (int32_t)h;
    o->width = (int32_t)w;
    return seadrift_trim(o, b->sums + 6 * (int64_t)i);
}

int32_t seadrift_build_batch(seadrift_batch *b)
{
    if (!b)
        return SEADRIFT_BAD_ARGUMENT;
    memset(b->counts, 0, sizeof b->counts);
    b->needed_scratch = 0;
    b->refused = -1;
    int32_t code = check(b);
    if (code != SEADRIFT_OK)
        return code;
    memset(b->x0, 0, b->gathered ? WINDOW : PAIR);
    int64_t pixels = 0;
    for (int32_t i = 0; i < b->objects; i++) {
        seadrift_planes o;
        int known = open_object(b, i, &o);
        pixels += known ? o.area : 0;
        if (!known || pixels > INT32_MAX - 1) {
            b->refused = i;
            return SEADRIFT_BAD_ARGUMENT;
        }
        plan p = plan_object(b, o.height, o.width, o.area);
        if (p.all > b->needed_scratch)
            b->needed_scratch = p.all;
        if (b->needed_scratch > b->scratch_bytes)
            continue; /* the others, for what they need */
        b->halvings[i] = seadrift_shrink(&o, b->max_area, b->scratch, b->scratch + p.halved);
        add_object(b, i, &o, &p);
    }
    if (b->needed_scratch > b->scratch_bytes)
        return SEADRIFT_SMALL_SCRATCH;
    for (int level = b->gathered; level <= b->levels; level++)
        if (b->counts[level] > b->capacity[level])
            return SEADRIFT_SMALL_TABLES;
    return SEADRIFT_OK;
}

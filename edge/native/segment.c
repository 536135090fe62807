/* See segment.h. */
#include "segment.h"

#include <string.h>

enum { RAW = 1, HIGH = 2, IN = 4 }; /* flags of the map: above low, above high, above low after closing */

int32_t seadrift_segment_version(void) { return SEADRIFT_SEGMENT_VERSION; }

/* --- pixels to flags */

/* A byte of ones if `yes`, so that flags can be made without a multiplication. */
static uint8_t mask_if(int yes) { return (uint8_t)-yes; }

/* The frame's 3x3 binomial smoothing: 1 2 1, mirrored at the edges, halves up. */
static void smooth_row(const seadrift_frame *f, int32_t y, uint8_t *smooth)
{
    int32_t width = f->width, last = f->height - 1;
    const uint8_t *mid = f->signal + (int64_t)y * width;
    const uint8_t *up = y > 0 ? mid - width : mid + (last > 0 ? width : 0);
    const uint8_t *down = y < last ? mid + width : mid - (last > 0 ? width : 0);
    uint16_t *sum = f->rows + 1;
    for (int32_t x = 0; x < width; x++)
        sum[x] = (uint16_t)(up[x] + 2 * mid[x] + down[x]);
    sum[-1] = sum[width > 1 ? 1 : 0];
    sum[width] = sum[width > 1 ? width - 2 : 0];
    for (int32_t x = 0; x < width; x++)
        smooth[x] = (uint8_t)((uint16_t)(sum[x - 1] + 2 * sum[x] + sum[x + 1] + 8) >> 4);
}

static void mark_row(const seadrift_frame *f, int32_t y)
{
    int32_t width = f->width;
    uint8_t *smooth = (uint8_t *)(f->rows + width + 2);
    const uint8_t *signal = f->signal + (int64_t)y * width;
    uint8_t *map = f->map + (int64_t)y * width;
    uint8_t low = (uint8_t)f->low, own = (uint8_t)f->own, high = (uint8_t)f->high;
    /* 256 is above every byte. */
    uint8_t above = (f->close ? RAW : RAW | IN) & mask_if(f->low < 256 && f->own < 256);
    uint8_t bright = HIGH & mask_if(f->high < 256);
    smooth_row(f, y, smooth);
    for (int32_t x = 0; x < width; x++) {
        uint8_t in = mask_if(smooth[x] >= low) & mask_if(signal[x] >= own) & above;
        map[x] = in | (mask_if(smooth[x] >= high) & bright);
    }
}

/* One row of the map dilated by a 3x3 square, with a one on either side for the erosion that follows. */
static void dilate_row(const seadrift_frame *f, int32_t y, uint8_t *either, uint8_t *out)
{
    int32_t width = f->width;
    const uint8_t *mid = f->map + (int64_t)y * width;
    const uint8_t *up = y > 0 ? mid - width : mid, *down = y < f->height - 1 ? mid + width : mid;
    for (int32_t x = 0; x < width; x++)
        either[x + 1] = (up[x] | mid[x] | down[x]) & RAW;
    either[0] = either[width + 1] = 0;
    for (int32_t x = 0; x < width; x++)
        out[x + 1] = either[x] | either[x + 1] | either[x + 2];
    out[0] = out[width + 1] = 1;
}

/* What lies outside the frame neither dilates nor erodes. */
static void close_map(const seadrift_frame *f)
{
    int64_t width = f->width, wide = width + 2;
    uint8_t *either = (uint8_t *)(f->rows + wide), *ring[3];
    for (int i = 0; i < 3; i++)
        ring[i] = either + (i + 1) * wide;
    dilate_row(f, 0, either, ring[0]);
    for (int32_t y = 0; y < f->height; y++) {
        int more = y < f->height - 1;
        if (more)
            dilate_row(f, y + 1, either, ring[(y + 1) % 3]);
        const uint8_t *mid = ring[y % 3];
        const uint8_t *up = y > 0 ? ring[(y + 2) % 3] : mid, *down = more ? ring[(y + 1) % 3] : mid;
        uint8_t *map = f->map + y * width;
        for (int64_t x = 0; x < wide; x++)
            either[x] = up[x] & mid[x] & down[x];
        for (int64_t x = 0; x < width; x++)
            map[x] = (uint8_t)(map[x] | (mask_if(either[x] & either[x + 1] & either[x + 2]) & IN));
    }
}

/* --- flags to runs */

/* The first x from `x` on whose flag IN differs from `inside`; 32 pixels at a time, then 8, then one. */
static int32_t run_end(const uint8_t *row, int32_t x, int32_t width, int inside)
{
    const uint64_t all = UINT64_C(0x0101010101010101) * IN;
    const uint64_t same = inside ? all : 0;
    while (x + 32 <= width) {
        uint64_t four[4];
        memcpy(four, row + x, sizeof four);
        if (((four[0] ^ same) | (four[1] ^ same) | (four[2] ^ same) | (four[3] ^ same)) & all)
            break;
        x += 32;
    }
    while (x + 8 <= width) {
        uint64_t one;
        memcpy(&one, row + x, sizeof one);
        if ((one ^ same) & all)
            break;
        x += 8;
    }
    while (x < width && !(row[x] & IN) == !inside)
        x++;
    return x;
}

/* Run 0 stands for what lies outside the frame. */
static void find_runs(seadrift_frame *f)
{
    const seadrift_run outside = {0, 0, 0, 0};
    int32_t n = 0;
    if (f->runs_room > 0)
        f->runs[0] = outside;
    n++;
    for (int32_t y = 0; y < f->height; y++) {
        const uint8_t *row = f->map + (int64_t)y * f->width;
        f->starts[y] = n;
        for (int32_t x = 0; x < f->width; n++) {
            int inside = (row[x] & IN) != 0;
            int32_t end = run_end(row, x, f->width, inside);
            if (n < f->runs_room) {
                seadrift_run *run = f->runs + n;
                run->x0 = x;
                run->x1 = end;
                run->inside = inside;
                run->part = n;
            }
            x = end;
        }
    }
    f->starts[f->height] = n;
    f->runs_count = n;
}

/* --- runs to parts */

static int32_t find(seadrift_run *runs, int32_t i)
{
    while (runs[i].part != i) {
        runs[i].part = runs[runs[i].part].part;
        i = runs[i].part;
    }
    return i;
}

/* The earlier run stays the root: it has the part's first pixel. */
static void unite(seadrift_run *runs, int32_t a, int32_t b)
{
    a = find(runs, a);
    b = find(runs, b);
    if (a < b)
        runs[b].part = a;
    else
        runs[a].part = b;
}

static void join_rows(const seadrift_frame *f, int32_t y)
{
    seadrift_run *runs = f->runs;
    int32_t i = f->starts[y - 1], end = f->starts[y];
    for (int32_t j = end; j < f->starts[y + 1]; j++) {
        const seadrift_run *here = runs + j;
        while (runs[i].x1 < here->x0)
            i++;
        for (int32_t k = i; k < end && runs[k].x0 <= here->x1; k++) {
            const seadrift_run *above = runs + k;
            if (above->inside != here->inside)
                continue;
            if (here->inside || (above->x1 > here->x0 && here->x1 > above->x0))
                unite(runs, k, j);
        }
    }
}

static void join_runs(const seadrift_frame *f)
{
    for (int32_t y = 0; y < f->height; y++) {
        int edge = y == 0 || y == f->height - 1;
        for (int32_t i = f->starts[y]; i < f->starts[y + 1]; i++) {
            const seadrift_run *run = f->runs + i;
            if (!run->inside && (edge || run->x0 == 0 || run->x1 == f->width))
                unite(f->runs, 0, i);
        }
        if (y > 0)
            join_rows(f, y);
    }
}

static void start_part(const seadrift_frame *f, int32_t n, int32_t i, int32_t y)
{
    const seadrift_run *run = f->runs + i;
    seadrift_part *part = f->parts + n;
    part->parent = run->x0 > 0 ? f->runs[i - 1].part : 0;
    part->home = -1;
    part->inside = run->inside;
    part->first_x = run->x0;
    part->first_y = y;
    part->area = part->filled = 0;
    part->object = -1;
}

/* Numbers the parts and sums their own pixels. A root comes before all other runs of its part. */
static void number_parts(seadrift_frame *f)
{
    const seadrift_part outside = {-1, -1, 0, 0, -1, 0, 0, -1};
    int32_t n = 1;
    if (f->parts_room > 0)
        f->parts[0] = outside;
    for (int32_t y = 0; y < f->height; y++)
        for (int32_t i = f->starts[y]; i < f->starts[y + 1]; i++) {
            seadrift_run *run = f->runs + i;
            if (run->part != i) {
                run->part = f->runs[run->part].part;
            } else {
                if (n < f->parts_room)
                    start_part(f, n, i, y);
                run->part = n++;
            }
            if (run->part < f->parts_room) {
                f->parts[run->part].area += run->x1 - run->x0;
                f->parts[run->part].filled = f->parts[run->part].area;
            }
        }
    f->parts_count = n;
}

/* --- parts to objects */

static int is_in(const seadrift_frame *f, int32_t x, int32_t y)
{
    return x >= 0 && y >= 0 && x < f->width && y < f->height && (f->map[(int64_t)y * f->width + x] & IN);
}

/* Twice the area of the polygon through the pixels round a hole, by following them with the hole on the
 * left hand side of the look-out (Suzuki and Abe 1985). */
static int64_t outline_twice(const seadrift_frame *f, const seadrift_part *hole)
{
    static const int8_t dx[8] = {1, 1, 0, -1, -1, -1, 0, 1}, dy[8] = {0, 1, 1, 1, 0, -1, -1, -1};
    const int32_t x0 = hole->first_x - 1, y0 = hole->first_y;
    int32_t x = x0, y = y0;
    int from = 0, first = -1;
    int64_t twice = 0, steps = 8 * ((int64_t)hole->filled + 2);
    while (steps-- > 0) {
        int d = from, turns = 0;
        do {
            d = (d + 1) & 7;
        } while (++turns < 8 && !is_in(f, x + dx[d], y + dy[d]));
        if (x == x0 && y == y0 && d == first)
            break;
        if (first < 0)
            first = d;
        /* Relative to the start, so that the products stay small. */
        twice += (int64_t)(x - x0) * dy[d] - (int64_t)(y - y0) * dx[d];
        x += dx[d];
        y += dy[d];
        from = (d + (d & 1 ? 5 : 6)) & 7;
    }
    return twice < 0 ? -twice : twice;
}

static int is_pinhole(const seadrift_frame *f, const seadrift_part *hole)
{
    if (hole->filled >= f->pinhole) /* the outline encloses more than the pixels of the hole */
        return 0;
    return 0.5 * (double)outline_twice(f, hole) < f->pinhole;
}

/* Whose pixels a part's are. What lies in a pinhole belongs to the object round it. */
static int32_t home_of(const seadrift_frame *f, int32_t n)
{
    const seadrift_part *part = f->parts + n, *parent = f->parts + part->parent;
    if (part->inside)
        return parent->home >= 0 ? parent->home : n;
    if (parent->home != part->parent)
        return parent->home;
    return parent->object >= 0 && is_pinhole(f, part) ? part->parent : -1;
}

static void start_object(seadrift_frame *f, int32_t n)
{
    seadrift_part *part = f->parts + n;
    int32_t k = f->objects_count++;
    if (k >= f->objects_room)
        return;
    part->object = k;
    seadrift_object *object = f->objects + k;
    memset(object, 0, sizeof *object);
    object->part = n;
    object->bx = part->first_x;
    object->by = part->first_y;
    object->filled = part->filled;
}

static void choose_objects(seadrift_frame *f)
{
    seadrift_part *parts = f->parts;
    for (int32_t n = f->parts_count - 1; n > 0; n--)
        parts[parts[n].parent].filled += parts[n].filled;
    for (int32_t n = 1; n < f->parts_count; n++) {
        if (parts[n].inside) {
            f->long_count += parts[n].area >= f->long_min;
            if (parts[n].filled >= f->filled_min)
                start_object(f, n);
            else
                f->specks++;
        }
        parts[n].home = home_of(f, n);
    }
}

static void sum_run(const seadrift_frame *f, seadrift_object *object, const seadrift_run *run, int32_t y)
{
    const uint8_t *row = f->map + (int64_t)y * f->width;
    int32_t high = 0;
    for (int32_t x = run->x0; x < run->x1; x++)
        high += (row[x] & HIGH) != 0;
    object->high += high;
    object->area += run->x1 - run->x0;
    if (run->x0 < object->bx) {
        object->width += object->bx - run->x0; /* keeps the right side where it is */
        object->bx = run->x0;
    }
    if (run->x1 > object->bx + object->width)
        object->width = run->x1 - object->bx;
    object->height = y + 1 - object->by;
}

static void sum_objects(const seadrift_frame *f)
{
    for (int32_t y = 0; y < f->height; y++)
        for (int32_t i = f->starts[y]; i < f->starts[y + 1]; i++) {
            const seadrift_run *run = f->runs + i;
            int32_t home = f->parts[run->part].home;
            if (home >= 0 && f->parts[home].object >= 0)
                sum_run(f, f->objects + f->parts[home].object, run, y);
        }
}

static int32_t check(const seadrift_frame *f)
{
    if (!f->signal || f->height < 1 || f->width < 1 || f->height > (INT32_MAX - 1) / f->width)
        return SEADRIFT_BAD_ARGUMENT;
    if (f->low < 0 || f->own < 0 || f->high < 0 || f->low > 256 || f->own > 256 || f->high > 256)
        return SEADRIFT_BAD_ARGUMENT;
    if (!f->map || !f->rows || !f->starts || !f->runs || !f->parts || !f->objects)
        return SEADRIFT_BAD_ARGUMENT;
    return SEADRIFT_OK;
}

int32_t seadrift_find_objects(seadrift_frame *frame)
{
    if (!frame || check(frame) != SEADRIFT_OK)
        return SEADRIFT_BAD_ARGUMENT;
    frame->runs_count = frame->parts_count = frame->objects_count = frame->specks = frame->long_count = 0;
    for (int32_t y = 0; y < frame->height; y++)
        mark_row(frame, y);
    if (frame->close)
        close_map(frame);
    find_runs(frame);
    if (frame->runs_count > frame->runs_room)
        return SEADRIFT_SMALL_RUNS;
    join_runs(frame);
    number_parts(frame);
    if (frame->parts_count > frame->parts_room)
        return SEADRIFT_SMALL_PARTS;
    choose_objects(frame);
    if (frame->objects_count > frame->objects_room)
        return SEADRIFT_SMALL_OBJECTS;
    sum_objects(frame);
    return SEADRIFT_OK;
}

/* --- objects to pixels */

/* The first run of a row that ends right of x. */
static int32_t run_at(const seadrift_frame *f, int32_t y, int32_t x)
{
    int32_t low = f->starts[y], high = f->starts[y + 1] - 1;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (f->runs[middle].x1 > x)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void cut_row(const seadrift_frame *f, const seadrift_object *object, int32_t y, uint8_t *mask)
{
    int32_t right = object->bx + object->width;
    memset(mask, 0, (size_t)object->width);
    for (int32_t i = run_at(f, y, object->bx); i < f->starts[y + 1] && f->runs[i].x0 < right; i++) {
        const seadrift_run *run = f->runs + i;
        if (f->parts[run->part].home == object->part)
            memset(mask + (run->x0 - object->bx), 1, (size_t)(run->x1 - run->x0));
    }
}

int32_t seadrift_cut_objects(const seadrift_frame *frame, const int32_t *which, int32_t count, uint8_t *masks,
                             uint8_t *signals, int64_t room)
{
    if (!frame || check(frame) != SEADRIFT_OK || count < 0 || (count > 0 && (!which || !masks || !signals)))
        return SEADRIFT_BAD_ARGUMENT;
    for (int32_t k = 0; k < count; k++) {
        if (which[k] < 0 || which[k] >= frame->objects_count)
            return SEADRIFT_BAD_ARGUMENT;
        const seadrift_object *object = frame->objects + which[k];
        int64_t size = (int64_t)object->width * object->height;
        if (size > room)
            return SEADRIFT_BAD_ARGUMENT;
        room -= size;
        for (int32_t y = object->by; y < object->by + object->height; y++) {
            const uint8_t *signal = frame->signal + (int64_t)y * frame->width + object->bx;
            cut_row(frame, object, y, masks);
            memcpy(signals, signal, (size_t)object->width);
            masks += object->width;
            signals += object->width;
        }
    }
    return SEADRIFT_OK;
}

/* --- the background's quantiles */

int32_t seadrift_kth_smallest(const uint8_t *groups, int32_t count, int32_t size, int32_t k, uint8_t *out)
{
    if (!groups || !out || count < 0 || k < 0 || k >= size)
        return SEADRIFT_BAD_ARGUMENT;
    for (int32_t i = 0; i < count; i++, groups += size) {
        int32_t histogram[256] = {0}, before = 0, level = 0;
        for (int32_t j = 0; j < size; j++)
            histogram[groups[j]]++;
        while (before + histogram[level] <= k) /* ends: the counts sum to size > k */
            before += histogram[level++];
        out[i] = (uint8_t)level;
    }
    return SEADRIFT_OK;
}

/* See split.h. */
#include "split.h"

#include <string.h>

enum { THIRDS = 3, DIAGONAL = 4, QUEUED = 255 };

typedef struct {
    const uint8_t *mask;
    int32_t h, w, cells;
    uint16_t *height;  /* in whole pixels at last */
    int32_t *order;    /* pixels, the highest first */
    int32_t *parent;   /* towards the summit; -1: not there yet */
    int32_t *queue;
    int32_t *counts;
    int32_t inside;    /* pixels with a height */
    int32_t summits[SEADRIFT_SPLIT_MAX_LOBES + 1];
    int32_t lobes;
} relief;

int32_t seadrift_split_version(void) { return SEADRIFT_SPLIT_VERSION; }

/* --- the object to heights */

static void put_outside(relief *r, int32_t at, int32_t *tail)
{
    if (!r->mask[at] && r->height[at]) {
        r->height[at] = 0;
        r->queue[(*tail)++] = at;
    }
}

/* Height 0 where the background comes in from the edge of the box (4 neighbours), 1 elsewhere. */
static void fill_holes(relief *r)
{
    int32_t tail = 0;
    for (int32_t i = 0; i < r->cells; i++)
        r->height[i] = 1;
    for (int32_t x = 0; x < r->w; x++) {
        put_outside(r, x, &tail);
        put_outside(r, (r->h - 1) * r->w + x, &tail);
    }
    for (int32_t y = 0; y < r->h; y++) {
        put_outside(r, y * r->w, &tail);
        put_outside(r, y * r->w + r->w - 1, &tail);
    }
    for (int32_t head = 0; head < tail; head++) {
        int32_t at = r->queue[head], x = at % r->w;
        if (x > 0)
            put_outside(r, at - 1, &tail);
        if (x < r->w - 1)
            put_outside(r, at + 1, &tail);
        if (at >= r->w)
            put_outside(r, at - r->w, &tail);
        if (at + r->w < r->cells)
            put_outside(r, at + r->w, &tail);
    }
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* The height at (x, y); what lies outside the box is as low as the background. */
static int32_t height_at(const relief *r, int32_t x, int32_t y)
{
    return x < 0 || y < 0 || x >= r->w || y >= r->h ? 0 : r->height[y * r->w + x];
}

/* One sweep of the distance transform: from the row before (`from` -1) or behind (+1), and along the row. */
static void sweep(relief *r, int32_t y, int32_t from)
{
    for (int32_t i = 0; i < r->w; i++) {
        int32_t x = from < 0 ? i : r->w - 1 - i;
        uint16_t *here = r->height + y * r->w + x;
        if (!*here)
            continue;
        int32_t low = least(height_at(r, x, y + from) + THIRDS, height_at(r, x + from, y) + THIRDS);
        low = least(low, height_at(r, x - 1, y + from) + DIAGONAL);
        low = least(low, height_at(r, x + 1, y + from) + DIAGONAL);
        *here = (uint16_t)least(*here, low);
    }
}

/* The distance from the edge, a step counting 3 and a diagonal one 4, then in whole pixels. */
static void raise_heights(relief *r)
{
    fill_holes(r);
    for (int32_t i = 0; i < r->cells; i++)
        r->height[i] = r->height[i] ? UINT16_MAX : 0;
    for (int32_t y = 0; y < r->h; y++)
        sweep(r, y, -1);
    for (int32_t y = r->h - 1; y >= 0; y--)
        sweep(r, y, 1);
    for (int32_t i = 0; i < r->cells; i++)
        r->height[i] = (uint16_t)(r->height[i] / THIRDS);
}

/* --- heights to summits */

/* Sorts the pixels that have a height, the highest first, in reading order where equal. */
static void sort_pixels(relief *r)
{
    int32_t top = 0, n = 0;
    for (int32_t i = 0; i < r->cells; i++)
        top = r->height[i] > top ? r->height[i] : top;
    memset(r->counts, 0, ((size_t)top + 1) * sizeof *r->counts);
    for (int32_t i = 0; i < r->cells; i++)
        r->counts[r->height[i]]++;
    for (int32_t level = top; level > 0; level--) {
        int32_t here = r->counts[level];
        r->counts[level] = n;
        n += here;
    }
    r->inside = n;
    for (int32_t i = 0; i < r->cells; i++)
        if (r->height[i])
            r->order[r->counts[r->height[i]]++] = i;
}

/* The neighbours of a pixel, at most eight; returns how many. */
static int neighbours(const relief *r, int32_t at, int32_t out[8])
{
    int32_t x = at % r->w, y = at / r->w;
    int n = 0;
    for (int32_t dy = -1; dy <= 1; dy++)
        for (int32_t dx = -1; dx <= 1; dx++)
            if ((dx || dy) && x + dx >= 0 && x + dx < r->w && y + dy >= 0 && y + dy < r->h)
                out[n++] = at + dy * r->w + dx;
    return n;
}

static int32_t summit_of(relief *r, int32_t i)
{
    while (r->parent[i] != i) {
        r->parent[i] = r->parent[r->parent[i]];
        i = r->parent[i];
    }
    return i;
}

/* Two slopes meet at a height: the lower summit goes on as a lobe of its own, or is none. */
static void meet(relief *r, const seadrift_splitting *all, int32_t a, int32_t b, int32_t level)
{
    int first = r->height[a] > r->height[b] || (r->height[a] == r->height[b] && a < b);
    int32_t low = first ? b : a, summit = r->height[low];
    r->parent[low] = first ? a : b;
    int own = summit >= all->summit && (int64_t)100 * (level - 1) <= (int64_t)all->pass_percent * summit;
    if (summit > level && own && r->lobes <= SEADRIFT_SPLIT_MAX_LOBES)
        r->summits[r->lobes++] = low;
}

static void find_summits(relief *r, const seadrift_splitting *all)
{
    r->lobes = 0;
    for (int32_t i = 0; i < r->cells; i++)
        r->parent[i] = -1;
    for (int32_t i = 0; i < r->inside; i++) {
        int32_t at = r->order[i], near[8];
        int n = neighbours(r, at, near);
        r->parent[at] = at;
        for (int k = 0; k < n; k++) {
            if (r->parent[near[k]] < 0)
                continue;
            int32_t a = summit_of(r, at), b = summit_of(r, near[k]);
            if (a != b)
                meet(r, all, a, b, r->height[at]);
        }
    }
    if (r->inside > 0 && r->lobes <= SEADRIFT_SPLIT_MAX_LOBES)
        r->summits[r->lobes++] = r->order[0];
}

static void sort_summits(relief *r)
{
    for (int32_t i = 1; i < r->lobes; i++)
        for (int32_t j = i; j > 0 && r->summits[j - 1] > r->summits[j]; j--) {
            int32_t swapped = r->summits[j];
            r->summits[j] = r->summits[j - 1];
            r->summits[j - 1] = swapped;
        }
}

/* --- summits to lobes */

/* The least label round a pixel; 0 if none has one. */
static int32_t label_near(const relief *r, const uint8_t *labels, int32_t at)
{
    int32_t near[8], found = QUEUED;
    int n = neighbours(r, at, near);
    for (int k = 0; k < n; k++)
        if (labels[near[k]] && labels[near[k]] < found)
            found = labels[near[k]];
    return found < QUEUED ? found : 0;
}

/* All pixels of a round get their labels at once, then those beside them that are high enough wait. */
static int32_t flood_round(relief *r, uint8_t *labels, int32_t head, int32_t tail, int32_t level)
{
    int32_t end = tail;
    for (int32_t i = head; i < tail; i++)
        r->parent[i] = label_near(r, labels, r->queue[i]);
    for (int32_t i = head; i < tail; i++)
        labels[r->queue[i]] = (uint8_t)r->parent[i];
    for (int32_t i = head; i < tail; i++) {
        int32_t near[8];
        int n = neighbours(r, r->queue[i], near);
        for (int k = 0; k < n; k++)
            if (!labels[near[k]] && r->height[near[k]] >= level) {
                labels[near[k]] = QUEUED;
                r->queue[end++] = near[k];
            }
    }
    return end;
}

static void flood(relief *r, uint8_t *labels)
{
    memset(labels, 0, (size_t)r->cells);
    for (int32_t i = 0; i < r->lobes; i++)
        labels[r->summits[i]] = (uint8_t)(i + 1);
    for (int32_t from = 0; from < r->inside;) {
        int32_t level = r->height[r->order[from]], to = from, tail = 0, head = 0;
        for (; to < r->inside && r->height[r->order[to]] == level; to++)
            if (!labels[r->order[to]] && label_near(r, labels, r->order[to]))
                r->queue[tail++] = r->order[to];
        for (int32_t i = 0; i < tail; i++)
            labels[r->queue[i]] = QUEUED;
        while (head < tail) {
            int32_t end = flood_round(r, labels, head, tail, level);
            head = tail;
            tail = end;
        }
        from = to;
    }
}

/* --- all objects */

static int is_good(const seadrift_splitting *all)
{
    return all && all->objects >= 0 && all->cells >= 0 && all->room_cells >= 0 && all->room_cells < INT32_MAX / 4 &&
           all->boxes && all->starts && all->masks && all->height && all->room && all->labels && all->lobes &&
           all->summit >= 1 && all->pass_percent >= 0 && all->pass_percent <= 100 && all->lobes_most >= 1 &&
           all->lobes_most <= SEADRIFT_SPLIT_MAX_LOBES;
}

static int is_object(const seadrift_splitting *all, int32_t i)
{
    const int32_t *box = all->boxes + 4 * (int64_t)i;
    if (box[2] < 1 || box[3] < 1 || box[2] > SEADRIFT_SPLIT_MAX_SIDE || box[3] > SEADRIFT_SPLIT_MAX_SIDE)
        return 0;
    int64_t cells = (int64_t)box[2] * box[3], start = all->starts[i];
    return start >= 0 && cells <= all->room_cells && cells <= all->cells - start;
}

int32_t seadrift_split(seadrift_splitting *all)
{
    if (!is_good(all))
        return SEADRIFT_BAD_ARGUMENT;
    for (int32_t i = 0; i < all->objects; i++) {
        if (!is_object(all, i))
            return SEADRIFT_BAD_ARGUMENT;
        relief r = {all->masks + all->starts[i], all->boxes[4 * (int64_t)i + 3], all->boxes[4 * (int64_t)i + 2],
                    0, all->height, all->room, 0, 0, 0, 0, {0}, 0};
        r.cells = r.h * r.w;
        r.parent = r.order + r.cells;
        r.queue = r.parent + r.cells;
        r.counts = r.queue + r.cells; /* a height is at most half of a side: cells + 4 are enough */
        raise_heights(&r);
        sort_pixels(&r);
        find_summits(&r, all);
        all->lobes[i] = r.lobes > 1 && r.lobes <= all->lobes_most ? r.lobes : 1;
        if (all->lobes[i] == 1)
            continue;
        sort_summits(&r);
        flood(&r, all->labels + all->starts[i]);
    }
    return SEADRIFT_OK;
}

#include "forest.h"

enum { SHORT = 40, BYTE = 256 };

typedef struct {
    double gain; /* larger is purer */
    int32_t column, left;
    uint32_t below, above;
} split;

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static void insert_sort(uint64_t *keys, int32_t n)
{
    for (int32_t i = 1; i < n; i++) {
        uint64_t key = keys[i];
        int32_t j = i;
        for (; j > 0 && keys[j - 1] > key; j--) keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

/* By the ranks in the upper halves, of which the bits of `differ` are not all alike. The sorted keys are in the
 * result, one of the two. */
static uint64_t *radix_sort(uint64_t *keys, uint64_t *other, int32_t n, uint32_t differ)
{
    for (int shift = 32; shift < 64; shift += 8) {
        int32_t at[BYTE] = {0};
        if (!((differ >> (shift - 32)) & 0xFF)) continue;
        for (int32_t i = 0; i < n; i++) at[(keys[i] >> shift) & 0xFF]++;
        for (int32_t b = 0, sum = 0; b < BYTE; b++) {
            int32_t here = at[b];
            at[b] = sum;
            sum += here;
        }
        for (int32_t i = 0; i < n; i++) other[at[(keys[i] >> shift) & 0xFF]++] = keys[i];
        uint64_t *swap = keys;
        keys = other;
        other = swap;
    }
    return keys;
}

/* The node's objects by a column's rank; NULL when all have the same. */
static const uint64_t *sorted(const seadrift_tree *tree, const int32_t *objects, int32_t n, int32_t column)
{
    const uint32_t *ranks = tree->ranks + (int64_t)column * tree->objects;
    uint32_t first = ranks[objects[0]], differ = 0;
    for (int32_t i = 0; i < n; i++) {
        uint32_t rank = ranks[objects[i]];
        differ |= rank ^ first;
        tree->keys[i] = ((uint64_t)rank << 32) | (uint32_t)objects[i];
    }
    if (!differ) return 0;
    if (n <= SHORT) {
        insert_sort(tree->keys, n);
        return tree->keys;
    }
    return radix_sort(tree->keys, tree->keys + tree->objects, n, differ);
}

/* Walks over the sorted objects; a side's impurity is told by the sum of its taxa's squared weights, which one
 * object more or less changes in one place. */
static void best_of_column(const seadrift_tree *tree, const uint64_t *keys, int32_t n, int32_t column,
                           const double *all, double whole, double squares, split *best)
{
    double *left = tree->sums + tree->classes, *right = left + tree->classes;
    double in_left = 0, in_right = whole, left_squares = 0, right_squares = squares;
    for (int32_t c = 0; c < tree->classes; c++) {
        left[c] = 0;
        right[c] = all[c];
    }
    for (int32_t i = 0; i + 1 < n; i++) {
        int32_t object = (int32_t)(keys[i] & UINT32_C(0xFFFFFFFF)), c = tree->target[object];
        double w = tree->weight[object];
        left_squares += w * (2 * left[c] + w);
        right_squares -= w * (2 * right[c] - w);
        left[c] += w;
        right[c] -= w;
        in_left += w;
        in_right -= w;
        uint32_t below = (uint32_t)(keys[i] >> 32), above = (uint32_t)(keys[i + 1] >> 32);
        if (below == above || i + 1 < tree->leaf_least || n - i - 1 < tree->leaf_least) continue;
        double gain = left_squares / in_left + right_squares / in_right;
        if (gain > best->gain) *best = (split){gain, column, i + 1, below, above};
    }
}

/* Draws columns until `tries` were looked at, one of them at least with different values. */
static split best_split(const seadrift_tree *tree, const int32_t *objects, int32_t n, uint64_t *random)
{
    split best = {-1, -1, 0, 0, 0};
    double *all = tree->sums, whole = 0, squares = 0;
    int32_t taxa = 0;
    for (int32_t c = 0; c < tree->classes; c++) all[c] = 0;
    for (int32_t i = 0; i < n; i++) all[tree->target[objects[i]]] += tree->weight[objects[i]];
    for (int32_t c = 0; c < tree->classes; c++) {
        whole += all[c];
        squares += all[c] * all[c];
        taxa += all[c] > 0;
    }
    if (taxa < 2 || n < 2 * tree->leaf_least) return best;
    int useful = 0;
    for (int32_t i = 0; i < tree->columns && (i < tree->tries || !useful); i++) {
        int32_t j = i + (int32_t)(next_random(random) % (uint64_t)(tree->columns - i));
        int32_t column = tree->drawn[j];
        tree->drawn[j] = tree->drawn[i];
        tree->drawn[i] = column;
        const uint64_t *keys = sorted(tree, objects, n, column);
        if (!keys) continue;
        useful = 1;
        best_of_column(tree, keys, n, column, all, whole, squares, &best);
    }
    return best;
}

/* Those that go left first, each side in its order. */
static void divide(const seadrift_tree *tree, int32_t *objects, int32_t n, const split *at)
{
    const uint32_t *ranks = tree->ranks + (int64_t)at->column * tree->objects;
    int32_t *aside = (int32_t *)tree->keys, left = 0, right = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t object = objects[i];
        if (ranks[object] <= at->below) objects[left++] = object;
        else aside[right++] = object;
    }
    for (int32_t i = 0; i < right; i++) objects[left + i] = aside[i];
}

static int32_t add_node(seadrift_tree *tree, int32_t first, int32_t count)
{
    int32_t node = tree->nodes++;
    tree->first[node] = first;
    tree->count[node] = count;
    tree->column[node] = -2;
    tree->below[node] = tree->above[node] = 0;
    tree->left[node] = tree->right[node] = -1;
    return node;
}

static int is_wrong(const seadrift_tree *tree)
{
    if (tree->objects < 1 || tree->columns < 1 || tree->classes < 1) return 1;
    if (tree->tries < 1 || tree->leaf_least < 1 || tree->objects > SEADRIFT_FOREST_MOST) return 1;
    for (int32_t i = 0; i < tree->objects; i++) {
        if (tree->target[i] < 0 || tree->target[i] >= tree->classes) return 1;
        if (!(tree->weight[i] >= 0)) return 1;
    }
    return 0;
}

int32_t seadrift_forest_version(void) { return SEADRIFT_FOREST_VERSION; }

int32_t seadrift_grow(seadrift_tree *tree)
{
    uint64_t random = (uint64_t)tree->seed;
    int32_t seen = 0, waiting = 0;
    if (is_wrong(tree)) return SEADRIFT_BAD_ARGUMENT;
    tree->nodes = 0;
    for (int32_t i = 0; i < tree->columns; i++) tree->drawn[i] = i;
    for (int32_t i = 0; i < tree->objects; i++)
        if (tree->weight[i] > 0) tree->order[seen++] = i;
    tree->stack[waiting++] = add_node(tree, 0, seen);
    while (waiting && seen) {
        int32_t node = tree->stack[--waiting], first = tree->first[node], n = tree->count[node];
        split at = best_split(tree, tree->order + first, n, &random);
        if (at.column < 0) continue;
        divide(tree, tree->order + first, n, &at);
        tree->column[node] = at.column;
        tree->below[node] = at.below;
        tree->above[node] = at.above;
        tree->left[node] = add_node(tree, first, at.left);
        tree->right[node] = add_node(tree, first + at.left, n - at.left);
        tree->stack[waiting++] = tree->right[node];
        tree->stack[waiting++] = tree->left[node];
    }
    return SEADRIFT_OK;
}

int32_t seadrift_ask(const seadrift_asked *asked)
{
    for (int32_t t = 0; t < asked->trees; t++) {
        int64_t root = asked->starts[t];
        for (int64_t i = 0; i < asked->objects; i++) {
            const float *values = asked->values + i * asked->columns;
            double *total = asked->total + i * asked->classes;
            int64_t at = root;
            while (asked->left[at] >= 0) {
                int left = (double)values[asked->feature[at]] <= asked->threshold[at];
                at = root + (left ? asked->left[at] : asked->right[at]);
            }
            for (int64_t e = asked->leaf[at]; e < asked->leaf[at + 1]; e++) total[asked->taxon[e]] += asked->share[e];
        }
    }
    return SEADRIFT_OK;
}

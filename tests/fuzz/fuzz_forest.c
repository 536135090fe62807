/* seadrift_grow on small sets, and seadrift_ask about the tree that came of it. */
#include "forest.h"
#include "input.h"

enum { OBJECTS = 90, COLUMNS = 5, CLASSES = 6 };

static seadrift_tree read_set(input *in)
{
    seadrift_tree tree;
    memset(&tree, 0, sizeof tree);
    tree.objects = take_int(in, 1, OBJECTS);
    tree.columns = take_int(in, 1, COLUMNS);
    tree.classes = take_int(in, 1, CLASSES);
    tree.tries = take_int(in, 1, COLUMNS + 2);
    tree.leaf_least = take_int(in, 1, 7);
    tree.seed = take_wild(in);
    size_t n = (size_t)tree.objects;
    int32_t *target = room(n * sizeof *target);
    double *weight = room(n * sizeof *weight);
    for (size_t i = 0; i < n; i++) {
        target[i] = take_int(in, 0, tree.classes - 1);
        weight[i] = take_int(in, 0, 3) * (double)take_float(in) * (take_int(in, 0, 1) ? 1.0 : 0.5);
        if (weight[i] < 0) weight[i] = 0;
    }
    tree.target = target;
    tree.weight = weight;
    tree.keys = room(2 * n * sizeof *tree.keys);
    tree.sums = room(3 * (size_t)tree.classes * sizeof *tree.sums);
    tree.drawn = room((size_t)tree.columns * sizeof *tree.drawn);
    tree.stack = room((2 * n + 2) * sizeof *tree.stack);
    tree.order = room(n * sizeof *tree.order);
    tree.first = room(2 * n * sizeof *tree.first);
    tree.count = room(2 * n * sizeof *tree.count);
    tree.column = room(2 * n * sizeof *tree.column);
    tree.below = room(2 * n * sizeof *tree.below);
    tree.above = room(2 * n * sizeof *tree.above);
    tree.left = room(2 * n * sizeof *tree.left);
    tree.right = room(2 * n * sizeof *tree.right);
    tree.ranks = (const uint32_t *)(const void *)take_bytes(in, (size_t)tree.columns * n * sizeof *tree.ranks);
    return tree;
}

static void check(const seadrift_tree *tree)
{
    MUST(tree->nodes >= 1 && tree->nodes < 2 * tree->objects + (tree->objects == 1));
    for (int32_t node = 0; node < tree->nodes; node++) {
        int32_t left = tree->left[node], right = tree->right[node];
        if (tree->column[node] < 0) {
            MUST(left == -1 && right == -1);
            continue;
        }
        MUST(left > node && right > node && left < tree->nodes && right < tree->nodes);
        MUST(tree->count[left] >= tree->leaf_least && tree->count[right] >= tree->leaf_least);
        MUST(tree->count[left] + tree->count[right] == tree->count[node]);
        MUST(tree->below[node] < tree->above[node]);
    }
}

/* Every object comes to a leaf, whose one share is 1. */
static void ask(const seadrift_tree *tree)
{
    int64_t starts[2] = {0, tree->nodes};
    size_t nodes = (size_t)tree->nodes, n = (size_t)tree->objects, cells = n * (size_t)tree->columns;
    double *threshold = room(nodes * sizeof *threshold), *share = room(nodes * sizeof *share);
    int64_t *leaf = room((nodes + 1) * sizeof *leaf);
    int32_t *taxon = room(nodes * sizeof *taxon);
    float *values = room(cells * sizeof *values);
    double *total = room(n * (size_t)tree->classes * sizeof *total);
    leaf[0] = 0;
    for (size_t i = 0; i < nodes; i++) {
        threshold[i] = (double)(float)tree->below[i];
        leaf[i + 1] = leaf[i] + (tree->left[i] < 0);
        share[i] = 1.0;
        taxon[i] = (int32_t)(i % (size_t)tree->classes);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < (size_t)tree->columns; c++)
            values[i * (size_t)tree->columns + c] = (float)tree->ranks[c * n + i];
    for (size_t i = 0; i < n * (size_t)tree->classes; i++) total[i] = 0;
    seadrift_asked asked = {values, starts, tree->column, threshold, tree->left, tree->right, leaf, taxon, share,
                            tree->objects, tree->columns, 1, tree->classes, total};
    MUST(seadrift_ask(&asked) == SEADRIFT_OK);
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (int32_t c = 0; c < tree->classes; c++) sum += total[i * (size_t)tree->classes + (size_t)c];
        MUST(sum == 1.0);
    }
}

static void hostile(input *in, seadrift_tree tree)
{
    int32_t bad = take_wild(in);
    bad = bad < 1 ? bad : 0;
    switch (take_int(in, 0, 4)) {
    case 0: tree.objects = bad; break;
    case 1: tree.columns = bad; break;
    case 2: tree.classes = bad; break;
    case 3: tree.tries = bad; break;
    default: tree.leaf_least = bad; break;
    }
    MUST(seadrift_grow(&tree) == SEADRIFT_BAD_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    uint8_t kind = take(&in) % 16;
    seadrift_tree tree = read_set(&in);
    if (kind == 0) {
        hostile(&in, tree);
    } else {
        MUST(seadrift_grow(&tree) == SEADRIFT_OK);
        check(&tree);
        ask(&tree);
    }
    free_rooms();
    return 0;
}

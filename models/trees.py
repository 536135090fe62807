"""A random forest (Breiman 2001) that is grown in a second, asked, and kept as plain arrays.

It is EcoTaxa's: 300 trees, each on as many objects as there are, drawn anew with replacement, down
to leaves of five, a square root of the columns tried at each node, and every taxon weighing alike.
C grows and asks the trees (edge/native/forest.c); where there is no compiler scikit-learn's trees
are grown from the same draws, five times slower.

What is kept is no pickle: arrays that any program reads, and that do nothing when they are loaded.

Example:
    >>> forest = grow(values, taxa, threads=2)          # float32 [n, F], int64 [n]
    >>> forest = Forest.load(forest.save())
    >>> forest.probabilities(values).shape, forest.classes
    ((6770, 30), array([...]))
"""

from __future__ import annotations

import importlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models import trees_native
from models.trees_native import NativeTree

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


class ForestError(ValueError):
    """No forest can be grown from these, or a file is none; the message says why."""


@dataclass(frozen=True)
class Growth:
    trees: int = 300
    leaf_least: int = 5
    seed: int = 0


ECOTAXA = Growth()


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees laid end to end: node i of tree t is at `starts[t] + i`.

    An inner node sends an object left where its `feature` is at most `threshold`; a leaf has no
    left (-1). Leaf i holds the taxa `taxon[leaf[i]:leaf[i + 1]]` in these shares.
    """

    classes: Int64  # [C]
    starts: Int64  # [trees + 1]
    feature: Int32  # [nodes]
    threshold: Float64  # [nodes]
    left: Int32  # [nodes], within the tree
    right: Int32  # [nodes]
    leaf: Int64  # [nodes + 1]
    taxon: Int32  # [entries], place in classes
    share: Float64  # [entries]

    def probabilities(self, values: Float32, threads: int = 1) -> Float32:
        """float32 [n, classes], the mean of the trees' leaves: rows sum to 1. Raises ValueError
        for values of too few columns."""
        asked = int(self.feature.max(initial=-1))
        if asked >= values.shape[1]:
            raise ValueError(f"the forest asks for column {asked} of {values.shape[1]}")
        total = np.zeros((len(values), len(self.classes)))
        add = trees_native.add_shares if trees_native.is_here() else _add_shares
        edges = np.linspace(0, len(values), threads + 1).astype(int).tolist()
        with ThreadPoolExecutor(threads) as pool:
            parts = [(values[a:b], self, total[a:b]) for a, b in pairwise(edges)]
            list(pool.map(lambda part: add(*part), parts))
        return (total / (len(self.starts) - 1)).astype(np.float32)

    def save(self) -> bytes:
        stream = io.BytesIO()
        np.savez(
            stream, allow_pickle=False, **{f.name: getattr(self, f.name) for f in fields(self)}
        )
        return stream.getvalue()

    @classmethod
    def load(cls, data: bytes) -> Forest:
        """Raises ForestError."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                found = cls(**{field.name: file[field.name] for field in fields(cls)})
            found.check()
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ForestError(f"not a forest: {error}") from error
        return found

    def check(self) -> None:
        """That every step stays inside the arrays and comes to a leaf. Raises ForestError."""
        kinds = {"classes": "i8", "starts": "i8", "feature": "i4", "threshold": "f8", "left": "i4",
                 "right": "i4", "leaf": "i8", "taxon": "i4", "share": "f8"}  # fmt: skip
        for name, kind in kinds.items():
            array = getattr(self, name)
            if array.dtype != np.dtype(kind) or array.ndim != 1:
                raise ForestError(f"{name}: {array.dtype} {array.shape}")
        if not (self._has_whole_trees() and self._comes_to_leaves() and self._has_leaves()):
            raise ForestError("its parts do not fit each other")

    def _has_whole_trees(self) -> bool:
        nodes, starts = len(self.feature), self.starts
        sizes = {len(self.threshold), len(self.left), len(self.right), len(self.leaf) - 1}
        ends = len(starts) > 1 and starts[0] == 0 and starts[-1] == nodes
        return bool(sizes == {nodes} and ends and (np.diff(starts) > 0).all())

    def _comes_to_leaves(self) -> bool:
        """Each step goes on to a later node of the same tree."""
        sizes = np.diff(self.starts)
        at = np.arange(len(self.feature)) - np.repeat(self.starts[:-1], sizes)
        room = np.repeat(sizes, sizes)
        inner = self.left >= 0
        steps = ((side > at) & (side < room) for side in (self.left, self.right))
        return bool((self.feature[inner] >= 0).all() and all(s[inner].all() for s in steps))

    def _has_leaves(self) -> bool:
        entries = len(self.taxon)
        ends = self.leaf[0] == 0 and self.leaf[-1] == entries == len(self.share)
        known = (self.taxon >= 0) & (self.taxon < len(self.classes))
        return bool(ends and (np.diff(self.leaf) >= 0).all() and known.all())


def _add_shares(values: Float32, forest: Forest, total: Float64) -> None:
    """In numpy what edge/native/forest.c does."""
    for tree in range(len(forest.starts) - 1):
        at = _leaf_of(forest, tree, values)
        counts = forest.leaf[at + 1] - forest.leaf[at]
        rows = np.repeat(np.arange(len(values)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        entries = np.repeat(forest.leaf[at], counts) + within
        total[rows, forest.taxon[entries]] += forest.share[entries]  # a leaf names a taxon once


def _leaf_of(forest: Forest, tree: int, values: Float32) -> Int64:
    """The leaf that each object comes to, int64 [n]."""
    root = int(forest.starts[tree])
    at = np.full(len(values), root, np.int64)
    going = np.flatnonzero(forest.left[at] >= 0)
    while len(going):
        here = at[going]
        goes_left = values[going, forest.feature[here]] <= forest.threshold[here]
        at[going] = root + np.where(goes_left, forest.left[here], forest.right[here])
        going = going[forest.left[at[going]] >= 0]
    return at


def grow(values: Float32, taxa: Int64, *, threads: int, growth: Growth = ECOTAXA) -> Forest:
    """A forest that tells `taxa`, int64 [n], by `values`, float32 [n, F], finite.

    Raises ForestError with fewer than two taxa or values that are not finite.
    """
    classes, target = np.unique(taxa, return_inverse=True)
    if len(classes) < 2:
        raise ForestError(f"a forest needs at least two taxa; there are {classes.tolist()}")
    if not np.isfinite(values).all():
        raise ForestError("features: values must be finite")
    way = _grow_natively if trees_native.is_here() else grow_by_library
    places: Int32 = target.astype(np.int32)
    trees = way(values, places, list(_draws(places, growth)), threads, growth)
    return _together(classes.astype(np.int64), trees)


class _Draw(NamedTuple):
    """What one tree sees: each object's weight, 0 for none; and the tree's own random numbers."""

    weight: Float64
    seed: int


def _draws(target: Int32, growth: Growth) -> Iterator[_Draw]:
    """As many objects as there are, with replacement; every taxon's weights have the same sum."""
    counts = np.bincount(target)
    alike = len(target) / (len(counts) * counts)
    for tree in range(growth.trees):
        dice = np.random.default_rng((growth.seed, tree))
        drawn = np.bincount(dice.integers(0, len(target), len(target)), minlength=len(target))
        yield _Draw(drawn * alike[target], int(dice.integers(0, 2**31)))


def _grow_natively(
    values: Float32, target: Int32, draws: Sequence[_Draw], threads: int, growth: Growth
) -> list[_Part]:
    levels, ranks = zip(*(np.unique(c, return_inverse=True) for c in values.T), strict=True)
    ranked = np.stack(ranks).astype(np.uint32)
    classes = int(target.max()) + 1

    def one(draw: _Draw) -> _Part:
        grown = trees_native.grow_tree(
            ranked, target, draw.weight,
            classes=classes, tries=max(1, int(values.shape[1] ** 0.5)),
            leaf_least=growth.leaf_least, seed=draw.seed,
        )  # fmt: skip
        return _part(grown, levels, target, draw.weight, classes)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, draws))


def grow_by_library(
    values: Float32, target: Int32, draws: Sequence[_Draw], threads: int, growth: Growth
) -> list[_Part]:
    """The same trees by scikit-learn: the oracle, and the way without a C compiler."""
    library: Any = importlib.import_module("sklearn.tree")

    def one(draw: _Draw) -> _Part:
        model = library.DecisionTreeClassifier(
            min_samples_leaf=growth.leaf_least, max_features="sqrt", random_state=draw.seed
        )
        tree = model.fit(values, target, sample_weight=draw.weight).tree_
        shares = tree.value[:, 0, :] * (tree.children_left < 0)[:, None]
        nodes, taxa = np.nonzero(shares)
        entries = np.bincount(nodes, minlength=tree.node_count)
        return _Part(
            tree.feature, tree.threshold, tree.children_left, tree.children_right,
            entries, taxa, shares[nodes, taxa],
        )  # fmt: skip

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, draws))


class _Part(NamedTuple):
    """One tree: its nodes, how many taxa each node's leaf holds (0: no leaf), which, and their
    shares."""

    feature: npt.NDArray[Any]
    threshold: npt.NDArray[Any]
    left: npt.NDArray[Any]
    right: npt.NDArray[Any]
    entries: npt.NDArray[Any]
    taxon: npt.NDArray[Any]
    share: npt.NDArray[Any]


def _part(
    tree: NativeTree, levels: Sequence[Float32], target: Int32, weight: Float64, classes: int
) -> _Part:
    """With thresholds half-way between the values on both sides, and the leaves' shares."""
    threshold = np.full(len(tree.column), -2.0)
    for column in np.unique(tree.column[tree.column >= 0]).tolist():
        at = tree.column == column
        low = levels[column][tree.below[at]].astype(np.float64)
        high = levels[column][tree.above[at]].astype(np.float64)
        middle = low / 2 + high / 2
        threshold[at] = np.where(middle < high, middle, low)
    leaves = np.flatnonzero(tree.left < 0)
    leaves = leaves[np.argsort(tree.first[leaves], kind="stable")]
    node = np.repeat(leaves, tree.count[leaves])
    keys, where = np.unique(node * classes + target[tree.order], return_inverse=True)
    sums = np.bincount(where, weight[tree.order])
    owner = keys // classes
    whole = np.bincount(owner, sums, minlength=len(tree.column))
    entries = np.bincount(owner, minlength=len(tree.column))
    return _Part(
        tree.column, threshold, tree.left, tree.right, entries, keys % classes, sums / whole[owner]
    )


def _together(classes: Int64, parts: Sequence[_Part]) -> Forest:
    def joined(name: str, kind: Any) -> npt.NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts]).astype(kind)

    starts = np.cumsum([0, *(len(part.feature) for part in parts)])
    return Forest(
        classes=classes,
        starts=starts.astype(np.int64),
        feature=joined("feature", np.int32),
        threshold=joined("threshold", np.float64),
        left=joined("left", np.int32),
        right=joined("right", np.int32),
        leaf=np.concatenate([[0], np.cumsum(joined("entries", np.int64))]).astype(np.int64),
        taxon=joined("taxon", np.int32),
        share=joined("share", np.float64),
    )


def described(growth: Growth) -> dict[str, Any]:
    """For a report."""
    return {"kind": "random forest", "class_weight": "balanced", **asdict(growth)}

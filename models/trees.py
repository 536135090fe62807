"""A random forest that is grown in seconds, asked, and kept as plain arrays. scikit-learn grows it.

200 trees see half of the objects each (drawn anew for each tree), down to leaves of two: as good as
EcoTaxa's setting (300, all objects, leaves of five) on labelled sets, in half of the time;
docs/how-to/predict.md has the comparison. Taxa weigh alike.

What is kept is no pickle: arrays that any program reads, and that do nothing when they are loaded.
`Forest.probabilities` gives what scikit-learn gives, without it.

Example:
    >>> grown = grow(values, taxa, threads=2)          # float32 [n, F], int64 [n]
    >>> forest = Forest.load(grown.forest().save())
    >>> forest.probabilities(values).shape, forest.classes
    ((6770, 30), array([...]))
"""

from __future__ import annotations

import importlib
import io
import zipfile
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

WHOLE_BELOW = 500
"""Trees see all of fewer objects: half of a handful is too few."""

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


class ForestError(ValueError):
    """No forest can be grown from these, or a file is none; the message says why."""


@dataclass(frozen=True)
class Growth:
    trees: int = 200
    leaf_least: int = 2
    share: float = 0.5
    seed: int = 0

    def sharing(self, objects: int) -> float | None:
        return self.share if objects >= WHOLE_BELOW and self.share < 1 else None


OURS = Growth()
ECOTAXA = Growth(trees=300, leaf_least=5, share=1.0)
"""What EcoTaxa grows, for comparison."""


@dataclass(frozen=True, eq=False)
class Grown:
    """A forest in scikit-learn's hands: the fastest way to ask it."""

    classes: Int64
    model: Any

    def probabilities(self, values: Float32) -> Float32:
        """float32 [n, classes], rows sum to 1, for `values` float32 [n, F]."""
        if not len(values):
            return np.zeros((0, len(self.classes)), np.float32)
        return np.asarray(self.model.predict_proba(values), np.float32)

    def forest(self) -> Forest:
        """The same as arrays."""
        trees = [one.tree_ for one in self.model.estimators_]
        starts = np.cumsum([0, *(tree.node_count for tree in trees)])
        leaves = [_leaves(tree) for tree in trees]
        counts = np.concatenate([count for count, _, _ in leaves])
        return Forest(
            classes=self.classes,
            starts=starts.astype(np.int64),
            feature=np.concatenate([t.feature for t in trees]).astype(np.int32),
            threshold=np.concatenate([t.threshold for t in trees]).astype(np.float64),
            left=np.concatenate([t.children_left for t in trees]).astype(np.int32),
            right=np.concatenate([t.children_right for t in trees]).astype(np.int32),
            leaf=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            taxon=np.concatenate([taxa for _, taxa, _ in leaves]).astype(np.int32),
            share=np.concatenate([shares for _, _, shares in leaves]).astype(np.float64),
        )


def grow(values: Float32, taxa: Int64, *, threads: int, growth: Growth = OURS) -> Grown:
    """A forest that tells `taxa`, int64 [n], by `values`, float32 [n, F], finite.

    Raises ForestError with fewer than two taxa or values that are not finite.
    """
    classes, target = np.unique(taxa, return_inverse=True)
    if len(classes) < 2:
        raise ForestError(f"a forest needs at least two taxa; there are {classes.tolist()}")
    if not np.isfinite(values).all():
        raise ForestError("features: values must be finite")
    ensemble: Any = importlib.import_module("sklearn.ensemble")
    model = ensemble.RandomForestClassifier(
        n_estimators=growth.trees,
        min_samples_leaf=growth.leaf_least,
        max_samples=growth.sharing(len(taxa)),
        class_weight="balanced",
        random_state=growth.seed,
        n_jobs=threads,
    )
    model.fit(values, target)
    return Grown(classes.astype(np.int64), model)


def _leaves(tree: Any) -> tuple[Int64, Int32, Float64]:
    """How many taxa each node's leaf holds (0: no leaf), which, and their shares."""
    shares = tree.value[:, 0, :] * (tree.children_left < 0)[:, None]
    nodes, taxa = np.nonzero(shares)
    counts = np.bincount(nodes, minlength=tree.node_count)
    return counts, taxa.astype(np.int32), shares[nodes, taxa]


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

    def probabilities(self, values: Float32) -> Float32:
        """float32 [n, classes], the mean of the trees' leaves."""
        total = np.zeros((len(values), len(self.classes)))
        for tree in range(len(self.starts) - 1):
            at = self._leaf_of(tree, values)
            counts = self.leaf[at + 1] - self.leaf[at]
            rows = np.repeat(np.arange(len(values)), counts)
            within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
            entries = np.repeat(self.leaf[at], counts) + within
            total[rows, self.taxon[entries]] += self.share[entries]  # a leaf names a taxon once
        return (total / (len(self.starts) - 1)).astype(np.float32)

    def _leaf_of(self, tree: int, values: Float32) -> Int64:
        """The leaf that each object comes to, int64 [n]."""
        root = int(self.starts[tree])
        at = np.full(len(values), root, np.int64)
        going = np.flatnonzero(self.left[at] >= 0)
        while len(going):
            here = at[going]
            goes_left = values[going, self.feature[here]] <= self.threshold[here]
            at[going] = root + np.where(goes_left, self.left[here], self.right[here])
            going = going[self.left[at[going]] >= 0]
        return at

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
                return cls(**{field.name: file[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ForestError(f"not a forest: {error}") from error


def described(growth: Growth) -> dict[str, Any]:
    """For a report."""
    return {"kind": "random forest", "class_weight": "balanced", **asdict(growth)}

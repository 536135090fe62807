"""From which probability a name can be trusted: per taxon, for a wanted precision, with its proof.

On objects that the head did not learn from, ordered by the probability of what they are called, a
threshold is the lowest one above which the precision is the wanted one *for certain enough*: its
Wilson lower bound (Wilson 1927, one-sided, 95 %) reaches the target. Where too few held-out objects
are called so, or too many of them wrongly, there is no threshold, and that is said: NONE is above
every probability.

Taxa with others below them are judged by their sum, on the objects that no taxon further down has
taken: so what is backed off to has the wanted precision by itself.

Example:
    >>> round(float(wilson_lower(np.array([45]), np.array([45]))[0]), 3)
    0.943
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.taxonomy import Tree

TARGET = 0.9
NONE = np.float32(2)
Z = 1.6448536
"""One-sided 95 %."""

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Thresholds:
    """One row a node of the tree."""

    target: float
    least: Float32  # [nodes]; NONE where the target cannot be promised
    lower: Float32  # [nodes] Wilson lower bound of the precision above it; 0 where there is none
    support: Int32  # [nodes] held-out objects above it (or all called so, where there is none)

    def by_name(self, tree: Tree) -> dict[str, float | None]:
        """Node -> its threshold, None where the target cannot be promised."""
        return {
            name: None if least >= NONE else float(least)
            for name, least in zip(tree.nodes, self.least, strict=True)
        }


@dataclass(frozen=True, eq=False)
class Decisions:
    """What n objects are called, given how sure one is."""

    node: Int64  # [n] of Tree.nodes
    score: Float32  # [n] the node's probability, summed over what is below it
    sure: Bool  # [n] whether the score reached the node's threshold


def wilson_lower(correct: npt.ArrayLike, of: npt.ArrayLike) -> Float64:
    """Lower bound of a share of which `correct` of `of` were seen; 0 of none."""
    k, n = np.asarray(correct, np.float64), np.asarray(of, np.float64)
    some = np.maximum(n, 1)
    share = k / some
    middle = share + Z * Z / (2 * some)
    width = Z * np.sqrt(share * (1 - share) / some + Z * Z / (4 * some * some))
    lower: Float64 = np.where(n > 0, (middle - width) / (1 + Z * Z / some), 0.0)
    return lower


def decide(probabilities: Float32, tree: Tree, thresholds: Thresholds | None) -> Decisions:
    """The likeliest class where it reaches its threshold; else the lowest taxon above classes whose
    sum reaches its own; else the likeliest class, not sure. probabilities: float32 [n, classes].
    """
    sums = tree.sums(probabilities)
    rows = np.arange(len(probabilities))
    node = probabilities.argmax(axis=1).astype(np.int64)
    sure = np.zeros(len(rows), np.bool_)
    if thresholds is not None:
        inner = tree.inner
        sure = ~inner[node] & (sums[rows, node] >= thresholds.least[node])
        for level in _upwards(tree):
            passing = sums[:, level] >= thresholds.least[level]
            best = np.where(passing, sums[:, level], -1).argmax(axis=1)
            taken = ~sure & passing.any(axis=1)
            node[taken] = level[best[taken]]
            sure |= taken
    return Decisions(node, sums[rows, node], sure)


def find_thresholds(
    probabilities: Float32, truth: Sequence[str], tree: Tree, target: float = TARGET
) -> Thresholds:
    """probabilities: float32 [n, classes] of objects that the head did not learn from; truth: what
    they are. A truth outside the tree counts as wrong."""
    nodes = len(tree.nodes)
    found = Thresholds(
        target, np.full(nodes, NONE), np.zeros(nodes, np.float32), np.zeros(nodes, np.int32)
    )
    sums = tree.sums(probabilities)
    called = probabilities.argmax(axis=1)
    open_ = np.ones(len(truth), np.bool_)
    inner = tree.inner
    for leaf in np.flatnonzero(~inner[: len(tree.classes)]).tolist():
        of_it = np.flatnonzero(called == leaf)
        right = np.array([truth[int(i)] == tree.classes[leaf] for i in of_it], np.bool_)
        _set(found, leaf, sums[of_it, leaf], right)
        open_[of_it[sums[of_it, leaf] >= found.least[leaf]]] = False
    for level in _upwards(tree):
        left = np.flatnonzero(open_)
        likeliest = level[sums[np.ix_(left, level)].argmax(axis=1)]
        for place in level.tolist():
            of_it = left[likeliest == place]
            right = tree.is_below([truth[int(i)] for i in of_it], place)
            _set(found, place, sums[of_it, place], right)
            open_[of_it[sums[of_it, place] >= found.least[place]]] = False
    return found


def _upwards(tree: Tree) -> list[Int64]:
    """The inner nodes, by depth, the deepest first."""
    inner, depth = np.flatnonzero(tree.inner), tree.depth
    return [inner[depth[inner] == d] for d in sorted(set(depth[inner].tolist()), reverse=True)]


def _set(found: Thresholds, node: int, scores: Float32, right: Bool) -> None:
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order], right[order]
    n = len(scores)
    last = np.ones(n, np.bool_)  # of equal scores all are in, or none
    last[:-1] = scores[:-1] != scores[1:]
    lower = wilson_lower(np.cumsum(right), np.arange(1, n + 1))
    enough = np.flatnonzero(last & (lower >= found.target))
    found.support[node] = n
    if len(enough):
        k = int(enough[-1])
        found.least[node], found.lower[node], found.support[node] = scores[k], lower[k], k + 1

"""The tree that a head's classes stand in: probabilities sum up it, from leaf to root. numpy only.

The nodes are the classes, in their order, then the taxa above them by name. A class may itself
stand above others ("Copepoda" for what was not told further): its sum is its own probability and
theirs.

Example:
    >>> tree = Tree.of(("Calanidae", "Oithona", "blob"), {"Calanidae": "Copepoda",
    ...                                                   "Oithona": "Copepoda"})
    >>> tree.nodes, tree.sums(np.array([[.4, .5, .1]], np.float32)).tolist()
    (('Calanidae', 'Oithona', 'blob', 'Copepoda'), [[0.4, 0.5, 0.1, 0.9]])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


class TreeError(ValueError):
    """The tree cannot be: a taxon above itself, a node twice; the message says which."""


@dataclass(frozen=True, eq=False)
class Tree:
    classes: tuple[str, ...]
    above: tuple[str, ...]  # further nodes: what stands above the classes and is none
    parent: Int32  # [nodes]: the node above, -1 for a root

    @classmethod
    def of(cls, classes: Sequence[str], parents: Mapping[str, str] | None = None) -> Tree:
        """The classes with their ancestors. parents: taxon -> the one above; more than needed is
        fine. Raises TreeError if a taxon stands above itself."""
        parents = parents or {}
        found: set[str] = set()
        for name in classes:
            path = [name]
            while path[-1] in parents:
                if parents[path[-1]] in path:
                    raise TreeError(f"{parents[path[-1]]} stands above itself")
                path.append(parents[path[-1]])
            found.update(path)
        above = tuple(sorted(found - set(classes)))
        place = {name: i for i, name in enumerate((*classes, *above))}
        parent = [place[parents[name]] if name in parents else -1 for name in place]
        return cls(tuple(classes), above, np.array(parent, np.int32))

    def __post_init__(self) -> None:
        nodes = self.nodes
        if len(set(nodes)) != len(nodes) or self.parent.shape != (len(nodes),):
            raise TreeError(f"{len(nodes)} nodes, {len(self.parent)} parents: one each is expected")
        if len(nodes) and not (-1 <= int(self.parent.min()) <= int(self.parent.max()) < len(nodes)):
            raise TreeError("a parent is no node")
        if (self._steps() < 0).any():
            raise TreeError("a taxon stands above itself")

    @property
    def nodes(self) -> tuple[str, ...]:
        return (*self.classes, *self.above)

    @property
    def inner(self) -> Bool:
        """Nodes with something below them, bool [nodes]."""
        inner = np.zeros(len(self.parent), np.bool_)
        inner[self.parent[self.parent >= 0]] = True
        return inner

    @property
    def depth(self) -> Int64:
        """Steps to the root, int64 [nodes]."""
        return self._steps()

    def members(self) -> Float32:
        """1 where the class is the node or below it, float32 [classes, nodes]."""
        member = np.zeros((len(self.classes), len(self.parent)), np.float32)
        for i in range(len(self.classes)):
            node = i
            while node >= 0:
                member[i, node] = 1
                node = int(self.parent[node])
        return member

    def sums(self, probabilities: Float32) -> Float32:
        """float32 [n, classes] -> float32 [n, nodes]."""
        if len(self.parent) == len(self.classes) and not self.inner.any():
            return probabilities
        summed: Float32 = np.minimum(probabilities @ self.members(), np.float32(1))
        return summed

    def is_below(self, names: Sequence[str], node: int) -> Bool:
        """Which of the names are the node or stand below it, bool [n]. Unknown names do not."""
        below = {name for name, m in zip(self.nodes, self._under(node), strict=True) if m}
        return np.array([name in below for name in names], np.bool_)

    def _under(self, node: int) -> list[bool]:
        found = []
        for i in range(len(self.parent)):
            at = i
            while at not in (-1, node):
                at = int(self.parent[at])
            found.append(at == node)
        return found

    def _steps(self) -> Int64:
        """Steps to the root, -1 where there is none to reach."""
        steps = np.zeros(len(self.parent), np.int64)
        for i in range(len(steps)):
            at = int(self.parent[i])
            while at >= 0 and steps[i] <= len(steps):
                steps[i] += 1
                at = int(self.parent[at])
            if steps[i] > len(steps):
                steps[i] = -1
        return steps

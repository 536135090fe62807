"""Sums by group, a few thousand objects at a time.

Example:
    >>> tally = Tally(2)
    >>> tally.add(np.array([[1, 7], [1, 7]]), np.array([[1.0, 0.5], [1.0, 0.25]]))
    >>> tally.sums[1, 7].tolist()
    [2.0, 0.75]
"""

import numpy as np
from numpy.typing import NDArray

Key = tuple[int, ...]


class Tally:
    """`sums[key]` are the sums of `width` values over the objects of the key."""

    def __init__(self, width: int) -> None:
        self._width = width
        self.sums: dict[Key, NDArray[np.float64]] = {}

    def add(self, keys: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """keys [n, k], values [n, width]."""
        if not len(keys):
            return
        groups, index = np.unique(keys, axis=0, return_inverse=True)
        index = index.reshape(-1)
        found = np.column_stack(
            [np.bincount(index, values[:, i], len(groups)) for i in range(self._width)]
        )
        for key, sums in zip(map(tuple, groups.tolist()), found, strict=True):
            held = self.sums.get(key)
            self.sums[key] = sums if held is None else held + sums

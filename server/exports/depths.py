"""Bins of depth: which an object is in, and how much of a cast's water each one has.

An object lies at the middle of its depth_min and depth_max. Bins of `step` metres begin at the
surface: [0, step), [step, 2 step), ... An object that reaches over more than a bin (that of a net
hauled from 200 m) says nothing of bins, so it is refused, by name.

A sample's water is shared evenly by the bins from its shallowest to its deepest object, whatever
those are: that of a cast at even speed, whose first and last bin count as whole.

Example:
    >>> bins = Depths(5.0)
    >>> bins.of(np.array([2.0, 7.5]), np.array([2.0, 7.5])).tolist()
    [0, 1]
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.exports.asked import AskedError

NOWHERE = -(2**31)
"""The bin of objects whose depth is not known."""


@dataclass(frozen=True)
class Depths:
    step: float

    def of(self, low: Any, high: Any) -> NDArray[np.int64]:
        """The bin of each object, NOWHERE where a depth is NaN."""
        middle = (np.asarray(low, np.float64) + np.asarray(high, np.float64)) / 2
        found = np.floor(middle / self.step)
        return np.where(np.isnan(middle), NOWHERE, np.nan_to_num(found)).astype(np.int64)

    def of_rows(self, rows: Sequence[Any]) -> NDArray[np.int64]:
        """Raises AskedError for an object that reaches over more than a bin."""
        low = np.array([row.depth_m for row in rows], np.float64)
        high = np.array([row.depth_max_m for row in rows], np.float64)
        wide = np.flatnonzero(np.abs(high - low) > self.step)
        if len(wide):
            row = rows[int(wide[0])]
            raise AskedError(
                [
                    f"depth bins of {self.step:g} m: object {row.orig_id} reaches from "
                    f"{row.depth_m:g} to {row.depth_max_m:g} m; take wider bins, or by=sample"
                ]
            )
        return self.of(low, high)

    def limits(self, number: int) -> tuple[float, float]:
        return number * self.step, (number + 1) * self.step

    def covered(self, shallow: float | None, deep: float | None) -> range:
        """The bins that a sample reaches into."""
        if shallow is None or deep is None:
            return range(0)
        return range(math.floor(shallow / self.step), math.floor(deep / self.step) + 1)

"""Which columns a forest learns from, and what stands where a value is missing. Pure.

As EcoTaxa: a column that is the same everywhere, or missing in more than a quarter of the learning
set, is left out; elsewhere the median of the learning set stands for what is missing. What is not
finite, or too large for 32 bits, counts as missing.

Example:
    >>> columns = choose(np.array([[1.0, 5.0], [2.0, 5.0], [np.nan, 5.0], [4.0, 5.0]]), ("a", "b"))
    >>> columns.names, columns.left_out
    (('a',), {'b': 'the same everywhere (5)'})
    >>> columns.filled(np.array([[np.inf, 5.0]]))
    array([[2.]], dtype=float32)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MISSING_MOST = 0.25
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Columns:
    """`places` are those of `names` among all columns; `left_out` says why the others are not."""

    names: tuple[str, ...]
    places: npt.NDArray[np.int64]
    medians: Float64
    left_out: dict[str, str]

    def filled(self, values: Float64) -> Float32:
        """float32 [n, names] of float64 [n, all columns], without a gap."""
        chosen = usable(values[:, self.places])
        return np.where(np.isnan(chosen), self.medians, chosen).astype(np.float32)


def usable(values: Float64) -> Float64:
    """The values, NaN where they cannot be learnt from."""
    return np.where(np.abs(values) <= _LARGEST, values, np.nan)


def choose(values: Float64, names: Sequence[str]) -> Columns:
    """By the learning set, float64 [n, len(names)], n at least 1."""
    kept: list[int] = []
    medians: list[float] = []
    left_out: dict[str, str] = {}
    for place, (name, column) in enumerate(zip(names, usable(values).T, strict=True)):
        there = column[~np.isnan(column)]
        missing = 1 - len(there) / len(column)
        if missing > MISSING_MOST:
            left_out[name] = f"missing in {missing:.0%} of the learning set"
        elif there.min() == there.max():
            left_out[name] = f"the same everywhere ({there[0]:g})"
        else:
            kept.append(place)
            medians.append(float(np.median(there)))
    return Columns(
        tuple(names[place] for place in kept),
        np.array(kept, np.int64),
        np.array(medians, np.float64),
        left_out,
    )

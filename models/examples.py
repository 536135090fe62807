"""Labelled objects as arrays: what a head learns from, and what of it cannot be used.

Invariant: a row that is not finite is set aside with its reason, never learnt from and never
dropped in silence.

Example:
    >>> examples, bad = usable(examples)
    >>> bad
    [(17, 'measure elongation is nan, not finite')]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.measure_table import MEASURES

Float32 = npt.NDArray[np.float32]
UInt16 = npt.NDArray[np.uint16]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Examples:
    """Labelled objects."""

    embedding: UInt16  # [n, C]
    shape: Float32  # [n, 4]
    measures: Float32  # [n, K]
    labels: Sequence[str]  # n taxon names

    def subset(self, chosen: Array) -> Examples:
        """chosen: int or bool [n]."""
        labels = np.asarray(self.labels, dtype=np.str_)[chosen].tolist()
        return Examples(self.embedding[chosen], self.shape[chosen], self.measures[chosen], labels)


def usable(examples: Examples) -> tuple[Examples, list[tuple[int, str]]]:
    """The examples without the rows that are not finite, and those: (row, reason)."""
    bad = [(int(row), _reason(examples, int(row))) for row in np.flatnonzero(~_finite(examples))]
    return (examples.subset(_finite(examples)) if bad else examples), bad


def _finite(examples: Examples) -> npt.NDArray[np.bool_]:
    both = np.concatenate([examples.measures, examples.shape], axis=1)
    return np.asarray(np.isfinite(both).all(axis=1), np.bool_)


def _reason(examples: Examples, row: int) -> str:
    bad = np.flatnonzero(~np.isfinite(examples.measures[row]))
    if len(bad):
        value = examples.measures[row, bad[0]]
        return f"measure {MEASURES[int(bad[0])].name} is {value}, not finite"
    return "shape is not finite"


def in_words(bad: Sequence[tuple[int, str]], of: int, most: int = 3) -> str:
    """What `usable` set aside, in one sentence."""
    first = "; ".join(f"object {row}: {reason}" for row, reason in bad[:most])
    more = f"; and {len(bad) - most} more" if len(bad) > most else ""
    return f"{len(bad)} of {of} objects set aside: {first}{more}"

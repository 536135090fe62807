"""What both ways of finding components say: OpenCV (`outlines.py`) and the C library (`native.py`).

Invariant: for the same frame and limits both give the same components in the same order, and the
same pixels for each (tested). What is kept of them is decided once, in `regions.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MAX_COMPONENTS = 20_000
"""Outlines that are looked at in one frame, the longest first: a frame of noise has a million."""


@dataclass(frozen=True)
class Limits:
    """Thresholds in grey levels (a pixel is above if its level is greater), lengths in pixels."""

    low: int
    own: int
    """A pixel's own signal, before smoothing, is above this: smoothing spreads bright objects."""
    high: int
    close_px: int
    esd_min_px: float

    @property
    def pinhole_px(self) -> float:
        """A hole smaller than the smallest object is filled."""
        return math.pi / 4 * self.esd_min_px**2

    @property
    def shortest_outline(self) -> float:
        """Points of an outline that may enclose an object that is large enough.

        An outline of n steps encloses at most the area of a circle of that length (a diagonal step
        being the longer one): this bound is cheap and drops the thousands of specks at once.
        """
        return math.pi * (self.esd_min_px - 2) / math.sqrt(2)


@dataclass(frozen=True)
class Component:
    """A connected component that is large enough: its tight box, its size with holes filled."""

    bx: int
    by: int
    width: int
    height: int
    filled_px: int
    high_px: int
    """Pixels of its mask that are above the high threshold."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """A component's own pixels (small holes filled) and the signal in its box, ``[h, w]``."""

    mask: NDArray[np.bool_]
    signal: NDArray[np.uint8]
    area_px: int


class Components(Protocol):
    """The components of one frame."""

    @property
    def found(self) -> Sequence[Component]: ...
    @property
    def specks(self) -> int: ...  # below the size limit
    @property
    def dropped(self) -> int: ...  # beyond MAX_COMPONENTS

    def cut(self, chosen: Sequence[int]) -> list[Pixels]:
        """The pixels of some of `found`, by number."""
        ...


def esd_px(area_px: float) -> float:
    """Diameter of the circle of an area."""
    return 2 * math.sqrt(area_px / math.pi)

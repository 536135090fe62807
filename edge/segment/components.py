"""What both ways of finding components say: OpenCV (`outlines.py`) and the C library (`native.py`).

Invariant: for the same frame and limits both give the same components in the same order, and the
same pixels for each (tested). What is kept of them is decided once, in `regions.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.crops import Crops

MAX_RUNS = 1 << 20
"""More runs in a frame whose gaps are not closed are noise: then they are closed, so that memory
stays bounded (closed gaps leave at most a run for every two pixels, and far fewer parts)."""

CLOSE_PX = 3
"""How wide gaps are then closed."""


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


@dataclass(frozen=True, eq=False)
class Table:
    """The connected components that are large enough, n of them, in no particular order."""

    boxes: NDArray[np.int32]  # [n, 4]: bx, by, width, height, tight
    filled_px: NDArray[np.int64]  # [n]: with holes filled
    area_px: NDArray[np.int64]  # [n]: with small holes filled, those of the mask
    high_px: NDArray[np.int64]  # [n]: of the mask, above the high threshold

    def __len__(self) -> int:
        return len(self.boxes)


class Components(Protocol):
    """The components of one frame."""

    @property
    def table(self) -> Table: ...
    @property
    def specks(self) -> int: ...  # below the size limit
    @property
    def crowded(self) -> bool: ...  # more than MAX_RUNS: closed though it was not asked for

    def cut(self, chosen: NDArray[np.intp]) -> Crops:
        """The pixels of some of them, by number, and the signal in their boxes."""
        ...


def esd_px(area_px: float) -> float:
    """Diameter of the circle of an area."""
    return 2 * math.sqrt(area_px / math.pi)


def esds_px(areas_px: NDArray[np.int64]) -> NDArray[np.float64]:
    """`esd_px` of many."""
    return np.asarray(2 * np.sqrt(areas_px / math.pi))

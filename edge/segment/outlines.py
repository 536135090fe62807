"""Components of a frame by OpenCV's outlines: the definition, and the way without a C compiler.

A component is its outer outline filled, less its holes; a hole smaller than the smallest object
stays filled. Each outline is drawn into its own box, so no label image of the frame is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.segment.components import CLOSE_PX, MAX_RUNS, Limits, Table, esd_px
from models.crops import Crops


@dataclass(frozen=True, eq=False)
class Outlined:
    """The components of a frame, each with its mask ``uint8 [h, w]`` of 0 and 1."""

    signal: NDArray[np.uint8]
    table: Table
    masks: tuple[NDArray[np.uint8], ...]
    specks: int
    crowded: bool

    def cut(self, chosen: NDArray[np.intp]) -> Crops:
        return Crops.of(self._pixels(int(i)) for i in chosen)

    def _pixels(self, i: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_], int, int]:
        bx, by, width, height = self.table.boxes[i].tolist()
        here = self.signal[by : by + height, bx : bx + width]
        return here, self.masks[i].view(np.bool_), bx, by


@dataclass(frozen=True, eq=False)
class _Outline:
    """The outer outline of a component and those of its holes, each ``int32 [n, 1, 2]``."""

    points: NDArray[np.int32]
    holes: tuple[NDArray[np.int32], ...]


def find_components(signal: NDArray[np.uint8], limits: Limits) -> Outlined:
    """The components of a signal ``uint8 [H, W]``."""
    smooth = np.asarray(cv2.GaussianBlur(signal, (3, 3), 0), np.uint8)
    above = _above(signal, smooth, limits)
    crowded = limits.close_px <= 1 and _runs(above) > MAX_RUNS
    close_px = CLOSE_PX if crowded else limits.close_px
    outlines, specks = _outlines(_closed(above, close_px), limits)
    boxes, sizes, masks = [], [], []
    for outline in outlines:
        x, y, mask, filled_px = _drawn(outline, limits.pinhole_px)
        if esd_px(filled_px) < limits.esd_min_px:
            specks += 1
            continue
        height, width = mask.shape
        here = smooth[y : y + height, x : x + width]
        bright = cv2.threshold(here, limits.high, 1, cv2.THRESH_BINARY)[1]
        high_px = cv2.countNonZero(cv2.bitwise_and(bright, mask))
        boxes.append((x, y, width, height))
        sizes.append((filled_px, cv2.countNonZero(mask), high_px))
        masks.append(mask)
    columns = np.array(sizes, np.int64).reshape(-1, 3).T
    table = Table(np.array(boxes, np.int32).reshape(-1, 4), *columns)
    return Outlined(signal, table, tuple(masks), specks, crowded)


def _above(
    signal: NDArray[np.uint8], smooth: NDArray[np.uint8], limits: Limits
) -> NDArray[np.uint8]:
    """Which pixels are above the low threshold, ``uint8 [H, W]`` of 0 and 1."""
    above = cv2.threshold(smooth, limits.low, 1, cv2.THRESH_BINARY)[1]
    own = cv2.threshold(signal, limits.own, 1, cv2.THRESH_BINARY)[1]
    return np.asarray(cv2.bitwise_and(above, own), np.uint8)


def _runs(above: NDArray[np.uint8]) -> int:
    """In how many runs the C library tiles the rows, and one for what is outside."""
    return 1 + len(above) + int(np.count_nonzero(np.diff(above, axis=1, prepend=0)))


def _closed(above: NDArray[np.uint8], close_px: int) -> NDArray[np.uint8]:
    if close_px <= 1:
        return above
    square = np.ones((close_px, close_px), np.uint8)
    return np.asarray(cv2.morphologyEx(above, cv2.MORPH_CLOSE, square), np.uint8)


def _outlines(above: NDArray[np.uint8], limits: Limits) -> tuple[list[_Outline], int]:
    """Outlines that may enclose enough, and how many are too short for that."""
    found, tree = cv2.findContours(above, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not found:
        return [], 0
    relations = np.asarray(tree, np.int32)[0]  # [n, 4]: next, previous, first child, parent
    lengths = np.fromiter((len(line) for line in found), np.int64, len(found))
    outer = relations[:, 3] < 0
    (chosen,) = (outer & (lengths >= limits.shortest_outline)).nonzero()
    specks = int(outer.sum()) - len(chosen)
    outlines = []
    for i in chosen.tolist():
        holes = []
        child = int(relations[i, 2])
        while child >= 0:
            holes.append(np.asarray(found[child], np.int32))
            child = int(relations[child, 0])
        outlines.append(_Outline(np.asarray(found[i], np.int32), tuple(holes)))
    return outlines, specks


def _drawn(outline: _Outline, pinhole_px: float) -> tuple[int, int, NDArray[np.uint8], int]:
    """A component's place, its mask of 0 and 1, and its area with holes filled."""
    x, y, width, height = cv2.boundingRect(outline.points)
    mask = np.zeros((height, width), np.uint8)
    cv2.drawContours(mask, [outline.points], 0, (1,), cv2.FILLED, offset=(-x, -y))
    filled_px = cv2.countNonZero(mask)
    holes = [hole for hole in outline.holes if cv2.contourArea(hole) >= pinhole_px]
    for hole in holes:
        cv2.drawContours(mask, [hole], 0, (0,), cv2.FILLED, offset=(-x, -y))
    # OpenCV's outline of a hole runs over the object's own pixels round it.
    cv2.drawContours(mask, holes, -1, (1,), 1, offset=(-x, -y))
    return x, y, mask, filled_px

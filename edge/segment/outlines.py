"""Components of a frame by OpenCV's outlines: the definition, and the way without a C compiler.

A component is its outer outline filled, less its holes; a hole smaller than the smallest object
stays filled. Each outline is drawn into its own box, so no label image of the frame is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.segment.components import MAX_COMPONENTS, Component, Limits, Pixels, esd_px


@dataclass(frozen=True, eq=False)
class Outlined:
    """The components of a frame, each with its mask ``uint8 [h, w]`` of 0 and 1."""

    signal: NDArray[np.uint8]
    found: tuple[Component, ...]
    masks: tuple[NDArray[np.uint8], ...]
    specks: int
    dropped: int

    def cut(self, chosen: Sequence[int]) -> list[Pixels]:
        return [self._pixels(i) for i in chosen]

    def _pixels(self, i: int) -> Pixels:
        part, mask = self.found[i], self.masks[i]
        here = self.signal[part.by : part.by + part.height, part.bx : part.bx + part.width]
        return Pixels(mask.view(np.bool_), np.ascontiguousarray(here), cv2.countNonZero(mask))


@dataclass(frozen=True, eq=False)
class _Outline:
    """The outer outline of a component and those of its holes, each ``int32 [n, 1, 2]``."""

    points: NDArray[np.int32]
    holes: tuple[NDArray[np.int32], ...]


def find_components(signal: NDArray[np.uint8], limits: Limits) -> Outlined:
    """The components of a signal ``uint8 [H, W]``."""
    smooth = np.asarray(cv2.GaussianBlur(signal, (3, 3), 0), np.uint8)
    outlines, specks, dropped = _outlines(_above(signal, smooth, limits), limits)
    found, masks = [], []
    for outline in outlines:
        x, y, mask, filled_px = _drawn(outline, limits.pinhole_px)
        if esd_px(filled_px) < limits.esd_min_px:
            specks += 1
            continue
        height, width = mask.shape
        here = smooth[y : y + height, x : x + width]
        bright = cv2.threshold(here, limits.high, 1, cv2.THRESH_BINARY)[1]
        high_px = cv2.countNonZero(cv2.bitwise_and(bright, mask))
        found.append(Component(x, y, width, height, filled_px, high_px))
        masks.append(mask)
    return Outlined(signal, tuple(found), tuple(masks), specks, dropped)


def _above(
    signal: NDArray[np.uint8], smooth: NDArray[np.uint8], limits: Limits
) -> NDArray[np.uint8]:
    """Which pixels are above the low threshold, ``uint8 [H, W]`` of 0 and 1."""
    above = cv2.threshold(smooth, limits.low, 1, cv2.THRESH_BINARY)[1]
    own = cv2.threshold(signal, limits.own, 1, cv2.THRESH_BINARY)[1]
    cv2.bitwise_and(above, own, dst=above)
    if limits.close_px > 1:
        square = np.ones((limits.close_px, limits.close_px), np.uint8)
        above = cv2.morphologyEx(above, cv2.MORPH_CLOSE, square)
    return np.asarray(above, np.uint8)


def _outlines(above: NDArray[np.uint8], limits: Limits) -> tuple[list[_Outline], int, int]:
    """Outlines that may enclose enough, and the counts of specks and of those left unlooked at."""
    found, tree = cv2.findContours(above, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not found:
        return [], 0, 0
    relations = np.asarray(tree, np.int32)[0]  # [n, 4]: next, previous, first child, parent
    lengths = np.fromiter((len(line) for line in found), np.int64, len(found))
    outer = relations[:, 3] < 0
    (chosen,) = (outer & (lengths >= limits.shortest_outline)).nonzero()
    specks = int(outer.sum()) - len(chosen)
    dropped = max(0, len(chosen) - MAX_COMPONENTS)
    if dropped:
        chosen = chosen[np.argsort(-lengths[chosen], kind="stable")[:MAX_COMPONENTS]]
    outlines = []
    for i in chosen.tolist():
        holes = []
        child = int(relations[i, 2])
        while child >= 0:
            holes.append(np.asarray(found[child], np.int32))
            child = int(relations[child, 0])
        outlines.append(_Outline(np.asarray(found[i], np.int32), tuple(holes)))
    return outlines, specks, dropped


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

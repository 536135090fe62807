"""Objects that touch, told apart by their necks: the definition, by OpenCV and numpy.

An object with its holes filled is a relief: each pixel is as high as it is far from the edge. Two
summits are lobes of their own if the pass between them is low against the lower summit. The pixels
are then flooded from the summits of the lobes downwards, level by level, all sides at once; where
two floods meet the earlier lobe has the pixel.

Example::

    labels = lobes_of(mask, 6, 30, 16)      # uint8 [h, w], 0 outside; None: it is one object
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.int32]
Mask = NDArray[np.bool_]


def lobes_of(mask: Mask, summit: int, pass_percent: int, most: int) -> NDArray[np.uint8] | None:
    """Which lobe each pixel of an object ``bool [h, w]`` belongs to, its holes included, from 1.

    ``summit``: the radius in pixels that a lobe has at least; ``pass_percent``: how high a pass is
    at most, less a pixel, against the lower summit; ``most``: an object of more lobes stays whole.
    """
    heights = heights_of(_filled(mask))
    summits = sorted(_summits(heights, summit, pass_percent))
    return _flooded(heights, summits) if 1 < len(summits) <= most else None


def heights_of(inside: Mask) -> Plane:
    """Distance from the edge, steps counting 3 and diagonal ones 4; then in whole pixels."""
    heights = np.where(np.pad(inside, 1), np.int32(65535), np.int32(0))
    for y in range(1, len(heights)):
        heights[y] = _lowered(heights[y], heights[y - 1])
    for y in range(len(heights) - 2, -1, -1):
        heights[y] = _lowered(heights[y, ::-1], heights[y + 1, ::-1])[::-1]
    return np.asarray(heights[1:-1, 1:-1] // 3)


def _lowered(row: Plane, before: Plane) -> Plane:
    """A row of the transform after the row before it, and then from left to right."""
    row = np.minimum(row, before + 3)
    row[1:] = np.minimum(row[1:], before[:-1] + 4)
    row[:-1] = np.minimum(row[:-1], before[1:] + 4)
    ramp = 3 * np.arange(len(row), dtype=np.int32)
    return np.asarray(np.minimum.accumulate(row - ramp) + ramp)


def _filled(mask: Mask) -> Mask:
    outside = np.pad(~mask, 1, constant_values=True).view(np.uint8)
    _, parts = cv2.connectedComponents(outside, connectivity=4)
    return np.asarray(parts[1:-1, 1:-1] != parts[0, 0])


def _summits(heights: Plane, summit: int, pass_percent: int) -> list[int]:
    """The summits of the lobes, as places in the flat plane; the highest of all is one."""
    found: list[int] = []
    known: list[int] = []  # of the level above
    for level in range(int(heights.max()), 0, -1):
        _, parts = cv2.connectedComponents((heights >= level).view(np.uint8), connectivity=8)
        flat = parts.ravel()
        highest: dict[int, int] = {}
        for place in sorted(known, key=lambda place: (-heights.flat[place], place)):
            if highest.setdefault(int(flat[place]), place) == place:
                continue
            height = int(heights.flat[place])
            if height >= summit and 100 * (level - 1) <= pass_percent * height:
                found.append(place)
        _, firsts = np.unique(flat, return_index=True)
        for place in firsts.tolist():
            if flat[place]:
                highest.setdefault(int(flat[place]), place)
        known = list(highest.values())
    return found + known[:1]


def _flooded(heights: Plane, summits: list[int]) -> NDArray[np.uint8]:
    labels = np.zeros(heights.shape, np.uint8)
    for i, place in enumerate(summits, start=1):
        labels.flat[place] = i
    for level in range(int(heights.max()), 0, -1):
        while True:
            near = _least_near(labels)
            reached = (labels == 0) & (heights >= level) & (near > 0)
            if not reached.any():
                break
            labels[reached] = near[reached]
    return labels


def _least_near(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The least label among the eight neighbours of each pixel; 0 if there is none."""
    height, width = labels.shape
    wide = np.pad(labels, 1) - np.uint8(1)  # no label is 255 and so never the least
    views = [
        wide[dy : dy + height, dx : dx + width]
        for dy in range(3)
        for dx in range(3)
        if (dy, dx) != (1, 1)
    ]
    return np.asarray(np.minimum.reduce(views) + np.uint8(1))

"""The costly measures of an object: fractal dimension, symmetry, skeleton and thickness.

By OpenCV and numpy: the definition of what edge/native/measures_costly.c computes.

An object whose extent has more than CELLS pixels is halved (a block of 2 x 2 pixels is in the
object if one of them is) until it has not, and lengths are doubled again: no object costs more than
another by far. A configuration can leave these measures out; they are 0 then. A skeleton has at
least one pixel, so ``skelarea`` 0 says so.

Example::

    costly(filled)["fractal"]      # filled: uint8 [h, w], 1 in the object, holes included
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

NAMES = ("fractal", "symetrieh", "symetriev", "skelarea", "thickr", "inscribed")
CELLS = 65536
RADII = (1, 2, 3, 4, 6, 8)
"""Of the discs that dilate the outline."""
_UNIT = 65536
"""Mirror images are reckoned in units of 1/65536 pixel, so that every machine rounds alike."""

Plane = NDArray[np.uint8]


def costly(filled: Plane) -> dict[str, float]:
    """By name, of a filled object ``uint8 [h, w]`` with at least one pixel."""
    plane, scale = _halved(filled)
    across, along = _unlike(plane)
    thickest, mean = _distances(plane)
    return {
        "fractal": _fractal(plane),
        "symetrieh": float(across * scale * scale),
        "symetriev": float(along * scale * scale),
        "skelarea": float(_skeleton(plane).bit_count() * scale),
        "thickr": thickest / mean,
        "inscribed": (2 * thickest - 1) * scale,
    }


def _halved(filled: Plane) -> tuple[Plane, int]:
    """The extent of the object, small enough, and what a length in it is worth."""
    left, top, width, height = cv2.boundingRect(filled)
    plane, scale = filled[top : top + height, left : left + width], 1
    while plane.size > CELLS:
        height, width = plane.shape
        plane = np.pad(plane, ((0, height % 2), (0, width % 2)))
        rows = plane[0::2] | plane[1::2]
        plane, scale = rows[:, 0::2] | rows[:, 1::2], 2 * scale
    return np.ascontiguousarray(plane), scale


def _unlike(plane: Plane) -> tuple[int, int]:
    """Pixels whose mirror image in the major axis, in the minor axis, lies outside."""
    y, x = (place.astype(np.int64) for place in np.nonzero(plane))
    s00, s10, s01 = float(len(x)), float(x.sum()), float(y.sum())
    mx, my = s10 / s00, s01 / s00
    mu20, mu02 = float((x * x).sum()) - mx * s10, float((y * y).sum()) - my * s01
    gap, skew = mu20 - mu02, 2 * (float((x * y).sum()) - mx * s01)
    length = math.sqrt(gap * gap + skew * skew)
    cos2, sin2 = (gap / length, skew / length) if length > 1e-9 * (mu20 + mu02) else (1.0, 0.0)
    cx, cy, c, s = (math.floor(v * _UNIT + 0.5) for v in (mx, my, cos2, sin2))
    dy = y * _UNIT - cy
    x1 = cx + c * x + ((s * dy - c * cx + _UNIT // 2) >> 16)
    y1 = cy + s * x + ((-c * dy - s * cx + _UNIT // 2) >> 16)
    return _outside(plane, x1, y1), _outside(plane, 2 * cx - x1, 2 * cy - y1)


def _outside(plane: Plane, x: NDArray[np.int64], y: NDArray[np.int64]) -> int:
    px, py = (x + _UNIT // 2) >> 16, (y + _UNIT // 2) >> 16
    height, width = plane.shape
    within = (px >= 0) & (px < width) & (py >= 0) & (py < height)
    return len(x) - int(np.count_nonzero(plane[py[within], px[within]]))


def _squared_distances(plane: Plane) -> NDArray[np.int64]:
    """To the nearest 0."""
    distance = cv2.distanceTransform(plane, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float64)
    return np.rint(distance * distance).astype(np.int64)


def _distances(plane: Plane) -> tuple[float, float]:
    """Largest and mean distance of the object's pixels to the nearest pixel outside."""
    counts = np.bincount(_squared_distances(np.pad(plane, 1)).ravel())
    counts[0] = 0
    lengths = np.sqrt(np.arange(len(counts), dtype=np.float64))
    return float(lengths[-1]), sum((counts * lengths).tolist()) / int(counts.sum())


def _fractal(plane: Plane) -> float:
    far = max(RADII)
    wide = np.pad(plane, far)
    inner = wide.copy()
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
        inner &= np.roll(wide, shift, axis)
    squared = _squared_distances(np.where(wide > inner, 0, 1).astype(np.uint8))
    areas = [int(np.count_nonzero(squared <= r * r)) for r in RADII]
    widths = [math.log(2 * r + 1) for r in RADII]
    mean = 0.0
    for width in widths:
        mean += width / len(RADII)
    top = bottom = 0.0
    for width, area in zip(widths, areas, strict=True):
        top += (width - mean) * math.log(area)
        bottom += (width - mean) * (width - mean)
    return 2 - top / bottom


def _skeleton(plane: Plane) -> int:
    """Thinned to lines (Guo & Hall 1989), as one number whose bits are the pixels.

    A row of bits after another, with a margin of 0: a neighbour is a shift away.
    """
    wide = np.pad(plane, 1)
    row = wide.shape[1]
    bits = int.from_bytes(np.packbits(wide).tobytes(), "big") >> (-wide.size % 8)
    while True:
        half = bits & ~_erasable(bits, row, second=False)
        thinner = half & ~_erasable(half, row, second=True)
        if thinner == bits:
            return bits
        bits = thinner


def _erasable(here: int, row: int, *, second: bool) -> int:
    """Pixels that one half of a round takes away: with one step from outside to inside round the
    ring of neighbours, two or three neighbours, and one side open."""
    n, s, e, w = here >> row, here << row, here << 1, here >> 1
    ne, nw, se, sw = n << 1, n >> 1, s << 1, s >> 1
    q1, q2, q3, q4 = ne | n, nw | w, sw | s, se | e
    b1, b2, b3, b4 = ~e & q1, ~n & q2, ~w & q3, ~s & q4
    steps = (b1 ^ b2 ^ b3 ^ b4) & ~((b1 & b2) | (b3 & b4))
    p1, p2, p3, p4 = e | ne, n | nw, w | sw, s | se
    p_two = (p1 & p2) | (p3 & p4) | ((p1 | p2) & (p3 | p4))
    q_two = (q1 & q2) | (q3 & q4) | ((q1 | q2) & (q3 | q4))
    full = p1 & p2 & p3 & p4 & q1 & q2 & q3 & q4
    kept = (sw | s | ~nw) & w if second else (ne | n | ~se) & e
    return here & steps & p_two & q_two & ~full & ~kept

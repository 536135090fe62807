"""What the measures need of an object's pixels, by OpenCV and numpy: whole numbers where possible.

Why: the C library (edge/native/measures.h) sums the same, and from equal whole numbers the same
measures follow bit by bit. This is the definition; OpenCV's contours find the same pixels and the
same outline by other ways than the C library does.

Coordinates of moments count from the middle of the object's extent, so that powers stay small.

Example::

    raw = of_pixels(grey, mask, 120, 64, "dark")
    raw["area"], raw["edges"], raw["s20"]
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Raw = dict[str, float]

POWERS = tuple((p, q) for q in range(4) for p in range(4 - q))
"""(p, q) of the moments: sums of x^p y^q."""

_FLOATS_ARE_EXACT = 1024
_INTEGERS_FIT = 4096
"""The longest side of which sums of grey times a coordinate's cube stay below 2^53, below 2^63."""


def of_pixels(
    grey: NDArray[np.uint8], mask: NDArray[np.bool_], bx: int, by: int, field: str
) -> tuple[Raw, NDArray[np.int64], NDArray[np.uint8]]:
    """Sums by name; the histogram of the grey ``int64 [256]``; the filled object ``uint8 [h, w]``.

    Raises ValueError as `models.measures.measure` says.
    """
    if grey.shape != mask.shape or grey.ndim != 2:
        raise ValueError(f"grey {grey.shape} and mask {mask.shape} must be the same [h, w]")
    if field not in ("dark", "bright"):
        raise ValueError(f'field must be "dark" or "bright", not {field!r}')
    pixels = np.ascontiguousarray(mask).view(np.uint8)
    area_exc = cv2.countNonZero(pixels)
    if area_exc == 0:
        raise ValueError("the mask is empty: there is nothing to measure")
    found = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    filled = np.asarray(
        cv2.drawContours(np.zeros_like(pixels), found, -1, (1,), cv2.FILLED), np.uint8
    )
    contours = [np.asarray(contour, np.int32) for contour in found]
    points = np.concatenate(contours)
    left, top, width, height = cv2.boundingRect(points)
    extent = (slice(top, top + height), slice(left, left + width))
    signal = grey if field == "dark" else cv2.bitwise_not(grey)
    inside = filled[extent]
    raw: Raw = {
        "bx": bx + left,
        "by": by + top,
        "ox": bx + left + width // 2,
        "oy": by + top + height // 2,
        "width": width,
        "height": height,
        "xstart": bx + int(pixels[top].argmax()),
        "ystart": by + top,
        "area_exc": area_exc,
    }
    raw |= _named("s", _moments(inside))
    raw |= _named("g", _moments(np.asarray(cv2.multiply(signal[extent], inside), np.uint8)))
    raw |= _outlines(contours)
    raw |= _hull(points)
    raw |= _laplacian(grey)
    raw |= _topology(pixels)
    return raw, np.bincount(grey[filled.view(np.bool_)], minlength=256), filled


def _named(letter: str, moments: NDArray[np.float64]) -> Raw:
    return {f"{letter}{p}{q}": moments[q, p] for p, q in POWERS}


def _moments(values: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Sums of value x^p y^q, ``float64 [q, p]``, each rounded once."""
    height, width = values.shape
    longest = max(height, width)
    whole = _FLOATS_ARE_EXACT < longest <= _INTEGERS_FIT
    kind = np.int64 if whole else np.float64
    power = np.arange(4)
    x = (np.arange(width) - width // 2).astype(kind)[:, None] ** power  # [w, 4]
    y = (np.arange(height) - height // 2).astype(kind)[:, None] ** power  # [h, 4]
    sums: NDArray[np.float64] = (y.T @ (values.astype(kind) @ x)).astype(np.float64)
    return sums


def _laplacian(grey: NDArray[np.uint8]) -> Raw:
    values = cv2.Laplacian(grey, cv2.CV_16S).astype(np.int64)
    return {"lap": int(values.sum()), "lap2": int((values * values).sum()), "cells": grey.size}


def _topology(pixels: NDArray[np.uint8]) -> Raw:
    """Parts (which may touch at corners) and holes (which may not)."""
    around = cv2.copyMakeBorder(1 - pixels, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(1,))
    parts = cv2.connectedComponents(pixels, connectivity=8)[0] - 1
    holes = cv2.connectedComponents(np.asarray(around, np.uint8), connectivity=4)[0] - 2
    return {"numblobs": parts, "euler_number": parts - holes}


_CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.int32)


def _hull(points: NDArray[np.int32]) -> Raw:
    """Of the convex hull of the pixels (as squares): perimeter, area, largest and least width."""
    corners = cv2.convexHull(points) + _CORNERS
    hull = cv2.convexHull(corners.reshape(-1, 1, 2)).reshape(-1, 2).astype(np.int64)
    first = int(np.lexsort((-hull[:, 0], hull[:, 1]))[0])  # the upper right, then clockwise
    hull = np.roll(hull, -first, axis=0)
    if hull[1, 1] == hull[0, 1]:
        hull = np.roll(hull[::-1], 1, axis=0)
    x, y = hull[:, 0], hull[:, 1]
    across, down = x - x[:, None], y - y[:, None]  # int64 [m, m]: from corner i to corner j
    squared = across * across + down * down
    along_x, along_y = np.roll(x, -1) - x, np.roll(y, -1) - y  # int64 [m]: edge i
    cross = along_x[:, None] * down - along_y[:, None] * across  # corner j from edge i
    lengths = np.sqrt((along_x * along_x + along_y * along_y).astype(np.float64))
    return {
        "convperim": sum(lengths.tolist()),
        "convarea": float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2,
        "feret": float(np.sqrt(np.float64(squared.max()))),
        "minferet": float((cross.max(axis=1).astype(np.float64) / lengths).min()),
    }


def _crack_table() -> NDArray[np.int8]:
    """For each (direction in, direction out) of a boundary pixel: the pixel edges walked there.

    ``int8 [8, 8, 4]``, padded with -1. Directions count by 45 degrees, 0 along x and 2 along y
    (downwards). OpenCV walks down the left side first: coming to a pixel, the background round it
    is met by turning back from where one came, direction by direction, to where one goes.
    """
    table = np.full((8, 8, 4), -1, np.int8)
    for came in range(8):
        for goes in range(8):
            n = 0
            for turn in range(1, 9):
                looked_at = (came + 4 - turn) % 8
                if looked_at == goes:
                    break
                if looked_at % 2 == 0:
                    table[came, goes, n] = (looked_at - 2) % 8
                    n += 1
    return table


_CRACKS = _crack_table()
_DIRECTION = np.array([[5, 6, 7], [4, -1, 0], [3, 2, 1]], np.int8)  # [dy + 1, dx + 1]


def _outlines(contours: list[NDArray[np.int32]]) -> Raw:
    """Edges of all outer outlines, of them the corners cut, and edges that are all corners."""
    edges = corners = diagonal = 0
    for contour in contours:
        length, cut = _outline(contour)
        if cut is None:
            diagonal += length
        else:
            edges, corners = edges + length, corners + cut
    return {"edges": edges, "corners": corners, "diagonal": diagonal}


def _outline(contour: NDArray[np.int32]) -> tuple[int, int | None]:
    """Edges of one outer boundary ``int32 [n, 1, 2]``, and its corners; None if it has no others.

    The boundary along pixel edges, where two unit steps round a corner count as one diagonal.
    """
    if len(contour) == 1:
        return 4, None
    points = contour[:, 0]
    steps = np.concatenate((points[1:], points[:1])) - points + 1
    goes = _DIRECTION[steps[:, 1], steps[:, 0]]
    edges = _CRACKS[_previous(goes), goes].ravel()
    edges = edges[edges >= 0]
    sides = _gaps((edges != _previous(edges)).nonzero()[0], len(edges))
    long = (sides > 1).nonzero()[0]
    if len(long) == 0:
        return len(edges), None
    # A run of unit sides is a staircase: every second corner of it is cut.
    return len(edges), len(long) + int(((_gaps(long, len(sides)) - 1) // 2).sum())


def _previous(ring: NDArray[np.int8]) -> NDArray[np.int8]:
    """Each element's predecessor in a closed ring."""
    return np.concatenate((ring[-1:], ring[:-1]))


def _gaps(places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """From each place to the next one, round a ring of the given length."""
    if len(places) == 0:
        return places
    return np.concatenate((places[1:], places[:1] + length)) - places

"""The measures of an object: size, shape and grey, one documented definition for each name.

The same column name means different things in different programs (``area_exc``, ``%area``,
``stddev``, ``perimareaexc``...). So every measure here carries its definition and its source, the
whole table has a version, and the instrument and the shore call this very code: a classifier
trained on shore sees what the instrument sees. Names follow ZooProcess and EcoTaxa.

Conventions, which hold for every measure:

- ``mask`` is the object's pixels as segmented. The *filled* object is the mask with its holes.
  Shape and grey are taken on the filled object, as ZooProcess does; ``area_exc`` and what is named
  after it use the mask alone.
- Lengths are in pixels, and pixels are squares: a row of 10 pixels is 10 long.
- Coordinates are those of the frame, the centre of the first pixel being (0, 0), y downwards.
- A value is always finite: a quotient by zero, and the skewness of an even grey, are 0.

Example::

    values = measure(vignette, mask, bx=120, by=64, field="dark")   # float32 [K]
    values[INDEX["feret"]]

See ``docs/measures.md`` for the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from models.measure_table import INDEX, MEASURES, MEASURES_VERSION, Measure

__all__ = [
    "INDEX",
    "MEASURES",
    "MEASURES_VERSION",
    "Measurable",
    "Measure",
    "measure",
    "measure_many",
]

Measurable: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.bool_], int, int, str]
"""The arguments of :func:`measure`: grey, mask, bx, by, field."""

_Table: TypeAlias = dict[str, NDArray[np.float64]]

_DIAGONAL = 2 - math.sqrt(2)
"""What a diagonal step saves over two steps along the axes."""


def measure(
    grey: NDArray[np.uint8], mask: NDArray[np.bool_], bx: int, by: int, field: str
) -> NDArray[np.float32]:
    """Measure one object: its values in the order of :data:`MEASURES`, ``float32 [K]``.

    ``grey`` is the background-corrected crop ``uint8 [h, w]`` (dark field: background 0; bright
    field: background 255), ``mask`` its pixels ``bool [h, w]``, ``bx`` and ``by`` the place of the
    crop's first pixel in the frame, ``field`` is "dark" or "bright".

    Raises ValueError if the mask is empty, the shapes differ or the field is another word.
    """
    values: NDArray[np.float32] = measure_many([(grey, mask, bx, by, field)])[0]
    return values


def measure_many(objects: Sequence[Measurable]) -> NDArray[np.float32]:
    """Measure many objects at once: ``float32 [n, K]``, the rows being those of :func:`measure`."""
    if not objects:
        return np.zeros((0, len(MEASURES)), np.float32)
    rows = []
    histograms = np.zeros((len(objects), 256), np.float64)
    for i, item in enumerate(objects):
        row, histograms[i] = _raw(*item)
        rows.append(row)
    columns = np.array(rows, np.float64).T
    raw: _Table = dict(zip(_RAW_NAMES, columns, strict=True))
    table = raw | _grey_statistics(histograms)
    table |= _ellipse(table)
    table |= _ratios(table)
    with np.errstate(over="ignore"):
        values = np.stack([table[m.name] for m in MEASURES], axis=1).astype(np.float32)
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


_RAW_NAMES = [
    *("bx", "by", "width", "height", "area", "area_exc", "xstart", "ystart", "x", "y"),
    *("mu20", "mu11", "mu02", "xm", "ym", "perim.", "convperim", "convarea", "feret"),
    "blur_laplacian",
    *(f"hu_moment-{k}" for k in range(1, 8)),
]


def _raw(
    grey: NDArray[np.uint8], mask: NDArray[np.bool_], bx: int, by: int, field: str
) -> tuple[list[float], NDArray[np.int64]]:
    """What needs the pixels: the columns of ``_RAW_NAMES`` and the histogram of the grey."""
    if grey.shape != mask.shape or grey.ndim != 2:
        raise ValueError(f"grey {grey.shape} and mask {mask.shape} must be the same [h, w]")
    if field not in ("dark", "bright"):
        raise ValueError(f'field must be "dark" or "bright", not {field!r}')
    pixels = np.ascontiguousarray(mask).view(np.uint8)
    area_exc = cv2.countNonZero(pixels)
    if area_exc == 0:
        raise ValueError("the mask is empty: there is nothing to measure")
    found = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    filled = cv2.drawContours(np.zeros_like(pixels), found, -1, (1,), cv2.FILLED)
    contours = [np.asarray(contour, np.int32) for contour in found]
    points = np.concatenate(contours)
    left, top, width, height = cv2.boundingRect(points)
    histogram = np.bincount(grey[filled.view(np.bool_)], minlength=256)

    moments = cv2.moments(filled, binaryImage=True)
    area = moments["m00"]
    x, y = moments["m10"] / area, moments["m01"] / area
    signal = grey if field == "dark" else cv2.bitwise_not(grey)
    weighted = cv2.moments(cv2.multiply(signal, filled))
    mass = weighted["m00"]
    xm, ym = (weighted["m10"] / mass, weighted["m01"] / mass) if mass else (x, y)
    return [
        bx + left,
        by + top,
        width,
        height,
        area,
        area_exc,
        bx + int(pixels[top].argmax()),
        by + top,
        bx + x,
        by + y,
        moments["mu20"],
        moments["mu11"],
        moments["mu02"],
        bx + xm,
        by + ym,
        math.fsum(_traced_perimeter(contour) for contour in contours),
        *_hull(points),
        float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1][0, 0]) ** 2,
        *cv2.HuMoments(moments)[:, 0],
    ], histogram


_CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.int32)


def _hull(points: NDArray[np.int32]) -> tuple[float, float, float]:
    """Perimeter, area and largest diameter of the convex hull of the pixels (as squares)."""
    corners = cv2.convexHull(points) + _CORNERS
    hull = cv2.convexHull(corners.reshape(-1, 1, 2)).reshape(-1, 2)  # int32 [m, 2]
    x, y = hull[:, 0].astype(np.float64), hull[:, 1].astype(np.float64)
    across, down = x - x[:, None], y - y[:, None]  # float64 [m, m]
    feret = math.sqrt((across * across + down * down).max())
    return cv2.arcLength(hull, True), cv2.contourArea(hull), feret


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


def _traced_perimeter(contour: NDArray[np.int32]) -> float:
    """ImageJ's traced perimeter of one outer boundary ``int32 [n, 1, 2]``, in pixels.

    The boundary along pixel edges, where two unit steps round a corner count as one diagonal.
    """
    if len(contour) == 1:
        return 4 - 2 * _DIAGONAL
    points = contour[:, 0]
    steps = np.concatenate((points[1:], points[:1])) - points + 1
    goes = _DIRECTION[steps[:, 1], steps[:, 0]]
    edges = _CRACKS[_previous(goes), goes].ravel()
    edges = edges[edges >= 0]
    sides = _gaps((edges != _previous(edges)).nonzero()[0], len(edges))
    long = (sides > 1).nonzero()[0]
    # A run of unit sides is a staircase: every second corner of it is cut.
    corners = len(long) + int(((_gaps(long, len(sides)) - 1) // 2).sum())
    return float(len(edges) - corners * _DIAGONAL) if len(long) else len(edges) / math.sqrt(2)


def _previous(ring: NDArray[np.int8]) -> NDArray[np.int8]:
    """Each element's predecessor in a closed ring."""
    return np.concatenate((ring[-1:], ring[:-1]))


def _gaps(places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """From each place to the next one, round a ring of the given length."""
    if len(places) == 0:
        return places
    return np.concatenate((places[1:], places[:1] + length)) - places


def _grey_statistics(histograms: NDArray[np.float64]) -> _Table:
    """The measures that follow from the histogram of the grey, ``float64 [n, 256]``."""
    levels = np.arange(256, dtype=np.float64)
    count = histograms.sum(axis=1)
    intden = histograms @ levels
    mean = intden / count
    away = levels[None, :] - mean[:, None]
    moment = [(histograms * away**k).sum(axis=1) / count for k in (2, 3, 4)]
    cumulative = histograms.cumsum(axis=1)
    present = histograms > 0
    quartile = [(cumulative >= q * count[:, None]).argmax(axis=1) for q in (0.25, 0.5, 0.75)]
    return {
        "intden": intden,
        "mean": mean,
        "stddev": np.sqrt(_over(moment[0] * count, count - 1)),
        "skew": _over(moment[1], moment[0] ** 1.5),
        "kurt": np.where(moment[0] > 0, _over(moment[2], moment[0] ** 2) - 3, 0.0),
        "mode": histograms.argmax(axis=1).astype(np.float64),
        "min": present.argmax(axis=1).astype(np.float64),
        "max": 255.0 - present[:, ::-1].argmax(axis=1),
        "median": quartile[1].astype(np.float64),
        "histcum1": quartile[0].astype(np.float64),
        "histcum2": quartile[1].astype(np.float64),
        "histcum3": quartile[2].astype(np.float64),
    }


def _ellipse(t: _Table) -> _Table:
    """The ellipse of the same area and second moments (ImageJ's EllipseFitter).

    A pixel being a square, it adds its own second moment of 1/12 along each axis.
    """
    xx, yy = t["mu20"] / t["area"] + 1 / 12, t["mu02"] / t["area"] + 1 / 12
    xy = t["mu11"] / t["area"]
    half_sum, half_gap = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    large, small = half_sum + half_gap, np.maximum(half_sum - half_gap, 1e-9)
    scale = np.sqrt(4 * t["area"] / np.pi)
    ratio = (large / small) ** 0.25
    angle = np.degrees(0.5 * np.arctan2(-2 * xy, xx - yy)) % 180
    return {
        "major": scale * ratio,
        "minor": scale / ratio,
        "angle": np.where(half_gap > 1e-9 * half_sum, angle, 0.0),
        "eccentricity": np.sqrt(1 - small / large),
    }


def _ratios(t: _Table) -> _Table:
    """The measures that are made of other measures."""
    spread = t["max"] - t["min"]
    centroids = np.hypot(t["x"] - t["xm"], t["y"] - t["ym"])
    side_exc = np.sqrt(t["area_exc"])
    box = t["width"] * t["height"]
    return {
        "%area": 100 * (1 - t["area_exc"] / t["area"]),
        "circ.": 4 * np.pi * _over(t["area"], t["perim."] ** 2),
        "circex": 4 * np.pi * _over(t["area_exc"], t["perim."] ** 2),
        "esd": 2 * np.sqrt(t["area"] / np.pi),
        "elongation": t["major"] / t["minor"],
        "range": spread,
        "meanpos": _over(t["mean"] - t["max"], t["mean"] - t["min"]),
        "centroids": centroids,
        "cv": 100 * _over(t["stddev"], t["mean"]),
        "sr": 100 * _over(t["stddev"], spread),
        "perimareaexc": t["perim."] / side_exc,
        "feretareaexc": t["feret"] / side_exc,
        "perimferet": t["perim."] / t["feret"],
        "perimmajor": t["perim."] / t["major"],
        "cdexc": centroids / side_exc,
        "kurt_mean": _over(t["kurt"], t["mean"]),
        "skew_mean": _over(t["skew"], t["mean"]),
        "convperim_perim": _over(t["convperim"], t["perim."]),
        "convarea_area": t["convarea"] / t["area"],
        "median_mean": t["median"] - t["mean"],
        "median_mean_range": _over(t["median"] - t["mean"], spread),
        "solidity": t["area_exc"] / t["convarea"],
        "extent": t["area_exc"] / box,
        "bounding_box_area": box,
    }


def _over(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    """``top / bottom``, and 0 where the bottom is 0."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)

"""The measures that follow from the sums over pixels, for all objects of a frame at once.

Invariant: the operations and their order are those of edge/native/measures.c, and only +, -, *, /
and square roots are used (the angle's arctangent excepted), which every machine rounds alike: from
equal sums both give equal measures.

Example::

    table = formulas(columns, histograms)     # name -> float64 [n]
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Column: TypeAlias = NDArray[np.float64]
Table: TypeAlias = dict[str, Column]

_DIAGONAL = 2 - math.sqrt(2)
"""What a diagonal step saves over two steps along the axes."""


def formulas(raw: Table, histograms: NDArray[np.int64]) -> Table:
    """All measures of n objects. ``raw`` holds the sums of `measure_pixels` and the costly measures
    ``float64 [n]``, ``histograms`` those of the grey ``int64 [n, 256]``."""
    shape, weighted = _central(raw, "s"), _central(raw, "g")
    some = weighted["mass"] > 0
    x, y = shape["x"], shape["y"]
    xm, ym = np.where(some, weighted["x"], x), np.where(some, weighted["y"], y)
    dx, dy = x - xm, y - ym
    lap = raw["lap"] / raw["cells"]
    table = raw | {
        "area": raw["s00"],
        "x": raw["ox"] + x,
        "y": raw["oy"] + y,
        "xm": raw["ox"] + xm,
        "ym": raw["oy"] + ym,
        "centroids": np.sqrt(dx * dx + dy * dy),
        "perim.": raw["edges"] - raw["corners"] * _DIAGONAL + raw["diagonal"] / math.sqrt(2),
        "blur_laplacian": raw["lap2"] / raw["cells"] - lap * lap,
    }
    table |= {f"hu_moment-{k + 1}": value for k, value in enumerate(_hu(shape))}
    table |= {f"gray_hu_moment-{k + 1}": value for k, value in enumerate(_hu(weighted))}
    table |= _ellipse(shape)
    table |= _grey_statistics(histograms)
    return table | _ratios(table)


def _central(t: Table, s: str) -> Table:
    """Centroid and normalised central moments; all 0 where there is no mass."""
    mass = t[f"{s}00"]
    s10, s01, s20, s11, s02 = (t[s + pq] for pq in ("10", "01", "20", "11", "02"))
    s30, s21, s12, s03 = (t[s + pq] for pq in ("30", "21", "12", "03"))
    x, y = _over(s10, mass), _over(s01, mass)
    mu20, mu11, mu02 = s20 - x * s10, s11 - x * s01, s02 - y * s01
    mu30 = s30 - x * (3 * s20 - 2 * x * s10)
    mu21 = s21 - 2 * x * (s11 - x * s01) - y * s20
    mu12 = s12 - 2 * y * (s11 - y * s10) - x * s02
    mu03 = s03 - y * (3 * s02 - 2 * y * s01)
    second = mass * mass
    third = second * np.sqrt(mass)
    normal = {"n20": mu20, "n11": mu11, "n02": mu02}
    table = {name: _over(value, second) for name, value in normal.items()}
    normal = {"n30": mu30, "n21": mu21, "n12": mu12, "n03": mu03}
    table |= {name: _over(value, third) for name, value in normal.items()}
    return table | {"mass": mass, "x": x, "y": y, "mu20": mu20, "mu11": mu11, "mu02": mu02}


def _hu(c: Table) -> list[Column]:
    """Hu's seven invariants, in OpenCV's order of operations."""
    t0, t1 = c["n30"] + c["n12"], c["n21"] + c["n03"]
    q0, q1 = t0 * t0, t1 * t1
    n4, s, d = 4 * c["n11"], c["n20"] + c["n02"], c["n20"] - c["n02"]
    second, fourth = d * d + n4 * c["n11"], q0 + q1
    sixth = d * (q0 - q1) + n4 * t0 * t1
    t0, t1 = t0 * (q0 - 3 * q1), t1 * (3 * q0 - q1)
    q0, q1 = c["n30"] - 3 * c["n12"], 3 * c["n21"] - c["n03"]
    return [s, second, q0 * q0 + q1 * q1, fourth, q0 * t0 + q1 * t1, sixth, q1 * t0 - q0 * t1]


def _ellipse(c: Table) -> Table:
    """The ellipse of the same area and second moments (ImageJ's EllipseFitter).

    A pixel being a square, it adds its own second moment of 1/12 along each axis.
    """
    area = c["mass"]
    xx, yy, xy = c["mu20"] / area + 1 / 12, c["mu02"] / area + 1 / 12, c["mu11"] / area
    half_sum, half_gap = (xx + yy) / 2, (xx - yy) / 2
    half_gap = np.sqrt(half_gap * half_gap + xy * xy)
    large, small = half_sum + half_gap, np.maximum(half_sum - half_gap, 1e-9)
    scale, ratio = np.sqrt(4 * area / np.pi), np.sqrt(np.sqrt(large / small))
    angle = np.arctan2(-2 * xy, xx - yy) * 90 / np.pi
    return {
        "major": scale * ratio,
        "minor": scale / ratio,
        "angle": np.where(half_gap > 1e-9 * half_sum, np.where(angle < 0, angle + 180, angle), 0.0),
        "eccentricity": np.sqrt(1 - small / large),
    }


def _grey_statistics(histograms: NDArray[np.int64]) -> Table:
    """The measures that follow from the histogram of the grey."""
    levels = np.arange(256)
    count = histograms.sum(axis=1)
    intden = histograms @ levels
    present = histograms > 0
    low, high = present.argmax(axis=1), 255 - present[:, ::-1].argmax(axis=1)
    cumulative = histograms.cumsum(axis=1)
    quartile = [(4 * cumulative >= q * count[:, None]).argmax(axis=1) for q in (1, 2, 3)]
    n = count.astype(np.float64)
    mean = intden / n
    m2, m3, m4 = _grey_moments(histograms, (2 * intden + count) // (2 * count), n)
    return {
        "intden": intden.astype(np.float64),
        "mean": mean,
        "stddev": np.sqrt(_over(m2 * n, n - 1)),
        "skew": _over(m3, m2 * np.sqrt(m2)),
        "kurt": np.where(m2 > 0, _over(m4, m2 * m2) - 3, 0.0),
        "mode": histograms.argmax(axis=1).astype(np.float64),
        "min": low.astype(np.float64),
        "max": high.astype(np.float64),
        "median": quartile[1].astype(np.float64),
        "histcum1": quartile[0].astype(np.float64),
        "histcum2": quartile[1].astype(np.float64),
        "histcum3": quartile[2].astype(np.float64),
        "slope": _slope(cumulative, low, high) / n,
    }


def _grey_moments(
    histograms: NDArray[np.int64], middle: NDArray[np.int64], n: Column
) -> tuple[Column, Column, Column]:
    """Second, third and fourth central moment. ``middle`` is the mean, rounded: powers about it are
    whole, and little is left to correct."""
    away = np.arange(256)[None, :] - middle[:, None]
    d, p2, p3, p4 = ((histograms * away**k).sum(axis=1) / n for k in (1, 2, 3, 4))
    m2 = p2 - d * d
    m3 = p3 - d * (3 * p2 - 2 * d * d)
    m4 = p4 - d * (4 * p3 - d * (6 * p2 - 3 * d * d))
    even = (histograms > 0).sum(axis=1) == 1
    return np.where(even, 0.0, m2), np.where(even, 0.0, m3), np.where(even, 0.0, m4)


def _slope(
    cumulative: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]
) -> Column:
    """Slope of the line of least squares through the cumulative histogram, from low to high."""
    place = np.arange(256)[None, :] - low[:, None]
    n = high - low + 1
    inside = (place >= 0) & (place < n[:, None])
    total = (cumulative * inside).sum(axis=1)
    product = (cumulative * place * inside).sum(axis=1)
    first, second = n * (n - 1) // 2, (n - 1) * n * (2 * n - 1) // 6
    top, bottom = n * product - first * total, n * second - first * first
    return _over(top.astype(np.float64), bottom.astype(np.float64))


def _ratios(t: Table) -> Table:
    """The measures that are made of other measures."""
    spread = t["max"] - t["min"]
    side_exc, perimeter_squared = np.sqrt(t["area_exc"]), t["perim."] * t["perim."]
    box = t["width"] * t["height"]
    return {
        "range": spread,
        "bounding_box_area": box,
        "%area": 100 * (1 - t["area_exc"] / t["area"]),
        "circ.": 4 * np.pi * (t["area"] / perimeter_squared),
        "circex": 4 * np.pi * (t["area_exc"] / perimeter_squared),
        "esd": 2 * np.sqrt(t["area"] / np.pi),
        "elongation": t["major"] / t["minor"],
        "meanpos": _over(t["mean"] - t["max"], t["mean"] - t["min"]),
        "cv": 100 * _over(t["stddev"], t["mean"]),
        "sr": 100 * _over(t["stddev"], spread),
        "perimareaexc": t["perim."] / side_exc,
        "feretareaexc": t["feret"] / side_exc,
        "perimferet": t["perim."] / t["feret"],
        "perimmajor": t["perim."] / t["major"],
        "cdexc": t["centroids"] / side_exc,
        "kurt_mean": _over(t["kurt"], t["mean"]),
        "skew_mean": _over(t["skew"], t["mean"]),
        "convperim_perim": t["convperim"] / t["perim."],
        "convarea_area": t["convarea"] / t["area"],
        "median_mean": t["median"] - t["mean"],
        "median_mean_range": _over(t["median"] - t["mean"], spread),
        "solidity": t["area_exc"] / t["convarea"],
        "extent": t["area_exc"] / box,
        "aspect_ratio": t["minferet"] / t["feret"],
        "symetrieh_area": t["symetrieh"] / t["area"],
        "symetriev_area": t["symetriev"] / t["area"],
        "skeleton_area": t["skelarea"] / t["area"],
    }


def _over(top: Column, bottom: Column) -> Column:
    """``top / bottom``, and 0 where the bottom is 0."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)

"""Measures of random objects against NumPy, SciPy and scikit-image, where definitions agree.

They hold the numbers of `models.measure_agreement`, that is of docs/measures.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models import measure_agreement as agreement
from models.measures import MEASURES, measure

scipy = pytest.importorskip("scipy")
skimage = pytest.importorskip("skimage")

Mask = NDArray[np.bool_]
Grey = NDArray[np.uint8]


def values(mask: Mask, grey: Grey | None = None, field: str = "dark") -> dict[str, float]:
    if grey is None:
        grey = np.where(mask, 100, 0).astype(np.uint8)
    row = measure(grey, mask, 0, 0, field)
    return {m.name: float(row[i]) for i, m in enumerate(MEASURES)}


def blob(seed: int) -> tuple[Mask, Grey]:
    """One part with holes and a ragged edge, in a tight box, with grey."""
    random = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(random.random((90, 120)), (0, 0), 5)
    _, labels = cv2.connectedComponents((smooth > smooth.mean()).astype(np.uint8), connectivity=8)
    mask = labels == np.bincount(labels[labels > 0]).argmax()
    mask &= random.random(mask.shape) > 0.01
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    mask = labels == np.bincount(labels[labels > 0]).argmax()
    y, x = np.nonzero(mask)
    mask = mask[y.min() : y.max() + 1, x.min() : x.max() + 1]
    return mask, random.gamma(3, 20, mask.shape).clip(0, 255).astype(np.uint8)


class Seen:
    """An object as the libraries see it."""

    def __init__(self, mask: Mask, grey: Grey) -> None:
        from scipy.spatial import ConvexHull
        from skimage.measure import regionprops

        self.mask, self.grey = mask, grey
        self.filled = np.asarray(scipy.ndimage.binary_fill_holes(mask))
        self.own = regionprops(mask.astype(np.uint8))[0]
        self.whole = regionprops(self.filled.astype(np.uint8), intensity_image=grey)[0]
        self.inside = grey[self.filled].astype(np.float64)
        y, x = np.nonzero(mask)
        corners = [np.stack([x + dx, y + dy], axis=1) for dx in (0, 1) for dy in (0, 1)]
        self.hull = ConvexHull(np.concatenate(corners))
        self.corners = self.hull.points[self.hull.vertices]
        self.depth = scipy.ndimage.distance_transform_edt(np.pad(self.filled, 1))[1:-1, 1:-1]

    def quantile(self, q: float) -> float:
        return float(np.quantile(self.inside, q, method="inverted_cdf"))

    def slope(self) -> float:
        levels = np.arange(self.inside.min(), self.inside.max() + 1)
        share = [(self.inside <= level).mean() for level in levels]
        return float(np.polyfit(levels, share, 1)[0])

    def least_width(self) -> float:
        turns = np.arange(3600) * np.pi / 3600
        along = self.corners @ np.stack([np.cos(turns), np.sin(turns)])
        return float(np.ptp(along, axis=0).min())

    def fractal(self) -> float:
        from skimage.morphology import disk, erosion

        wide = np.pad(self.filled, 8).astype(np.uint8)
        outline = wide & ~erosion(wide, disk(1))
        radii = (1, 2, 3, 4, 6, 8)
        areas = [cv2.dilate(outline, disk(r)).sum() for r in radii]
        return float(2 - np.polyfit(np.log([2 * r + 1 for r in radii]), np.log(areas), 1)[0])

    def thin(self) -> int:
        from skimage.morphology import thin

        return int(thin(np.pad(self.filled, 1)).sum())


TRUTH: dict[str, Callable[[Seen], float]] = {
    "area": lambda s: s.filled.sum(),
    "area_exc": lambda s: s.own.area,
    "mean": lambda s: s.whole.intensity_mean,
    "stddev": lambda s: s.inside.std(ddof=1),
    "mode": lambda s: np.bincount(s.inside.astype(int)).argmax(),
    "min": lambda s: s.whole.intensity_min,
    "max": lambda s: s.whole.intensity_max,
    "x": lambda s: s.whole.centroid[1],
    "y": lambda s: s.whole.centroid[0],
    "xm": lambda s: s.whole.centroid_weighted[1],
    "ym": lambda s: s.whole.centroid_weighted[0],
    "bx": lambda s: s.own.bbox[1],
    "by": lambda s: s.own.bbox[0],
    "width": lambda s: s.own.bbox[3] - s.own.bbox[1],
    "height": lambda s: s.own.bbox[2] - s.own.bbox[0],
    "feret": lambda s: scipy.spatial.distance.pdist(s.corners).max(),
    "intden": lambda s: s.inside.sum(),
    "median": lambda s: s.quantile(0.5),
    "histcum1": lambda s: s.quantile(0.25),
    "histcum2": lambda s: s.quantile(0.5),
    "histcum3": lambda s: s.quantile(0.75),
    "skew": lambda s: scipy.stats.skew(s.inside),
    "kurt": lambda s: scipy.stats.kurtosis(s.inside),
    "slope": Seen.slope,
    "convperim": lambda s: s.hull.area,  # of a hull in the plane SciPy calls the perimeter its area
    "convarea": lambda s: s.hull.volume,
    "esd": lambda s: s.whole.equivalent_diameter_area,
    "extent": lambda s: s.own.extent,
    "bounding_box_area": lambda s: s.own.area_bbox,
    "elongation": lambda s: s.whole.axis_major_length / s.whole.axis_minor_length,
    "eccentricity": lambda s: s.whole.eccentricity,
    "angle": lambda s: math.degrees(s.whole.orientation) + 90,
    "blur_laplacian": lambda s: scipy.ndimage.laplace(s.grey.astype(int), mode="mirror").var(),
    "hu_moment-7": lambda s: -s.whole.moments_hu[6],
    "gray_hu_moment-7": lambda s: -s.whole.moments_weighted_hu[6],
    "euler_number": lambda s: s.own.euler_number,
    "numblobs": lambda s: scipy.ndimage.label(s.mask, np.ones((3, 3)))[1],
    "minferet": Seen.least_width,
    "skelarea": Seen.thin,
    "thickr": lambda s: s.depth.max() / s.depth[s.filled].mean(),
    "inscribed": lambda s: 2 * s.depth.max() - 1,
    "fractal": Seen.fractal,
}


def hu(k: int) -> tuple[Callable[[Seen], float], Callable[[Seen], float]]:
    return lambda s: s.whole.moments_hu[k - 1], lambda s: s.whole.moments_weighted_hu[k - 1]


for _k in range(1, 7):
    TRUTH[f"hu_moment-{_k}"], TRUTH[f"gray_hu_moment-{_k}"] = hu(_k)


@pytest.fixture(scope="module")
def seen() -> list[tuple[Seen, dict[str, float]]]:
    blobs = [blob(seed) for seed in range(8)]
    return [(Seen(mask, grey), values(mask, grey)) for mask, grey in blobs]


@pytest.mark.parametrize("name", agreement.LIBRARIES)
def test_libraries_measure_the_same(name: str, seen: list[tuple[Seen, dict[str, float]]]) -> None:
    within = agreement.LIBRARIES[name][1]
    for theirs, ours in seen:
        true = float(TRUTH[name](theirs))
        assert abs(ours[name] - true) <= within * abs(true) + 1e-12, (ours[name], true)


def test_each_library_value_is_compared() -> None:
    assert set(TRUTH) == set(agreement.LIBRARIES)


RATIOS: dict[str, Callable[[dict[str, float]], float]] = {
    "circ.": lambda t: 4 * math.pi * t["area"] / t["perim."] ** 2,
    "%area": lambda t: 100 * (1 - t["area_exc"] / t["area"]),
    "range": lambda t: t["max"] - t["min"],
    "meanpos": lambda t: (t["mean"] - t["max"]) / (t["mean"] - t["min"]),
    "centroids": lambda t: math.hypot(t["x"] - t["xm"], t["y"] - t["ym"]),
    "cv": lambda t: 100 * t["stddev"] / t["mean"],
    "sr": lambda t: 100 * t["stddev"] / t["range"],
    "perimareaexc": lambda t: t["perim."] / math.sqrt(t["area_exc"]),
    "feretareaexc": lambda t: t["feret"] / math.sqrt(t["area_exc"]),
    "perimferet": lambda t: t["perim."] / t["feret"],
    "perimmajor": lambda t: t["perim."] / t["major"],
    "circex": lambda t: 4 * math.pi * t["area_exc"] / t["perim."] ** 2,
    "cdexc": lambda t: t["centroids"] / math.sqrt(t["area_exc"]),
    "kurt_mean": lambda t: t["kurt"] / t["mean"],
    "skew_mean": lambda t: t["skew"] / t["mean"],
    "convperim_perim": lambda t: t["convperim"] / t["perim."],
    "convarea_area": lambda t: t["convarea"] / t["area"],
    "median_mean": lambda t: t["median"] - t["mean"],
    "median_mean_range": lambda t: (t["median"] - t["mean"]) / t["range"],
    "solidity": lambda t: t["area_exc"] / t["convarea"],
    "aspect_ratio": lambda t: t["minferet"] / t["feret"],
    "major": lambda t: t["elongation"] * t["minor"],
    "minor": lambda t: 4 * t["area"] / math.pi / t["major"],
    "symetrieh_area": lambda t: t["symetrieh"] / t["area"],
    "symetriev_area": lambda t: t["symetriev"] / t["area"],
    "skeleton_area": lambda t: t["skelarea"] / t["area"],
}


@pytest.mark.parametrize("name", RATIOS)
def test_what_follows_from_other_measures_does(
    name: str, seen: list[tuple[Seen, dict[str, float]]]
) -> None:
    for _, ours in seen:
        assert ours[name] == pytest.approx(RATIOS[name](ours), rel=1e-4)


def test_every_measure_is_held_against_something() -> None:
    elsewhere = {"perim.", "xstart", "ystart", "symetrieh", "symetriev"}  # tests of their own
    known = set(agreement.SHAPES) | set(agreement.LIBRARIES) | set(RATIOS) | elsewhere
    assert {m.name for m in MEASURES} <= known

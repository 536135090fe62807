"""Measures of the same regions by scikit-image, and by morphocut, which calls it.

morphocut 0.1.2 reads each property of each region by name (contrib/zooprocess.py,
CalculateZooProcessFeatures). With it installed its own function is timed. Without it, or where it
does not run with this scikit-image, the same properties are read, each once: two thirds of its
time.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.frames import Grey
from edge.segment import Region
from models.figures import best_ms

Labels = npt.NDArray[np.int32]

PROPERTIES = (
    "label", "bbox", "area_filled", "perimeter", "area", "axis_major_length", "axis_minor_length",
    "centroid", "area_convex", "intensity_min", "intensity_max", "intensity_mean", "orientation",
    "area_bbox", "eccentricity", "equivalent_diameter_area", "euler_number", "extent",
    "centroid_local", "solidity",
)  # fmt: skip


def label_image(regions: Sequence[Region], shape: tuple[int, ...]) -> Labels:
    """int32 [H, W]: 0, or 1 and on for each region."""
    labels = np.zeros(shape, np.int32)
    for i, region in enumerate(regions):
        height, width = region.mask.shape
        window = labels[region.by : region.by + height, region.bx : region.bx + width]
        window[region.mask] = i + 1
    return labels


def skimage_ms(labels: Labels, grey: Grey, turns: int) -> float:
    """scikit-image's table of these properties. Raises ImportError."""
    measure: Any = importlib.import_module("skimage.measure")
    return best_ms(lambda: measure.regionprops_table(labels, grey, properties=PROPERTIES), turns)


def morphocut_ms(labels: Labels, grey: Grey, turns: int) -> tuple[str, float]:
    """How it was called, and its time. Raises ImportError without scikit-image."""
    measure: Any = importlib.import_module("skimage.measure")
    how, features = _features(measure)

    def work() -> None:
        for region in measure.regionprops(labels, grey):
            features(region)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one pixel wide: its axes are 0
        return how, best_ms(work, turns)


def _features(measure: Any) -> tuple[str, Callable[[Any], object]]:
    square = np.zeros((8, 8), np.int32)
    square[2:6, 2:6] = 1
    try:
        theirs = importlib.import_module("morphocut.contrib.zooprocess").regionprop2zooprocess
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old names of properties
            theirs(measure.regionprops(square, square.astype(np.uint8))[0])
    except (ImportError, AttributeError):
        return "its calls alone", lambda region: [region[name] for name in PROPERTIES]
    return "installed", theirs

"""The cloud of particles too small to be objects, and the haze of those far out of focus.

Their diameters follow a power law, as marine particles do (Junge 1963: number falls about with the
fourth power of diameter; cumulatively the third, gentler here because a lens makes the smallest
vanish). None is larger than ``speck_max_um``. They are in no truth.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.simulator.drawing import Plane
from edge.simulator.settings import SimSettings

_SLOPE = 2.2  # of the cumulative number against diameter
_SMALLEST_PX = 1.2
_FULL = 200  # drawn brightness of a typical speck on the 8-bit plane
_HAZE_STEP = 8  # the haze is drawn on a picture reduced by this


def _diameters(settings: SimSettings, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Power-law diameters in pixels between the smallest that shows and the limit."""
    largest = settings.speck_max_um / settings.pixel_um
    smallest = min(_SMALLEST_PX, 0.8 * largest)
    low, high = smallest**-_SLOPE, largest**-_SLOPE
    return np.asarray((low + rng.random(count) * (high - low)) ** (-1 / _SLOPE))


def speck_effect(settings: SimSettings, rng: np.random.Generator) -> Plane:
    """The effect of all specks of a frame, float32 [H, W], in units of a typical organism's."""
    count = int(rng.poisson(settings.specks))
    plane = np.zeros((settings.height, settings.width), np.uint8)
    x = rng.uniform(0, settings.width, count) * 16
    y = rng.uniform(0, settings.height, count) * 16
    diameter = _diameters(settings, count, rng)
    long = rng.random(count) < 0.35
    angle = rng.uniform(0, math.pi, count)
    level = np.clip(_FULL * rng.lognormal(-0.7, 0.5, count), 20, 255)
    for k in range(count):
        at, size = (int(x[k]), int(y[k])), float(diameter[k])
        if long[k]:
            end = (
                int(at[0] + 16 * size * math.cos(angle[k])),
                int(at[1] + 16 * size * math.sin(angle[k])),
            )
            cv2.line(plane, at, end, int(level[k]), max(1, round(size / 3)), cv2.LINE_AA, 4)
        else:
            cv2.circle(plane, at, int(8 * size), int(level[k]), -1, cv2.LINE_AA, 4)
    blurred = cv2.GaussianBlur(plane, (0, 0), settings.blur_px)
    return np.multiply(blurred, np.float32(0.6 / _FULL), dtype=np.float32)


def haze_effect(settings: SimSettings, rng: np.random.Generator) -> Plane:
    """Specks far from focus: wide faint spots, each well below what is visible, float32 [H, W]."""
    size = (-(-settings.height // _HAZE_STEP), -(-settings.width // _HAZE_STEP))
    small = np.zeros(size, np.float32)
    count = int(rng.poisson(settings.specks / 5))
    rows, cols = rng.integers(0, size[0], count), rng.integers(0, size[1], count)
    np.add.at(small, (rows, cols), rng.exponential(1.0, count).astype(np.float32))
    small = np.minimum(cv2.GaussianBlur(small, (0, 0), 1.1), np.float32(0.35))
    wide = cv2.resize(small, (settings.width, settings.height), interpolation=cv2.INTER_LINEAR)
    return np.multiply(wide, np.float32(0.07), dtype=np.float32)

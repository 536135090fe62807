"""The cloud of particles too small to be objects, and the haze of those far out of focus.

Their diameters follow a power law, as marine particles do, with the slope that the small regions of
real frames show (docs/simulator.md). None is larger than ``speck_max_um``. They are in no truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.simulator.drawing import Plane
from edge.simulator.settings import SimSettings

_SLOPE = 1.4  # of the cumulative number against diameter
_SMALLEST_PX = 2.2
_FULL = 200  # drawn brightness of a typical speck on the 8-bit plane
_LONG_SHARE = 0.35
_SHAPED_PX = 4.0
_SHIFT = 4  # fractional bits of a coordinate
_HAZE_STEP = 8  # the haze is drawn on a picture reduced by this


def _diameters(settings: SimSettings, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Power-law diameters in pixels between the smallest that shows and the limit."""
    largest = settings.speck_max_um / settings.pixel_um
    smallest = min(_SMALLEST_PX, 0.8 * largest)
    low, high = smallest**-_SLOPE, largest**-_SLOPE
    return np.asarray((low + rng.random(count) * (high - low)) ** (-1 / _SLOPE))


@dataclass(frozen=True)
class _Speck:
    """One speck on the 8-bit plane: place and size in pixels, brightness 0-255."""

    x: float
    y: float
    size: float
    angle: float
    level: float


def _splinter(plane: NDArray[np.uint8], speck: _Speck) -> None:
    """A short straight stroke."""
    start = (_fixed(speck.x), _fixed(speck.y))
    reach = (_fixed(speck.size * math.cos(speck.angle)), _fixed(speck.size * math.sin(speck.angle)))
    end = (start[0] + reach[0], start[1] + reach[1])
    cv2.line(plane, start, end, (speck.level,), max(1, round(speck.size / 3)), cv2.LINE_AA, _SHIFT)


def _grain(plane: NDArray[np.uint8], speck: _Speck, rng: np.random.Generator) -> None:
    """A disc, or if it is large enough to have a shape, a few discs in a crooked row."""
    parts = 1 if speck.size < _SHAPED_PX else int(rng.integers(2, 5))
    radius = speck.size / 2 / math.sqrt(parts)
    x, y, angle = speck.x, speck.y, speck.angle
    for _ in range(parts):
        centre = (_fixed(x), _fixed(y))
        cv2.circle(plane, centre, _fixed(radius), (speck.level,), -1, cv2.LINE_AA, _SHIFT)
        angle += rng.normal(0, 1.0)
        x, y = x + 1.3 * radius * math.cos(angle), y + 1.3 * radius * math.sin(angle)


def _fixed(value: float) -> int:
    """Pixels to the sixteenths that OpenCV's drawing takes."""
    return round(value * (1 << _SHIFT))


def speck_effect(settings: SimSettings, rng: np.random.Generator) -> Plane:
    """The effect of all specks of a frame, float32 [H, W], in units of a typical organism's."""
    count = int(rng.poisson(settings.specks))
    plane = np.zeros((settings.height, settings.width), np.uint8)
    x, y = rng.uniform(0, settings.width, count), rng.uniform(0, settings.height, count)
    diameter = _diameters(settings, count, rng)
    level = np.clip(_FULL * rng.lognormal(-0.7, 0.5, count), 20, 255)
    angle = rng.uniform(0, math.pi, count)
    drawn = np.stack([x, y, diameter, angle, level], axis=1)
    long = (rng.random(count) < _LONG_SHARE) & (diameter < _SHAPED_PX)
    for speck in drawn[long].tolist():
        _splinter(plane, _Speck(*speck))
    for speck in drawn[~long].tolist():
        _grain(plane, _Speck(*speck), rng)
    blurred = cv2.GaussianBlur(plane, (0, 0), settings.blur_px)
    return np.multiply(blurred, np.float32(0.9 / _FULL), dtype=np.float32)


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

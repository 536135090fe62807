"""What stands out of the background: hysteresis thresholds, outlines, sizes, caps.

A region is a set of pixels that hang together (8 neighbours) above the low threshold and reach the
high one. The low threshold keeps dim antennae and gelatinous bodies with what they belong to; the
high one keeps noise from being anything at all. Things inside a hole of another thing are regions
of their own.

Counted, never silently left out: components below the size limit (``specks``), those that never
reach the high threshold (``faint``), those above the size limit or cut by the border if the
settings say so (``refused``), and what the cap on regions left out, smallest first (``dropped``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.segment.background import Background
from edge.segment.settings import SegmentSettings

MAX_COMPONENTS = 20_000
"""Outlines that are looked at in one frame, the longest first: a frame of noise has a million."""


@dataclass(frozen=True, eq=False)
class Region:
    """A connected foreground component in its tight box.

    ``grey uint8 [h, w]`` is background-corrected (dark field: background 0; bright: 255),
    ``signal uint8 [h, w]`` the distance from the background, ``mask bool [h, w]`` the object's own
    pixels. ``esd_um`` is of the area with holes filled, as the measure ``esd``.
    """

    bx: int
    by: int
    grey: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    signal: NDArray[np.uint8]
    touches_border: bool
    esd_um: float
    area_px: int


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What was found in one frame, and what was not kept. Regions in reading order."""

    regions: tuple[Region, ...]
    signal: NDArray[np.uint8]
    field: str
    specks: int
    faint: int
    refused: int
    dropped: int
    brightness: float
    drift: float
    noise: float
    low: float
    high: float
    message: str | None = None


@dataclass(frozen=True, eq=False)
class _Outline:
    """The outer outline of a component and those of its holes, each ``int32 [n, 1, 2]``."""

    points: NDArray[np.int32]
    holes: tuple[NDArray[np.int32], ...]


@dataclass(frozen=True, eq=False)
class _Shape:
    """A component: its box, its pixels ``uint8 [h, w]`` of 0 and 1, its area with holes filled."""

    bx: int
    by: int
    mask: NDArray[np.uint8]
    filled_px: int


def segment(
    grey: NDArray[np.uint8], background: Background, settings: SegmentSettings
) -> Segmentation:
    """Find the regions of a frame ``uint8 [H, W]``; the background learns from it.

    Raises ValueError if the frame is not 8-bit grey.
    """
    corrected = background.correct(grey)
    low, high = thresholds(corrected.noise, settings)
    signal = corrected.signal
    smooth = np.asarray(cv2.GaussianBlur(signal, (3, 3), 0), np.uint8)
    above = _above(signal, smooth, low, settings.close_px)
    outlines, specks, dropped = _outlines(above, settings.esd_min_px)
    faint = refused = 0
    shapes: list[_Shape] = []
    for outline in outlines:
        shape = _shape(outline, math.pi / 4 * settings.esd_min_px**2)
        if _esd_px(shape.filled_px) < settings.esd_min_px:
            specks += 1
        elif not _reaches(shape, smooth, high, settings.high_pixels):
            faint += 1
        elif _is_refused(shape, settings, signal.shape):
            refused += 1
        else:
            shapes.append(shape)
    shapes.sort(key=lambda shape: -shape.filled_px)
    dropped += max(0, len(shapes) - settings.max_regions)
    kept = sorted(shapes[: settings.max_regions], key=lambda shape: (shape.by, shape.bx))
    found = Segmentation(
        (), signal, corrected.field, specks, faint, refused, dropped, corrected.brightness,
        corrected.drift, corrected.noise, low, high, corrected.message,
    )  # fmt: skip
    return replace(found, regions=tuple(_region(shape, found, settings) for shape in kept))


def thresholds(noise: float, settings: SegmentSettings) -> tuple[float, float]:
    """The low and the high threshold, in grey levels, for a measured noise."""
    low = min(settings.low_ceiling, max(settings.low_floor, settings.low_noises * noise))
    high = min(settings.high_ceiling, max(settings.high_floor, settings.high_noises * noise))
    return low, max(low, high)


def _above(
    signal: NDArray[np.uint8], smooth: NDArray[np.uint8], low: float, close_px: int
) -> NDArray[np.uint8]:
    """Which pixels are above the low threshold, ``uint8 [H, W]`` of 0 and 1.

    Smoothing brings out faint lines, but it also spreads bright objects by a pixel: so a pixel
    must have some signal of its own.
    """
    above = cv2.threshold(smooth, int(low), 1, cv2.THRESH_BINARY)[1]
    own = cv2.threshold(signal, int(low / 2), 1, cv2.THRESH_BINARY)[1]
    cv2.bitwise_and(above, own, dst=above)
    if close_px > 1:
        square = np.ones((close_px, close_px), np.uint8)
        above = cv2.morphologyEx(above, cv2.MORPH_CLOSE, square)
    return np.asarray(above, np.uint8)


def _outlines(above: NDArray[np.uint8], esd_min_px: float) -> tuple[list[_Outline], int, int]:
    """Outlines that may enclose enough, and the counts of specks and of those left unlooked at.

    An outline of n steps encloses at most the area of a circle of that length (a diagonal step
    being the longer one): this bound is cheap and drops the thousands of specks at once.
    """
    found, tree = cv2.findContours(above, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not found:
        return [], 0, 0
    relations = np.asarray(tree, np.int32)[0]  # [n, 4]: next, previous, first child, parent
    lengths = np.fromiter((len(line) for line in found), np.int64, len(found))
    outer = relations[:, 3] < 0
    shortest = math.pi * (esd_min_px - 2) / math.sqrt(2)
    (chosen,) = (outer & (lengths >= shortest)).nonzero()
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


def _shape(outline: _Outline, pinhole_px: float) -> _Shape:
    """The component of an outline; holes smaller than the smallest object are filled."""
    x, y, width, height = cv2.boundingRect(outline.points)
    mask = np.zeros((height, width), np.uint8)
    cv2.drawContours(mask, [outline.points], 0, (1,), cv2.FILLED, offset=(-x, -y))
    filled_px = cv2.countNonZero(mask)
    holes = [hole for hole in outline.holes if cv2.contourArea(hole) >= pinhole_px]
    for hole in holes:
        cv2.drawContours(mask, [hole], 0, (0,), cv2.FILLED, offset=(-x, -y))
    # OpenCV's outline of a hole runs over the object's own pixels round it.
    cv2.drawContours(mask, holes, -1, (1,), 1, offset=(-x, -y))
    return _Shape(x, y, mask, filled_px)


def _reaches(shape: _Shape, smooth: NDArray[np.uint8], high: float, pixels: int) -> bool:
    height, width = shape.mask.shape
    here = smooth[shape.by : shape.by + height, shape.bx : shape.bx + width]
    bright = cv2.threshold(here, int(high), 1, cv2.THRESH_BINARY)[1]
    return cv2.countNonZero(cv2.bitwise_and(bright, shape.mask)) >= pixels


def _is_refused(shape: _Shape, settings: SegmentSettings, size: tuple[int, ...]) -> bool:
    if _esd_px(shape.filled_px) > settings.esd_max_px:
        return True
    return settings.border == "drop" and _touches(shape, size)


def _touches(shape: _Shape, size: tuple[int, ...]) -> bool:
    height, width = shape.mask.shape
    right, bottom = shape.bx + width, shape.by + height
    return shape.bx == 0 or shape.by == 0 or bottom == size[0] or right == size[1]


def _esd_px(area_px: float) -> float:
    return 2 * math.sqrt(area_px / math.pi)


def _region(shape: _Shape, found: Segmentation, settings: SegmentSettings) -> Region:
    height, width = shape.mask.shape
    box = np.s_[shape.by : shape.by + height, shape.bx : shape.bx + width]
    signal = np.ascontiguousarray(found.signal[box])
    return Region(
        bx=shape.bx,
        by=shape.by,
        grey=signal if found.field == "dark" else np.asarray(cv2.bitwise_not(signal), np.uint8),
        mask=shape.mask.view(np.bool_),
        signal=signal,
        touches_border=_touches(shape, found.signal.shape),
        esd_um=_esd_px(shape.filled_px) * settings.pixel_um,
        area_px=cv2.countNonZero(shape.mask),
    )

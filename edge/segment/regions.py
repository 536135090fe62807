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
from collections.abc import Iterator
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
    above = _above(smooth, low, settings.close_px)
    outlines, ignored = _outlines(above, settings)
    specks, faint, refused, dropped = ignored
    shapes: list[_Shape] = []
    for outline in outlines:
        for shape in _shapes(outline, above, math.pi / 4 * settings.esd_min_px**2):
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


def _above(smooth: NDArray[np.uint8], low: float, close_px: int) -> NDArray[np.uint8]:
    above = cv2.threshold(smooth, int(low), 1, cv2.THRESH_BINARY)[1]
    if close_px > 1:
        square = np.ones((close_px, close_px), np.uint8)
        above = cv2.morphologyEx(above, cv2.MORPH_CLOSE, square)
    return np.asarray(above, np.uint8)


def _outlines(
    above: NDArray[np.uint8], settings: SegmentSettings
) -> tuple[list[NDArray[np.int32]], tuple[int, int, int, int]]:
    """Outer outlines that may enclose enough; counts (specks, faint, refused, dropped) of others.

    An outline of n steps encloses at most the area of a circle of that length (a diagonal step
    being the longer one): this bound is cheap and drops the thousands of specks at once.
    """
    found = cv2.findContours(above, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    shortest = math.pi * (settings.esd_min_px - 2) / math.sqrt(2)
    outlines = [np.asarray(outline, np.int32) for outline in found if len(outline) >= shortest]
    specks = len(found) - len(outlines)
    dropped = max(0, len(outlines) - MAX_COMPONENTS)
    if dropped:
        outlines = sorted(outlines, key=len, reverse=True)[:MAX_COMPONENTS]
    return outlines, (specks, 0, 0, dropped)


def _shapes(
    outline: NDArray[np.int32], above: NDArray[np.uint8], pinhole_px: float
) -> Iterator[_Shape]:
    """The component of an outline, and any others that lie in its holes."""
    x, y, width, height = cv2.boundingRect(outline)
    filled = np.zeros((height, width), np.uint8)
    cv2.drawContours(filled, [outline], 0, 1, cv2.FILLED, offset=(-x, -y))
    filled_px = cv2.countNonZero(filled)
    mask = cv2.bitwise_and(filled, above[y : y + height, x : x + width])
    if cv2.countNonZero(mask) == filled_px:
        yield _Shape(x, y, filled, filled_px)
        return
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    own = int(labels[outline[0, 0, 1] - y, outline[0, 0, 0] - x])
    yield _Shape(x, y, _without_pinholes((labels == own).astype(np.uint8), pinhole_px), filled_px)
    if count > 2:
        nested = ((labels > 0) & (labels != own)).astype(np.uint8)
        for inner in cv2.findContours(nested, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
            for shape in _shapes(np.asarray(inner, np.int32), nested, pinhole_px):
                yield replace(shape, bx=shape.bx + x, by=shape.by + y)


def _without_pinholes(mask: NDArray[np.uint8], pinhole_px: float) -> NDArray[np.uint8]:
    """The mask with holes filled that are smaller than the smallest object."""
    empty = np.pad(1 - mask, 1, constant_values=1)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(empty, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < pinhole_px
    small[[0, labels[0, 0]]] = False  # the mask itself, and what is outside
    if count <= 2 or not small.any():
        return mask
    return np.asarray(cv2.bitwise_or(mask, small[labels[1:-1, 1:-1]].astype(np.uint8)), np.uint8)


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

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

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.segment import native, outlines
from edge.segment.background import Background, Corrected
from edge.segment.components import Component, Components, Limits, Pixels, esd_px
from edge.segment.settings import SegmentSettings


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


def segment(
    grey: NDArray[np.uint8], background: Background, settings: SegmentSettings
) -> Segmentation:
    """Find the regions of a frame ``uint8 [H, W]``; the background learns from it.

    By the C library if there is one, else by OpenCV, with the same result. Raises ValueError if the
    frame is not 8-bit grey.
    """
    corrected = background.correct(grey)
    limits = limits_of(corrected.noise, settings)
    found = native.find_components(corrected.signal, limits)
    if found is not None:
        return _chosen(corrected, found, settings)
    return _chosen(corrected, outlines.find_components(corrected.signal, limits), settings)


def segment_by_outlines(
    grey: NDArray[np.uint8], background: Background, settings: SegmentSettings
) -> Segmentation:
    """`segment` as OpenCV alone does it: the definition."""
    corrected = background.correct(grey)
    limits = limits_of(corrected.noise, settings)
    return _chosen(corrected, outlines.find_components(corrected.signal, limits), settings)


def thresholds(noise: float, settings: SegmentSettings) -> tuple[float, float]:
    """The low and the high threshold, in grey levels, for a measured noise."""
    low = min(settings.low_ceiling, max(settings.low_floor, settings.low_noises * noise))
    high = min(settings.high_ceiling, max(settings.high_floor, settings.high_noises * noise))
    return low, max(low, high)


def limits_of(noise: float, settings: SegmentSettings) -> Limits:
    """What the components of a frame of this noise are found by."""
    low, high = thresholds(noise, settings)
    return Limits(int(low), int(low / 2), int(high), settings.close_px, settings.esd_min_px)


def _chosen(corrected: Corrected, parts: Components, settings: SegmentSettings) -> Segmentation:
    """The segmentation of a frame, from its components."""
    size = corrected.signal.shape
    faint = refused = 0
    kept: list[int] = []
    for i, part in enumerate(parts.found):
        if part.high_px < settings.high_pixels:
            faint += 1
        elif _is_refused(part, settings, size):
            refused += 1
        else:
            kept.append(i)
    kept.sort(key=lambda i: -parts.found[i].filled_px)
    dropped = parts.dropped + max(0, len(kept) - settings.max_regions)
    kept = sorted(
        kept[: settings.max_regions], key=lambda i: (parts.found[i].by, parts.found[i].bx)
    )
    low, high = thresholds(corrected.noise, settings)
    regions = tuple(
        _region(parts.found[i], pixels, corrected, settings)
        for i, pixels in zip(kept, parts.cut(kept), strict=True)
    )
    return Segmentation(
        regions, corrected.signal, corrected.field, parts.specks, faint, refused, dropped,
        corrected.brightness, corrected.drift, corrected.noise, low, high, corrected.message,
    )  # fmt: skip


def _is_refused(part: Component, settings: SegmentSettings, size: tuple[int, ...]) -> bool:
    if esd_px(part.filled_px) > settings.esd_max_px:
        return True
    return settings.border == "drop" and _touches(part, size)


def _touches(part: Component, size: tuple[int, ...]) -> bool:
    right, bottom = part.bx + part.width, part.by + part.height
    return part.bx == 0 or part.by == 0 or bottom == size[0] or right == size[1]


def _region(
    part: Component, pixels: Pixels, corrected: Corrected, settings: SegmentSettings
) -> Region:
    signal = pixels.signal
    return Region(
        bx=part.bx,
        by=part.by,
        grey=signal if corrected.field == "dark" else np.asarray(cv2.bitwise_not(signal), np.uint8),
        mask=pixels.mask,
        signal=signal,
        touches_border=_touches(part, corrected.signal.shape),
        esd_um=esd_px(part.filled_px) * settings.pixel_um,
        area_px=pixels.area_px,
    )

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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edge.segment import native
from edge.segment.background import Background, Corrected
from edge.segment.components import Components, Limits, Table, esds_px
from edge.segment.settings import SegmentSettings
from edge.segment.splitting import Objects, split_touching, taken
from models.crops import Crops

CROWDED = "more specks than memory is kept for: gaps between them closed"


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
    """What was found in one frame, and what was not kept. The n objects are in reading order."""

    crops: Crops
    area_px: NDArray[np.int64]
    """``[n]``: the pixels of each mask."""
    esd_um: NDArray[np.float64]
    """``[n]``: of the area with holes filled, as the measure ``esd``."""
    touches_border: NDArray[np.bool_]
    """``[n]``"""
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
    split: int
    """Objects that were several in touch and are here in pieces."""
    message: str | None = None

    @cached_property
    def regions(self) -> Sequence[Region]:
        """The same objects one by one, made when they are asked for."""
        return tuple(self._regions())

    def _regions(self) -> Iterator[Region]:
        for i, (bx, by, _, _) in enumerate(self.crops.boxes.tolist()):
            signal = self.crops.signal(i)
            yield Region(
                bx=bx,
                by=by,
                grey=signal if self.field == "dark" else np.bitwise_not(signal),
                mask=self.crops.mask(i),
                signal=signal,
                touches_border=bool(self.touches_border[i]),
                esd_um=float(self.esd_um[i]),
                area_px=int(self.area_px[i]),
            )


def segment(
    grey: NDArray[np.uint8], background: Background, settings: SegmentSettings
) -> Segmentation:
    """Find the objects of a frame ``uint8 [H, W]``; the background learns from it.

    By the C library if there is one, else by OpenCV, with the same result. Raises ValueError if the
    frame is not 8-bit grey.
    """
    return _segment(grey, background, settings, by_definition=False)


def segment_by_outlines(
    grey: NDArray[np.uint8], background: Background, settings: SegmentSettings
) -> Segmentation:
    """`segment` as OpenCV alone does it: the definition."""
    return _segment(grey, background, settings, by_definition=True)


def thresholds(noise: float, settings: SegmentSettings) -> tuple[float, float]:
    """The low and the high threshold, in grey levels, for a measured noise."""
    low = min(settings.low_ceiling, max(settings.low_floor, settings.low_noises * noise))
    high = min(settings.high_ceiling, max(settings.high_floor, settings.high_noises * noise))
    return low, max(low, high)


def limits_of(noise: float, settings: SegmentSettings) -> Limits:
    """What the components of a frame of this noise are found by."""
    low, high = thresholds(noise, settings)
    return Limits(int(low), int(low / 2), int(high), settings.close_px, settings.esd_min_px)


def _by_either(signal: NDArray[np.uint8], limits: Limits) -> Components:
    found = native.find_components(signal, limits)
    return _by_outlines(signal, limits) if found is None else found


def _by_outlines(signal: NDArray[np.uint8], limits: Limits) -> Components:
    from edge.segment import outlines  # OpenCV takes 30 MB: only where it is needed

    return outlines.find_components(signal, limits)


def _segment(
    grey: NDArray[np.uint8],
    background: Background,
    settings: SegmentSettings,
    by_definition: bool,
) -> Segmentation:
    corrected = background.correct(grey)
    find = _by_outlines if by_definition else _by_either
    parts = find(corrected.signal, limits_of(corrected.noise, settings))
    table, size = parts.table, corrected.signal.shape
    faint = table.high_px < settings.high_pixels
    refused = ~faint & _is_refused(table, _touches(table.boxes, size), settings)
    chosen, dropped = _largest(
        table.boxes, table.filled_px, np.flatnonzero(~faint & ~refused), settings.max_regions
    )
    found = Objects(parts.cut(chosen), table.filled_px[chosen], table.area_px[chosen])
    split = more = 0
    if settings.split == "auto":
        found, split, more = _split(found, settings, by_definition)
    low, high = thresholds(corrected.noise, settings)
    return Segmentation(
        found.crops, found.area_px, esds_px(found.filled_px) * settings.pixel_um,
        _touches(found.crops.boxes, size), corrected.signal, corrected.field, parts.specks,
        int(np.count_nonzero(faint)), int(np.count_nonzero(refused)), dropped + more,
        corrected.brightness, corrected.drift, corrected.noise, low, high, split,
        _message(corrected, parts),
    )  # fmt: skip


def _split(
    found: Objects, settings: SegmentSettings, by_definition: bool
) -> tuple[Objects, int, int]:
    """Those in touch told apart; how many were; how many beyond the cap are left out."""
    pieces, split = split_touching(found, settings.esd_min_px, by_definition)
    if split == 0:
        return found, 0, 0
    every = np.arange(len(pieces.crops))
    order, dropped = _largest(pieces.crops.boxes, pieces.filled_px, every, settings.max_regions)
    crops = taken(pieces.crops, order)
    return Objects(crops, pieces.filled_px[order], pieces.area_px[order]), split, dropped


def _largest(
    boxes: NDArray[np.int32], filled_px: NDArray[np.int64], kept: NDArray[np.intp], most: int
) -> tuple[NDArray[np.intp], int]:
    """The largest of some objects in reading order, and how many of them are left out."""
    dropped = max(0, len(kept) - most)
    if dropped:
        order = np.argsort(-filled_px[kept], kind="stable")
        kept = np.sort(kept[order[:most]])
    return kept[np.lexsort((boxes[kept, 0], boxes[kept, 1]))], dropped


def _is_refused(
    table: Table, touches: NDArray[np.bool_], settings: SegmentSettings
) -> NDArray[np.bool_]:
    too_large: NDArray[np.bool_] = esds_px(table.filled_px) > settings.esd_max_px
    return too_large | touches if settings.border == "drop" else too_large


def _touches(boxes: NDArray[np.int32], size: tuple[int, ...]) -> NDArray[np.bool_]:
    bx, by, width, height = boxes.T
    touches: NDArray[np.bool_] = (
        (bx == 0) | (by == 0) | (by + height == size[0]) | (bx + width == size[1])
    )
    return touches


def _message(corrected: Corrected, parts: Components) -> str | None:
    said = [corrected.message or "", CROWDED if parts.crowded else ""]
    return "; ".join(filter(None, said)) or None

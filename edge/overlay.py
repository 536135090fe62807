"""A frame with what was found drawn on it, for a person to judge by eye.

The frame is stretched so that faint antennae can be seen, each object gets its outline, box and (if
classified) its taxon and score, and a scale bar says how big things are.

Example::

    picture = draw(result, pixel_um=10.0)       # uint8 [H, W, 3], blue-green-red as OpenCV has it
"""

from __future__ import annotations

import math
from typing import TypeAlias
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.pipeline import FrameResult, ObjectResult

Colour: TypeAlias = tuple[int, int, int]

# Okabe and Ito's colours, told apart by colour-blind people too; blue, green, red.
PALETTE: tuple[Colour, ...] = (
    (0, 159, 230),
    (233, 180, 86),
    (115, 158, 0),
    (66, 228, 240),
    (178, 114, 0),
    (0, 94, 213),
    (167, 121, 204),
)
_WHITE: Colour = (255, 255, 255)
_BLACK: Colour = (0, 0, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_READABLE_WIDTH = 2048  # at this width text is drawn at its normal size


def draw(result: FrameResult, pixel_um: float | None) -> NDArray[np.uint8]:
    """The frame with outlines, boxes, labels and a scale bar, ``uint8 [H, W, 3]``.

    ``pixel_um`` None: the scale is not known and the bar is in pixels.
    """
    picture = np.asarray(cv2.cvtColor(_stretched(result), cv2.COLOR_GRAY2BGR), np.uint8)
    size = max(0.35, min(1.5, picture.shape[1] / _READABLE_WIDTH * 0.5))
    for number, found in enumerate(result.objects):
        _outline(picture, found, _colour(found, number))
    if any(found.taxon for found in result.objects):
        _labels(picture, result, size)
    _scale_bar(picture, pixel_um, size)
    return picture


def nice_length(longest: float) -> float:
    """The longest of 1, 2, 5, 10, 20... that is not above ``longest``."""
    power = 10.0 ** math.floor(math.log10(longest))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= longest)


def _stretched(result: FrameResult) -> NDArray[np.uint8]:
    """The frame's grey with the background at one end and faint signal lifted."""
    signal = result.segmentation.signal
    levels = (np.linspace(0, 1, 256) ** 0.5 * 255).astype(np.uint8)
    if result.segmentation.field == "dark":
        return np.asarray(cv2.LUT(signal, levels), np.uint8)
    return result.frame.grey


def _colour(found: ObjectResult, number: int) -> Colour:
    """A taxon has the same colour in every frame; without taxa, neighbours differ."""
    key = crc32(found.taxon.encode()) if found.taxon else number
    return PALETTE[key % len(PALETTE)]


def _outline(picture: NDArray[np.uint8], found: ObjectResult, colour: Colour) -> None:
    region = found.region
    height, width = region.mask.shape
    contours, _ = cv2.findContours(
        region.mask.view(np.uint8),
        cv2.RETR_CCOMP,
        cv2.CHAIN_APPROX_NONE,
        offset=(region.bx, region.by),
    )
    cv2.drawContours(picture, contours, -1, colour, 1)
    corner = (region.bx + width - 1, region.by + height - 1)
    cv2.rectangle(picture, (region.bx, region.by), corner, colour, 1)


def _labels(picture: NDArray[np.uint8], result: FrameResult, size: float) -> None:
    """Taxon and score beside each box, the largest objects first; none over another or an object.

    Where a crowd leaves no room the label is left out: the outline's colour still tells the taxon.
    """
    taken = _object_pixels(picture.shape[:2], result)
    colours = [_colour(found, number) for number, found in enumerate(result.objects)]
    order = sorted(range(len(colours)), key=lambda i: -result.objects[i].region.area_px)
    for i in order:
        found = result.objects[i]
        text = f"{found.taxon} {found.score:.2f}"
        (width, height), base = cv2.getTextSize(text, _FONT, size, 1)
        place = _free_place(taken, found, width, height + base)
        if not found.taxon or place is None:
            continue
        x, y = place
        taken[y : y + height + base, x : x + width] = True
        corner = (x + width - 1, y + height + base - 1)
        cv2.rectangle(picture, (x, y), corner, colours[i], cv2.FILLED)
        cv2.putText(picture, text, (x, y + height), _FONT, size, _BLACK, 1, cv2.LINE_AA)


def _object_pixels(shape: tuple[int, ...], result: FrameResult) -> NDArray[np.bool_]:
    taken = np.zeros(shape, np.bool_)
    for found in result.objects:
        region = found.region
        height, width = region.mask.shape
        taken[region.by : region.by + height, region.bx : region.bx + width] |= region.mask
    return taken


def _free_place(
    taken: NDArray[np.bool_], found: ObjectResult, width: int, height: int
) -> tuple[int, int] | None:
    """Where a label finds room: above the box, below, to its right, its left, in its corners."""
    rows, columns = taken.shape
    tall, wide = found.region.mask.shape
    left, top = found.region.bx, found.region.by
    starts = (left, left + wide - width)
    places = (
        *((x, top - height) for x in starts),
        *((x, top + tall) for x in starts),
        (left + wide, top),
        (left - width, top),
        *((x, y) for y in (top, top + tall - height) for x in starts if wide > 2 * width),
    )
    for x, y in places:
        inside = min(x, y) >= 0 and x + width <= columns and y + height <= rows
        if inside and not taken[y : y + height, x : x + width].any():
            return x, y
    return None


def _scale_bar(picture: NDArray[np.uint8], pixel_um: float | None, size: float) -> None:
    height, width = picture.shape[:2]
    if width < 64 or height < 64:
        return
    unit = 1.0 if pixel_um is None else pixel_um
    length = nice_length(width * unit / 5)
    bar = round(length / unit)
    if pixel_um is None:
        text = f"{length:g} px"
    else:
        text = f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} um"
    thick = max(2, round(4 * size))
    x, y = width // 50, height - height // 50
    cv2.rectangle(picture, (x - 2, y - thick - 2), (x + bar + 2, y + 2), _BLACK, cv2.FILLED)
    cv2.rectangle(picture, (x, y - thick), (x + bar, y), _WHITE, cv2.FILLED)
    place = (x, y - thick - 6)
    cv2.putText(picture, text, place, _FONT, size, _BLACK, 4, cv2.LINE_AA)
    cv2.putText(picture, text, place, _FONT, size, _WHITE, 1, cv2.LINE_AA)

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
    size = max(0.35, min(1.5, picture.shape[1] / _READABLE_WIDTH * 0.6))
    for number, found in enumerate(result.objects):
        _outline(picture, found, _colour(found, number))
    for number, found in enumerate(result.objects):
        if found.taxon:
            _label(picture, found, _colour(found, number), size)
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


def _label(picture: NDArray[np.uint8], found: ObjectResult, colour: Colour, size: float) -> None:
    """Taxon and score above the box, or in it where the frame ends; dark letters on the colour."""
    text = f"{found.taxon} {found.score:.2f}"
    (width, height), base = cv2.getTextSize(text, _FONT, size, 1)
    x = max(0, min(found.region.bx, picture.shape[1] - width - 2))
    y = found.region.by - base
    if y - height < 0:
        y = found.region.by + height + 2
    cv2.rectangle(picture, (x, y - height - 1), (x + width, y + base - 1), colour, cv2.FILLED)
    cv2.putText(picture, text, (x, y), _FONT, size, _BLACK, 1, cv2.LINE_AA)


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

"""Kept objects that are several in touch, cut apart at their necks: `[segment] split = "auto"`.

What a lobe is stands in ``lobes.py``. Off unless asked for: of 1474 single simulated organisms 12
(0.8 %) were cut, of 80 pairs in touch 10 rightly told apart, and it takes several times as long as
all the rest of the segmentation. Most of what touches overlaps, and then there is no neck to find.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.segment import native_lobes
from models.crops import Crops

PASS_PERCENT = 30
"""Of the lower summit: so high is a neck's middle at most. At 50, 6 % of single organisms were cut:
copepods at the neck and appendicularians at the tail."""
LOBES_MOST = 16
"""What has more lobes is one thing, a colony or a chain."""
SMALLEST_SUMMIT_PX = 6
"""The radius of the smallest lobe, however small the objects are that are asked for."""


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of a frame with their sizes, n of each."""

    crops: Crops
    filled_px: NDArray[np.int64]
    area_px: NDArray[np.int64]


def split_touching(
    objects: Objects, esd_min_px: float, by_definition: bool = False
) -> tuple[Objects, int]:
    """The same objects, those of several lobes in pieces in their stead; how many were cut.

    ``by_definition``: by OpenCV even where the C library is there, to the same result.
    """
    summit = max(SMALLEST_SUMMIT_PX, math.ceil(esd_min_px / 2))
    crops = objects.crops
    found = None
    if not by_definition:
        found = native_lobes.find_lobes(crops, summit, PASS_PERCENT, LOBES_MOST)
    lobes, labels = _by_definition(crops, summit) if found is None else found
    cut = np.flatnonzero(lobes > 1)
    if len(cut) == 0:
        return objects, 0
    whole = np.flatnonzero(lobes == 1)
    pieces = [piece for i in cut.tolist() for piece in _pieces(crops, i, labels)]
    added = Crops.of((signal, mask, bx, by) for signal, mask, bx, by, _ in pieces)
    filled = np.array([filled_px for *_, filled_px in pieces], np.int64)
    area = np.array([np.count_nonzero(mask) for _, mask, *_ in pieces], np.int64)
    return Objects(
        _joined(taken(crops, whole), added),
        np.concatenate([objects.filled_px[whole], filled]),
        np.concatenate([objects.area_px[whole], area]),
    ), len(cut)


def taken(crops: Crops, chosen: NDArray[np.intp]) -> Crops:
    """Some of the objects, in the order asked for."""
    boxes = [crops.boxes[i, :2].tolist() for i in chosen]
    return Crops.of(
        (crops.signal(int(i)), crops.mask(int(i)), bx, by)
        for i, (bx, by) in zip(chosen, boxes, strict=True)
    )


Piece = tuple[NDArray[np.uint8], NDArray[np.bool_], int, int, int]
"""Signal and mask in a tight box, its place, and the pixels with the holes."""


def _pieces(crops: Crops, i: int, labels: NDArray[np.uint8]) -> list[Piece]:
    mask, signal = crops.mask(i), crops.signal(i)
    owner = labels[crops.starts[i] : crops.starts[i + 1]].reshape(mask.shape)
    bx, by = crops.boxes[i, :2].tolist()
    pieces: list[Piece] = []
    for lobe in range(1, int(owner.max()) + 1):
        whole = owner == lobe
        own = whole & mask
        ys, xs = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
        if len(ys) == 0:  # nothing but a hole
            continue
        box = slice(ys[0], ys[-1] + 1), slice(xs[0], xs[-1] + 1)
        place = bx + int(xs[0]), by + int(ys[0])
        pieces.append((signal[box], own[box], *place, int(np.count_nonzero(whole))))
    return pieces


def _joined(one: Crops, other: Crops) -> Crops:
    return Crops(
        np.concatenate([one.boxes, other.boxes]),
        np.concatenate([one.starts, one.starts[-1] + other.starts[1:]]),
        np.concatenate([one.masks, other.masks]),
        np.concatenate([one.signals, other.signals]),
    )


def _by_definition(crops: Crops, summit: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    from edge.segment.lobes import lobes_of  # with OpenCV

    lobes, labels = np.ones(len(crops), np.int32), np.zeros(len(crops.masks), np.uint8)
    for i in range(len(crops)):
        found = lobes_of(crops.mask(i), summit, PASS_PERCENT, LOBES_MOST)
        if found is not None:
            lobes[i] = found.max()
            labels[crops.starts[i] : crops.starts[i + 1]] = found.ravel()
    return lobes, labels

"""`lobes.lobes_of` for all objects of a frame by the C library (edge/native/split.h), alike."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from models import native
from models.crops import Crops

VERSION = 1
MAX_SIDE = 16384

Labels = NDArray[np.uint8]


class _Splitting(ctypes.Structure):
    """`seadrift_splitting` of edge/native/split.h, field for field."""

    _fields_ = (
        ("boxes", ctypes.c_void_p),
        ("starts", ctypes.c_void_p),
        ("masks", ctypes.c_void_p),
        ("cells", ctypes.c_int64),
        ("objects", ctypes.c_int32),
        ("summit", ctypes.c_int32),
        ("pass_percent", ctypes.c_int32),
        ("lobes_most", ctypes.c_int32),
        ("height", ctypes.c_void_p),
        ("room", ctypes.c_void_p),
        ("room_cells", ctypes.c_int64),
        ("labels", ctypes.c_void_p),
        ("lobes", ctypes.c_void_p),
    )


def _library() -> ctypes.CDLL | None:
    try:
        known = native.LIBRARY is not None and native.LIBRARY.seadrift_split_version()
    except AttributeError:  # a library of an earlier build
        return None
    return native.LIBRARY if known == VERSION else None


LIBRARY = _library()


def find_lobes(
    crops: Crops, summit: int, pass_percent: int, most: int
) -> tuple[NDArray[np.int32], Labels] | None:
    """How many lobes each object has, ``int32 [n]``, and which each cell of an object with more
    than one belongs to, ``uint8`` like ``crops.masks``. None: ask the definition."""
    if LIBRARY is None or len(crops) == 0 or crops.boxes[:, 2:].max() > MAX_SIDE:
        return None
    largest = int((crops.boxes[:, 2].astype(np.int64) * crops.boxes[:, 3]).max())
    heights, room = np.empty(largest, np.uint16), np.empty(4 * largest + 4, np.int32)
    labels, lobes = np.empty(len(crops.masks), np.uint8), np.empty(len(crops), np.int32)
    asked = _Splitting(
        crops.boxes.ctypes.data, crops.starts.ctypes.data, crops.masks.ctypes.data,
        len(crops.masks), len(crops), summit, pass_percent, most,
        heights.ctypes.data, room.ctypes.data, largest, labels.ctypes.data, lobes.ctypes.data,
    )  # fmt: skip
    code = LIBRARY.seadrift_split(ctypes.byref(asked))
    if code != 0:
        raise RuntimeError(f"seadrift_split refused {len(crops)} objects: code {code}")
    return lobes, labels

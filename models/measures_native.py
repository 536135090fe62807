"""The measures of all objects of a frame by the C library (edge/native/measures.h).

`measure_native` returns None where it leaves the objects to the definition in Python: no library,
or a side longer than MAX_SIDE.

Example::

    values = measure_native(crops, "dark", costly=True)     # float32 [n, K] or None
"""

from __future__ import annotations

import ctypes
import threading

import numpy as np
from numpy.typing import NDArray

from models import native
from models.crops import Crops
from models.measure_table import MEASURES

MAX_SIDE = 4096
_OK, _SMALL = 0, 8
_FIRST_ROOM = 1 << 18  # bytes; grows to what the largest object needs


class _Frame(ctypes.Structure):
    """`seadrift_measures` of edge/native/measures.h, field for field."""

    _fields_ = (
        ("boxes", ctypes.c_void_p),
        ("starts", ctypes.c_void_p),
        ("masks", ctypes.c_void_p),
        ("signals", ctypes.c_void_p),
        ("cells", ctypes.c_int64),
        ("objects", ctypes.c_int32),
        ("bright", ctypes.c_int32),
        ("costly", ctypes.c_int32),
        ("columns", ctypes.c_int32),
        ("scratch", ctypes.c_void_p),
        ("scratch_bytes", ctypes.c_int64),
        ("values", ctypes.c_void_p),
        ("needed_scratch", ctypes.c_int64),
        ("refused", ctypes.c_int32),
    )


_THREAD = threading.local()


def _scratch(least: int) -> NDArray[np.uint8]:
    """This thread's room, kept from frame to frame: new pages cost more than the work."""
    room: NDArray[np.uint8] | None = getattr(_THREAD, "room", None)
    if room is None or len(room) < least:
        room = _THREAD.room = np.empty(max(least, _FIRST_ROOM), np.uint8)
    return room


def measure_native(crops: Crops, field: str, costly: bool) -> NDArray[np.float32] | None:
    """``float32 [n, K]``, or None: ask the definition. Raises ValueError for objects that cannot be
    measured (an empty mask, a box that does not fit its pixels)."""
    if native.LIBRARY is None or (len(crops) and int(crops.boxes[:, 2:].max()) > MAX_SIDE):
        return None
    boxes = np.ascontiguousarray(crops.boxes, np.int32)
    starts = np.ascontiguousarray(crops.starts, np.int64)
    masks = np.ascontiguousarray(crops.masks, np.uint8)
    signals = np.ascontiguousarray(crops.signals, np.uint8)
    values = np.empty((len(boxes), len(MEASURES)), np.float32)
    if boxes.shape != (len(boxes), 4) or starts.shape != (len(boxes) + 1,):
        raise ValueError(f"boxes {boxes.shape} and starts {starts.shape}: expected [n, 4], [n + 1]")
    room = _scratch(0)
    frame = _Frame(
        boxes.ctypes.data, starts.ctypes.data, masks.ctypes.data, signals.ctypes.data,
        min(masks.size, signals.size), len(boxes), int(field == "bright"), int(costly),
        len(MEASURES), room.ctypes.data, len(room), values.ctypes.data,
    )  # fmt: skip
    while (code := int(native.LIBRARY.seadrift_measure(ctypes.byref(frame)))) == _SMALL:
        room = _scratch(int(frame.needed_scratch) * 5 // 4)
        frame.scratch, frame.scratch_bytes = room.ctypes.data, len(room)
    if code != _OK:
        raise ValueError(f"object {frame.refused}: cannot be measured (its mask is empty?)")
    return values

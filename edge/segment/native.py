"""Components of a frame by the C library (edge/native/segment.h), with OpenCV's results.

`find_components` returns None where it leaves the frame to `outlines.py`: no library, or a closing
other than 3 x 3. Any frame is done in bounded memory: 4 bytes a pixel for the runs at most.

Example::

    found = find_components(signal, limits) or outlines.find_components(signal, limits)
"""

from __future__ import annotations

import ctypes
import math
import threading
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.segment import buffers
from edge.segment.components import CLOSE_PX, MAX_RUNS, Limits, Table, esd_px
from models import native
from models.crops import Crops

VERSION = 3
_OK, _SMALL_RUNS, _SMALL_PARTS, _SMALL_OBJECTS = 0, 4, 5, 6
_FIRST_ROOM = 1 << 15  # runs and parts; a usual frame has ten thousand
_FIRST_OBJECTS = 1 << 10

_RUN = np.dtype([(name, np.int32) for name in ("x0", "part")])
_PART = np.dtype(
    [
        (name, np.int32)
        for name in (
            "parent", "home", "inside", "first_x", "first_y", "area", "filled", "object",
        )
    ]
)  # fmt: skip
_OBJECT = np.dtype(
    [(name, np.int32) for name in ("part", "bx", "by", "width", "height", "filled", "area", "high")]
)


class _Frame(ctypes.Structure):
    """`seadrift_frame` of edge/native/segment.h, field for field."""

    _fields_ = (
        ("signal", ctypes.c_void_p),
        ("height", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("low", ctypes.c_int32),
        ("own", ctypes.c_int32),
        ("high", ctypes.c_int32),
        ("close", ctypes.c_int32),
        ("filled_min", ctypes.c_int32),
        ("pinhole", ctypes.c_double),
        ("bits", ctypes.c_void_p),
        ("sums", ctypes.c_void_p),
        ("starts", ctypes.c_void_p),
        ("runs", ctypes.c_void_p),
        ("parts", ctypes.c_void_p),
        ("runs_room", ctypes.c_int32),
        ("parts_room", ctypes.c_int32),
        ("objects_room", ctypes.c_int32),
        ("objects", ctypes.c_void_p),
        ("runs_count", ctypes.c_int32),
        ("parts_count", ctypes.c_int32),
        ("objects_count", ctypes.c_int32),
        ("specks", ctypes.c_int32),
    )


class _Room:
    """Buffers of one thread, kept from frame to frame: new pages cost more than the work."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        words = (width + 63) // 64
        groups = (words + 63) // 64
        bits = 2 * height * words + 3 * (words + 2) + (height + 4) * groups
        self.bits = np.empty(bits, np.uint64)
        self.sums = np.empty(width + 2, np.uint16)
        self.starts = np.empty(height + 1, np.int32)
        self.runs = np.empty(_FIRST_ROOM, _RUN)
        self.parts = np.empty(_FIRST_ROOM, _PART)
        self.objects = np.empty(_FIRST_OBJECTS, _OBJECT)

    def lend(self, frame: _Frame) -> None:
        """Put the buffers into the frame."""
        for name in ("bits", "sums", "starts", "runs", "parts", "objects"):
            setattr(frame, name, getattr(self, name).ctypes.data)
        frame.runs_room, frame.parts_room = len(self.runs), len(self.parts)
        frame.objects_room = len(self.objects)

    def grow(self, code: int, frame: _Frame) -> None:
        """Make room for what the frame turned out to need."""
        if code == _SMALL_RUNS:
            self.runs = np.empty(_roomy(frame.runs_count), _RUN)
        elif code == _SMALL_PARTS:
            self.parts = np.empty(_roomy(frame.parts_count), _PART)
        else:
            self.objects = np.empty(_roomy(frame.objects_count), _OBJECT)


def _roomy(count: int) -> int:
    """So that the next frame, which may need a little more, need not be begun twice."""
    return count + count // 8


_THREAD = threading.local()


def _room(height: int, width: int) -> _Room:
    room: _Room | None = getattr(_THREAD, "room", None)
    if room is None or room.size != (height, width):
        room = _THREAD.room = _Room(height, width)
    return room


def _library() -> ctypes.CDLL | None:
    try:
        known = native.LIBRARY is not None and native.LIBRARY.seadrift_segment_version() == VERSION
    except AttributeError:  # a library of an earlier build
        return None
    return native.LIBRARY if known else None


LIBRARY = _library()


@dataclass(frozen=True, eq=False)
class Found:
    """The components of a frame; valid until this thread looks at the next frame."""

    library: ctypes.CDLL
    frame: _Frame
    signal: NDArray[np.uint8]
    room: _Room
    table: Table
    specks: int
    crowded: bool

    def cut(self, chosen: NDArray[np.intp]) -> Crops:
        boxes = self.table.boxes[chosen]
        starts = np.zeros(len(chosen) + 1, np.int64)
        np.cumsum(boxes[:, 2].astype(np.int64) * boxes[:, 3], out=starts[1:])
        cells = int(starts[-1])
        masks, signals = buffers.lend(cells), buffers.lend(cells)
        # The table has the last object first, as OpenCV's outlines come.
        which = (len(self.table) - 1 - chosen).astype(np.int32)
        code = self.library.seadrift_cut_objects(
            ctypes.byref(self.frame),
            ctypes.c_void_p(which.ctypes.data),
            ctypes.c_int32(len(which)),
            ctypes.c_void_p(masks.ctypes.data),
            ctypes.c_void_p(signals.ctypes.data),
            ctypes.c_int64(cells),
        )
        if code != _OK:
            raise RuntimeError(f"seadrift_cut_objects refused {len(which)} objects: code {code}")
        return Crops(boxes, starts, masks, signals)


def find_components(signal: NDArray[np.uint8], limits: Limits) -> Found | None:
    """The components of a signal ``uint8 [H, W]``, or None: ask `outlines.find_components`."""
    if LIBRARY is None or (limits.close_px > 1 and limits.close_px != CLOSE_PX):
        return None
    signal = np.ascontiguousarray(signal)
    room = _room(*signal.shape)
    frame = _asked(signal, limits)
    room.lend(frame)
    while (code := int(LIBRARY.seadrift_find_objects(ctypes.byref(frame)))) != _OK:
        if code not in (_SMALL_RUNS, _SMALL_PARTS, _SMALL_OBJECTS):
            raise RuntimeError(f"seadrift_find_objects refused {signal.shape}: code {code}")
        if frame.runs_count > MAX_RUNS and not frame.close:
            break
        room.grow(code, frame)
        room.lend(frame)
    if frame.runs_count > MAX_RUNS and not frame.close:
        closed = find_components(signal, replace(limits, close_px=CLOSE_PX))
        return None if closed is None else replace(closed, crowded=True)
    rows = (
        room.objects[: frame.objects_count]
        .view(np.int32)
        .reshape(-1, len(_OBJECT.names or ()))[::-1]
    )
    filled, area, high = (rows[:, i].astype(np.int64) for i in (5, 6, 7))
    table = Table(np.ascontiguousarray(rows[:, 1:5]), filled, area, high)
    return Found(LIBRARY, frame, signal, room, table, int(frame.specks), False)


def _asked(signal: NDArray[np.uint8], limits: Limits) -> _Frame:
    height, width = signal.shape
    low, own, high = (
        min(256, max(0, level + 1)) for level in (limits.low, limits.own, limits.high)
    )
    most = signal.size + 1
    return _Frame(
        signal.ctypes.data, height, width, low, own, high, int(limits.close_px == CLOSE_PX),
        filled_min(limits.esd_min_px, most), limits.pinhole_px,
    )  # fmt: skip


def filled_min(esd_min_px: float, most: int) -> int:
    """The fewest pixels, up to ``most``, whose circle has at least a diameter."""
    if esd_px(most) < esd_min_px:
        return most
    pixels = max(1, math.floor(math.pi / 4 * esd_min_px**2) - 1)
    while esd_px(pixels) < esd_min_px:
        pixels += 1
    return pixels


def cut_boxes(
    plane: NDArray[np.uint8], boxes: NDArray[np.int32], inverted: bool, out: NDArray[np.uint8]
) -> bool:
    """Write boxes ``int32 [n, 4]`` of a plane one after another; False if there is no library."""
    if LIBRARY is None:
        return False
    plane, boxes = np.ascontiguousarray(plane), np.ascontiguousarray(boxes)
    code = LIBRARY.seadrift_cut_boxes(
        ctypes.c_void_p(plane.ctypes.data),
        ctypes.c_int32(plane.shape[0]),
        ctypes.c_int32(plane.shape[1]),
        ctypes.c_void_p(boxes.ctypes.data),
        ctypes.c_int32(len(boxes)),
        ctypes.c_int32(inverted),
        ctypes.c_void_p(out.ctypes.data),
        ctypes.c_int64(out.size),
    )
    if code != _OK:
        raise RuntimeError(f"seadrift_cut_boxes refused {len(boxes)} boxes: code {code}")
    return True

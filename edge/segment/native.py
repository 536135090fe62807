"""Components of a frame by the C library (edge/native/segment.h), with OpenCV's results.

`find_components` returns None where it leaves the frame to `outlines.py`: no library, a closing
other than 3 x 3, or a frame of noise with more components or runs than are looked at.

Example::

    found = find_components(signal, limits) or outlines.find_components(signal, limits)
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.segment.components import MAX_COMPONENTS, Component, Limits, Pixels, esd_px
from models import native

VERSION = 1
_OK, _SMALL_RUNS, _SMALL_PARTS, _SMALL_OBJECTS = 0, 4, 5, 6
_FIRST_ROOM = 1 << 16  # runs and parts; a usual frame has ten thousand
_MOST_ROOM = 1 << 20  # 48 MB of both: beyond is noise

_RUN = np.dtype([(name, np.int32) for name in ("x0", "x1", "inside", "part")])
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
        ("long_min", ctypes.c_int32),
        ("pinhole", ctypes.c_double),
        ("map", ctypes.c_void_p),
        ("rows", ctypes.c_void_p),
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
        ("long_count", ctypes.c_int32),
    )


class _Room:
    """Buffers of one thread, kept from frame to frame: new pages cost more than the work."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self.map = np.empty((height, width), np.uint8)
        self.rows = np.empty(4 * (width + 2), np.uint16)
        self.starts = np.empty(height + 1, np.int32)
        self.runs = np.empty(_FIRST_ROOM, _RUN)
        self.parts = np.empty(_FIRST_ROOM, _PART)
        self.objects = np.empty(MAX_COMPONENTS, _OBJECT)

    def lend(self, frame: _Frame) -> None:
        """Put the buffers into the frame."""
        for name in ("map", "rows", "starts", "runs", "parts", "objects"):
            setattr(frame, name, getattr(self, name).ctypes.data)
        frame.runs_room, frame.parts_room = len(self.runs), len(self.parts)
        frame.objects_room = len(self.objects)

    def grow(self, code: int, frame: _Frame) -> bool:
        """Make room for what a frame needs; False if that is more than any frame gets."""
        if code == _SMALL_RUNS and frame.runs_count <= _MOST_ROOM:
            self.runs = np.empty(frame.runs_count, _RUN)
        elif code == _SMALL_PARTS and frame.parts_count <= _MOST_ROOM:
            self.parts = np.empty(frame.parts_count, _PART)
        else:
            return False
        return True


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
    found: tuple[Component, ...]
    areas: tuple[int, ...]
    specks: int
    dropped: int = 0

    def cut(self, chosen: Sequence[int]) -> list[Pixels]:
        sizes = [self.found[i].height * self.found[i].width for i in chosen]
        masks, signals = np.empty(sum(sizes), np.uint8), np.empty(sum(sizes), np.uint8)
        # `found` has the last object first, as OpenCV's outlines come.
        which = np.array([len(self.found) - 1 - i for i in chosen], np.int32)
        code = self.library.seadrift_cut_objects(
            ctypes.byref(self.frame),
            which.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int32(len(which)),
            masks.ctypes.data_as(ctypes.c_void_p),
            signals.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int64(len(masks)),
        )
        if code != _OK:
            raise RuntimeError(f"seadrift_cut_objects refused {len(which)} objects: code {code}")
        owned = masks.view(np.bool_)
        pixels, start = [], 0
        for i, size in zip(chosen, sizes, strict=True):
            box, end = (self.found[i].height, self.found[i].width), start + size
            mask, signal = owned[start:end].reshape(box), signals[start:end].reshape(box)
            pixels.append(Pixels(mask, signal, self.areas[i]))
            start = end
        return pixels


def find_components(signal: NDArray[np.uint8], limits: Limits) -> Found | None:
    """The components of a signal ``uint8 [H, W]``, or None: ask `outlines.find_components`."""
    if LIBRARY is None or (limits.close_px > 1 and limits.close_px != 3):
        return None
    signal = np.ascontiguousarray(signal)
    room = _room(*signal.shape)
    frame = _asked(signal, limits)
    while True:
        room.lend(frame)
        code = int(LIBRARY.seadrift_find_objects(ctypes.byref(frame)))
        if code == _OK:
            break
        if code not in (_SMALL_RUNS, _SMALL_PARTS, _SMALL_OBJECTS):
            raise RuntimeError(f"seadrift_find_objects refused {signal.shape}: code {code}")
        if not room.grow(code, frame):
            return None
    if frame.long_count > MAX_COMPONENTS:
        return None  # which of them are looked at goes by the length of their outlines
    rows = room.objects[: frame.objects_count][::-1].tolist()
    found = tuple(
        Component(bx, by, width, height, filled, high)
        for _, bx, by, width, height, filled, _, high in rows
    )
    areas = tuple(row[6] for row in rows)
    return Found(LIBRARY, frame, signal, room, found, areas, int(frame.specks))


def _asked(signal: NDArray[np.uint8], limits: Limits) -> _Frame:
    height, width = signal.shape
    low, own, high = (
        min(256, max(0, level + 1)) for level in (limits.low, limits.own, limits.high)
    )
    # An outline of p pixels (and a walk round it) has at most 2 (p - 1) points, or one.
    long_min = math.ceil(limits.shortest_outline / 2 + 1) if limits.shortest_outline > 1 else 1
    most = signal.size + 1
    return _Frame(
        signal.ctypes.data, height, width, low, own, high, int(limits.close_px == 3),
        filled_min(limits.esd_min_px, most), min(most, long_min), limits.pinhole_px,
    )  # fmt: skip


def filled_min(esd_min_px: float, most: int) -> int:
    """The fewest pixels, up to ``most``, whose circle has at least a diameter."""
    if esd_px(most) < esd_min_px:
        return most
    pixels = max(1, math.floor(math.pi / 4 * esd_min_px**2) - 1)
    while esd_px(pixels) < esd_min_px:
        pixels += 1
    return pixels


def kth_smallest(groups: NDArray[np.uint8], k: int) -> NDArray[np.uint8]:
    """The k-th smallest, from 0, along the last axis; by numpy where there is no library."""
    if LIBRARY is None:
        return np.partition(groups, k, axis=-1)[..., k]
    groups = np.ascontiguousarray(groups)
    size = groups.shape[-1]
    out = np.empty(groups.shape[:-1], np.uint8)
    code = LIBRARY.seadrift_kth_smallest(
        groups.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int32(out.size),
        ctypes.c_int32(size),
        ctypes.c_int32(k),
        out.ctypes.data_as(ctypes.c_void_p),
    )
    if code != _OK:
        raise RuntimeError(f"seadrift_kth_smallest refused k = {k} of {size}: code {code}")
    return out

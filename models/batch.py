"""The objects of a frame for the network, in one call of the C library (edge/native/batch.h).

Why: prepared one by one in Python, a hundred objects cost more to hand over than to classify.

`batch_crops` gives what `prepare` and `build_tables` give, object for object and site for site.
`gather_crops` gives the same in the form that the native runtime reads fastest: the stem's windows
instead of the pixels and the table that gathers them, and only the tables that the network reads.

Example::

    batch = batch_crops(crops, levels=4)
    batch.tables.site_counts, batch.shape     # (N0, .. N4), float32 [n, 4]
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models import native
from models.crops import Crops
from models.preprocess import CHANNELS, MAX_AREA_PX, SHAPE_NAMES, Float32, prepare, shapes_of
from models.sites import LEVELS, MAX_LEVELS, STEM_WINDOW, Int32, Tables, build_tables

WINDOW_BYTES = STEM_WINDOW**2 * CHANNELS
_OK, _BAD_ARGUMENT, _SMALL_SCRATCH, _SMALL_TABLES = 0, 1, 2, 3
_FIRST_SITES = (1 << 17, 1 << 15, 1 << 14, 1 << 13, 1 << 12, 1 << 11)  # 100 objects' worth
_FIRST_SCRATCH = 1 << 18
_CALLS = 3  # at most: the scratch that is needed, then the sites, are known after one call each

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Batch:
    """n objects, ready for a runtime."""

    tables: Tables
    shape: Float32  # [n, 4], models.preprocess.SHAPE_NAMES


class Room:
    """Buffers that grow to what a batch needs and serve the next one: what they held is lost then.

    A frame's buffers are a few megabytes; new pages for them would cost more than to fill them.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, npt.NDArray[np.generic]] = {}

    def array(
        self, name: str, rows: int, columns: int, kind: type[np.generic]
    ) -> npt.NDArray[np.generic]:
        """At least `rows` rows, with the content of whatever was there."""
        found = self._arrays.get(name)
        if found is None or found.shape[0] < rows or found.shape[1] != columns:
            found = self._arrays[name] = np.empty((rows, columns), kind)
        return found


class _CBatch(ctypes.Structure):
    """`seadrift_batch` of edge/native/batch.h, field for field."""

    _fields_ = (
        ("boxes", ctypes.c_void_p),
        ("starts", ctypes.c_void_p),
        ("masks", ctypes.c_void_p),
        ("signals", ctypes.c_void_p),
        ("cells", ctypes.c_int64),
        ("objects", ctypes.c_int32),
        ("levels", ctypes.c_int32),
        ("max_area", ctypes.c_int64),
        ("gathered", ctypes.c_int32),
        ("capacity", ctypes.c_int32 * (MAX_LEVELS + 1)),
        ("scratch", ctypes.c_void_p),
        ("scratch_bytes", ctypes.c_int64),
        ("x0", ctypes.c_void_p),
        ("children", ctypes.c_void_p * MAX_LEVELS),
        ("near", ctypes.c_void_p * MAX_LEVELS),
        ("object_sites", ctypes.c_void_p),
        ("halvings", ctypes.c_void_p),
        ("sums", ctypes.c_void_p),
        ("counts", ctypes.c_int32 * (MAX_LEVELS + 1)),
        ("needed_scratch", ctypes.c_int64),
        ("refused", ctypes.c_int32),
    )


def batch_crops(crops: Crops, levels: int = LEVELS) -> Batch:
    """`prepare` and `build_tables` of all objects; levels as `build_tables` takes them.

    Raises ValueError naming the object whose mask is empty.
    """
    if not 1 <= levels <= MAX_LEVELS:
        raise ValueError(f"levels {levels}: expected 1 to {MAX_LEVELS}")
    if native.LIBRARY is not None:
        found = _build(native.LIBRARY, crops, (1,) * levels, False, Room())
        if found is not None:
            return found
    return _batch_python(crops, levels)


def gather_crops(
    library: ctypes.CDLL, crops: Crops, near: Sequence[int], room: Room
) -> Batch | None:
    """For `NativeRuntime`: `Tables.gathered`, without the 3x3 tables of the levels where near is 0.

    near: `Network.near`. The arrays lie in `room` and hold until its next use. None where the C
    library leaves the objects to `batch_crops`.
    """
    return _build(library, crops, near, True, room)


def _batch_python(crops: Crops, levels: int) -> Batch:
    """The definition; also for what the C library does not take."""
    prepared = []
    for i in range(len(crops)):
        try:
            prepared.append(prepare(crops.signal(i), crops.mask(i)))
        except ValueError as error:
            raise ValueError(f"object {i}: {error}") from error
    shape = np.array([p.shape for p in prepared], np.float32).reshape(-1, len(SHAPE_NAMES))
    return Batch(build_tables(prepared, levels), shape)


def _build(
    library: ctypes.CDLL, crops: Crops, near: Sequence[int], gathered: bool, room: Room
) -> Batch | None:
    n, levels = len(crops), len(near)
    boxes = np.ascontiguousarray(crops.boxes, np.int32)
    starts = np.ascontiguousarray(crops.starts, np.int64)
    masks = np.ascontiguousarray(crops.masks, np.uint8)
    signals = np.ascontiguousarray(crops.signals, np.uint8)
    if boxes.shape != (n, 4) or starts.shape != (n + 1,):
        raise ValueError(f"crops: {n} boxes need {n + 1} starts, not {starts.shape}")
    object_sites, halvings = np.empty(n, np.int32), np.empty(n, np.int32)
    sums = np.empty((n, 6), np.int64)
    counts, scratch_bytes = list(_FIRST_SITES), _FIRST_SCRATCH
    for _ in range(_CALLS):
        tables, children, near_tables = _room_for(room, counts, near, gathered)
        scratch = room.array("scratch", -(-scratch_bytes // 8), 1, np.int64)
        call = _CBatch(
            boxes.ctypes.data, starts.ctypes.data, masks.ctypes.data, signals.ctypes.data,
            min(masks.size, signals.size), n, levels, MAX_AREA_PX, gathered,
            (ctypes.c_int32 * (MAX_LEVELS + 1))(*_capacities(tables, children, near_tables, near)),
            scratch.ctypes.data, scratch.nbytes, tables.ctypes.data,
            (ctypes.c_void_p * MAX_LEVELS)(*(table.ctypes.data for table in children)),
            (ctypes.c_void_p * MAX_LEVELS)(
                *(t.ctypes.data if w else None for t, w in zip(near_tables, near, strict=True))
            ),
            object_sites.ctypes.data, halvings.ctypes.data, sums.ctypes.data,
        )  # fmt: skip
        code = int(library.seadrift_build_batch(ctypes.byref(call)))
        if code not in (_SMALL_SCRATCH, _SMALL_TABLES):
            break
        scratch_bytes = int(call.needed_scratch)
        counts = [max(old, new + new // 4) for old, new in zip(counts, call.counts, strict=True)]
    if code == _BAD_ARGUMENT and call.refused >= 0:
        return None
    if code != _OK:
        raise RuntimeError(f"seadrift_build_batch refused {n} objects: code {code}")
    found = list(call.counts)
    return Batch(
        Tables(
            tables[: 1 + found[1 if gathered else 0]],
            tuple(table[: found[i]] for i, table in enumerate(children, 1)),
            tuple(table[: found[i]] for i, table in enumerate(near_tables, 1)),
            object_sites,
        ),
        shapes_of(sums, halvings),
    )


def _room_for(
    room: Room, counts: Sequence[int], near: Sequence[int], gathered: bool
) -> tuple[UInt8, list[Int32], list[Int32]]:
    """x0, children and near with room for so many sites; without columns where not wanted."""
    children, tables = [], []
    for i, (count, wanted) in enumerate(zip(counts[1:], near, strict=False)):
        taps = 4 if i else (0 if gathered else STEM_WINDOW**2)
        children.append(room.array(f"children{i}", count, taps, np.int32))
        tables.append(room.array(f"near{i}", count, 9 if wanted else 0, np.int32))
    columns = WINDOW_BYTES if gathered else CHANNELS
    x0 = room.array("x0", 1 + counts[1 if gathered else 0], columns, np.uint8)
    return x0, children, tables  # type: ignore[return-value]  # Room keeps each name's dtype


def _capacities(
    x0: UInt8, children: Sequence[Int32], near_tables: Sequence[Int32], near: Sequence[int]
) -> list[int]:
    """Sites per level that fit all the arrays of the level."""
    levels = [
        min(len(down), len(beside)) if wanted else len(down)
        for down, beside, wanted in zip(children, near_tables, near, strict=True)
    ]
    return [len(x0) - 1, min(levels[0], len(x0) - 1) if children[0].shape[1] == 0 else levels[0],
            *levels[1:]]  # fmt: skip

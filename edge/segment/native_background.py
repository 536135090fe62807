"""The three steps of ``backdrop.py`` by the C library (edge/native/background.h), to equal numbers.

`steps` is that library if it is there, else the definition.
"""

from __future__ import annotations

import ctypes
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.segment import backdrop, buffers
from edge.segment.backdrop import Grey, Grid, Tiles
from models import native

VERSION = 2
MAX_STRIDE = 256
MAX_TILES = 64


class Steps(Protocol):
    """From a frame to its background, and to what stands out of it."""

    def estimate(self, grey: Grey, grid: Grid, field: str) -> Tiles: ...
    def residuals(self, grey: Grey, tiles: Tiles, grid: Grid, field: str) -> NDArray[np.int32]: ...
    def subtract(self, grey: Grey, tiles: Tiles, grid: Grid, field: str) -> Grey: ...


class _Scene(ctypes.Structure):
    """`seadrift_scene` of edge/native/background.h, field for field."""

    _fields_ = (
        ("grey", ctypes.c_void_p),
        ("height", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("stride", ctypes.c_int32),
        ("rows", ctypes.c_int32),
        ("columns", ctypes.c_int32),
        ("bright", ctypes.c_int32),
    )


class NativeSteps:
    """The C library's."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def estimate(self, grey: Grey, grid: Grid, field: str) -> Tiles:
        tiles = np.empty((grid.rows, grid.columns), np.int16)
        weights, spare = np.empty(tiles.size), np.empty(3 * tiles.size, np.int16)
        self._call("seadrift_background_tiles", grey, grid, field, tiles, weights, spare)
        return tiles

    def residuals(self, grey: Grey, tiles: Tiles, grid: Grid, field: str) -> NDArray[np.int32]:
        histogram = np.empty(511, np.int32)
        room = np.empty(3 * grey.shape[1], np.int16)
        self._call("seadrift_background_residuals", grey, grid, field, tiles, room, histogram)
        return histogram

    def subtract(self, grey: Grey, tiles: Tiles, grid: Grid, field: str) -> Grey:
        signal = buffers.lend(grey.size).reshape(grey.shape)
        room = np.empty(3 * grey.shape[1], np.int16)
        self._call("seadrift_background_subtract", grey, grid, field, tiles, room, signal)
        return signal

    def _call(
        self, name: str, grey: Grey, grid: Grid, field: str, *arrays: NDArray[np.generic]
    ) -> None:
        grey = np.ascontiguousarray(grey)
        height, width = grey.shape
        scene = _Scene(
            grey.ctypes.data, height, width, grid.stride, grid.rows, grid.columns, field == "bright"
        )
        held = [np.ascontiguousarray(array) for array in arrays]
        places = [ctypes.c_void_p(array.ctypes.data) for array in held]
        code = getattr(self._library, name)(ctypes.byref(scene), *places)
        if code != 0:
            raise RuntimeError(f"{name} refused a frame of {width} x {height}: code {code}")


def _library() -> ctypes.CDLL | None:
    try:
        known = native.LIBRARY is not None and native.LIBRARY.seadrift_background_version()
    except AttributeError:  # a library of an earlier build
        return None
    return native.LIBRARY if known == VERSION else None


LIBRARY = _library()
DEFINITION: Steps = backdrop
_NATIVE = NativeSteps(LIBRARY) if LIBRARY else None


def steps(grid: Grid) -> Steps:
    """What a frame of this size is done by."""
    fits = max(grid.rows, grid.columns) <= MAX_TILES and grid.stride <= MAX_STRIDE
    return _NATIVE if _NATIVE is not None and fits else DEFINITION

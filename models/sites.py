"""Site tables: where each site's neighbours are, as inputs of a graph.

All objects of a frame form ONE batch of sites. Level 0 has one site per object pixel, in raster
order, object after object. A site of level l + 1 covers a 2x2 block of level l that holds at least
one site (Graham 2014). Tables hold site numbers; row 0 is a constant zero site, so a missing
neighbour needs no mask.

Invariant: `build_tables_numpy` (the definition) and the C library give identical tables.

Example, one object of one pixel:
    >>> tables = build_tables([prepare(np.array([[7]], np.uint8), np.array([[True]]))])
    >>> tables.x0.tolist(), tables.children[0].tolist()
    ([[0, 0], [7, 255]], [[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models import native
from models.preprocess import CHANNELS, Bool, Prepared, UInt8

LEVELS = 4  # coarse levels unless a network has another number; level 0, the pixels, is not counted
MAX_LEVELS = 5  # SEADRIFT_SITES_MAX_LEVELS
STEM_WINDOW = 4
_MARGIN = 4  # empty cells round an object: no window of a site leaves its raster
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tables:
    """One batch of sites; N0 .. NL sites at the levels 0 .. L, n objects."""

    x0: UInt8  # [1 + N0, 2]; row 0 is the zero site
    children: tuple[Int32, ...]  # [N1, 16] (4x4 from (2y-1, 2x-1)), then [Nl, 4] for l = 2 .. L
    near: tuple[Int32, ...]  # [Nl, 9] for l = 1 .. L: the 3x3 neighbourhood
    object_sites: Int32  # [n]: sites of each object at level L; at least 1 each

    @property
    def gathered(self) -> bool:
        """Whether x0 holds the stem's windows, [1 + N1, 32], and children[0] nothing
        (models/batch.py)."""
        return len(self.children[0].T) == 0

    @property
    def site_counts(self) -> tuple[int, ...]:
        """Sites per level, (N0, N1, .. NL)."""
        return (len(self.x0) - 1, *(len(table) for table in self.near))


def build_tables(prepared: Sequence[Prepared], levels: int = LEVELS) -> Tables:
    """The tables of one batch (possibly empty), by the C library if there is one, else numpy.

    levels: 1 .. MAX_LEVELS, as many as the network has (`Network.levels`).
    """
    if not 1 <= levels <= MAX_LEVELS:
        raise ValueError(f"levels {levels}: expected 1 to {MAX_LEVELS}")
    if native.LIBRARY is None:
        return build_tables_numpy(prepared, levels)
    return build_tables_native(native.LIBRARY, prepared, levels)


# --- the definition, in numpy


@dataclass(frozen=True)
class _Level:
    """Sites of one level, and all objects' padded rasters of their numbers, one after another."""

    cell: Int64  # [N] where in the raster each site is, ascending
    owner: Int64  # [N] which object
    raster: Int32  # 1-D; 0 = no site
    starts: Int64  # [n] where an object's raster begins
    strides: Int64  # [n] the width of an object's raster, margins included
    heights: Int64  # [n] of the objects at this level
    widths: Int64

    @classmethod
    def blank(cls, heights: Int64, widths: Int64) -> _Level:
        """Rasters without sites."""
        strides = widths + 2 * _MARGIN
        ends = np.cumsum((heights + 2 * _MARGIN) * strides)
        starts = ends - (heights + 2 * _MARGIN) * strides
        raster = np.zeros(int(ends[-1]) if len(ends) else 0, np.int32)
        none = np.zeros(0, np.int64)
        return cls(none, none, raster, starts, strides, heights, widths)

    def numbered(self, marked: Int64) -> _Level:
        """The same rasters with sites at the marked cells, numbered from 1 in raster order."""
        self.raster[marked] = 1
        cell = np.flatnonzero(self.raster)
        self.raster[cell] = np.arange(1, len(cell) + 1, dtype=np.int32)
        owner = np.searchsorted(self.starts, cell, side="right") - 1
        return replace(self, cell=cell, owner=owner)

    def at(self, owner: Int64, y: Int64, x: Int64) -> Int64:
        """The cells of these places."""
        cells: Int64 = self.starts[owner] + (y + _MARGIN) * self.strides[owner] + x + _MARGIN
        return cells

    def places(self) -> tuple[Int64, Int64]:
        """(y, x) of each site in its object."""
        y, x = np.divmod(self.cell - self.starts[self.owner], self.strides[self.owner])
        return y - _MARGIN, x - _MARGIN

    def windows(self, owner: Int64, first: Int64, size: int) -> Int32:
        """Site numbers of size x size windows whose first cells are given: int32 [N, size^2]."""
        stride = self.strides[owner]
        columns = [
            self.raster[first + dy * stride + dx] for dy in range(size) for dx in range(size)
        ]
        return np.stack(columns, axis=1)

    def coarser(self) -> _Level:
        """Each 2x2 block that holds a site becomes a site."""
        y, x = self.places()
        coarse = _Level.blank((self.heights + 1) // 2, (self.widths + 1) // 2)
        return coarse.numbered(coarse.at(self.owner, y // 2, x // 2))


def build_tables_numpy(prepared: Sequence[Prepared], levels: int = LEVELS) -> Tables:
    """The definition of the tables."""
    fine = _pixels([p.mask for p in prepared])
    values = [p.x[p.mask] for p in prepared]
    x0 = np.concatenate([np.zeros((1, CHANNELS), np.uint8), *values])
    children, near = [], []
    for level in range(1, levels + 1):
        coarse = fine.coarser()
        y, x = coarse.places()
        size, back = (STEM_WINDOW, 1) if level == 1 else (2, 0)
        first = fine.at(coarse.owner, 2 * y - back, 2 * x - back)
        children.append(fine.windows(coarse.owner, first, size))
        first = coarse.at(coarse.owner, y - 1, x - 1)
        near.append(coarse.windows(coarse.owner, first, 3))
        fine = coarse
    object_sites = np.bincount(fine.owner, minlength=len(prepared)).astype(np.int32)
    return Tables(x0, tuple(children), tuple(near), object_sites)


def _pixels(masks: Sequence[Bool]) -> _Level:
    heights = np.array([mask.shape[0] for mask in masks], np.int64)
    widths = np.array([mask.shape[1] for mask in masks], np.int64)
    blank = _Level.blank(heights, widths)
    marked = [
        start + (y + _MARGIN) * stride + x + _MARGIN
        for start, stride, (y, x) in zip(
            blank.starts, blank.strides, map(np.nonzero, masks), strict=True
        )
    ]
    return blank.numbered(np.concatenate([np.zeros(0, np.int64), *marked]))


# --- the same in C (edge/native/sites.h)

_OK = 0


class _Batch(ctypes.Structure):
    """`seadrift_sites` of edge/native/sites.h, field for field."""

    _fields_ = (
        ("mask", ctypes.c_void_p),
        ("x", ctypes.c_void_p),
        ("heights", ctypes.c_void_p),
        ("widths", ctypes.c_void_p),
        ("objects", ctypes.c_int32),
        ("channels", ctypes.c_int32),
        ("levels", ctypes.c_int32),
        ("scratch", ctypes.c_void_p),
        ("scratch_cells", ctypes.c_int64),
        ("capacity", ctypes.c_int32 * (MAX_LEVELS + 1)),
        ("x0", ctypes.c_void_p),
        ("children", ctypes.c_void_p * MAX_LEVELS),
        ("near", ctypes.c_void_p * MAX_LEVELS),
        ("object_sites", ctypes.c_void_p),
        ("counts", ctypes.c_int32 * (MAX_LEVELS + 1)),
        ("needed_scratch", ctypes.c_int64),
    )


def build_tables_native(
    library: ctypes.CDLL, prepared: Sequence[Prepared], levels: int = LEVELS
) -> Tables:
    """The same tables by the C library. Raises RuntimeError with its code if it refuses."""
    n = len(prepared)
    if n == 0:
        return build_tables_numpy(prepared, levels)
    heights = np.array([p.mask.shape[0] for p in prepared], np.int32)
    widths = np.array([p.mask.shape[1] for p in prepared], np.int32)
    masks = np.concatenate([p.mask.ravel() for p in prepared])
    x = np.concatenate([p.x.reshape(-1, CHANNELS) for p in prepared])
    capacity = _capacity(heights, widths, int(np.count_nonzero(masks)), levels)
    cells = int(((heights.astype(np.int64) + 2 * _MARGIN) * (widths + 2 * _MARGIN)).max())
    scratch = np.empty(2 * cells, np.int32)
    x0 = np.empty((capacity[0] + 1, CHANNELS), np.uint8)
    windows = (STEM_WINDOW**2, *(4,) * (levels - 1))
    children = [np.empty((capacity[i + 1], windows[i]), np.int32) for i in range(levels)]
    near = [np.empty((capacity[i + 1], 9), np.int32) for i in range(levels)]
    object_sites = np.empty(n, np.int32)
    batch = _Batch(
        masks.ctypes.data, x.ctypes.data, heights.ctypes.data, widths.ctypes.data, n,
        CHANNELS, levels, scratch.ctypes.data, cells,
        (ctypes.c_int32 * (MAX_LEVELS + 1))(*capacity), x0.ctypes.data,
        (ctypes.c_void_p * MAX_LEVELS)(*(table.ctypes.data for table in children)),
        (ctypes.c_void_p * MAX_LEVELS)(*(table.ctypes.data for table in near)),
        object_sites.ctypes.data,
    )  # fmt: skip
    code = int(library.seadrift_build_sites(ctypes.byref(batch)))
    if code != _OK:
        raise RuntimeError(f"seadrift_build_sites refused {n} objects: code {code}")
    counts = list(batch.counts)
    return Tables(
        x0,
        tuple(table[: counts[i + 1]] for i, table in enumerate(children)),
        tuple(table[: counts[i + 1]] for i, table in enumerate(near)),
        object_sites,
    )


def _capacity(heights: Int32, widths: Int32, pixels: int, levels: int) -> list[int]:
    """Upper bounds of the sites per level: those of the finer level, and the level's cells."""
    capacity = [pixels]
    for level in range(1, levels + 1):
        rows = (heights.astype(np.int64) + (1 << level) - 1) >> level
        columns = (widths.astype(np.int64) + (1 << level) - 1) >> level
        capacity.append(min(capacity[-1], int((rows * columns).sum())))
    return capacity

"""Site tables: the C library equals the definition in numpy, and never writes where it must not."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models import native, sites
from models.preprocess import CHANNELS, Prepared, prepare
from models.sites import Tables, build_tables, build_tables_native, build_tables_numpy

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=19)).filter(np.any)
SMALL_TABLES, SMALL_SCRATCH, BAD_ARGUMENT = 3, 2, 1

needs_library = pytest.mark.skipif(native.LIBRARY is None, reason=native.REASON or "loaded")


def of_masks(masks: list[np.ndarray]) -> list[Prepared]:
    random = np.random.default_rng(len(masks))
    return [prepare(random.integers(0, 256, m.shape).astype(np.uint8), m) for m in masks]


def assert_equal(a: Tables, b: Tables) -> None:
    assert a.x0.tobytes() == b.x0.tobytes()
    for one, other in zip((*a.children, *a.near), (*b.children, *b.near), strict=True):
        assert one.dtype == other.dtype == np.int32
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(a.object_sites, b.object_sites)


@needs_library
@given(st.lists(MASKS, max_size=6), st.integers(1, sites.MAX_LEVELS))
@settings(deadline=None)
def test_c_equals_numpy(masks: list[np.ndarray], levels: int) -> None:
    prepared = of_masks(masks)
    assert native.LIBRARY is not None
    found = build_tables_native(native.LIBRARY, prepared, levels)
    assert len(found.near) == len(found.children) == levels
    assert_equal(found, build_tables_numpy(prepared, levels))


@pytest.mark.parametrize("levels", [0, sites.MAX_LEVELS + 1])
def test_levels_out_of_range(levels: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 5"):
        build_tables([], levels)


@needs_library
def test_c_equals_numpy_on_corner_cases() -> None:
    cases = [
        [],
        [np.ones((1, 1), np.bool_)],
        [np.ones((1, 300), np.bool_), np.ones((300, 1), np.bool_), np.eye(90, dtype=np.bool_)],
        [np.pad(np.ones((1, 1), np.bool_), ((0, 30), (0, 30))) | np.eye(31, dtype=np.bool_)[::-1]],
        [np.ones((57, 56), np.bool_)] * 3,
    ]
    assert native.LIBRARY is not None
    for masks in cases:
        prepared = of_masks(masks)
        assert_equal(build_tables_native(native.LIBRARY, prepared), build_tables_numpy(prepared))


def test_by_hand() -> None:
    """Three pixels in a row: two coarse sites, then one."""
    tables = build_tables(of_masks([np.ones((1, 3), np.bool_)]))
    assert tables.site_counts == (3, 2, 1, 1, 1)
    stem = np.zeros((2, 4, 4), np.int32)
    stem[0, 1] = (0, 1, 2, 3)  # rows from -1, columns from -1: pixels 0, 1, 2
    stem[1, 1] = (2, 3, 0, 0)  # columns from 1
    np.testing.assert_array_equal(tables.children[0], stem.reshape(2, 16))
    assert tables.near[0].tolist() == [[0, 0, 0, 0, 1, 2, 0, 0, 0], [0, 0, 0, 1, 2, 0, 0, 0, 0]]
    assert tables.children[1].tolist() == [[1, 2, 0, 0]]
    assert tables.object_sites.tolist() == [1]


@given(st.lists(MASKS, min_size=1, max_size=5), st.sampled_from([4, 5]))
@settings(deadline=None)
def test_neighbourhood_is_mutual_and_stays_in_the_object(
    masks: list[np.ndarray], levels: int
) -> None:
    tables = build_tables(of_masks(masks), levels)
    for near in tables.near:
        site, tap = np.nonzero(near)
        np.testing.assert_array_equal(near[near[site, tap] - 1, 8 - tap], site + 1)
        np.testing.assert_array_equal(near[:, 4], np.arange(1, len(near) + 1))
    for finer, children in zip(tables.site_counts[1:], tables.children[1:], strict=False):
        assert sorted(children[children > 0]) == list(range(1, finer + 1))  # one parent each
    assert len(tables.object_sites) == len(masks)
    assert tables.object_sites.min() >= 1


def test_objects_of_a_batch_are_independent(
    draw_prepared: Callable[[int, int], list[Prepared]],
) -> None:
    prepared = draw_prepared(7, 3)
    together = build_tables(prepared)
    alone = [build_tables([one]) for one in prepared]
    np.testing.assert_array_equal(together.x0[1:], np.concatenate([t.x0[1:] for t in alone]))
    for level in range(sites.LEVELS):
        before, parts = 0, []
        for tables in alone:
            near = tables.near[level]
            parts.append(np.where(near > 0, near + before, 0))
            before += len(near)
        np.testing.assert_array_equal(together.near[level], np.concatenate(parts))


class Room:
    """Buffers for one call of the C function, each followed by a guard that must stay untouched."""

    GUARD = 0x5A

    def __init__(self, prepared: list[Prepared], capacity: list[int], cells: int) -> None:
        self.heights = np.array([p.mask.shape[0] for p in prepared], np.int32)
        self.widths = np.array([p.mask.shape[1] for p in prepared], np.int32)
        self.masks = np.concatenate([p.mask.ravel() for p in prepared])
        self.x = np.concatenate([p.x.ravel() for p in prepared])
        sizes = {"x0": (capacity[0] + 1) * CHANNELS, "scratch": 8 * cells}
        for level, taps in enumerate((16, 4, 4, 4)):
            sizes[f"children{level}"] = 4 * taps * capacity[level + 1]
            sizes[f"near{level}"] = 4 * 9 * capacity[level + 1]
        sizes["object_sites"] = 4 * len(prepared)
        self.buffers = {k: np.full(size + 64, self.GUARD, np.uint8) for k, size in sizes.items()}
        address = {name: buffer.ctypes.data for name, buffer in self.buffers.items()}
        self.batch = sites._Batch(
            self.masks.ctypes.data, self.x.ctypes.data, self.heights.ctypes.data,
            self.widths.ctypes.data, len(prepared), CHANNELS, 4, address["scratch"], cells,
            (ctypes.c_int32 * 6)(*capacity), address["x0"],
            (ctypes.c_void_p * 5)(*(address[f"children{i}"] for i in range(4))),
            (ctypes.c_void_p * 5)(*(address[f"near{i}"] for i in range(4))),
            address["object_sites"],
        )  # fmt: skip

    def build(self) -> int:
        assert native.LIBRARY is not None
        code = int(native.LIBRARY.seadrift_build_sites(ctypes.byref(self.batch)))
        for name, buffer in self.buffers.items():
            assert (buffer[-64:] == self.GUARD).all(), f"wrote behind {name}"
        return code


@needs_library
@pytest.mark.parametrize("level", range(5))
@pytest.mark.parametrize("room", [0, 1])
def test_too_little_room_is_told_and_respected(
    level: int, room: int, draw_prepared: Callable[[int, int], list[Prepared]]
) -> None:
    prepared = draw_prepared(5, 4)
    counts = list(build_tables_numpy(prepared).site_counts)
    cells = max((p.mask.shape[0] + 8) * (p.mask.shape[1] + 8) for p in prepared)
    assert Room(prepared, counts, cells).build() == 0
    short = [*counts[:level], min(room, counts[level] - 1), *counts[level + 1 :]]
    call = Room(prepared, short, cells)
    assert call.build() == SMALL_TABLES
    assert list(call.batch.counts)[:5] == counts  # what would be enough


@needs_library
def test_small_scratch_and_bad_sizes_are_told(
    draw_prepared: Callable[[int, int], list[Prepared]],
) -> None:
    prepared = draw_prepared(3, 4)
    counts = list(build_tables_numpy(prepared).site_counts)
    cells = max((p.mask.shape[0] + 8) * (p.mask.shape[1] + 8) for p in prepared)
    call = Room(prepared, counts, cells - 1)
    assert call.build() == SMALL_SCRATCH
    assert call.batch.needed_scratch == cells
    for value in (0, -1, 2**31 - 1):
        call = Room(prepared, counts, cells)
        call.heights[1] = value
        assert call.build() in (BAD_ARGUMENT, SMALL_SCRATCH)
    for levels in (0, -1, 6, 2**31 - 1):
        call = Room(prepared, counts, cells)
        call.batch.levels = levels
        assert call.build() == BAD_ARGUMENT
    call = Room(prepared, counts, cells)
    call.batch.x0 = None
    assert call.build() == BAD_ARGUMENT

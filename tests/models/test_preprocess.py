"""Halving and shape values: integers, own pixels only, unchanged by how the object lies."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models import native, preprocess
from models.preprocess import MAX_AREA_PX, Prepared, prepare, prepare_numpy

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=25)).filter(np.any)


def disc(radius: float) -> np.ndarray:
    side = int(radius) + 1
    y, x = np.mgrid[-side : side + 1, -side : side + 1]
    return np.hypot(y, x) <= radius


@given(MASKS, st.integers(0, 2**32 - 1))
def test_pixels_outside_the_mask_do_not_matter(mask: np.ndarray, seed: int) -> None:
    random = np.random.default_rng(seed)
    inside = random.integers(0, 256, mask.shape).astype(np.uint8)
    other = np.where(mask, inside, random.integers(0, 256, mask.shape)).astype(np.uint8)
    padded = prepare(np.pad(inside, 3), np.pad(mask, 3))
    for variant in (prepare(inside, mask), prepare(other, mask)):
        np.testing.assert_array_equal(variant.x, padded.x)
        np.testing.assert_array_equal(variant.mask, padded.mask)
        np.testing.assert_array_equal(variant.shape, padded.shape)


def test_the_channels() -> None:
    prepared = prepare(
        np.array([[7, 9], [5, 3]], np.uint8), np.array([[True, False], [True, True]])
    )
    assert prepared.x.tolist() == [[[7, 255], [0, 0]], [[5, 255], [3, 255]]]
    assert prepared.level == 0


@pytest.mark.parametrize(("radius", "level"), [(20, 0), (31.5, 0), (33, 1), (63, 1), (130, 3)])
def test_halved_until_small_enough(radius: float, level: int) -> None:
    mask = disc(radius)
    prepared = prepare(np.full(mask.shape, 100, np.uint8), mask)
    assert prepared.level == level
    assert np.count_nonzero(prepared.mask) <= MAX_AREA_PX
    assert set(np.unique(prepared.x[..., 0][prepared.mask])) == {100}  # a mean of equals is equal


def test_halving_means_object_pixels_only_and_rounds_half_up() -> None:
    signal = np.full((80, 80), 10, np.uint8)
    mask = np.ones((80, 80), np.bool_)
    signal[0, :4] = (11, 10, 200, 255)
    signal[1, :4] = (10, 11, 13, 0)
    mask[0, 3] = mask[1, 3] = mask[0, 2] = False
    prepared = prepare(signal, mask)
    assert prepared.x[0, :2, 0].tolist() == [11, 13]  # 42 / 4 = 10.5; the one pixel left


def test_shape_values_do_not_know_how_the_object_lies() -> None:
    mask = np.zeros((40, 70), np.bool_)
    mask[5:20, 3:60] = True
    mask[20:38, 10:14] = True
    signal = np.full(mask.shape, 50, np.uint8)
    expected = prepare(signal, mask).shape
    for turned in (np.rot90(mask), mask[::-1], mask.T):
        found = prepare(np.full(turned.shape, 50, np.uint8), turned).shape
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_shape_values_of_known_shapes() -> None:
    mask = disc(25)
    ln_esd, level, fill, ln_elongation = prepare(np.zeros(mask.shape, np.uint8), mask).shape
    assert np.exp(4 * ln_esd) == pytest.approx(50, rel=0.02)
    assert (level, fill, ln_elongation) == pytest.approx((0, 1, 0), abs=0.01)
    line = np.ones((1, 40), np.bool_)
    assert np.exp(prepare(np.zeros((1, 40), np.uint8), line).shape[3]) == pytest.approx(40)
    pixel = prepare(np.zeros((1, 1), np.uint8), np.ones((1, 1), np.bool_)).shape
    assert np.isfinite(pixel).all()


def test_what_does_not_fit_is_refused() -> None:
    plane, mask = np.zeros((3, 3), np.uint8), np.ones((3, 3), np.bool_)
    with pytest.raises(ValueError, match="empty"):
        prepare(plane, np.zeros((3, 3), np.bool_))
    with pytest.raises(ValueError, match="two equal planes"):
        prepare(plane[:2], mask)
    with pytest.raises(ValueError, match="must be uint8"):
        prepare(plane.astype(np.float32), mask)


# --- the C library gives the same bytes

needs_library = pytest.mark.skipif(native.LIBRARY is None, reason=native.REASON or "loaded")


def assert_identical(signal: np.ndarray, mask: np.ndarray) -> Prepared:
    expected, found = prepare_numpy(signal, mask), prepare(signal, mask)
    assert found.level == expected.level
    for part in ("x", "mask", "shape"):
        one, other = getattr(found, part), getattr(expected, part)
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
        assert one.flags.c_contiguous
    return found


@needs_library
@given(MASKS, st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30))
@settings(deadline=None)
def test_c_equals_numpy(mask: np.ndarray, seed: int, down: int, across: int) -> None:
    """Small objects, and the same enlarged: halved up to four times, odd sides included."""
    large = np.kron(mask, np.ones((down, across), np.bool_))
    random = np.random.default_rng(seed)
    large &= random.random(large.shape) < 0.9
    large[random.integers(large.shape[0]), random.integers(large.shape[1])] = True
    assert_identical(random.integers(0, 256, large.shape).astype(np.uint8), large)


@needs_library
def test_c_equals_numpy_on_views() -> None:
    """Rows and columns backwards, every other one, and a window of a frame."""
    random = np.random.default_rng(3)
    signal = random.integers(0, 256, (401, 397)).astype(np.uint8)
    mask = random.random(signal.shape) < 0.6
    for view in (
        (slice(None, None, -1), slice(None)),
        (slice(None), slice(None, None, -1)),
        (slice(3, 300, 2), slice(1, None, 3)),
        (slice(17, 60), slice(40, 41)),
        (slice(5, 390), slice(9, 388)),
    ):
        assert_identical(signal[view], mask[view])
        assert_identical(signal.T[view], mask.T[view])


@needs_library
@pytest.mark.parametrize("shape", [(1, 8192), (8192, 1), (8193, 2), (3, 8193), (700, 513)])
def test_c_equals_numpy_on_long_objects(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(shape[0])
    assert_identical(random.integers(0, 256, shape).astype(np.uint8), np.ones(shape, np.bool_))


@needs_library
@pytest.mark.parametrize("side", [20, 90])
def test_too_little_room_is_told_and_respected(side: int) -> None:
    assert native.LIBRARY is not None
    mask = np.ones((side, side), np.bool_)
    signal = np.full((side, side), 9, np.uint8)
    need = side * side if side * side <= MAX_AREA_PX else (side // 2) ** 2
    for cells, code in ((need - 1, 2), (need, 0)):
        buffers = [np.full(n * cells + 64, 0x5A, np.uint8) for n in (2, 1, 1)]
        call = preprocess._Object(
            signal.ctypes.data, mask.ctypes.data, side, side, side, side, MAX_AREA_PX,
            *(buffer.ctypes.data for buffer in buffers), cells,
        )  # fmt: skip
        assert native.LIBRARY.seadrift_prepare(ctypes.byref(call)) == code
        assert all((buffer[-64:] == 0x5A).all() for buffer in buffers)
    mask[:] = False
    assert native.LIBRARY.seadrift_prepare(ctypes.byref(call)) == 1

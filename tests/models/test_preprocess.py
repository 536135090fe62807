"""Halving and shape values: integers, own pixels only, unchanged by how the object lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.preprocess import MAX_AREA_PX, prepare

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

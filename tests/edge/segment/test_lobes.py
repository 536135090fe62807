"""Objects in touch: told apart at necks, by the C library as by the definition, and only there."""

from __future__ import annotations

import ctypes
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edge.segment import Background, SegmentSettings, native_lobes, segment
from edge.segment.lobes import heights_of, lobes_of
from edge.simulator import Simulator, preset
from models.crops import Crops

Mask = NDArray[np.bool_]
native_only = pytest.mark.skipif(native_lobes.LIBRARY is None, reason="no C library")


def crops_of(*masks: Mask) -> Crops:
    return Crops.of((mask.view(np.uint8), mask, 0, 0) for mask in masks)


def assert_same(masks: list[Mask], summit: int, pass_percent: int, most: int) -> int:
    """Both ways find the same lobes; how many objects have several."""
    crops = crops_of(*masks)
    found = native_lobes.find_lobes(crops, summit, pass_percent, most)
    assert found is not None
    lobes, labels = found
    several = 0
    for i, mask in enumerate(masks):
        expected = lobes_of(mask, summit, pass_percent, most)
        here = labels[crops.starts[i] : crops.starts[i + 1]].reshape(mask.shape)
        assert lobes[i] == (1 if expected is None else expected.max())
        if expected is not None:
            np.testing.assert_array_equal(here, expected)
            several += 1
    return several


def discs(*circles: tuple[int, int, int], size: tuple[int, int] = (120, 260)) -> Mask:
    plane = np.zeros(size, np.uint8)
    for x, y, radius in circles:
        cv2.circle(plane, (x, y), radius, 1, cv2.FILLED)
    return plane.astype(bool)


@native_only
@given(
    mask=hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24)),
    summit=st.integers(1, 4),
    pass_percent=st.sampled_from([0, 30, 60, 100]),
    most=st.integers(1, 32),
)
@settings(deadline=None, max_examples=150)
def test_any_mask(mask: Mask, summit: int, pass_percent: int, most: int) -> None:
    assert_same([mask, ~mask], summit, pass_percent, most)


@native_only
@given(seed=st.integers(0, 2**32 - 1), grain=st.floats(2, 9), share=st.floats(0.3, 0.7))
@settings(deadline=None, max_examples=25)
def test_caves(seed: int, grain: float, share: float) -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).random((90, 130)), (0, 0), grain)
    blobs = np.asarray(noise > np.quantile(noise, share), np.bool_)
    assert_same([blobs], 2, 80, 32)
    assert_same([blobs], 4, 50, 16)


@native_only
def test_objects_of_simulated_frames() -> None:
    several = 0
    for instrument in ("darkfield", "brightfield"):
        size = {"width": 1280, "height": 960}
        simulator = Simulator(preset(instrument, frames=1, density=120, seed=4, **size))
        found = segment(simulator.frame(0).frame.grey, Background(), SegmentSettings())
        masks = [region.mask for region in found.regions]
        several += assert_same(masks, 6, 30, 16) + assert_same(masks, 3, 60, 32)
    assert several >= 10


def test_heights_are_distances_from_the_edge() -> None:
    heights = heights_of(discs((60, 60, 40)))
    assert heights.max() == pytest.approx(41, abs=3)
    assert heights[60, 60] == heights.max()
    assert heights_of(np.ones((1, 1), bool)).tolist() == [[1]]
    exact = cv2.distanceTransform(discs((60, 60, 40)).view(np.uint8), cv2.DIST_L2, 5)
    assert np.abs(heights - exact).max() < 0.08 * 41 + 1


def test_two_discs_in_touch_are_two_and_meet_at_the_neck() -> None:
    mask = discs((60, 60, 30), (118, 60, 30))
    labels = lobes_of(mask, 6, 30, 16)
    assert labels is not None
    assert labels.max() == 2
    assert (labels > 0)[mask].all()
    left, right = (np.count_nonzero(labels == i) for i in (1, 2))
    assert left == pytest.approx(right, rel=0.03)
    assert len(np.unique(labels[:, :80])) == len(np.unique(labels[:, 100:])) == 2


@pytest.mark.parametrize(
    ("mask", "what"),
    [
        (discs((60, 60, 30)), "a disc"),
        (discs((60, 60, 30), (90, 60, 30)), "discs that overlap far"),
        (discs(*((20 + 14 * i, 60, 10) for i in range(12))), "a chain of cells"),
        (discs(*((20 + i, 60 + round(20 * math.sin(i / 9)), 3) for i in range(200))), "a fibre"),
        (discs((60, 60, 30), *((90 + i, 60 - i // 3, 1) for i in range(100))), "an antenna"),
        (discs((60, 60, 30), (93, 60, 5)), "a bud"),
    ],
)
def test_what_is_one_stays_one(mask: Mask, what: str) -> None:
    assert lobes_of(mask, 6, 30, 16) is None, what


def test_a_hole_belongs_to_the_lobe_round_it() -> None:
    mask = discs((60, 60, 30), (118, 60, 30))
    mask[55:65, 55:65] = False
    labels = lobes_of(mask, 6, 30, 16)
    assert labels is not None
    assert labels[60, 60] == labels[60, 40] > 0


def scene() -> NDArray[np.uint8]:
    grey = np.full((300, 400), 12, np.uint8)
    for x, y in ((100, 100), (160, 100), (300, 200)):
        cv2.circle(grey, (x, y), 30, 150, cv2.FILLED)
    return grey


def test_a_frame_with_a_pair_has_its_two_objects() -> None:
    whole = segment(scene(), Background("dark"), SegmentSettings())
    assert (len(whole.regions), whole.split) == (2, 0)
    found = segment(scene(), Background("dark"), SegmentSettings(split="auto"))
    assert (len(found.regions), found.split) == (3, 1)
    assert [(r.by, r.bx) for r in found.regions] == sorted((r.by, r.bx) for r in found.regions)
    single = found.regions[2]
    for region in found.regions:
        assert region.esd_um == pytest.approx(single.esd_um, rel=0.03)
        assert region.area_px == np.count_nonzero(region.mask)
        assert region.mask.any(axis=1).all()
        assert region.mask.any(axis=0).all()
        height, width = region.mask.shape
        here = found.signal[region.by : region.by + height, region.bx : region.bx + width]
        np.testing.assert_array_equal(region.signal, here)
    assert sum(r.area_px for r in found.regions) == sum(r.area_px for r in whole.regions)


def test_the_cap_holds_for_pieces_too() -> None:
    found = segment(scene(), Background("dark"), SegmentSettings(split="auto", max_regions=2))
    assert (len(found.regions), found.dropped, found.split) == (2, 1, 1)


@native_only
@pytest.mark.parametrize(
    "wrong",
    [
        {"boxes": 0}, {"starts": 0}, {"masks": 0}, {"cells": 99}, {"objects": -1}, {"summit": 0},
        {"pass_percent": 101}, {"pass_percent": -1}, {"lobes_most": 0}, {"lobes_most": 33},
        {"height": 0}, {"room": 0}, {"room_cells": 99}, {"labels": 0}, {"lobes": 0},
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(wrong: dict[str, int]) -> None:
    library = native_lobes.LIBRARY
    assert library is not None
    crops = crops_of(np.ones((10, 10), bool))
    heights, room = np.full(100, 7, np.uint16), np.full(404, 7, np.int32)
    labels, lobes = np.full(100, 7, np.uint8), np.full(1, 7, np.int32)
    asked = native_lobes._Splitting(
        crops.boxes.ctypes.data, crops.starts.ctypes.data, crops.masks.ctypes.data, 100, 1, 6, 30,
        16, heights.ctypes.data, room.ctypes.data, 100, labels.ctypes.data, lobes.ctypes.data,
    )  # fmt: skip
    for name, value in wrong.items():
        setattr(asked, name, value)
    assert library.seadrift_split(ctypes.byref(asked)) == 1
    assert library.seadrift_split(None) == 1
    assert (lobes == 7).all()
    assert (labels == 7).all()

"""Regions on drawn scenes: whole, separate, counted, and never a crash."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edge.segment import Background, Segmentation, SegmentSettings, segment

Grey = NDArray[np.uint8]
DEFAULT = SegmentSettings()


def empty(level: float = 18, noise: float = 1.2, seed: int = 0, side: int = 600) -> Grey:
    grain = np.random.default_rng(seed).normal(level, noise, (side, side))
    return np.clip(np.rint(grain), 0, 255).astype(np.uint8)


def find(frame: Grey, wanted: SegmentSettings = DEFAULT) -> Segmentation:
    return segment(frame, Background(wanted.field), wanted)


def labels(found: Segmentation) -> NDArray[np.int32]:
    """Which region each pixel of the frame belongs to, 0 for none; regions do not overlap."""
    map_ = np.zeros(found.signal.shape, np.int32)
    for i, region in enumerate(found.regions, start=1):
        h, w = region.mask.shape
        here = map_[region.by : region.by + h, region.bx : region.bx + w]
        assert not here[region.mask].any()
        here[region.mask] = i
    return map_


def copepod(frame: Grey) -> Grey:
    """A body, and two antennae that are but 10 grey levels above the background."""
    shape = np.zeros(frame.shape, np.uint8)
    for end in ((180, 180), (420, 180)):
        cv2.line(shape, (300, 250), end, 10, 2)
    cv2.ellipse(shape, (300, 320), (35, 80), 0, 0, 360, 90, cv2.FILLED)
    return cv2.add(frame, shape)


@pytest.mark.parametrize("bright_field", [False, True])
def test_a_copepod_is_whole_with_its_dim_antennae(bright_field: bool) -> None:
    frame = copepod(empty())
    if bright_field:
        frame = cv2.subtract(np.full_like(frame, 215), frame)
    found = find(frame)
    assert len(found.regions) == 1
    region = found.regions[0]
    h, w = region.mask.shape
    assert region.bx <= 184
    assert region.bx + w >= 416
    assert region.by <= 184
    assert region.by + h >= 398
    assert found.field == ("bright" if bright_field else "dark")
    # The stored grey has its background at 0, or at 255 in a bright field.
    assert np.median(region.grey[~region.mask]) == pytest.approx(255 * bright_field, abs=2)
    middle = (320 - region.by, 300 - region.bx)
    assert region.signal[middle] == pytest.approx(90, abs=6)
    assert int(region.grey[middle]) == (255 - region.signal[middle] if bright_field else
                                        region.signal[middle])  # fmt: skip


def test_a_long_faint_fibre_is_in_one_piece() -> None:
    fibre = np.zeros((600, 600), np.uint8)
    curve = [(x, int(300 + 120 * math.sin(x / 140))) for x in range(0, 600, 5)]
    cv2.polylines(fibre, [np.array(curve, np.int32)], False, 14, 4)
    found = find(cv2.add(empty(noise=2.0), fibre))
    assert len(found.regions) == 1
    assert found.regions[0].mask.shape[1] >= 596
    assert found.regions[0].touches_border


def test_specks_are_counted_and_left_out_by_micrometres() -> None:
    frame = empty()
    for x in range(50, 550, 50):
        cv2.circle(frame, (x, 100), 3, 120, cv2.FILLED)
        cv2.circle(frame, (x, 300), 12, 120, cv2.FILLED)
    found = find(frame)
    assert len(found.regions) == 10
    assert found.specks == 10
    all_small = replace(DEFAULT, pixel_um=10.0, esd_min_um=300.0)  # 30 pixels
    assert len(find(frame, all_small).regions) == 0
    none_small = replace(DEFAULT, pixel_um=10.0, esd_min_um=40.0)
    assert len(find(frame, none_small).regions) == 20
    big = find(frame, replace(DEFAULT, esd_max_um=20.0))
    assert (len(big.regions), big.refused) == (0, 10)


def test_esd_is_in_micrometres_of_the_filled_area() -> None:
    frame = empty(noise=0)
    cv2.circle(frame, (300, 300), 100, 200, 12)  # a ring
    (region,) = find(frame, replace(DEFAULT, pixel_um=5.0)).regions
    assert region.esd_um == pytest.approx(2 * 106 * 5, rel=0.01)
    drawn = np.count_nonzero(frame == 200)
    assert region.area_px == region.mask.sum() == pytest.approx(drawn, rel=0.02)


def test_a_thing_in_the_hole_of_another_is_a_region_of_its_own() -> None:
    frame = empty()
    cv2.circle(frame, (300, 300), 150, 160, 8)
    cv2.circle(frame, (300, 300), 90, 160, 8)
    cv2.circle(frame, (300, 300), 20, 160, cv2.FILLED)
    found = find(frame)
    assert len(found.regions) == 3
    map_ = labels(found)
    assert len({map_[300, 300], map_[300, 390], map_[300, 450]}) == 3
    assert map_[300, 340] == map_[300, 420] == 0


def test_a_pinhole_is_filled_and_a_hole_is_not() -> None:
    frame = empty(noise=0)
    cv2.circle(frame, (200, 300), 60, 160, cv2.FILLED)
    cv2.circle(frame, (200, 300), 4, 18, cv2.FILLED)
    cv2.circle(frame, (400, 300), 60, 160, cv2.FILLED)
    cv2.circle(frame, (400, 300), 25, 18, cv2.FILLED)
    map_ = labels(find(frame))
    assert map_[300, 200] > 0
    assert map_[300, 400] == 0


def test_the_mask_is_the_component_itself() -> None:
    """Outlines and holes drawn back give the very pixels above the threshold."""
    random = np.random.default_rng(7)
    blobs = cv2.GaussianBlur(random.random((600, 600)), (0, 0), 6)
    shape = (blobs > np.quantile(blobs, 0.7)).astype(np.uint8)
    shape[cv2.GaussianBlur(random.random((600, 600)), (0, 0), 2) > 0.54] = 0  # holes of all sizes
    frame = (18 + 150 * shape).astype(np.uint8)
    found = find(frame, replace(DEFAULT, esd_min_um=0.9, high_pixels=1, close_px=1))
    above = (cv2.GaussianBlur(found.signal, (3, 3), 0) > int(found.low)) & (found.signal > 3)
    count, expected = cv2.connectedComponents(above.astype(np.uint8), connectivity=8)
    got = labels(found)
    assert len(found.regions) == count - 1
    np.testing.assert_array_equal(got > 0, expected > 0)
    pairs = {(int(a), int(b)) for a, b in zip(got.ravel(), expected.ravel(), strict=True)}
    assert len(pairs) == count


def test_two_objects_that_touch_at_a_corner_are_one() -> None:
    frame = np.full((200, 200), 10, np.uint8)
    frame[60:90, 60:90] = 200
    frame[90:120, 90:120] = 200
    assert len(find(frame, replace(DEFAULT, close_px=1)).regions) == 1


def test_what_never_reaches_the_high_threshold_is_faint() -> None:
    frame = empty(noise=0)
    cv2.circle(frame, (300, 300), 30, 26, cv2.FILLED)  # signal 8: above low, below high
    found = find(frame)
    assert len(found.regions) == 0
    assert found.faint == 1


def test_objects_at_the_border_are_flagged_or_refused() -> None:
    frame = empty()
    cv2.circle(frame, (0, 300), 20, 150, cv2.FILLED)
    cv2.circle(frame, (599, 100), 20, 150, cv2.FILLED)
    cv2.circle(frame, (300, 300), 20, 150, cv2.FILLED)
    found = find(frame)
    assert [r.touches_border for r in found.regions] == [True, True, False]
    refused = find(frame, replace(DEFAULT, border="drop"))
    assert (len(refused.regions), refused.refused) == (1, 2)


def test_the_cap_keeps_the_largest_and_counts_the_rest() -> None:
    frame = empty()
    for i in range(10):
        cv2.circle(frame, (50 + 55 * i, 300), 8 + i, 150, cv2.FILLED)
    found = find(frame, replace(DEFAULT, max_regions=4))
    assert found.dropped == 6
    assert sorted(region.bx // 55 for region in found.regions) == [6, 7, 8, 9]


def test_regions_come_in_reading_order() -> None:
    frame = empty()
    for x, y in ((500, 400), (100, 100), (400, 100), (80, 400)):
        cv2.rectangle(frame, (x, y), (x + 30, y + 30), 150, cv2.FILLED)
    places = [(r.by, r.bx) for r in find(frame).regions]
    assert places == sorted(places)
    assert len(places) == 4


HOSTILE: dict[str, Grey] = {
    "black": np.zeros((480, 640), np.uint8),
    "saturated": np.full((480, 640), 255, np.uint8),
    "uniform noise": np.random.default_rng(0).integers(0, 256, (480, 640), np.uint8),
    "gaussian noise": empty(120, 25),
    "salt": np.where(np.random.default_rng(1).random((480, 640)) < 0.05, 255, 10).astype(np.uint8),
    "checkers": (np.indices((480, 640)).sum(0) % 2 * 255).astype(np.uint8),
    "half and half": np.repeat(np.array([[0, 255]], np.uint8), 320, axis=1).repeat(480, axis=0),
    "one pixel": np.full((1, 1), 9, np.uint8),
    "one row": np.random.default_rng(2).integers(0, 256, (1, 900), np.uint8),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("field", ["auto", "dark", "bright"])
def test_hostile_frames_are_counted_and_harmless(name: str, field: str) -> None:
    found = find(HOSTILE[name], replace(DEFAULT, field=field, max_regions=50))
    assert len(found.regions) <= 50
    labels(found)


def test_an_object_that_covers_nearly_everything_is_one_region() -> None:
    frame = np.full((480, 640), 12, np.uint8)
    frame[20:460, 20:620] = 200
    found = find(frame, replace(DEFAULT, field="bright"))
    assert len(found.regions) <= 1
    empty_first = Background("dark")
    segment(np.full((480, 640), 12, np.uint8), empty_first, DEFAULT)
    assert len(segment(frame, empty_first, DEFAULT).regions) <= 1


@settings(deadline=None, max_examples=60)
@given(
    frame=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)),
    field=st.sampled_from(["auto", "dark", "bright"]),
    esd_min_um=st.floats(1, 20),
)
def test_any_frame_gives_regions_that_fit_it(frame: Grey, field: str, esd_min_um: float) -> None:
    found = find(frame, SegmentSettings(field=field, esd_min_um=esd_min_um))
    height, width = frame.shape
    for region in found.regions:
        h, w = region.mask.shape
        assert region.grey.shape == region.signal.shape == region.mask.shape
        assert 0 <= region.bx <= region.bx + w <= width
        assert 0 <= region.by <= region.by + h <= height
        assert region.mask[0].any()
        assert region.mask[-1].any()
        assert region.mask[:, 0].any()
        assert region.mask[:, -1].any()
        assert region.esd_um >= esd_min_um
    labels(found)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"field": "grey"}, "field"),
        ({"border": "cut"}, "border"),
        ({"pixel_um": 0.0}, "pixel_um"),
        ({"pixel_um": math.nan}, "pixel_um"),
        ({"esd_min_um": -3.0}, "esd_min_um"),
        ({"esd_min_um": 50.0, "esd_max_um": 20.0}, "esd_max_um"),
        ({"max_regions": 0}, "max_regions"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(
    wrong: dict[str, object], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        SegmentSettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose

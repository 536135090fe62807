"""Segmentation of real frames, within bounds that were set by looking at the overlays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.frames import Frame
from edge.segment import Background, Region, Segmentation, SegmentSettings, segment
from edge.sources import ZipSource

pytestmark = pytest.mark.data

DATA = Path(os.environ.get("SEADRIFT_DATA", "../shared/data"))


def frames(archive: str, *names: str) -> list[Frame]:
    path = DATA / archive
    if not path.exists():
        pytest.skip(f"no real data: {path} is missing (set SEADRIFT_DATA)")
    with ZipSource(path) as source:
        found = []
        for name in names:
            source.start = source.names.index(name)
            frame = next(iter(source))
            assert isinstance(frame, Frame)
            found.append(frame)
    return found


def at(found: Segmentation, x: int, y: int) -> Region | None:
    """The region that has the pixel (x, y)."""
    for region in found.regions:
        h, w = region.mask.shape
        row, column = y - region.by, x - region.bx
        if 0 <= row < h and 0 <= column < w and region.mask[row, column]:
            return region
    return None


@pytest.fixture(scope="module")
def dark() -> list[Segmentation]:
    background = Background()
    return [
        segment(frame.grey, background, SegmentSettings())
        for frame in frames("darkfield-frames.zip", "frame_1.png", "frame_5.png")
    ]


def test_the_field_and_the_light_are_recognised(dark: list[Segmentation]) -> None:
    assert [found.field for found in dark] == ["dark", "dark"]
    assert all(found.message is None for found in dark)
    assert all(10 < found.brightness < 25 for found in dark)
    assert abs(dark[1].drift) < 2


def test_hundreds_of_objects_and_more_specks(dark: list[Segmentation]) -> None:
    for found in dark:
        assert 350 <= len(found.regions) <= 650
        assert 800 <= found.specks <= 2500
        assert found.dropped == 0


def test_the_long_fibre_is_in_one_piece(dark: list[Segmentation]) -> None:
    """It runs from the left edge at y = 1115 for 770 pixels, and is 15 grey levels bright."""
    along = [(10, 1110), (254, 978), (488, 885), (630, 830), (745, 797)]
    fibre = [at(dark[0], x, y) for x, y in along]
    assert fibre[0] is not None
    assert all(region is fibre[0] for region in fibre)
    assert fibre[0].touches_border
    assert fibre[0].mask.shape[1] > 700


@pytest.mark.parametrize(
    ("name", "body", "box"),
    [
        # In the first frame: a point of the body; the box that takes in the antennae.
        ("antennae like a T", (715, 1630), (630, 1545, 828, 1690)),
        ("one long antenna", (1480, 1330), (1356, 1250, 1555, 1435)),
        ("furca downwards", (1275, 1460), (1200, 1415, 1370, 1580)),
    ],
)
def test_copepods_are_whole(
    dark: list[Segmentation], name: str, body: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    region = at(dark[0], *body)
    assert region is not None, name
    h, w = region.mask.shape
    left, top, right, bottom = box
    near = 12
    assert region.bx == pytest.approx(left, abs=near)
    assert region.by == pytest.approx(top, abs=near)
    assert region.bx + w == pytest.approx(right, abs=near)
    assert region.by + h == pytest.approx(bottom, abs=near)


def test_nothing_takes_the_whole_frame(dark: list[Segmentation]) -> None:
    for found in dark:
        assert max(region.area_px for region in found.regions) < 0.02 * found.signal.size


@pytest.mark.parametrize(
    ("name", "at_least", "at_most"),
    [
        ("DiatomaceousEarth-100x-20.jpg", 60, 250),
        ("DiatomaceousEarth-40x-01.jpg", 150, 500),
    ],
)
def test_single_bright_field_frames(name: str, at_least: int, at_most: int) -> None:
    (frame,) = frames("diatom-frames.zip", name)
    found = segment(frame.grey, Background(), SegmentSettings())
    assert found.field == "bright"
    assert at_least <= len(found.regions) <= at_most
    share = sum(region.area_px for region in found.regions) / frame.grey.size
    assert 0.05 < share < 0.35


def test_the_large_diatom_is_one_region() -> None:
    (frame,) = frames("diatom-frames.zip", "DiatomaceousEarth-100x-20.jpg")
    found = segment(frame.grey, Background(), SegmentSettings())
    disc = at(found, 860, 1370)
    assert disc is not None
    assert 230 < disc.mask.shape[1] < 300
    assert 230 < disc.mask.shape[0] < 300


def test_a_run_of_bright_field_frames_is_segmented() -> None:
    """Other slides, magnifications, light in one run: it restarts or goes on, and never fails."""
    path = DATA / "diatom-frames.zip"
    if not path.exists():
        pytest.skip(f"no real data: {path} is missing (set SEADRIFT_DATA)")
    background = Background()
    restarts = 0
    with ZipSource(path) as source:
        source.names = source.names[::3]
        for frame in source:
            assert isinstance(frame, Frame)
            found = segment(frame.grey, background, SegmentSettings())
            restarts += found.message is not None
            assert found.field == "bright"
            assert 10 <= len(found.regions) <= 1500, frame.name
    assert 1 <= restarts <= 12

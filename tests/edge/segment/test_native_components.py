"""The C library finds what OpenCV's outlines find: every component, pixel and count."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edge.frames import Frame
from edge.segment import (
    Background,
    Segmentation,
    SegmentSettings,
    native,
    outlines,
    segment,
    segment_by_outlines,
)
from edge.segment.components import Limits, esd_px
from edge.simulator import Simulator, preset
from edge.sources import ZipSource
from models.crops import Crops

Grey = NDArray[np.uint8]
DATA = Path(os.environ.get("SEADRIFT_DATA", "../shared/data"))
pytestmark = pytest.mark.skipif(native.LIBRARY is None, reason="no C library with segmentation")


def limits(esd_min_px: float = 1.0, close_px: int = 0, level: int = 9) -> Limits:
    return Limits(level, level // 2, 2 * level, close_px, esd_min_px)


def assert_same(signal: Grey, wanted: Limits) -> int:
    """Both ways agree on this signal; how many components there are."""
    mine, theirs = native.find_components(signal, wanted), outlines.find_components(signal, wanted)
    assert mine is not None
    assert (mine.specks, mine.crowded) == (theirs.specks, theirs.crowded)
    for name in ("boxes", "filled_px", "area_px", "high_px"):
        one, other = getattr(mine.table, name), getattr(theirs.table, name)
        np.testing.assert_array_equal(one, other, name)
        assert one.dtype == other.dtype
    every = np.arange(len(mine.table))
    assert_same_crops(mine.cut(every), theirs.cut(every))
    return len(mine.table)


def assert_same_crops(ours: Crops, reference: Crops) -> None:
    for name in ("boxes", "starts", "masks", "signals"):
        one, other = getattr(ours, name), getattr(reference, name)
        np.testing.assert_array_equal(one, other, name)
        assert one.dtype == other.dtype


def assert_same_segmentation(ours: Segmentation, reference: Segmentation) -> None:
    for name in ("field", "specks", "faint", "refused", "dropped", "split", "low", "high", "noise"):
        assert getattr(ours, name) == getattr(reference, name), name
    assert ours.message == reference.message
    assert_same_crops(ours.crops, reference.crops)
    for name in ("area_px", "esd_um", "touches_border", "signal"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(reference, name), name)


def drawn(*rows: str) -> Grey:
    """Each character becomes 4 x 4 pixels, so that smoothing keeps the shape; `.` is empty."""
    cells = np.array([[255 if c != "." else 0 for c in row] for row in rows], np.uint8)
    return np.pad(np.kron(cells, np.ones((4, 4), np.uint8)), 2)


SHAPES = {
    "one pixel, above": np.full((1, 1), 255, np.uint8),
    "one pixel, below": np.zeros((1, 1), np.uint8),
    "one row": np.array([[0, 255, 255, 0, 0, 0, 255]], np.uint8),
    "one column": np.array([[0, 255, 255, 0, 0, 0, 255]], np.uint8).T.copy(),
    "two by two": np.full((2, 2), 255, np.uint8),
    "all": np.full((37, 41), 255, np.uint8),
    "none": np.zeros((37, 41), np.uint8),
    "checkers": (np.indices((33, 40)).sum(0) % 2 * 255).astype(np.uint8),
    "wide checkers": np.kron(np.indices((9, 10)).sum(0) % 2, np.full((4, 4), 255)).astype(np.uint8),
    "dots": np.kron(np.ones((9, 9)), np.pad([[255]], ((0, 3), (0, 3)))).astype(np.uint8),
    "combs that need union-find": drawn("#.#.#.#", "#.#.#.#", "#######", ".......", "#######",
                                        "#.#.#.#", "#.#.#.#"),
    "spiral": drawn("#########", "........#", "#######.#", "#.....#.#", "#.###.#.#", "#.#...#.#",
                    "#.#####.#", "#.......#", "#########"),
    "rings in rings": drawn("#########", "#.......#", "#.#####.#", "#.#...#.#", "#.#.#.#.#",
                            "#.#...#.#", "#.#####.#", "#.......#", "#########"),
    "holes side by side": drawn("#######", "#.#.#.#", "###.###", "#.....#", "#######"),
    "a spur in a hole": drawn("#######", "#.....#", "#.###.#", "#...#.#", "#######"),
    "corners that touch": drawn("#..#", ".##.", ".##.", "#..#"),
    "same corner of the box": drawn("..###", "..#..", "###..", "#....", "#...#"),
}  # fmt: skip


@pytest.mark.parametrize("close_px", [0, 3])
@pytest.mark.parametrize("esd_min_px", [0.5, 5.0, 12.0, 1e6])
@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str, esd_min_px: float, close_px: int) -> None:
    assert_same(SHAPES[name], limits(esd_min_px, close_px))
    assert_same(np.ascontiguousarray(255 - SHAPES[name]), limits(esd_min_px, close_px))


LEVELS = st.one_of(st.integers(0, 255), st.sampled_from([0, 255]))
FRAMES = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=28), elements=LEVELS
)


@given(
    signal=FRAMES,
    esd_min_px=st.floats(0.1, 12),
    close_px=st.sampled_from([0, 1, 3]),
    level=st.sampled_from([-1, 0, 6, 60, 120, 127, 254, 300]),
)
@example(np.zeros((1, 1), np.uint8), 0.5, 3, -1)
@settings(deadline=None, max_examples=300)
def test_any_signal(signal: Grey, esd_min_px: float, close_px: int, level: int) -> None:
    assert_same(signal, limits(esd_min_px, close_px, level))


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 330),
    points=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 329), LEVELS), max_size=12),
    close_px=st.sampled_from([0, 3]),
    level=st.sampled_from([0, 6, 60]),
)
@settings(deadline=None, max_examples=200)
def test_few_bright_pixels_in_wide_rows(
    height: int, width: int, points: list[tuple[int, int, int]], close_px: int, level: int
) -> None:
    """Rows are worked on in words of 64 pixels, most of which have nothing bright near them."""
    signal = np.zeros((height, width), np.uint8)
    for y, x, value in points:
        signal[min(y, height - 1), min(x, width - 1)] = value
    assert_same(signal, limits(0.5, close_px, level))


@pytest.mark.parametrize("close_px", [0, 3])
@pytest.mark.parametrize("width", [4095, 4096, 4097, 4160, 8192, 8300])
def test_rows_of_more_words_than_a_word_has_bits(width: int, close_px: int) -> None:
    """Objects and specks lie across every 64 x 64 pixels, and at the frame's sides."""
    random = np.random.default_rng(width)
    signal = (random.random((24, width)) < 0.02).astype(np.uint8) * np.uint8(200)
    for x in (0, 60, 4030, 4090, 4094, 4150, 8185, width - 5):
        signal[3:19, max(0, min(x, width - 1)) : x + 9] = 180
    assert assert_same(signal, limits(5.0, close_px)) > 1


@given(
    seed=st.integers(0, 2**32 - 1),
    grain=st.floats(0.6, 4),
    share=st.floats(0.2, 0.8),
    esd_min_px=st.floats(0.5, 12),
    close_px=st.sampled_from([0, 3]),
)
@settings(deadline=None, max_examples=60)
def test_caves(seed: int, grain: float, share: float, esd_min_px: float, close_px: int) -> None:
    """Tangles with holes of every size and things in them."""
    noise = np.random.default_rng(seed).random((90, 110))
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), grain))
    signal = np.where(noise > np.quantile(noise, share), 220, 0).astype(np.uint8)
    assert_same(signal, limits(esd_min_px, close_px, 100))


@given(
    frame=FRAMES,
    field=st.sampled_from(["auto", "dark", "bright"]),
    border=st.sampled_from(["keep", "drop"]),
    esd_min_um=st.floats(0.5, 12),
    max_regions=st.integers(1, 6),
    split=st.sampled_from(["off", "auto"]),
)
@settings(deadline=None, max_examples=100)
def test_any_frame(
    frame: Grey, field: str, border: str, esd_min_um: float, max_regions: int, split: str
) -> None:
    wanted = SegmentSettings(
        field=field,
        border=border,
        esd_min_um=esd_min_um,
        esd_max_um=15.0,
        max_regions=max_regions,
        split=split,
    )
    assert_same_segmentation(
        segment(frame, Background(field), wanted),
        segment_by_outlines(frame, Background(field, by_definition=True), wanted),
    )


@pytest.mark.parametrize("instrument", ["darkfield", "brightfield"])
@pytest.mark.parametrize("density", [0, 30, 150])
def test_simulated_frames(instrument: str, density: int) -> None:
    size = {"width": 1280, "height": 960}
    simulator = Simulator(preset(instrument, frames=1, density=density, seed=3, **size))
    frame, wanted = simulator.frame(0).frame.grey, SegmentSettings(border="drop", split="auto")
    assert_same_segmentation(
        segment(frame, Background(), wanted),
        segment_by_outlines(frame, Background(by_definition=True), wanted),
    )


@pytest.mark.data
@pytest.mark.parametrize(("archive", "every"), [("darkfield-frames.zip", 1),
                                                ("diatom-frames.zip", 8)])  # fmt: skip
def test_real_frames(archive: str, every: int) -> None:
    path = DATA / archive
    if not path.exists():
        pytest.skip(f"no real data: {path} is missing (set SEADRIFT_DATA)")
    ours, reference = Background(), Background(by_definition=True)
    seen = 0
    with ZipSource(path) as source:
        source.names = source.names[::every]
        for frame in source:
            assert isinstance(frame, Frame)
            found = segment(frame.grey, ours, SegmentSettings())
            assert found.regions
            assert_same_segmentation(
                found, segment_by_outlines(frame.grey, reference, SegmentSettings())
            )
            seen += 1
    assert seen >= 3


def test_thirty_thousand_specks_are_counted() -> None:
    signal = np.zeros((1024, 1536), np.uint8)
    signal[2::7, 2::7] = 255
    before = native.find_components(signal, limits(12.0, 3))
    assert before is not None
    assert (before.specks, len(before.table)) == (146 * 220, 0)
    assert_same(signal, limits(12.0, 3))


def test_another_closing_is_left_to_the_definition() -> None:
    assert native.find_components(SHAPES["spiral"], limits(close_px=4)) is None
    wanted = SegmentSettings(close_px=4, esd_min_um=2.0, field="dark")
    assert segment(SHAPES["spiral"], Background("dark"), wanted).regions


def test_noise_without_closing_is_closed_and_that_is_said() -> None:
    checkers = (np.indices((1100, 1100)).sum(0) % 2 * 255).astype(np.uint8)
    found = native.find_components(checkers, Limits(0, 100, 200, 0, 0.5))
    assert found is not None
    assert found.crowded
    assert assert_same(checkers, limits(0.5)) == 1
    wanted = SegmentSettings(close_px=0, esd_min_um=0.5, field="dark")
    message = segment(checkers, Background("dark"), wanted).message
    assert message is not None
    assert "closed" in message


@pytest.mark.parametrize("close_px", [0, 3])
def test_as_many_components_as_there_can_be(close_px: int) -> None:
    dots = np.zeros((500, 700), np.uint8)
    dots[2::5, 2::5] = 255
    assert assert_same(dots, limits(0.5, close_px)) == 100 * 140


def test_room_is_made_for_many_runs() -> None:
    stripes = np.zeros((600, 1200), np.uint8)
    stripes[:, ::6] = 255
    assert stripes.size // 6 * 2 > native._FIRST_ROOM
    assert assert_same(stripes, limits(2.0)) == 200


@pytest.mark.parametrize("esd", [0.1, 1.0, 1.13, 5.0, 12.0, 33.3])
def test_the_fewest_pixels_of_a_size(esd: float) -> None:
    fewest = native.filled_min(esd, 10_000)
    assert esd_px(fewest) >= esd
    assert fewest == 1 or esd_px(fewest - 1) < esd
    assert native.filled_min(1e9, 10_000) == 10_000


def test_wrong_arguments_are_refused_and_write_nothing() -> None:
    library = native.LIBRARY
    assert library is not None
    assert library.seadrift_find_objects(None) == 1
    found = native.find_components(SHAPES["spiral"], limits())
    assert found is not None
    assert len(found.table) == 1
    masks, signals = np.full(4000, 7, np.uint8), np.full(4000, 7, np.uint8)
    for number, room in ((-1, 4000), (1, 4000), (0, 3)):
        which = np.array([number], np.int32)
        code = library.seadrift_cut_objects(
            ctypes.byref(found.frame), which.ctypes.data_as(ctypes.c_void_p), 1,
            masks.ctypes.data_as(ctypes.c_void_p), signals.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int64(room),
        )  # fmt: skip
        assert code == 1
    assert (masks == 7).all()
    assert (signals == 7).all()


@pytest.mark.parametrize(("field", "code"), [("runs_room", 4), ("parts_room", 5),
                                             ("objects_room", 6)])  # fmt: skip
@pytest.mark.parametrize("room", [0, 1, 2])
def test_small_room_is_told_and_not_overrun(field: str, code: int, room: int) -> None:
    library = native.LIBRARY
    assert library is not None
    found = native.find_components(SHAPES["dots"], limits(0.5))
    assert found is not None
    count = field.replace("room", "count")
    needed = getattr(found.frame, count)
    assert needed > room
    buffer = getattr(found.room, field.removesuffix("_room"))
    setattr(found.frame, field, room)
    bytes_ = buffer.view(np.uint8)
    bytes_[:] = 0xA5
    assert library.seadrift_find_objects(ctypes.byref(found.frame)) == code
    assert getattr(found.frame, count) == needed
    assert (bytes_[room * buffer.dtype.itemsize :] == 0xA5).all()


def counted(signal: Grey, esd_min_px: float = 12.0) -> native.Found:
    found = native.find_components(signal, limits(esd_min_px, 3))
    assert found is not None
    return found


def discs_on(signal: Grey, count: int, across: int) -> Grey:
    """``count`` discs of 20 pixels on a grid."""
    drawn_on = signal.copy()
    for i in range(count):
        centre = (30 + 50 * (i % across), 30 + 50 * (i // across))
        cv2.circle(drawn_on, centre, 10, 200, cv2.FILLED)
    return drawn_on


def test_work_grows_with_what_there_is_and_no_faster() -> None:
    """Counted in runs, parts and cells: all that follows the thresholds goes by them."""
    empty = np.zeros((1300, 1300), np.uint8)
    few, many = (counted(discs_on(empty, count, 25)) for count in (100, 500))
    none = counted(empty)
    assert none.frame.runs_count == 1 + 1300
    for name in ("runs_count", "parts_count", "objects_count"):
        base = getattr(none.frame, name)
        more, most = getattr(few.frame, name) - base, getattr(many.frame, name) - base
        assert 0 < most <= 5 * more, name
    cells = [len(found.cut(np.arange(len(found.table))).masks) for found in (few, many)]
    assert cells[1] == 5 * cells[0]


def test_thirty_thousand_specks_cost_their_runs_and_one_number_each() -> None:
    random, signal = np.random.default_rng(3), np.zeros((1536, 2048), np.uint8)
    for y, x in random.integers(1, 1500, (30_000, 2)).tolist():
        signal[y : y + 2, x : x + 2] = 120
    found = counted(signal)
    assert len(found.table) < 50
    assert found.frame.parts_count <= 1 + 2 * 30_000
    # An empty row has one run; a speck adds at most two to each of the three rows it shows in.
    assert found.frame.runs_count <= 1 + 1536 + 6 * 30_000


HOSTILE_FRAMES = {
    "all noise": np.random.default_rng(0).integers(0, 256, (700, 900), np.uint8),
    "black": np.zeros((700, 900), np.uint8),
    "saturated": np.full((700, 900), 255, np.uint8),
    "touching all borders": np.pad(np.full((1, 1), 255, np.uint8), ((350, 349), (450, 449)))
    + np.where((np.indices((700, 900)) % 350 == 0).any(axis=0), 255, 0).astype(np.uint8),
}


@pytest.mark.parametrize("close_px", [0, 3])
@pytest.mark.parametrize("name", HOSTILE_FRAMES)
def test_hostile_frames_in_bounded_room(name: str, close_px: int) -> None:
    signal = HOSTILE_FRAMES[name]
    assert_same(signal, limits(12.0, close_px))
    found = native.find_components(signal, limits(12.0, close_px))
    assert found is not None
    pixels = signal.size
    assert found.frame.runs_count <= (pixels // 2 if close_px else pixels) + 2 * len(signal)
    assert found.frame.parts_count <= found.frame.runs_count

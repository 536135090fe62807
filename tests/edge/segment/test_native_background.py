"""The C library draws the background that the numpy definition draws, bit for bit."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edge.segment import Background, backdrop, native_background
from edge.segment.backdrop import Grid

Grey = NDArray[np.uint8]
pytestmark = pytest.mark.skipif(
    native_background.LIBRARY is None, reason="no C library with the background"
)


def assert_same(grey: Grey, field: str) -> None:
    grid = Grid.of(grey.shape)
    native = native_background.steps(grid)
    assert native is not native_background.DEFINITION
    tiles = backdrop.estimate(grey, grid, field)
    np.testing.assert_array_equal(native.estimate(grey, grid, field), tiles)
    for step in ("residuals", "subtract"):
        ours = getattr(native, step)(grey, tiles, grid, field)
        reference = getattr(backdrop, step)(grey, tiles, grid, field)
        np.testing.assert_array_equal(ours, reference)
        assert ours.dtype == reference.dtype


FIELDS = pytest.mark.parametrize("field", ["dark", "bright"])
LEVELS = st.one_of(st.integers(0, 255), st.sampled_from([0, 255]))


@given(
    grey=hnp.arrays(
        np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=LEVELS
    ),
    field=st.sampled_from(["dark", "bright"]),
)
@example(np.zeros((1, 1), np.uint8), "bright")
@settings(deadline=None, max_examples=200)
def test_any_small_frame(grey: Grey, field: str) -> None:
    assert_same(grey, field)


@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 900),
    width=st.integers(1, 900),
    level=st.floats(0, 255),
    fall=st.floats(0, 200),
    noise=st.floats(0, 30),
    covered=st.floats(0, 0.6),
    field=st.sampled_from(["dark", "bright"]),
)
@settings(deadline=None, max_examples=40)
def test_vignetted_frames_with_things_on_them(
    seed: int,
    height: int,
    width: int,
    level: float,
    fall: float,
    noise: float,
    covered: float,
    field: str,
) -> None:
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    frame = level - fall * (x**2 + y**2) + random.normal(0, noise, (height, width))
    frame[: int(covered * height)] += 60 if field == "dark" else -60
    assert_same(np.clip(frame, 0, 255).astype(np.uint8), field)


@FIELDS
@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (1536, 2048), (767, 767), (2049, 511)])
def test_shapes_of_frames(shape: tuple[int, int], field: str) -> None:
    noise = np.random.default_rng(3).normal(30, 6, shape)
    assert_same(np.clip(noise, 0, 255).astype(np.uint8), field)


@FIELDS
def test_a_part_of_a_larger_array(field: str) -> None:
    whole = np.random.default_rng(5).integers(0, 90, (200, 300), np.uint8)
    assert_same(whole[20:180, 30:290], field)


@FIELDS
def test_a_run_of_frames(field: str) -> None:
    ours, reference = Background(field), Background(field, by_definition=True)
    for i in range(6):
        noise = np.random.default_rng(i).normal(60 + 5 * i + 60 * (i > 3), 4, (300, 500))
        grey = np.clip(noise, 0, 255).astype(np.uint8)
        one, other = ours.correct(grey), reference.correct(grey)
        np.testing.assert_array_equal(one.signal, other.signal)
        for name in ("brightness", "drift", "noise", "message"):
            assert getattr(one, name) == getattr(other, name)


def test_a_frame_of_more_tiles_than_the_library_takes_is_left_to_the_definition() -> None:
    assert native_background.steps(Grid(1, 65, 1)) is native_background.DEFINITION
    assert native_background.steps(Grid(257, 32, 24)) is native_background.DEFINITION


@pytest.mark.parametrize(
    "wrong",
    [
        {"height": 0}, {"width": -1}, {"height": 2**30}, {"stride": 0}, {"stride": 257},
        {"rows": 3}, {"rows": 1}, {"columns": 1}, {"columns": 0}, {"bright": 2}, {"grey": 0},
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_and_write_nothing(wrong: dict[str, int]) -> None:
    library = native_background.LIBRARY
    assert library is not None
    grey = np.zeros((30, 40), np.uint8)
    scene = native_background._Scene(grey.ctypes.data, 30, 40, 1, 2, 3, 0)
    rooms = [np.full(9000, 7, kind) for kind in (np.int16, np.float64, np.int32, np.uint8)]
    tiles, doubles, counts, signal = (ctypes.c_void_p(room.ctypes.data) for room in rooms)
    calls = {
        "tiles": (tiles, doubles, counts),
        "residuals": (tiles, doubles, counts),
        "subtract": (tiles, doubles, signal),
    }
    for name, places in calls.items():
        work = getattr(library, f"seadrift_background_{name}")
        assert work(None, *places) == 1
        for i in range(3):
            assert work(ctypes.byref(scene), *places[:i], None, *places[i + 1 :]) == 1
    for name, value in wrong.items():
        setattr(scene, name, value)
    for name, places in calls.items():
        work = getattr(library, f"seadrift_background_{name}")
        assert work(ctypes.byref(scene), *places) == 1
    assert all((room == 7).all() for room in rooms)

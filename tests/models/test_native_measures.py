"""The C library's measures against their definition, over drawn, random and hostile objects."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from models import measures_native, native
from models.crops import Crops
from models.measures import INDEX, MEASURES, measure_crops, measure_many

pytestmark = pytest.mark.skipif(native.LIBRARY is None, reason=f"no C library: {native.REASON}")

Mask = NDArray[np.bool_]
ULP = 2.0**-23
"""One unit in the last place of a float32."""


def both(
    masks: list[Mask], field: str = "dark", tier: str = "all", seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The measures of masks with random grey: by the C library, and by the definition."""
    random = np.random.default_rng(seed)
    signals = [random.integers(0, 256, mask.shape, np.uint8) for mask in masks]
    items = [(signals[i], mask, 7 * i, 5 * i) for i, mask in enumerate(masks)]
    found = measures_native.measure_native(Crops.of(items), field, tier == "all")
    assert found is not None
    grey = (lambda s: s) if field == "dark" else (lambda s: 255 - s)
    return found, measure_many([(grey(s), m, bx, by, field) for s, m, bx, by in items], tier)


def assert_same(found: NDArray[np.float32], defined: NDArray[np.float32]) -> None:
    """Bit by bit, but for what goes through an arctangent or a logarithm."""
    assert found.shape == defined.shape
    for k, m in enumerate(MEASURES):
        if m.name in ("angle", "fractal"):
            np.testing.assert_allclose(found[:, k], defined[:, k], rtol=ULP, err_msg=m.name)
        else:
            np.testing.assert_array_equal(found[:, k], defined[:, k], err_msg=m.name)


def blob(side: int, seed: int, holes: float = 0.05) -> Mask:
    """Something smooth with a ragged edge and some holes."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    reach = 0.6 + 0.3 * np.sin(3 * np.arctan2(y, x) + seed) + 0.1 * random.random((side, side))
    mask = (x * x + y * y < reach * reach) & (random.random((side, side)) > holes)
    mask[side // 2, side // 2] = True
    return mask


masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=16)).filter(np.any)


@settings(deadline=None, max_examples=150)
@given(
    drawn=st.lists(masks, min_size=1, max_size=3),
    seed=st.integers(0, 2**32 - 1),
    field=st.sampled_from(["dark", "bright"]),
    tier=st.sampled_from(["all", "fast"]),
)
def test_any_mask_measures_alike(drawn: list[Mask], seed: int, field: str, tier: str) -> None:
    assert_same(*both(drawn, field, tier, seed))


@pytest.mark.parametrize("side", [20, 63, 64, 65, 100, 128, 200])
@pytest.mark.parametrize("field", ["dark", "bright"])
def test_blobs_measure_alike(side: int, field: str) -> None:
    assert_same(*both([blob(side, seed) for seed in range(6)], field, seed=side))


def line(length: int, thick: int, angle: float) -> Mask:
    """A bar through the middle of a square."""
    reach = length // 2 + 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return (np.abs(along) <= length / 2) & (np.abs(across) <= thick / 2)


def spiral(side: int) -> Mask:
    """One arm, whose gaps wind to the outside: no hole."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    turns = np.hypot(y, x) * 8 - np.arctan2(y, x) / (2 * np.pi)
    return (turns % 1 < 0.55) & (np.hypot(y, x) < 0.98)


EXTREMES: dict[str, Mask] = {
    "one pixel": np.ones((1, 1), bool),
    "a row": np.ones((1, 300), bool),
    "a column": np.ones((300, 1), bool),
    "the longest row": np.ones((1, 4096), bool),
    "the longest column": np.ones((4096, 1), bool),
    "a diagonal": np.eye(200, dtype=bool),
    "a thin bar": line(500, 1.0, 0.4),
    "all of a box": np.ones((256, 256), bool),
    "one more than the costly cells": np.ones((257, 256), bool),
    "a chess board": np.indices((61, 67)).sum(axis=0) % 2 == 0,
    "a mesh": (np.indices((66, 130)) % 2).sum(axis=0) < 2,
    "many parts": np.random.default_rng(1).random((80, 120)) < 0.1,
    "a spiral": spiral(150),
    "parts within holes": np.abs(np.hypot(*np.mgrid[-40:41, -40:41]) % 12 - 6) < 2,
    "not tight": np.pad(blob(30, 1), ((3, 7), (40, 31))),
    "a rim": np.pad(np.zeros((50, 70), bool), 1, constant_values=True),
}


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("tier", ["all", "fast"])
def test_extreme_objects_measure_alike(name: str, tier: str) -> None:
    found, defined = both([EXTREMES[name], blob(25, 3)], "bright", tier)
    assert_same(found, defined)
    assert np.isfinite(found).all()


def test_an_object_of_2000_px_that_touches_all_sides() -> None:
    mask = blob(2000, 2, holes=0.001)
    mask[0, 700], mask[-1, 800], mask[900, 0], mask[1000, -1] = True, True, True, True
    assert_same(*both([mask]))


def test_a_side_too_long_for_the_library_is_left_to_the_definition() -> None:
    crops = Crops.of([(np.full((2, 5000), 9, np.uint8), np.ones((2, 5000), bool), 3, 4)])
    assert measures_native.measure_native(crops, "dark", costly=True) is None
    row = measure_crops(crops, "dark")[0]
    assert (row[INDEX["area"]], row[INDEX["bx"]], row[INDEX["width"]]) == (10000, 3, 5000)
    assert row[INDEX["skelarea"]] > 0


@pytest.mark.parametrize("field", ["dark", "bright"])
def test_without_the_library_the_values_are_the_same(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(7)
    masks = [blob(30, seed) for seed in range(4)]
    crops = Crops.of([(random.integers(0, 256, m.shape, np.uint8), m, 5, 6) for m in masks])
    native_values = measure_crops(crops, field)
    monkeypatch.setattr(native, "LIBRARY", None)
    assert_same(native_values, measure_crops(crops, field))


def test_no_objects_have_no_measures() -> None:
    assert measure_crops(Crops.of([]), "dark").shape == (0, len(MEASURES))


def test_the_fast_tier_leaves_the_costly_measures_0() -> None:
    found, _ = both([blob(40, 1)], tier="fast")
    whole, _ = both([blob(40, 1)], tier="all")
    costly = np.array([m.tier == "costly" for m in MEASURES])
    assert not found[:, costly].any()
    assert whole[:, costly].all(axis=0).any()
    np.testing.assert_array_equal(found[:, ~costly], whole[:, ~costly])
    assert whole[0, INDEX["skelarea"]] >= 1  # and so 0 says: not measured


# --- what a caller may get wrong


class Call:
    """A call of the library for one object of 6 x 5 px, whose arguments a test can spoil. What the
    library may write is followed by bytes that it may not."""

    GUARD = 4096

    def __init__(self) -> None:
        self.mask = (blob(6, 1)[:, :5] | np.eye(6, 5, dtype=bool)).view(np.uint8)
        self.signal = np.full((6, 5), 77, np.uint8)
        self.boxes = np.array([[1, 2, 5, 6]], np.int32)
        self.starts = np.array([0, 30], np.int64)
        self.room = np.empty((1 << 17) + self.GUARD, np.uint8)
        self.values = np.full(len(MEASURES) + self.GUARD, -5.0, np.float32)
        self.frame = measures_native._Frame(
            self.boxes.ctypes.data, self.starts.ctypes.data, self.mask.ctypes.data,
            self.signal.ctypes.data, 30, 1, 0, 1, len(MEASURES), self.room.ctypes.data,
            1 << 17, self.values.ctypes.data,
        )  # fmt: skip

    def __call__(self, **spoiled: int | None) -> int:
        for name, value in spoiled.items():
            setattr(self.frame, name, value)
        self.room[:] = 0xA5
        assert native.LIBRARY is not None
        code = int(native.LIBRARY.seadrift_measure(ctypes.byref(self.frame)))
        end = (self.frame.scratch or 0) + self.frame.scratch_bytes - self.room.ctypes.data
        assert (self.room[max(0, end) :] == 0xA5).all(), "wrote outside its scratch"
        assert (self.values[len(MEASURES) :] == -5.0).all(), "wrote outside its values"
        return code


OK, BAD, SMALL = 0, 1, 8


def test_a_good_call_is_good() -> None:
    call = Call()
    assert call() == OK
    assert call.frame.refused == -1
    assert call.values[INDEX["width"]] == 5


@pytest.mark.parametrize(
    "spoiled",
    [
        {"boxes": None}, {"starts": None}, {"masks": None}, {"signals": None}, {"scratch": None},
        {"values": None}, {"objects": -1}, {"columns": 64}, {"columns": 0}, {"cells": 29},
        {"cells": -1}, {"scratch_bytes": -1},
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(spoiled: dict[str, int | None]) -> None:
    assert Call()(**spoiled) == BAD


@pytest.mark.parametrize(
    ("box", "starts"),
    [
        ((0, 0, 0, 6), (0, 0)), ((0, 0, 5, -6), (0, -30)), ((0, 0, 4097, 1), (0, 4097)),
        ((0, 0, 5, 6), (0, 31)), ((0, 0, 5, 6), (-30, 0)), ((0, 0, 5, 6), (1, 31)),
        ((0, 0, 2**31 - 1, 2**31 - 1), (0, 30)), ((0, 0, 5, 6), (2**62, 2**62 + 30)),
    ],
)  # fmt: skip
def test_a_box_that_does_not_fit_is_refused(box: tuple[int, ...], starts: tuple[int, ...]) -> None:
    call = Call()
    call.boxes[0], call.starts[:] = box, starts
    assert call() == BAD
    assert call.frame.refused == 0


def test_an_empty_mask_is_refused_by_its_number() -> None:
    call = Call()
    call.mask[:] = 0
    assert call() == BAD
    empty = Crops.of(
        [
            (np.zeros((3, 3), np.uint8), m, 0, 0)
            for m in (np.ones((3, 3), bool), np.zeros((3, 3), bool))
        ]
    )
    with pytest.raises(ValueError, match="object 1"):
        measure_crops(empty, "dark")


def test_whatever_the_scratch_nothing_is_written_outside_it() -> None:
    call = Call()
    needed, calls = 0, 0
    while call(scratch_bytes=needed) == SMALL:
        assert call.frame.needed_scratch > needed
        needed, calls = int(call.frame.needed_scratch), calls + 1
    assert calls <= 3
    for size in [*range(0, needed - 33, 97), needed - 33]:
        assert call(scratch_bytes=size) == SMALL, size
    assert call(scratch_bytes=needed) == OK
    assert call(scratch_bytes=needed + 31) == OK
    aligned = call.room.ctypes.data
    assert call(scratch=aligned + 7, scratch_bytes=needed) == OK


@pytest.mark.parametrize(("field", "tier"), [("light", "all"), ("dark", "slow")])
def test_other_words_are_refused(field: str, tier: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        measure_crops(Crops.of([]), field, tier)


def test_mask_bytes_other_than_1_are_the_object() -> None:
    call, other = Call(), Call()
    other.mask[other.mask > 0] = 200
    assert call() == other() == OK
    np.testing.assert_array_equal(call.values, other.values)


# --- other builds

SOURCES = Path(__file__).parents[2] / "edge/native"
BUILDS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    # compiler, flags, emulator
    "without AVX2": ("cc", ("-O3", "-DSEADRIFT_PLAIN"), ()),
    "sanitized": ("cc", ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"), ()),
    "arm64": ("aarch64-linux-gnu-gcc", ("-O3", "-static"), ("qemu-aarch64",)),
}


@pytest.mark.parametrize("build", BUILDS)
def test_other_builds_give_the_same_bits(build: str, tmp_path: Path) -> None:
    compiler, flags, emulator = BUILDS[build]
    for tool in (compiler, *emulator):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    emulator = tuple(shutil.which(tool) or tool for tool in emulator)
    program, out = tmp_path / "driver", tmp_path / "values"
    sources = [Path(__file__).parent / "measures_driver.c", *sorted(SOURCES.glob("measures*.c"))]
    strict = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-ffp-contract=off")
    subprocess.run(
        [compiler, *strict, *flags, f"-I{SOURCES}", *map(str, sources), "-lm", "-o", str(program)],
        check=True, timeout=120,
    )  # fmt: skip
    drawn = [*EXTREMES.values(), *(blob(side, side) for side in (12, 40, 70, 150))]
    random = np.random.default_rng(3)
    crops = Crops.of((random.integers(0, 256, m.shape, np.uint8), m, 5, 6) for m in drawn)
    for field in ("dark", "bright"):
        case = tmp_path / field
        head = np.array([len(crops), field == "bright", 1], np.int32)
        parts = (head, crops.boxes, crops.starts, crops.masks, crops.signals)
        case.write_bytes(b"".join(part.tobytes() for part in parts))
        command = [*emulator, str(program), str(case), str(out)]
        subprocess.run(command, check=True, timeout=120, env={"ASAN_OPTIONS": "detect_leaks=0"})
        found = np.fromfile(out, np.float32).reshape(len(crops), -1)
        assert_same(found, measure_crops(crops, field))

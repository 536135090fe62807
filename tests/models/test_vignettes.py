"""Ready-made vignettes of every kind: the object is found, the mask is never empty."""

from __future__ import annotations

import os
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.decode import decode, is_picture
from models.preprocess import prepare
from models.vignettes import BlankVignetteError, cut_out, without_legend

DATA = Path(os.environ.get("SEADRIFT_DATA", Path(__file__).parents[2] / "../shared/data"))


def disc(height: int, width: int, y: float, x: float, radius: float) -> NDArray[np.bool_]:
    rows, columns = np.ogrid[:height, :width]
    inside: NDArray[np.bool_] = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return inside


def drawn(
    background: int, level: int, noise: float = 0.0, where: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """A disc of radius 12 on a plain or noisy background."""
    inside = disc(60, 80, 30, 40, 12) if where is None else where
    picture = np.where(inside, float(level), float(background))
    picture += np.random.default_rng(0).normal(0, noise, inside.shape) if noise else 0
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("background", "level", "noise", "field"),
    [
        (255, 90, 0, "bright"),
        (255, 240, 0, "bright"),
        (0, 200, 0, "dark"),
        (0, 2, 0, "dark"),  # an instrument's cut-out: whatever is not black
        (12, 150, 3, "dark"),
        (165, 120, 4, "bright"),
        (165, 230, 4, "dark"),
        (235, 120, 2, "bright"),
    ],
)
def test_the_object_is_found_on_every_background(
    background: int, level: int, noise: float, field: str
) -> None:
    found = cut_out(drawn(background, level, noise))
    area = int(disc(60, 80, 30, 40, 12).sum())
    assert found.field == field
    assert abs(found.background - background) <= 2
    assert abs(int(found.mask.sum()) - area) <= (0 if not noise else 0.1 * area)
    assert abs(float(np.median(found.signal[found.mask])) - abs(level - background)) <= 3
    assert not found.signal[~found.mask].any()
    assert found.mask[0].any() and found.mask[-1].any()  # noqa: PT018 - one idea: the box is tight
    assert found.mask[:, 0].any()
    assert found.mask[:, -1].any()


def test_the_grey_is_what_the_measures_take() -> None:
    dark, bright = cut_out(drawn(0, 200)), cut_out(drawn(255, 55))
    np.testing.assert_array_equal(dark.signal, bright.signal)
    np.testing.assert_array_equal(dark.grey, 255 - bright.grey)
    assert (bright.grey[~bright.mask] == 255).all()


def test_holes_stay_and_small_other_things_go() -> None:
    ring = disc(60, 80, 30, 40, 12) & ~disc(60, 80, 30, 40, 7)
    found = cut_out(drawn(255, 80, where=ring | disc(60, 80, 5, 5, 1)))
    assert abs(int(found.mask.sum()) - int(ring.sum())) <= 8  # sharp corners of the hole close
    assert not found.mask[12, 12]


def test_a_part_of_a_tenth_stays() -> None:
    both = disc(60, 80, 30, 30, 12) | disc(60, 80, 30, 60, 5)
    assert int(cut_out(drawn(255, 80, where=both)).mask.sum()) == int(both.sum())


def test_parts_brighter_and_darker_than_the_water_are_one_object() -> None:
    picture = drawn(160, 100, noise=3)
    picture[disc(60, 80, 30, 40, 6)] = 240
    found = cut_out(picture)
    assert found.mask.shape[0] >= 24
    assert found.mask[12, 12]


def test_an_object_that_is_cut_by_the_border_does_not_become_the_background() -> None:
    wide = np.zeros((60, 80), np.bool_)
    wide[:, 10:70] = True  # more than half of the border
    wide[5:] = True
    wide[5:, :6] = False
    found = cut_out(drawn(255, 60, where=wide))
    assert (found.background, found.field) == (255, "bright")
    assert int(found.mask.sum()) == int(wide.sum())


def test_an_object_that_fills_the_picture_is_dark_on_white() -> None:
    stripes = np.full((40, 40), 250, np.uint8)
    for at in range(0, 40, 4):
        stripes[:, at : at + 2] = 60 + 2 * at
    found = cut_out(stripes)
    assert (found.background, found.field) == (255, "bright")
    assert found.mask.sum() / stripes.size > 0.4


def test_what_is_below_the_threshold_still_gives_an_object() -> None:
    picture = drawn(128, 131)
    found = cut_out(picture)
    assert int(found.mask.sum()) == int(disc(60, 80, 30, 40, 12).sum())


@pytest.mark.parametrize("level", [0, 97, 255])
def test_one_grey_is_refused_with_its_reason(level: int) -> None:
    with pytest.raises(BlankVignetteError, match=f"every pixel has the grey level {level}"):
        cut_out(np.full((20, 30), level, np.uint8))


@pytest.mark.parametrize(
    "picture", [np.zeros((0, 4), np.uint8), np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4))]
)
def test_what_is_no_grey_picture_is_refused(picture: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="expected grey uint8"):
        cut_out(picture)


def zooprocess(height: int = 70) -> NDArray[np.uint8]:
    """A small pale disc with ZooProcess's brackets, caption and scale bar."""
    picture = np.full((height + 30, 114), 255, np.uint8)
    picture[disc(height + 30, 114, 30, 30, 8)] = 150
    picture[18, 18:29] = picture[18:29, 18] = 0
    picture[42, 32:43] = picture[32:43, 42] = 0
    picture[height + 8 : height + 14, 12:70:3] = 0
    picture[height + 24 : height + 26, 9:105] = 0
    return picture


def test_scale_bar_caption_and_brackets_are_no_objects() -> None:
    found = cut_out(zooprocess())
    assert int(found.mask.sum()) == int(disc(100, 114, 30, 30, 8).sum())
    assert (found.signal[found.mask] == 105).all()
    assert (without_legend(zooprocess()) >= 150).all()


def test_only_a_legend_is_nothing() -> None:
    picture = zooprocess()
    picture[disc(100, 114, 30, 30, 8)] = 255
    with pytest.raises(BlankVignetteError, match="scale bar"):
        cut_out(picture)


def test_without_a_bar_nothing_is_taken_out() -> None:
    for picture in (drawn(255, 10), drawn(0, 200), zooprocess()[:80]):
        np.testing.assert_array_equal(without_legend(picture), picture)


@settings(deadline=None, max_examples=150)
@given(
    st.integers(1, 40),
    st.integers(1, 120),
    st.integers(0, 2**32 - 1),
    st.integers(0, 255),
    st.floats(0, 90),
    st.booleans(),
)
def test_whatever_comes_gives_an_object_or_a_reason(
    height: int, width: int, seed: int, level: int, noise: float, bar: bool
) -> None:
    picture = np.random.default_rng(seed).normal(level, noise, (height, width))
    grey = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    if bar and height > 6:
        grey[-6:-4] = 0
    try:
        found = cut_out(grey)
    except BlankVignetteError as error:
        assert "no contrast" in str(error)  # noqa: PT017 - either outcome is right
        return
    assert found.mask.any()
    assert found.signal[found.mask].max() > 0
    assert found.field in ("dark", "bright")
    assert prepare(found.signal, found.mask).mask.any()


REAL = {
    "zooscan.zip": ("", "bright", (0.05, 0.09, 0.20)),
    "ndsb.zip": ("", "bright", (0.03, 0.10, 0.25)),
    "flowcam.zip": ("labelled/", "bright", (0.03, 0.10, 0.40)),
    "spc.zip": ("", "dark", (0.02, 0.15, 0.40)),
}


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_real_vignettes(name: str) -> None:
    """least, and the bounds of the median share of the picture that is object."""
    below, field, (least, low, high) = REAL[name]
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not here (SEADRIFT_DATA)")
    with zipfile.ZipFile(DATA / name) as archive:
        names = [n for n in archive.namelist() if n.startswith(below) and is_picture(n)]
        chosen = random.Random(7).sample(names, 120)
        pictures = [decode(archive.read(n)) for n in chosen]
    found = [cut_out(picture) for picture in pictures]
    share = [f.mask.sum() / p.size for f, p in zip(found, pictures, strict=True)]
    assert min(f.mask.sum() for f in found) >= 4
    assert least <= np.percentile(share, 5)
    assert low <= np.median(share) <= high
    assert max(share) < 0.95
    assert sum(f.field == field for f in found) >= 0.95 * len(found)

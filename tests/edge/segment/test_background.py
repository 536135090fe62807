"""The background: found in one frame, steady over a run, and not taken in by what lies on it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.segment import Background, field_of

HEIGHT, WIDTH = 480, 640
Grey = NDArray[np.uint8]


def vignetted(centre: float, fall: float, noise: float = 1.5, seed: int = 0) -> Grey:
    """An empty frame, brightest in the middle and ``fall`` darker in the corners."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    level = centre - fall * (x**2 + y**2) / 2
    grain = np.random.default_rng(seed).normal(0, noise, (HEIGHT, WIDTH))
    return np.clip(np.rint(level + grain), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("centre", "fall"), [(22.0, 9.0), (190.0, 60.0)])
def test_a_vignetted_empty_frame_alone_leaves_next_to_no_signal(centre: float, fall: float) -> None:
    corrected = Background().correct(vignetted(centre, fall))
    assert np.quantile(corrected.signal, 0.999) <= 7
    assert corrected.noise == pytest.approx(1.5, abs=0.6)
    assert corrected.brightness == pytest.approx(centre - fall / 3, abs=fall / 6 + 1)


def test_a_crowd_on_a_bright_frame_alone_does_not_become_background() -> None:
    frame = vignetted(190, 50)
    random = np.random.default_rng(3)
    crowd = np.zeros(frame.shape, bool)
    for y, x in zip(random.integers(0, HEIGHT, 60), random.integers(0, WIDTH, 60), strict=True):
        crowd[y : y + 40, x : x + 40] = True
    assert 0.2 < crowd.mean() < 0.4
    frame[crowd] -= 50
    corrected = Background().correct(frame)
    assert np.median(corrected.signal[crowd]) == pytest.approx(50, abs=5)
    assert np.median(corrected.signal[~crowd]) <= 3


def test_an_object_that_stays_does_not_become_background() -> None:
    background = Background()
    for i in range(40):
        frame = vignetted(20, 5, seed=i)
        frame[100:220, 200:420] += 60
        corrected = background.correct(frame)
    assert np.median(corrected.signal[100:220, 200:420]) == pytest.approx(60, abs=4)
    assert corrected.message is None


def test_one_frame_covered_by_an_object_moves_the_run_by_a_grey_level_at_most() -> None:
    background = Background("dark")
    for i in range(3):
        before = background.correct(vignetted(20, 5, seed=i))
    covered = vignetted(20, 5, seed=9)
    covered[:, :280] = 90  # less than half
    background.correct(covered)
    after = background.correct(vignetted(20, 5, seed=10))
    difference = after.signal.astype(int) - before.signal
    assert abs(difference[:, :280].mean()) < 1.5


def test_drift_of_the_lamp_is_followed_and_told() -> None:
    background = Background()
    for i in range(30):
        corrected = background.correct(vignetted(180 - i, 40, seed=i))
        assert np.quantile(corrected.signal, 0.999) <= 8, i
    assert corrected.message is None
    assert corrected.drift == pytest.approx(-29, abs=2)


def test_a_frame_of_another_size_restarts_and_says_so() -> None:
    background = Background()
    assert background.correct(vignetted(20, 5)).message is None
    other = background.correct(vignetted(20, 5)[:300, :500])
    assert other.message is not None
    assert "500 x 300" in other.message
    assert "640 x 480" in other.message
    assert other.signal.shape == (300, 500)
    back = background.correct(vignetted(20, 5))
    assert back.message is not None
    assert back.drift == 0


def test_other_light_restarts_and_says_so() -> None:
    background = Background()
    background.correct(vignetted(190, 120))
    flat = background.correct(vignetted(120, 0))
    assert flat.message is not None
    assert "light changed" in flat.message
    assert np.quantile(flat.signal, 0.999) <= 7


@pytest.mark.parametrize(("level", "field"), [(0, "dark"), (30, "dark"), (90, "bright")])
def test_the_field_is_told_by_the_median(level: int, field: str) -> None:
    assert field_of(np.full((50, 60), level, np.uint8)) == field


def test_a_frame_without_light_does_not_decide_the_field() -> None:
    background = Background("auto")
    assert background.correct(np.zeros((100, 100), np.uint8)).field == "dark"
    assert background.field is None
    assert background.correct(np.full((100, 100), 180, np.uint8)).field == "bright"
    assert background.field == "bright"


def test_a_field_that_was_given_stays() -> None:
    background = Background("dark")
    frame = np.full((200, 200), 80, np.uint8)
    frame[50:90, 50:90] = 200
    corrected = background.correct(frame)
    assert corrected.field == "dark"
    assert corrected.signal[60, 60] == 120


@pytest.mark.parametrize("bad", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint16)])
def test_anything_but_8_bit_grey_is_refused(bad: Grey) -> None:
    with pytest.raises(ValueError, match="8-bit grey"):
        Background().correct(bad)
    with pytest.raises(ValueError, match="8-bit grey"):
        Background().correct(np.zeros((0, 4), np.uint8))

"""The comparison with real frames: what it measures, and that the tuned preset comes close."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edge.simulator import Simulator, compare, preset
from edge.simulator.curves import (
    SIZE_EDGES_PX,
    background,
    curves,
    histogram_distance,
    quantile,
    size_distance,
)
from edge.simulator.real import DARKFIELD, read_greys

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def real_folder() -> Path:
    """The real frames; the test is skipped, with the reason, where they are not."""
    folder = Path(os.environ.get("SEADRIFT_DATA", ROOT / "../shared/data"))
    if not (folder / DARKFIELD).is_file():
        pytest.skip(f"{folder / DARKFIELD} is not there (set SEADRIFT_DATA)")
    return folder


def disc(radius: int, size: int = 1024, level: int = 90) -> np.ndarray:
    """One bright disc on a grey of 20."""
    y, x = np.mgrid[:size, :size]
    inside = (x - 500) ** 2 + (y - 500) ** 2 <= radius**2
    return np.where(inside, level, 20).astype(np.uint8)


def test_a_disc_is_one_region_of_its_own_size_and_signal() -> None:
    found = curves([disc(20)])
    per_frame = found.sizes * 1024 * 1024 / 1e6
    assert per_frame[SIZE_EDGES_PX < 40] == pytest.approx(1.0)
    assert (per_frame[SIZE_EDGES_PX > 41] == 0).all()
    assert quantile(found.signal, 0.5) == 70
    assert found.foreground == pytest.approx(np.pi * 20**2 / 1024**2, rel=0.02)
    assert found.corner_ratio == pytest.approx(1.0)
    assert background(disc(20))[0, 0] == 20


def test_equal_frames_are_at_no_distance_and_different_ones_are() -> None:
    one, other = curves([disc(20)]), curves([np.maximum(disc(20), 30)])
    assert histogram_distance(one, one) == 0.0
    assert size_distance(one, one) == 0.0
    assert histogram_distance(one, other) > 0.9


def test_detail_grows_with_noise() -> None:
    rng = np.random.default_rng(5)
    calm, rough = (
        curves([np.clip(rng.normal(40, spread, (1024, 1024)), 0, 255).astype(np.uint8)])
        for spread in (1.0, 3.0)
    )
    here = ~np.isnan(calm.noise) & ~np.isnan(rough.noise)
    assert here.any()
    assert rough.noise[here] == pytest.approx(3 * calm.noise[here], rel=0.25)
    assert (rough.spectrum > calm.spectrum).all()


def test_no_frames_have_no_curves() -> None:
    with pytest.raises(ValueError, match="expected at least one frame"):
        curves([])


def test_the_table_is_put_between_its_marks() -> None:
    page = f"# Title\n\n{compare.BEGIN}old\n{compare.END}\nmore\n"
    once = compare.replace_table(page, "| new |\n")
    assert "old" not in once
    assert "| new |" in once
    assert once.startswith("# Title\n")
    assert once.endswith("more\n")
    assert compare.replace_table(once, "| new |\n") == once
    with pytest.raises(ValueError, match="expected the marks"):
        compare.replace_table("# Title\n", "| new |\n")


def test_without_real_frames_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEADRIFT_DATA", str(tmp_path))
    assert compare.main([]) == 3
    assert f"no {DARKFIELD} in {tmp_path}" in capsys.readouterr().err


@pytest.mark.data
def test_the_coastal_preset_is_close_to_real_frames(real_folder: Path) -> None:
    real = curves(read_greys(real_folder / DARKFIELD)[:1])
    ours = curves([Simulator(preset("coastal")).frame(70).frame.grey])
    assert histogram_distance(real, ours) < 0.2
    assert size_distance(real, ours) < 0.2
    assert 0.6 < ours.foreground / real.foreground < 1.6
    assert np.abs(real.spectrum - ours.spectrum)[:24].max() < 5.0
    for share in (0.05, 0.5, 0.95):
        gap = quantile(real.histogram, share) - quantile(ours.histogram, share)
        assert abs(gap) <= max(3, 0.25 * quantile(real.histogram, share))


@pytest.mark.data
def test_the_page_holds_the_table_that_the_command_writes(real_folder: Path) -> None:
    """The real column is measured again: the page cannot drift away from the code."""
    page = (ROOT / "docs/simulator.md").read_text("utf-8")
    real = curves(read_greys(real_folder / DARKFIELD)[::2])
    cells = [line.split("|") for line in page.splitlines() if line.startswith("| ")]
    written = {cell[1].strip(): cell[2].strip() for cell in cells}
    for name, value, _, _ in compare.table(real, real):
        assert float(written[name]) == pytest.approx(value, rel=0.03, abs=0.5), name

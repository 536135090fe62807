"""``seadrift-edge simulate``: pictures, cast and truth as files, and clear refusals."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edge.commands import simulate
from edge.simulator import preset
from edge.simulator.truth import decode_mask, encode_mask

SIZE = ["--width", "256", "--height", "160", "--pixel-um", "30"]


def command(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    simulate.add_parser(parser.add_subparsers())
    args = parser.parse_args(["simulate", *map(str, words)])
    status = args.run(args)
    assert isinstance(status, int)
    return status


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_frames_cast_and_truth_belong_together(tmp_path: Path) -> None:
    assert command("--out", tmp_path, "--frames", "3", "--density", "9", "--truth", *SIZE) == 0
    lines = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    rows = list(csv.DictReader((tmp_path / "cast.csv").read_text().splitlines()))
    assert [line["frame"] for line in lines] == [row["frame"] for row in rows]
    assert float(rows[0]["depth_m"]) < float(rows[1]["depth_m"])
    for line in lines:
        with Image.open(tmp_path / line["frame"]) as picture:
            grey = np.asarray(picture)
        assert grey.shape == (line["height"], line["width"]) == (160, 256)
        assert grey.dtype == np.uint8
        for entry in line["objects"]:
            mask = decode_mask(entry["runs"], entry["h"], entry["w"])
            assert mask.sum() == entry["area_px"]
            box = grey[
                entry["by"] : entry["by"] + entry["h"], entry["bx"] : entry["bx"] + entry["w"]
            ]
            assert box[mask].mean() > np.median(grey) + 4
    assert sum(len(line["objects"]) for line in lines) > 5


def test_a_run_that_stopped_is_continued_with_the_same_files(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    common = ["--density", "5", "--truth", "--cast-frames", "4", *SIZE]
    assert command("--out", whole, "--frames", "4", *common) == 0
    assert command("--out", parts, "--frames", "2", *common) == 0
    assert command("--out", parts, "--frames", "2", "--start", "2", *common) == 0
    assert files(whole) == files(parts)


def test_json_summary_is_all_that_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--out", tmp_path, "--frames", "1", "--field", "bright", "--json", *SIZE) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["frames"] == 1
    assert printed.err == ""
    with Image.open(tmp_path / "sim_1_000000.png") as picture:
        assert np.median(np.asarray(picture)) > 150


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--density", "900"], 2, "simulate: density: expected a number from 0 to 500, got 900"),
        (["--frames", "0"], 2, "simulate: --frames: expected 1 or more"),
        (
            ["--preset", "crowded", "--field", "bright"],
            2,
            "field: preset 'crowded' is not a bright",
        ),
    ],
)
def test_a_wrong_setting_is_one_clear_line(
    words: list[str], status: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert command("--out", out, *words, *SIZE) == status
    assert says in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_that_cannot_be_written_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    assert command("--out", blocked, "--frames", "1", *SIZE) == 3
    assert f"simulate: cannot write {blocked}" in capsys.readouterr().err


def test_every_preset_can_be_asked_for(tmp_path: Path) -> None:
    for name in ("darkfield", "brightfield", "crowded", "coastal"):
        args = argparse.Namespace(
            preset=name, field=None, density=None, seed=3, width=None, height=None,
            pixel_um=None, cast_frames=None, start=0, frames=2,
        )  # fmt: skip
        assert simulate.settings_from(args) == preset(name, seed=3, frames=2, cast_frames=2)


@given(
    st.integers(1, 12).flatmap(
        lambda w: st.lists(st.lists(st.booleans(), min_size=w, max_size=w), min_size=1, max_size=9)
    )
)
def test_run_lengths_give_the_mask_back(rows: list[list[bool]]) -> None:
    mask = np.array(rows, bool)
    runs = encode_mask(mask)
    assert sum(runs) == mask.size
    assert all(run > 0 for run in runs[1:])
    assert np.array_equal(decode_mask(runs, *mask.shape), mask)


def test_run_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="expected run lengths adding up to 6"):
        decode_mask([2, 3], 2, 3)

"""``seadrift-edge process`` end to end, as a person runs it: files in, files and exit code out."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cli import main
from edge.processing import overlay_names

DATA = Path(os.environ.get("SEADRIFT_DATA", "../shared/data"))


def draw_frame(index: int, height: int = 300, width: int = 400) -> np.ndarray:
    """Three ellipses and a speck on noise."""
    random = np.random.default_rng(index)
    grey = np.clip(random.normal(18, 1.5, (height, width)), 0, 255).astype(np.uint8)
    for i in range(3):
        centre = (70 + 110 * i, 80 + 60 * i)
        cv2.ellipse(grey, centre, (25, 10 + 3 * i), 40 * i + index, 0, 360, 140, -1)
    cv2.circle(grey, (350, 40), 2, 150, -1)
    return grey


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "Cast 07"
    folder.mkdir()
    for index in range(3):
        cv2.imwrite(str(folder / f"f_{index}.png"), draw_frame(index))
    return folder


def process(*arguments: object) -> int:
    return main(["process", *map(str, arguments)])


def table(path: Path) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        text = file.read(f"{path.stem}.tsv").decode()
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))[1:]


def test_good_frames_give_overlays_a_zip_and_a_summary(frames: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert process(frames, "--out", out, "--no-classify", "--pixel-um", 5) == 0
    overlays = sorted(p.name for p in (out / "overlays").iterdir())
    assert overlays == ["f_0.png", "f_1.png", "f_2.png"]
    assert cv2.imread(str(out / "overlays" / "f_0.png")).shape == (300, 400, 3)
    rows = table(out / "ecotaxa_cast_07.zip")
    assert len(rows) == 9
    assert {row["process_pixel_um"] for row in rows} == {"5.0"}
    assert "object_annotation_category" not in rows[0]
    summary = json.loads((out / "summary.json").read_text())
    assert [frame["objects"] for frame in summary["frames"]] == [3, 3, 3]
    assert [frame["specks"] >= 1 for frame in summary["frames"]] == [True] * 3
    assert set(summary["frames"][0]["ms"]) == {"segment", "measure", "classify", "vignettes"}
    assert not (out / "quarantine").exists()
    assert not [p for p in out.iterdir() if p.name.startswith(".")]


def test_the_shipped_release_classifies(frames: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert process(frames, "--out", out) == 0
    rows = table(out / "ecotaxa_cast_07.zip")
    assert {row["object_annotation_status"] for row in rows} == {"predicted"}
    assert all(row["object_annotation_category"] for row in rows)
    assert all(0 < float(row["object_seadrift_score"]) <= 1 for row in rows)
    assert all(len(row["process_release_id"]) == 64 for row in rows)


def test_bad_frames_are_set_aside_and_the_rest_goes_on(
    frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (frames / "a_empty.png").write_bytes(b"")
    (frames / "f_1.png").write_bytes((frames / "f_1.png").read_bytes()[:900])
    (frames / "notes.png").write_bytes(b"calm sea, no picture")
    (frames / "log.txt").write_text("other files are left alone")
    deep = draw_frame(5).astype(np.uint16) * 200
    cv2.imwrite(str(frames / "deep.tif"), deep)
    before = {p: p.read_bytes() for p in frames.iterdir()}
    out = tmp_path / "out"
    assert process(frames, "--out", out, "--no-classify") == 1
    said = capsys.readouterr().err
    for name, reason in (
        ("a_empty.png", "the file is empty"),
        ("f_1.png", "cut short"),
        ("notes.png", "not a picture"),
        ("deep.tif", "16 bits per channel, expected 8"),
    ):
        (line,) = [line for line in said.splitlines() if line.startswith(f"{name}: ")]
        assert reason in line
    assert len(table(out / "ecotaxa_cast_07.zip")) == 6
    kept = sorted(p.name for p in (out / "quarantine").iterdir())
    assert len(kept) == 8
    assert sum(name.endswith(".reason.txt") for name in kept) == 4
    assert {p: p.read_bytes() for p in frames.iterdir()} == before
    summary = json.loads((out / "summary.json").read_text())
    assert len(summary["bad"]) == 4
    assert summary["ignored"] == 1


def test_a_frame_of_another_size_in_the_middle_is_processed_and_told(
    frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(frames / "f_1.png"), draw_frame(1, 500, 620))
    assert process(frames, "--out", tmp_path / "out", "--no-classify") == 0
    said = capsys.readouterr().err
    assert "f_1.png: the frame is 620 x 500 pixels, the one before was 400 x 300" in said
    assert len(table(tmp_path / "out" / "ecotaxa_cast_07.zip")) == 9


def test_nothing_but_bad_frames_is_3_without_a_zip(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "x.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    assert process(folder, "--out", out, "--no-classify") == 3
    assert not list(out.glob("*.zip"))
    assert (out / "summary.json").exists()
    assert len(list((out / "quarantine").iterdir())) == 2


@pytest.mark.parametrize("kind", ["missing", "empty folder", "broken zip"])
def test_nothing_to_read_is_3(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cast.zip"
    if kind == "empty folder":
        path.mkdir()
    elif kind == "broken zip":
        path.write_bytes(b"PK\3\4")
    assert process(path, "--out", tmp_path / "out", "--no-classify") == 3
    assert "cast.zip" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pixel-um", "-1"], "pixel_um"),
        (["--esd-min-um", "50"], "--pixel-um"),
        (["--pixel-um", "2", "--esd-min-um", "0"], "esd_min_um"),
        (["--bundle", "none.seadrift"], "none.seadrift"),
        (["--metadata", "none.toml"], "none.toml"),
    ],
)
def test_usage_errors_are_2_and_named(
    frames: Path,
    tmp_path: Path,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert process(frames, "--out", tmp_path / "out", *arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert not list((tmp_path / "out").glob("*.zip"))


def test_a_damaged_bundle_is_2(
    frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "broken.seadrift"
    bundle.write_bytes(b"not a release")
    assert process(frames, "--out", tmp_path / "out", "--bundle", bundle) == 2
    assert "broken.seadrift" in capsys.readouterr().err


def test_metadata_goes_into_the_table(frames: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "m.toml"
    metadata.write_text(
        '[sample]\nid = "bay_07"\n[acq]\nid = "bay_07_ps1"\ninstrument = "PlanktoScope"\n'
        "[object]\nlat = 43.5\nlon = 7.25\ndate = 2026-05-04\n"
    )
    out = tmp_path / "out"
    assert process(frames, "--out", out, "--no-classify", "--metadata", metadata) == 0
    rows = table(out / "ecotaxa_bay_07.zip")
    assert {row["sample_id"] for row in rows} == {"bay_07"}
    assert {row["acq_id"] for row in rows} == {"bay_07_ps1"}
    assert {(row["object_lat"], row["object_date"]) for row in rows} == {("43.5", "20260504")}
    assert len({row["object_id"] for row in rows}) == 9


def test_places_of_single_frames_go_into_the_table(frames: Path, tmp_path: Path) -> None:
    (frames / "cast.csv").write_text("frame,utc_ms,lat_deg,lon_deg,depth_m\nf_1.png,0,1.5,2.5,30\n")
    metadata = tmp_path / "m.json"
    metadata.write_text('{"object_lat": 43.5, "object_lon": 7.0}')
    out = tmp_path / "out"
    assert process(frames, "--out", out, "--no-classify", "--metadata", metadata) == 0
    rows = table(out / "ecotaxa_cast_07.zip")
    places = {(r["object_frame"], r["object_lat"], r["object_depth_max"]) for r in rows}
    assert places == {
        ("f_0.png", "43.5", ""),
        ("f_1.png", "1.5", "30.0"),
        ("f_2.png", "43.5", ""),
    }


def test_one_picture_is_a_sample_of_its_own(frames: Path, tmp_path: Path) -> None:
    assert process(frames / "f_2.png", "--out", tmp_path / "out", "--no-classify") == 0
    assert len(table(tmp_path / "out" / "ecotaxa_f_2.zip")) == 3


def test_json_is_one_object_on_stdout(
    frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert process(frames, "--out", tmp_path / "out", "--no-classify", "--json") == 0
    said = capsys.readouterr()
    summary = json.loads(said.out)
    assert summary["objects"] == 9
    assert summary["archive"].endswith("ecotaxa_cast_07.zip")
    assert said.err == ""


def test_a_second_run_replaces_the_first_and_is_the_same(frames: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert process(frames, "--out", out, "--no-classify") == 0
    first = (out / "ecotaxa_cast_07.zip").read_bytes()
    assert process(frames, "--out", out, "--no-classify") == 0
    assert (out / "ecotaxa_cast_07.zip").read_bytes() == first


def test_a_folder_that_cannot_be_written_is_3(
    frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    assert process(frames, "--out", tmp_path / "out", "--no-classify") == 3
    assert "out" in capsys.readouterr().err


@pytest.mark.faults
@pytest.mark.parametrize("allowed", [0, 3_000, 12_000, 40_000])
def test_a_full_disk_is_3_with_one_message_and_no_half_zip(
    frames: Path, tmp_path: Path, allowed: int
) -> None:
    """A real limit of the kernel stands for the full disk: writes beyond it fail."""
    out = tmp_path / "out"
    code = (
        "import resource, signal, sys\n"
        "from edge.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({allowed}, {resource.RLIM_INFINITY}))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, "process", str(frames), "--out", str(out)]
    done = subprocess.run(
        [*command, "--no-classify", "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not list(out.glob("*.zip"))
    assert not list(out.glob(".*"))


@pytest.mark.faults
def test_ctrl_c_leaves_no_half_zip(frames: Path, tmp_path: Path) -> None:
    picture = (frames / "f_0.png").read_bytes()
    for index in range(3, 400):
        (frames / f"f_{index}.png").write_bytes(picture)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "edge.cli", "process", str(frames), "--out", str(out)]
    with subprocess.Popen([*command, "--no-classify", "--json"], stderr=subprocess.PIPE) as running:
        deadline = time.monotonic() + 60
        while not (out / "overlays" / "f_2.png").exists():
            assert time.monotonic() < deadline
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _, error = running.communicate(timeout=60)
    assert running.returncode == 130
    assert error.decode() == "seadrift-edge process: stopped; no zip was written\n"
    assert [p.name for p in out.iterdir()] == ["overlays"]


def test_no_space_left_is_told_in_words(
    frames: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("edge.processing.write_atomic", full)
    assert process(frames, "--out", tmp_path / "out", "--no-classify", "--json") == 3
    said = capsys.readouterr()
    assert "the disk is full" in said.err
    assert said.out == ""
    assert not list((tmp_path / "out").glob("*.zip"))


def test_overlays_of_frames_with_one_stem_do_not_overwrite_each_other() -> None:
    names = overlay_names(["a/x.png", "a__x.png", "x.png", "x.jpg", "..png"])
    assert len(set(names)) == 5
    assert names[:3] == ["a__x.png", "a__x.1.png", "x.png"]
    assert all(name.endswith(".png") for name in names)


@pytest.mark.data
@pytest.mark.parametrize(
    ("archive", "members", "objects"),
    [
        ("darkfield-frames.zip", ["frame_1.png", "frame_2.png"], (700, 1300)),
        (
            "diatom-frames.zip",
            ["DiatomaceousEarth-100x-20.jpg", "DiatomaceousEarth-40x-01.jpg"],
            (210, 750),
        ),
    ],
)
def test_two_real_frames(
    tmp_path: Path, archive: str, members: list[str], objects: tuple[int, int]
) -> None:
    path = DATA / archive
    if not path.exists():
        pytest.skip(f"no real data: {path} is missing (set SEADRIFT_DATA)")
    part = tmp_path / archive
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(part, "w") as two:
        for name in members:
            two.writestr(name, whole.read(name))
    out = tmp_path / "out"
    assert process(part, "--out", out) == 0
    assert len(list((out / "overlays").glob("*.png"))) == 2
    (zipped,) = out.glob("ecotaxa_*.zip")
    rows = table(zipped)
    assert objects[0] <= len(rows) <= objects[1]
    assert len({row["object_id"] for row in rows}) == len(rows)
    with zipfile.ZipFile(zipped) as file:
        assert {row["img_file_name"] for row in rows} < set(file.namelist())

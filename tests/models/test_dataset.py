"""Reading labelled vignettes: nothing leaks across the split, nothing bad stops the rest."""

from __future__ import annotations

import io
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from models.splitting import BURST_GAP_S, split_by_time, time_of
from models.training.__main__ import main
from models.training.classes import SPC_CLASSES, ClassMap
from models.training.dataset import (
    counts,
    decode,
    read_zip,
)

APRIL = 1_459_728_000


def webp(size: int = 30, seed: int = 0) -> bytes:
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    inside = np.hypot(y - size / 2, x - size / 2) < size / 3
    colour = random.integers(1, 256, (size, size, 3)) * inside[..., None]
    stream = io.BytesIO()
    Image.fromarray(colour.astype(np.uint8)).save(stream, "webp", lossless=True)
    return stream.getvalue()


@given(st.lists(st.integers(0, 60 * 24), min_size=1, max_size=200))
def test_no_burst_is_on_both_sides(hours: list[int]) -> None:
    times = np.array([APRIL + 900 * h for h in hours])
    part = split_by_time(times)
    order = np.argsort(times, kind="stable")
    for i, j in pairwise(order.tolist()):
        if part[i] != part[j]:
            assert times[j] - times[i] > BURST_GAP_S


def test_the_last_part_of_each_deployment_is_held_out() -> None:
    hourly = np.arange(100) * 7200
    times = np.concatenate([APRIL + hourly, APRIL + 40 * 86400 + hourly])
    shuffled = np.random.default_rng(0).permutation(200)
    part = np.empty(200, np.int64)
    part[shuffled] = split_by_time(times[shuffled])
    for deployment in (part[:100], part[100:]):
        assert np.bincount(deployment).tolist() == [72, 8, 20]
        assert (np.diff(deployment) >= 0).all()


def test_one_burst_stays_whole() -> None:
    assert split_by_time(np.array([APRIL, APRIL + 10, APRIL + 20])).tolist() == [0, 0, 0]


def test_times_that_cannot_be_trusted() -> None:
    assert time_of("Blob/SPC-PWSSC-1460388549-000988-245-1440-532-60-52.webp") == 1460388549
    assert time_of("Blob/SPC-PWSSC-0-000416-074-542-528-100-52.webp") is None
    assert time_of("Blob/SPC-PWSSC-3600-000416-074-542-528-100-52.webp") is None
    assert time_of("Blob/picture.webp") is None


def test_the_mask_is_the_largest_part() -> None:
    colour = np.zeros((40, 60, 3), np.uint8)
    colour[5:25, 10:40, 2] = 3  # blue so dim that its grey is 0, and still the object
    colour[30:34, 50:54] = 200  # a speck
    stream = io.BytesIO()
    Image.fromarray(colour).save(stream, "webp", lossless=True)
    signal, mask = decode(stream.getvalue())
    assert mask.shape == (20, 30)
    assert mask.all()
    assert signal.max() == 0


def test_what_is_bad_is_counted_and_the_rest_read(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    good = [f"Copepod/SPC-PWSSC-{APRIL + 7200 * i}-0-0-1-1-9-9.webp" for i in range(20)]
    with zipfile.ZipFile(path, "w") as archive:
        for i, name in enumerate(good):
            archive.writestr(name, webp(seed=i))
        archive.writestr("Copepod/SPC-PWSSC-0-0-0-1-1-9-9.webp", webp())
        archive.writestr(f"Doliolida/SPC-PWSSC-{APRIL}-0-0-1-1-9-9.webp", webp())
        archive.writestr(f"Blob/SPC-PWSSC-{APRIL}-0-0-1-1-9-9.webp", webp()[:50])
        archive.writestr(f"Blob/SPC-PWSSC-{APRIL}-0-1-1-1-9-9.webp", b"not an image")
        black = io.BytesIO()
        Image.new("RGB", (9, 9)).save(black, "webp", lossless=True)
        archive.writestr(f"Blob/SPC-PWSSC-{APRIL}-0-2-1-1-9-9.webp", black.getvalue())
    said: list[str] = []
    data = read_zip(path, ClassMap.load(SPC_CLASSES), said.append)
    assert len(data.train) + len(data.validation) + len(data.test) == 20
    assert counts(data.train) == {"Copepoda": len(data.train)}
    assert sum(data.dropped.values()) == 5
    assert sum("set aside Blob/" in line for line in said) == 3
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("Krill/SPC-PWSSC-1460388549-0-0-1-1-9-9.webp", webp())
    with pytest.raises(ValueError, match="folder 'Krill' is not in the class map"):
        read_zip(path, ClassMap.load(SPC_CLASSES), said.append)


def test_a_folder_named_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('version = 1\n[taxa]\na = ["X"]\nb = ["X"]\n[drop]\n')
    with pytest.raises(ValueError, match="folder X is named twice"):
        ClassMap.load(path)
    path.write_text("version = 1\n[taxa]\n")
    with pytest.raises(ValueError, match="drop must be given"):
        ClassMap.load(path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"])
def test_the_command_names_a_file_that_is_not_a_zip(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra [train])")
    path = tmp_path / "images.zip"
    path.write_bytes(content)
    assert main(["--data", str(path), "--out", str(tmp_path / "x.seadrift")]) == 2
    assert f"{path}: not a zip of labelled images" in capsys.readouterr().err
    assert main(["--data", str(tmp_path / "none"), "--out", str(tmp_path / "x.seadrift")]) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.mark.data
def test_the_class_map_covers_the_real_set(spc_zip: Path) -> None:
    class_map = ClassMap.load(SPC_CLASSES)
    with zipfile.ZipFile(spc_zip) as archive:
        folders = {name.split("/")[0] for name in archive.namelist()}
    assert folders == set(class_map.taxon_of) | set(class_map.dropped)

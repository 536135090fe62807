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

from models.class_map import SPC_CLASSES, ClassMap
from models.splitting import BURST_GAP_S, split_by_time, time_of
from models.training.__main__ import main
from models.training.dataset import counts, read_images

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
        for i in range(20):
            name = f"Oithona/SPC-PWSSC-{APRIL + 7200 * i}-1-0-1-1-9-9.webp"
            archive.writestr(name, webp(seed=50 + i))
        archive.writestr(f"Metridia/SPC-PWSSC-{APRIL}-1-0-1-1-9-9.webp", webp(seed=99))
        archive.writestr("readme.txt", b"")
    said: list[str] = []
    data = read_images(path, ClassMap.load(SPC_CLASSES), said.append)
    assert data.split == "time"
    assert len(data.train) + len(data.validation) + len(data.test) == 40
    assert set(counts(data.train)) == {"Copepoda", "Oithona"}
    assert sum(data.dropped.values()) == 7
    assert "taxon Metridia: fewer than 5 images" in data.dropped
    assert sum("set aside Blob/" in line for line in said) == 3
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("Krill/SPC-PWSSC-1460388549-0-0-1-1-9-9.webp", webp())
    with pytest.raises(ValueError, match="folder 'Krill' is not in the class map"):
        read_images(path, ClassMap.load(SPC_CLASSES), said.append)


def test_a_folder_of_class_folders_needs_no_map(tmp_path: Path) -> None:
    for taxon in ("ring", "bar"):
        (tmp_path / taxon).mkdir()
        for i in range(10):
            (tmp_path / taxon / f"{i}.webp").write_bytes(webp(seed=i))
    data = read_images(tmp_path, None, lambda _: None)
    assert data.split == "random"
    assert data.taxa == ("bar", "ring")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [14, 2, 4]
    again = read_images(tmp_path, None, lambda _: None)
    assert [item.name for item in again.test] == [item.name for item in data.test]


def test_one_class_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "ring").mkdir()
    for i in range(10):
        (tmp_path / "ring" / f"{i}.webp").write_bytes(webp(seed=i))
    with pytest.raises(ValueError, match=r"at least two taxa .* there are \['ring'\]"):
        read_images(tmp_path, None, lambda _: None)


@pytest.mark.parametrize(
    ("card", "wrong"),
    [
        ('[card]\nlicense = "MIT"\n', "license is not known"),
        ('[card]\nlimits = "one camera"\n', "limits must be texts"),
        ('[card]\nlicence = ["MIT"]\n', "licence must be a text"),
        ('[card]\ncatch_alls = ["Blob"]\n', "Blob, which is no taxon"),
    ],
)
def test_a_card_that_says_it_wrongly_is_refused(card: str, wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(f'version = 1\n[taxa]\na = ["X"]\n{card}')
    with pytest.raises(ValueError, match=wrong):
        ClassMap.load(path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"])
def test_the_command_names_a_file_that_is_not_a_zip(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra [train])")
    path = tmp_path / "images.zip"
    path.write_bytes(content)
    assert main(["--data", str(path), "--out", str(tmp_path / "x.seadrift")]) == 2
    assert f"{path}: neither a folder nor a zip of class folders" in capsys.readouterr().err
    assert main(["--data", str(tmp_path / "none"), "--out", str(tmp_path / "x.seadrift")]) == 2
    assert "no such folder or zip" in capsys.readouterr().err


@pytest.mark.data
def test_the_class_map_covers_the_real_set(spc_zip: Path) -> None:
    class_map = ClassMap.load(SPC_CLASSES)
    with zipfile.ZipFile(spc_zip) as archive:
        folders = {name.split("/")[0] for name in archive.namelist()}
    assert folders == set(class_map.taxon_of) | set(class_map.dropped)

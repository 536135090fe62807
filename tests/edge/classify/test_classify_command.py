"""``seadrift-edge classify``: files, folders and zips of vignettes; bad ones are named."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge.cli import main
from models import factory
from models.bundle import Bundle


def vignette(seed: int, background: int = 255) -> bytes:
    random = np.random.default_rng(seed)
    y, x = np.ogrid[:50, :60]
    inside = np.hypot(y - 25, (x - 30) / random.uniform(1, 2)) < random.uniform(6, 12)
    level = 255 - background if background in (0, 255) else 40
    picture = np.where(inside, abs(level - random.integers(0, 80, inside.shape)), background)
    file = io.BytesIO()
    Image.fromarray(picture.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


GOOD = {"a/1.png": vignette(1), "a/2.png": vignette(2, 0), "10.png": vignette(3, 128)}
BAD = {"cut.png": vignette(4)[:50], "blank.png": b""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in GOOD.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "in"


def called(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> dict[str, Any]:
    assert main(["classify", *map(str, words), "--json"]) == code
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_every_image_of_a_folder_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = called(capsys, folder)
    bundle = Bundle.load(factory.path())
    assert (facts["release"], facts["bad"]) == (bundle.release_id, [])
    assert [one["name"] for one in facts["images"]] == ["10.png", "a/1.png", "a/2.png"]
    assert [one["field"] for one in facts["images"]] == ["bright", "bright", "dark"]
    for one in facts["images"]:
        scores = [item["score"] for item in one["top"]]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
        assert 0 <= one["unknown"] <= 1
        assert one["score"] >= scores[0] or one["taxon"] != one["top"][0]["taxon"]
        assert one["sure"] in ((True, False) if facts["thresholds"] else (None,))
        assert {item["taxon"] for item in one["top"]} <= set(bundle.classes)
        assert one["esd_px"] == pytest.approx(2 * np.sqrt(one["area_px"] / np.pi), abs=0.01)


def test_a_zip_and_single_files_say_the_same(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "in.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in GOOD.items():
            file.writestr(name, data)
    there = called(capsys, folder)["images"]
    assert called(capsys, archive)["images"] == there
    single = called(capsys, folder / "10.png", folder / "a/1.png")["images"]
    assert [one["top"] for one in single] == [one["top"] for one in there[:2]]
    some = called(capsys, tmp_path / "missing", folder / "10.png", code=1)
    assert [one["top"] for one in some["images"]] == [there[0]["top"]]
    assert [item["name"] for item in some["bad"]] == [str(tmp_path / "missing")]
    assert called(capsys, folder, "--runtime", "reference")["images"] == there


def test_bad_images_are_named_and_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, data in BAD.items():
        (folder / name).write_bytes(data)
    (folder / "flat.png").write_bytes(_flat())
    (folder / "notes.txt").write_text("calm")
    facts = called(capsys, folder, code=1)
    assert len(facts["images"]) == 3
    assert {item["name"] for item in facts["bad"]} == {*BAD, "flat.png"}
    assert facts["ignored"] == 1
    assert main(["classify", str(folder)]) == 1
    said = capsys.readouterr()
    assert "flat.png: no contrast: every pixel has the grey level 9 (set aside)" in said.err
    assert "3 images were bad" in said.err
    assert len(said.out.splitlines()) == 3


def _flat() -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8), 9).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(("name", "delimiter"), [("out.csv", ","), ("out.tsv", "\t")])
def test_the_table_has_a_line_an_image(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, delimiter: str
) -> None:
    facts = called(capsys, folder, "--csv", folder / name)
    with (folder / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter))
    assert [row["name"] for row in rows] == [one["name"] for one in facts["images"]]
    for row, one in zip(rows, facts["images"], strict=True):
        assert row["taxon"] == one["top"][0]["taxon"]
        assert float(row["score_3"]) == pytest.approx(one["top"][2]["score"], abs=1e-4)
        assert float(row["unknown"]) == pytest.approx(one["unknown"], abs=1e-4)


def test_nothing_to_classify_and_wrong_use_have_their_codes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "only.png").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    (tmp_path / "b.seadrift").write_bytes(b"x")
    for words, code, said in (
        ([tmp_path / "only.png"], 3, "no image could be classified"),
        ([tmp_path / "empty"], 3, "no image could be classified"),
        ([tmp_path / "missing"], 3, "no such file or folder"),
        ([folder, "--bundle", tmp_path / "b.seadrift"], 2, "b.seadrift"),
        ([folder, "--csv", tmp_path / "no" / "x.csv"], 2, "--csv"),
    ):
        assert main(["classify", *map(str, words)]) == code
        assert said in capsys.readouterr().err

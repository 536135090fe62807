"""The zip: its layout against a golden table, its identity, and that it is whole or not there."""

from __future__ import annotations

import csv
import errno
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.ecotaxa import EcotaxaArchive, EcotaxaError, Metadata, MetadataError, Run
from edge.ecotaxa.archive import file_stem
from edge.frames import Frame
from edge.pipeline import FrameResult, ObjectResult, Pipeline
from edge.segment import SegmentSettings
from models.measures import MEASURES

GOLDEN = Path(__file__).with_name("golden.tsv")
SETTINGS = SegmentSettings(pixel_um=4.5, field="dark")
RUN = Run(
    sample="bay_07",
    fingerprint="0123456789abcdef",
    settings=SETTINGS,
    software_version="1.2.3",
    metadata=Metadata(sample={"id": "Bay 07", "ship": "Tara"}, object={"lat": 43.5, "lon": 7.25}),
    release_id="ab" * 32,
    release_name="spc",
    runtime="litert",
    has_place=True,
)


def results() -> FrameResult:
    """Two objects of which every measure can be told by head: a square and a bar."""
    grey = np.zeros((200, 200), np.uint8)
    grey[40:60, 30:50] = 100
    grey[120:130, 100:160] = 50
    frame = Frame("f.png", 3, grey, utc_ms=1_777_890_030_000, depth_m=12.5)
    found = Pipeline(replace(SETTINGS, close_px=1)).process(frame)
    assert len(found.objects) == 2
    classified = [
        replace(o, taxon=taxon, score=score, top=((taxon, score),))
        for o, taxon, score in zip(
            found.objects, ("Copepoda", "Chaetognatha"), (0.75, 0.5), strict=True
        )
    ]
    return replace(found, objects=tuple(classified))


def write(folder: Path, run: Run = RUN, objects: tuple[ObjectResult, ...] | None = None) -> Path:
    found = results()
    with EcotaxaArchive(folder, run) as archive:
        archive.add(found.frame, found.objects if objects is None else objects)
    return archive.path


def table(path: Path) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as file:
        text = file.read(f"{path.stem}.tsv").decode()
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def test_the_table_is_the_golden_one(tmp_path: Path) -> None:
    """Names, types, order and texts exactly; numbers as far as libraries agree on them."""
    path = write(tmp_path)
    assert path.name == "ecotaxa_bay_07.zip"
    with zipfile.ZipFile(path) as file:
        got = file.read("ecotaxa_bay_07.tsv").decode().split("\n")
    golden = GOLDEN.read_text(encoding="utf-8").split("\n")
    assert got[:2] == golden[:2]
    assert len(got) == len(golden)
    kinds = golden[1].split("\t")
    for mine, wanted in zip(got[2:], golden[2:], strict=True):
        for kind, a, b in zip(kinds, mine.split("\t"), wanted.split("\t"), strict=False):
            if kind == "[f]" and b:
                assert float(a) == pytest.approx(float(b), rel=1e-5, abs=1e-9)
            else:
                assert a == b


def test_the_second_row_has_the_types_and_every_measure_is_a_number(tmp_path: Path) -> None:
    types, *rows = table(write(tmp_path))
    assert set(types.values()) == {"[t]", "[f]"}
    assert len(rows) == 2
    for m in MEASURES:
        assert types[f"object_{m.name}"] == "[f]"
        float(rows[0][f"object_{m.name}"])
    assert rows[0]["object_area"] == "400.0"
    assert rows[1]["object_width"] == "60.0"


def test_category_and_status_come_together_and_the_score_has_its_own_name(tmp_path: Path) -> None:
    rows = table(write(tmp_path))[1:]
    assert [r["object_annotation_category"] for r in rows] == ["Copepoda", "Chaetognatha"]
    assert {r["object_annotation_status"] for r in rows} == {"predicted"}
    assert [float(r["object_seadrift_score"]) for r in rows] == [0.75, 0.5]
    assert "object_annotation_score" not in rows[0]


def test_without_a_release_there_is_no_annotation(tmp_path: Path) -> None:
    run = replace(RUN, release_id="", release_name="", runtime="")
    plain = tuple(replace(o, taxon="", score=0.0) for o in results().objects)
    rows = table(write(tmp_path, run, plain))
    assert not [name for name in rows[0] if "annotation" in name or "score" in name]
    assert rows[1]["process_id"].endswith("_unclassified")


def test_place_and_time_are_the_frames_and_else_the_users(tmp_path: Path) -> None:
    row = table(write(tmp_path))[1]
    assert (row["object_lat"], row["object_lon"]) == ("43.5", "7.25")
    assert (row["object_date"], row["object_time"]) == ("20260504", "102030")
    assert row["object_depth_min"] == row["object_depth_max"] == "12.5"


def test_vignettes_are_there_and_are_the_background_corrected_crops(tmp_path: Path) -> None:
    path = write(tmp_path)
    rows = table(path)[1:]
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        pictures = {n for n in file.namelist() if n.endswith(".png")}
        assert pictures == {row["img_file_name"] for row in rows}
        data = np.frombuffer(file.read(rows[0]["img_file_name"]), np.uint8)
    np.testing.assert_array_equal(
        cv2.imdecode(data, cv2.IMREAD_UNCHANGED), results().objects[0].vignette
    )


def test_ids_are_unique_and_a_second_run_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = write(tmp_path / "a"), write(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    ids = [row["object_id"] for row in table(first)[1:]]
    assert len(set(ids)) == 2
    other = table(write(tmp_path, replace(RUN, fingerprint="fedcba9876543210")))[1:]
    assert not {row["object_id"] for row in other} & set(ids)
    assert {row["acq_id"] for row in other} == {"Bay 07_fedcba98"}


def test_a_value_that_ecotaxa_refuses_leaves_no_zip(tmp_path: Path) -> None:
    found = results().objects[0]
    bad = replace(found, measures=np.full_like(found.measures, np.inf))
    with pytest.raises(EcotaxaError, match="column object_area, object"):
        write(tmp_path, objects=(bad,))
    assert not list(tmp_path.iterdir())


def test_an_object_field_with_a_measures_name_is_refused(tmp_path: Path) -> None:
    run = replace(RUN, metadata=Metadata(object={"area": 3.0}))
    with pytest.raises(EcotaxaError, match="column object_area: given 2 times"):
        write(tmp_path, run)
    assert not list(tmp_path.iterdir())


def test_a_process_field_that_the_program_sets_is_refused() -> None:
    with pytest.raises(MetadataError, match="process_pixel_um"):
        replace(RUN, metadata=Metadata(process={"pixel_um": 1.0}))


def test_a_full_disk_leaves_the_old_zip_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write(tmp_path)
    before = old.read_bytes()
    archive = EcotaxaArchive(tmp_path, replace(RUN, fingerprint="f" * 16))

    def full(name: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive, "_put", full)
    found = results()
    with pytest.raises(OSError, match="No space"), archive:
        archive.add(found.frame, found.objects)
    assert list(tmp_path.iterdir()) == [old]
    assert old.read_bytes() == before


@pytest.mark.parametrize(
    ("sample", "stem"),
    [
        ("Bay 07/A", "bay_07_a"),
        ("../../etc", "etc"),
        ("ÉTÉ", "t"),
        ("", "sample"),
        ("x" * 300, "x" * 100),
    ],
)
def test_file_names_are_lower_case_and_safe(sample: str, stem: str) -> None:
    assert file_stem(sample) == stem

"""Parquet: every value comes back with its type, its unit, and the word of origin."""

import json
import math
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from server.db import free
from server.db.tables import ObjectFree
from server.exports import parquet
from server.shore import Shore
from tests.server.ecotaxa_api.material import NUMBERS, TEXTS, Cast, fill
from tests.server.exports.material import exported

WORDS = {"P": "predicted", "V": "validated", "D": "dubious", "X": "discarded", "U": None}


@pytest.fixture
def cast(shore: Shore, project: int) -> Cast:
    return fill(shore, project, user_id=1, objects=60)


@pytest.mark.databases
def test_every_value_comes_back_with_its_type(
    shore: Shore, project: int, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 16)
    with shore.database.write() as connection:
        odd = cast.objects[0]
        places = free.give_places(connection, project, [("note", "t"), ("objid", "f")])
        values = {places["note"]: "x" * 3000, places["objid"]: math.inf}
        connection.execute(update(ObjectFree).where(ObjectFree.objid == odd.objid).values(values))
    path, result = exported(shore, project, tmp_path, "parquet")
    table = pq.read_table(path)
    assert (result["objects"], table.num_rows) == (60, 60)
    assert pq.ParquetFile(path).num_row_groups > 1
    schema = table.schema
    assert schema.field("object_area").type == pa.float64()
    assert schema.field("object_datetime").type == pa.timestamp("ms", "UTC")
    assert pa.types.is_dictionary(schema.field("object_annotation_category").type)
    assert schema.field("object_depth_min").metadata[b"unit"] == b"m"
    rows = {row["objid"]: row for row in table.to_pylist()}
    for thing in cast.objects:
        row, n = rows[thing.objid], cast.samples.index(thing.sample)
        at = row["object_datetime"]
        assert row["object_id"] == thing.orig_id
        assert (row["object_lat"], row["object_lon"]) == (thing.lat, thing.lon)
        assert row["object_has_time"] is (None if thing.ms is None else not thing.day_only)
        assert (at is None) == (thing.ms is None)
        assert row["object_has_time"] is not True or at.timestamp() * 1000 == thing.ms
        assert (row["object_depth_min"], row["object_depth_max"]) == (thing.depth or (None, None))
        assert row["object_annotation_status"] == WORDS[thing.status]
        assert row["object_annotation_category_id"] == thing.taxon
        assert row["object_sunpos"] == thing.sunpos
        for name in (*NUMBERS, *TEXTS):
            assert row[f"object_{name}"] == thing.free[name]
        assert (row["sample_id"], row["acq_id"]) == (f"cast1_{n}", f"acq1_{n}")
        assert row["acq_sub_part"] == str(n + 1)
    assert rows[odd.objid]["object_note"] == "x" * 3000
    assert rows[odd.objid]["object_objid"] == math.inf
    said = json.loads(schema.metadata[b"seadrift"])
    assert said["objects"]["total"] == 60
    frame = pd.read_parquet(path)
    assert frame["object_area"].sum() == sum(t.free["area"] for t in cast.objects)


def test_a_partition_is_a_folder_a_sample_that_reads_as_one(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    path, result = exported(shore, project, tmp_path, "parquet", partition=True)
    assert (path.suffix, result["objects"]) == (".zip", 60)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "out")
    files = sorted((tmp_path / "out").glob("sample=*"))
    assert [file.name for file in files] == ["sample=cast1_0", "sample=cast1_1", "sample=cast1_2"]
    folder = str(tmp_path / "out")
    read = ds.dataset(folder, partitioning="hive", exclude_invalid_files=True)
    table = read.to_table(columns=["objid", "sample", "sample_id"])
    assert sorted(table["objid"].to_pylist()) == sorted(t.objid for t in cast.objects)
    assert table["sample"].to_pylist() == table["sample_id"].to_pylist()


def test_an_empty_project_is_a_file_without_rows(
    shore: Shore, project: int, tmp_path: Path
) -> None:
    path, result = exported(shore, project, tmp_path, "parquet")
    assert (pq.read_table(path).num_rows, result["objects"]) == (0, 0)

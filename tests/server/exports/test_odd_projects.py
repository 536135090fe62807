"""A project that EcoTaxa could not take back: refused or mended with a message naming where, in a
table that is meant for it; left as it is in one for reading."""

import csv
import io
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, update

from server.db import free
from server.db.tables import Acquisition, Object, ObjectFree, Process, Sample
from server.exports.archive import Table
from server.exports.asked import AskedError
from server.shore import Shore
from tests.server.ecotaxa_api.material import Cast, fill
from tests.server.exports.material import exported, provenance, tables

pytestmark = pytest.mark.databases


@pytest.fixture
def cast(shore: Shore, project: int) -> Cast:
    return fill(shore, project, user_id=1, objects=12)


def _set_free(connection: Connection, project: int, objid: int, **values: object) -> None:
    kinds = [(name, "t" if isinstance(value, str) else "f") for name, value in values.items()]
    places = free.give_places(connection, project, kinds)
    row = {places[name]: value for name, value in values.items()}
    connection.execute(update(ObjectFree).where(ObjectFree.objid == objid).values(row))


def test_values_that_ecotaxa_cannot_keep_are_mended_and_named(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    odd, other = cast.objects[0], cast.objects[1]
    long = "Ophiura " * 40
    with shore.database.write() as connection:
        _set_free(connection, project, odd.objid, note=long, lines="a\tb\nc", area=math.inf)
        _set_free(connection, project, other.objid, area=-math.inf)
        moment = {"utc_ms": 1_600_000_000_250, "utc_source": "table"}
        connection.execute(update(Object).where(Object.objid == odd.objid).values(moment))
    path, result = exported(shore, project, tmp_path, "general", types=True)
    [rows] = tables(path).values()
    kinds, rows = rows[0], rows[1:]
    assert (kinds["object_area"], kinds["object_note"]) == ("[f]", "[t]")
    row = next(row for row in rows if row["object_id"] == odd.orig_id)
    assert row["object_note"] == long[:250]
    assert row["object_lines"] == "a b c"
    assert row["object_area"] == ""
    assert row["object_time"] == "12:26:40"
    assert {line.partition(" (")[0] for line in result["mended"]} == {
        "object_note: text above 250 characters was cut",
        "object_lines: line breaks, tabs and the like were made spaces",
        "object_area: a number that is not finite was left empty",
        "object_time: parts of a second were cut",
    }
    [note] = [line for line in result["mended"] if line.startswith("object_note")]
    assert note.endswith(f"(once, object {odd.orig_id})")
    [area] = [line for line in result["mended"] if line.startswith("object_area")]
    assert "(2 times, first in object " in area
    assert provenance(path)["mended"] == result["mended"]


def test_a_table_for_reading_keeps_them_and_names_infinities(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    odd, long = cast.objects[0], 'a "long" one\t' * 40
    with shore.database.write() as connection:
        _set_free(connection, project, odd.objid, note=long, area=math.inf)
        moment = {"utc_ms": 1_600_000_000_250, "utc_source": "table"}
        connection.execute(update(Object).where(Object.objid == odd.objid).values(moment))
    path, result = exported(shore, project, tmp_path, "general")
    [rows] = tables(path).values()
    row = next(row for row in rows if row["object_id"] == odd.orig_id)
    assert (row["object_note"], row["object_area"]) == (long, "inf")
    assert row["object_time"] == "12:26:40.250"
    assert result["mended"] == [
        f"object_area: a number is not finite; EcoTaxa keeps it so (once, object {odd.orig_id})"
    ]


def test_one_name_for_two_things_is_made_unique(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    first, second = cast.acquisitions[:2]
    with shore.database.write() as connection:
        connection.execute(
            update(Acquisition).where(Acquisition.id.in_((first, second))).values(orig_id="a1")
        )
        twins = [thing.objid for thing in cast.objects[:2]]
        connection.execute(update(Object).where(Object.objid.in_(twins)).values(orig_id="twin"))
    path, result = exported(shore, project, tmp_path, "general", types=True)
    [rows] = tables(path).values()
    acquisitions = {row["acq_id"]: row["sample_id"] for row in rows[1:]}
    samples = {row["sample_id"] for row in rows[1:]}
    assert len(acquisitions) == len(samples) == len(set(acquisitions.values()))
    assert {f"a1~{cast.samples[0]}", f"a1~{cast.samples[1]}"} <= set(acquisitions)
    names = [row["object_id"] for row in rows[1:]]
    assert len(set(names)) == len(names) == 12
    assert {f"twin~{objid}" for objid in twins} <= set(names)
    mended = "\n".join(result["mended"])
    assert (
        "acq_id: one id in several samples was made unique (2 times, first in acquisition a1)"
        in (mended)
    )
    assert "object_id: one id of several objects was made unique (once, twin)" in mended


def test_samples_of_one_name_are_told_apart(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    with shore.database.write() as connection:
        values = {"project_id": project, "orig_id": "cast1_0", "device_id": 77, "created_ms": 1}
        sample = connection.execute(insert(Sample).values(values).returning(Sample.id)).scalar_one()
        acquisition = connection.execute(
            insert(Acquisition)
            .values(sample_id=sample, orig_id="b1", created_ms=1)
            .returning(Acquisition.id)
        ).scalar_one()
        process = connection.execute(
            insert(Process)
            .values(acquisition_id=acquisition, orig_id="p", created_ms=1)
            .returning(Process.id)
        ).scalar_one()
        moved = [thing.objid for thing in cast.objects[:3]]
        connection.execute(
            update(Object)
            .where(Object.objid.in_(moved))
            .values(sample_id=sample, acquisition_id=acquisition, process_id=process)
        )
    path, result = exported(shore, project, tmp_path, "general", types=True)
    [rows] = tables(path).values()
    assert sum(row["sample_id"] == f"cast1_0~{sample}" for row in rows[1:]) == 3
    assert any("sample_id: one id of several samples" in line for line in result["mended"])
    path, _ = exported(shore, project, tmp_path / "..", "general", split="sample")
    assert len(tables(path)) == len({thing.sample for thing in cast.objects[3:]} | {sample})


@pytest.mark.parametrize(
    ("kind", "most", "word"), [("t", 20, "text"), ("f", 500, "numeric")], ids=["text", "numeric"]
)
def test_more_columns_than_ecotaxa_has_are_refused_by_name(
    shore: Shore, project: int, cast: Cast, tmp_path: Path, kind: str, most: int, word: str
) -> None:
    with shore.database.write() as connection:
        known = free.places(connection, project).values()
        have = sum(free.kind_of(place) == kind for place in known)
        room = most - have if kind == "t" else most - have - 1  # the score is a number of ours
        more = [(f"more{i}", kind) for i in range(min(room + 1, 500 - have))]
        free.give_places(connection, project, more)
    with pytest.raises(AskedError) as raised:
        exported(shore, project, tmp_path, "general", types=True)
    [said] = raised.value.errors
    assert f"EcoTaxa takes {most} {word} object_ columns, this is number {most + 1}" in said
    assert "Parquet" in said
    path, _ = exported(shore, project, tmp_path, "general")
    [rows] = tables(path).values()
    assert f"object_more{len(more) - 1}" in rows[0]


def test_more_columns_of_a_sample_than_ecotaxa_has_are_refused_by_name(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    text = ", ".join(f'"s{i}": "x"' for i in range(61))
    with shore.database.write() as connection:
        connection.execute(
            update(Sample).where(Sample.id == cast.samples[0]).values(free=f"{{{text}}}")
        )
    with pytest.raises(AskedError, match="EcoTaxa takes 60 sample_ columns, this is number 61"):
        exported(shore, project, tmp_path, "general", types=True)


@settings(deadline=None)
@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2)))
def test_any_text_comes_back_from_a_table(rows: list[list[str]]) -> None:
    with Table([["a", "b"]]) as table:
        table.add(rows)
        stream = io.BytesIO()
        table.copy_to(stream)
    text = stream.getvalue().decode()
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))[1:] == rows

"""EcoTaxa's general table: every value stands in it, split and filtered as asked, images beside."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import update

from server.db import exporting, exporting_objects
from server.db.exporting_objects import Selection
from server.db.tables import Object
from server.exports.asked import AskedError
from server.exports.export import Export
from server.exports.kinds import run
from server.shore import Shore
from tests.server.ecotaxa_api.material import NUMBERS, TEXTS, Cast, Thing, fill
from tests.server.exports.material import Row, exported, provenance, tables

pytestmark = pytest.mark.databases
STATUS = {"U": "", "P": "predicted", "D": "dubious", "V": "validated", "X": "discarded"}
HEAD = [
    "object_id",
    *(
        f"object_{name}"
        for name in ("lat", "lon", "date", "time", "link", "depth_min", "depth_max")
    ),
    *(
        f"object_annotation_{name}"
        for name in (
            "status",
            "person_name",
            "person_email",
            "date",
            "time",
            "category",
            "hierarchy",
        )
    ),
    *("object_area", "object_mean", "object_esd", "object_shape"),
]


@pytest.fixture
def cast(shore: Shore, project: int) -> Cast:
    return fill(shore, project, user_id=1, objects=60)


def _number(text: str) -> float | None:
    return float(text) if text else None


def _check(row: Row, thing: Thing, cast: Cast) -> None:
    n = cast.samples.index(thing.sample)
    at = thing.ms and datetime.fromtimestamp(thing.ms / 1000, UTC)
    said = thing.when and datetime.fromtimestamp(thing.when / 1000, UTC)
    assert row["object_date"] == (f"{at:%Y-%m-%d}" if at else "")
    assert row["object_time"] == (f"{at:%H:%M:%S}" if at and not thing.day_only else "")
    assert _number(row["object_lat"]) == thing.lat
    assert _number(row["object_lon"]) == thing.lon
    depth = thing.depth or (None, None)
    assert (_number(row["object_depth_min"]), _number(row["object_depth_max"])) == depth
    assert row["object_annotation_status"] == STATUS[thing.status]
    assert (row["object_annotation_category"] == "") == (thing.taxon is None)
    emails = {None: "", cast.user_id: "admin@sea.test", cast.other_id: "other@sea.test"}
    assert row["object_annotation_person_email"] == emails[thing.who]
    assert row["object_annotation_date"] == (f"{said:%Y-%m-%d}" if said else "")
    assert row["object_annotation_time"] == (f"{said:%H:%M:%S}" if said else "")
    for name in NUMBERS:
        assert _number(row[f"object_{name}"]) == thing.free[name]
    for name in TEXTS:
        assert row[f"object_{name}"] == (thing.free[name] or "")
    assert row["sample_id"] == f"cast1_{n}"
    assert row["acq_id"] == f"acq1_{n}"
    assert row["acq_sub_part"] == str(n + 1)
    assert row["acq_instrument"] == ("uvp6", "UVP5", "")[n]
    assert row["process_software"] == ("zooprocess 8" if n else "ecopart")
    assert row["sample_tot_vol"] == ("" if n == 2 else str(n))


def test_every_value_stands_in_the_table_in_ecotaxas_order(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    path, result = exported(shore, project, tmp_path, "general")
    assert (result["objects"], result["images"], result["mended"]) == (60, 0, [])
    [(name, rows)] = tables(path).items()
    assert name == f"ecotaxa_{path.stem}.tsv"
    assert list(rows[0])[: len(HEAD)] == HEAD
    things = {thing.orig_id: thing for thing in cast.objects}
    for row in rows:
        _check(row, things[row["object_id"]], cast)
    order = [(row["sample_id"], things[row["object_id"]].objid) for row in rows]
    assert order == sorted(order)
    assert len(set(order)) == 60
    with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
        frame = pd.read_csv(stream, sep="\t")
    area = frame.set_index("object_id")["object_area"]
    assert {i: thing.free["area"] for i, thing in things.items()} == area.to_dict()


@pytest.mark.parametrize(
    ("split", "column"),
    [("sample", "sample_id"), ("acquisition", "acq_id"), ("taxon", "object_annotation_category")],
)
def test_a_split_has_each_object_once_in_the_table_of_its_part(
    shore: Shore, project: int, cast: Cast, tmp_path: Path, split: str, column: str
) -> None:
    path, _ = exported(shore, project, tmp_path, "general", split=split)
    parts = tables(path)
    assert len(parts) > 2
    for name, rows in parts.items():
        assert len({row[column] for row in rows}) == 1
        said = rows[0][column] or "no taxon"
        assert name == f"ecotaxa_{said}.tsv"
    found = [row["object_id"] for rows in parts.values() for row in rows]
    assert sorted(found) == sorted(thing.orig_id for thing in cast.objects)


@pytest.mark.parametrize("images", ["first", "all"])
def test_images_lie_where_the_table_says(
    shore: Shore, project: int, cast: Cast, tmp_path: Path, images: str
) -> None:
    path, result = exported(shore, project, tmp_path, "general", split="sample", images=images)
    rows = [row for part in tables(path, "ecotaxa_").values() for row in part]
    things = {thing.orig_id: thing for thing in cast.objects}
    expected = [min(len(t.images), 1) if images == "first" else len(t.images) for t in cast.objects]
    assert result["images"] == sum(expected)
    assert len(rows) == sum(max(n, 1) for n in expected)
    named = [row["img_file_name"] for row in rows if row["img_file_name"]]
    with zipfile.ZipFile(path) as archive:
        assert len(set(named)) == len(named) == sum(expected)
        assert all(archive.read(name).startswith(b"\x89PNG") for name in named)
    for row in rows:
        assert bool(row["img_file_name"]) == bool(things[row["object_id"]].images)
        assert row["img_rank"] in ("", "1", "2")


def test_annotations_alone_are_a_thin_table_with_types(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    path, _ = exported(shore, project, tmp_path, "general", annotations=True, split="sample")
    [rows] = tables(path).values()
    assert list(rows[0]) == [
        "object_id", "object_annotation_status", "object_annotation_person_name",
        "object_annotation_person_email", "object_annotation_date", "object_annotation_time",
        "object_annotation_category", "object_annotation_category_id",
    ]  # fmt: skip
    assert set(rows[0].values()) == {"[t]"}
    things = {thing.orig_id: thing for thing in cast.objects}
    for row in rows[1:]:
        thing = things[row["object_id"]]
        assert row["object_annotation_category_id"] == str(thing.taxon or "")
        said = thing.when and datetime.fromtimestamp(thing.when / 1000, UTC)
        assert row["object_annotation_date"] == (f"{said:%Y%m%d}" if said else "")
        assert row["object_annotation_time"] == (f"{said:%H%M%S}" if said else "")


def test_internal_ids(shore: Shore, project: int, cast: Cast, tmp_path: Path) -> None:
    path, _ = exported(shore, project, tmp_path, "general", internal_ids=True)
    [rows] = tables(path).values()
    things = {thing.orig_id: thing for thing in cast.objects}
    for row in rows:
        thing = things[row["object_id"]]
        assert row["objid"] == str(thing.objid)
        assert row["acq_id_internal"] == str(thing.acquisition)
        assert row["sample_id_internal"] == str(thing.sample)
        assert row["classif_id"] == str(thing.taxon or "")
        predicted = thing.status == "P"
        assert _number(row["classif_auto_score"]) == (thing.score if predicted else None)
        assert row["object_sunpos"] == thing.sunpos


def test_filters_leave_what_fits_and_provenance_says_so(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    filters = {"statusfilter": "V", "freenum": "n01", "freenumst": "10", "samples": ""}
    path, result = exported(shore, project, tmp_path, "general", filters=filters)
    fit = [t for t in cast.objects if t.status == "V" and t.free["area"] >= 10]
    [rows] = tables(path).values()
    assert sorted(row["object_id"] for row in rows) == sorted(t.orig_id for t in fit)
    assert result["objects"] == len(fit)
    said = provenance(path)
    assert said["filters"] == {k: v for k, v in filters.items() if v}
    assert said["objects"]["by_status"] == {"validated": len(fit)}
    people = {p["address"]: p["objects"] for p in said["objects"]["validated_by"]}
    mine = sum(t.who == cast.user_id for t in fit)
    assert people["admin@sea.test"] == mine
    assert sum(people.values()) == len(fit)
    assert said["made_by"] == "Ana (ana@sea.test)"


@pytest.mark.parametrize("filters", [{"statusfilter": "VM"}, {"filt_last_annot": "1"}])
def test_filters_may_ask_who(
    shore: Shore, project: int, cast: Cast, tmp_path: Path, filters: dict[str, str]
) -> None:
    path, _ = exported(shore, project, tmp_path, "general", split="sample", filters=filters)
    statuses = "V" if "statusfilter" in filters else "VDX"
    fit = [t for t in cast.objects if t.status in statuses and t.who == 1]
    found = [row["object_id"] for rows in tables(path).values() for row in rows]
    assert sorted(found) == sorted(thing.orig_id for thing in fit)


def test_all_is_of_one_state_of_the_database(shore: Shore, project: int, cast: Cast) -> None:
    with exporting.snapshot(shore.database) as connection:
        selection = Selection(project)
        before = exporting_objects.by_status(connection, selection)
        with shore.database.write() as other:
            other.execute(update(Object).values(status="X"))
        assert exporting_objects.by_status(connection, selection) == before
    with shore.database.read() as connection:
        assert exporting_objects.by_status(connection, selection) == {"X": 60}


def test_an_older_file_stays_until_the_new_one_is_whole(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    def unplugged(_percent: float, _message: str) -> None:
        raise KeyboardInterrupt

    old = tmp_path / "bay.zip"
    old.write_bytes(b"last month's")
    export = Export(
        shore.database, shore.packs, project, {}, "", 1, tmp_path, out="bay.zip",
        progress=unplugged,
    )  # fmt: skip
    for kind in ("general", "parquet"):
        with pytest.raises(KeyboardInterrupt):
            run(export, kind)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["bay.zip"]
    assert old.read_bytes() == b"last month's"


def test_what_cannot_be_asked_is_said_all_at_once(
    shore: Shore, project: int, tmp_path: Path
) -> None:
    with pytest.raises(AskedError) as raised:
        exported(shore, project, tmp_path, "general", split="samples", images=3, spilt="none")
    assert raised.value.errors == [
        "split: 'samples', expected one of none, sample, acquisition, taxon",
        "images: '3', expected one of none, first, all",
        "'spilt' is not known here; there are annotations, filters, images, internal_ids, kind, "
        "split, types",
    ]
    with pytest.raises(AskedError, match="'taxa' is no filter"):
        exported(shore, project, tmp_path, "general", filters={"taxa": "1"})
    assert list(tmp_path.glob("*.zip")) == []


def test_a_project_without_objects_is_a_table_without_rows(
    shore: Shore, project: int, tmp_path: Path
) -> None:
    path, result = exported(shore, project, tmp_path, "general")
    assert result["objects"] == 0
    assert list(tables(path).values()) == [[]]

"""A project written as EcoTaxa's backup: every value, image, status and person stands in it."""

import csv
import io
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from models.bundle import Bundle
from models.measures import MEASURES
from server.ecotaxa.backup import write_backup
from server.ecotaxa.check import check_upload
from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import open_upload
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from wire.records import Context

pytestmark = pytest.mark.databases
TIME_MS = 1_790_000_000_123


def rows_of(path: Path, start: str = "ecotaxa_") -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.rpartition("/")[2].startswith(start):
                text = io.TextIOWrapper(archive.open(name), "utf-8", newline="")
                table = csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE)
                rows += list(table)[1:]
    return rows


@pytest.fixture
def filled(
    enrol: Callable[[str], SimulatedDevice],
    client: httpx.Client,
    project: int,
    bundle: Bundle,
) -> list[dict[str, Any]]:
    """Two instruments with the same names for everything; some objects validated; one imageless."""
    for device in (enrol("one"), enrol("two")):
        context = Context(
            *("P", "cast1", "a1", "p1", "SIM", 10.0, "dark", "seadrift 1", "", 2),
            settings={"segment.low floor": "6"},
        )
        placed = {"utc_ms": TIME_MS, "lat_deg": 43.68401, "lon_deg": -7.5, "temperature_c": 14.25}
        records = [make_record(100, context)]
        for n in range(6):
            records.append(make_record(n + 1, make_object(bundle, n, **placed)))
            records += [make_record(n + 20, make_vignette(n + 1))] if n else []
        device.ingest(records)
    found = client.get(f"/api/projects/{project}/objects?sort=objid").json()["objects"]
    body = {"action": "validate", "objids": [found[2]["objid"]], "key": str(uuid.uuid4())}
    assert client.post(f"/api/projects/{project}/classify", json=body).json()["changed"] == 1
    return list(client.get(f"/api/projects/{project}/objects?sort=objid").json()["objects"])


def test_a_backup_holds_everything_and_is_in_order(
    filled: list[dict[str, Any]], shore: Shore, client: httpx.Client, project: int, tmp_path: Path
) -> None:
    path = tmp_path / "backup.zip"
    written = write_backup(shore.database, shore.packs, project, path)
    assert (written.objects, written.images, written.samples) == (12, 10, 2)
    problems = Problems()
    with open_upload(path, problems) as upload:
        found = check_upload(upload, problems, pictures=True)
    assert problems.lines() == []
    assert (found.objects, found.statuses) == (12, {"P": 11, "V": 1})
    assert found.people == {("Administrator", "admin@sea.test")}
    rows = {int(row["object_seadrift_objid"]): row for row in rows_of(path)}
    bare = {int(row["object_seadrift_objid"]) for row in rows_of(path, "no_image_")}
    assert bare == {one["objid"] for one in filled if one["image"] is None}
    assert set(rows) | bare == {one["objid"] for one in filled}
    for one in filled:
        if one["objid"] in rows:
            _same(rows[one["objid"]], client.get(f"/api/objects/{one['objid']}").json())
    with zipfile.ZipFile(path) as archive:
        for objid, row in rows.items():
            [name] = [n for n in archive.namelist() if n.endswith(row["img_file_name"])]
            shown = client.get(f"/api/objects/{objid}/image").content
            assert archive.read(name) == shown


def _same(row: dict[str, str], said: dict[str, Any]) -> None:
    words = {"P": "predicted", "V": "validated"}
    assert row["object_annotation_status"] == words[said["status"]]
    assert row["object_annotation_category"] == said["taxon"]
    assert row["object_seadrift_release"] == said["release"]
    assert float(row["object_seadrift_score"]) == pytest.approx(said["score"], rel=1e-5)
    assert (row["object_lat"], row["object_lon"]) == ("43.68401", "-7.5")
    assert (row["object_date"], row["object_time"]) == ("20260921", "141320")
    assert float(row["object_depth_min"]) == said["depth_m"]
    assert float(row["object_temperature"]) == 14.25
    assert row["process_segment.low_floor"] == "6"
    assert (row["acq_instrument"], row["acq_pixel_um"]) == ("SIM", "10")
    for measure in MEASURES:
        text = row[f"object_{measure.name}"]
        assert np.float32(text) == np.float32(said["measures"][measure.name])


def test_names_that_two_instruments_share_are_told_apart_and_said(
    filled: list[dict[str, Any]], shore: Shore, project: int, tmp_path: Path
) -> None:
    path = tmp_path / "backup.zip"
    written = write_backup(shore.database, shore.packs, project, path)
    rows = rows_of(path)
    assert len({row["object_id"] for row in rows}) == len(rows) == 10
    samples = {row["acq_id"]: row["sample_id"] for row in rows}
    assert len(samples) == len(set(samples.values())) == 2
    assert "acq_id: one id in several samples was made unique" in written.mended
    assert written.mended["an object without an image is in no_image_*.tsv"] == 2


def test_a_file_that_is_there_stays_until_the_new_one_is_whole(
    filled: list[dict[str, Any]], shore: Shore, project: int, tmp_path: Path
) -> None:
    path = tmp_path / "backup.zip"
    path.write_bytes(b"last month's")

    def unplugged(_objects: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_backup(shore.database, shore.packs, project, path, unplugged)
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["backup.zip"]
    assert path.read_bytes() == b"last month's"

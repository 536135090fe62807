"""What an instrument sent leaves the shore with its measures, release and thresholds."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest

from models.bundle import Bundle
from models.measures import MEASURES
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from tests.server.exports.material import exported, provenance, tables
from wire.records import Context

pytestmark = pytest.mark.databases


@pytest.fixture
def seen(
    enrol: Callable[[str], SimulatedDevice], client: httpx.Client, project: int, bundle: Bundle
) -> list[dict[str, Any]]:
    """Eight objects of an instrument, one validated, one without its exact measures."""
    context = Context(
        *("P", "cast1", "a1", "p1", "SIM", 10.0, "dark", "seadrift 1", "", 2),
        settings={"segment.low floor": "6"},
    )
    placed = {"utc_ms": 1_790_000_000_123, "lat_deg": 43.5, "lon_deg": 7.5, "temperature_c": 14.25}
    records = [make_record(100, context)]
    for n in range(8):
        records.append(make_record(n + 1, make_object(bundle, n, **placed)))
        records += [make_record(n + 20, make_vignette(n + 1))] if n else []
    enrol("one").ingest(records)
    address = f"/api/projects/{project}"
    found = client.get(f"{address}/objects?sort=objid").json()["objects"]
    body = {"action": "validate", "objids": [found[2]["objid"]], "key": str(uuid.uuid4())}
    assert client.post(f"{address}/classify", json=body).json()["changed"] == 1
    return [client.get(f"/api/objects/{one['objid']}").json() for one in found]


def test_measures_and_releases_stand_in_tables(
    seen: list[dict[str, Any]], shore: Shore, project: int, tmp_path: Path
) -> None:
    path, _ = exported(shore, project, tmp_path, "general", internal_ids=True, images="first")
    [rows] = tables(path, "ecotaxa_").values()
    parquet, _ = exported(shore, project, tmp_path, "parquet")
    table = pq.read_table(parquet)
    typed = {row["objid"]: row for row in table.to_pylist()}
    by_id = {int(row["objid"]): row for row in rows}
    assert set(by_id) == set(typed) == {one["objid"] for one in seen}
    for one in seen:
        row, same = by_id[one["objid"]], typed[one["objid"]]
        assert row["object_seadrift_release"] == same["object_seadrift_release"] == one["release"]
        assert float(row["object_seadrift_score"]) == one["score"]
        assert float(row["object_esd_um"]) == same["object_seadrift_esd_um"] == one["esd_um"]
        assert row["object_temperature"] == "14.25"
        assert row["object_time"] == "14:13:20.123"
        assert (row["acq_pixel_um"], row["acq_instrument"]) == ("10", "SIM")
        assert row["process_segment.low floor"] == "6"
        assert bool(row["img_file_name"]) == bool(one["image"])
        if one["image"]:
            for measure in MEASURES:
                text = row[f"object_{measure.name}"]
                assert np.float32(text) == np.float32(one["measures"][measure.name])
                assert float(text) == same[f"object_{measure.name}"]
    field = table.schema.field("object_area")
    assert field.metadata[b"unit"] == b"px"
    assert b"pixels of the filled object" in field.metadata[b"definition"]


def test_provenance_names_the_release_and_its_thresholds(
    seen: list[dict[str, Any]], shore: Shore, project: int, bundle: Bundle, tmp_path: Path
) -> None:
    path, _ = exported(shore, project, tmp_path, "general")
    said = provenance(path)
    [release] = said["predicted_by"]["releases"]
    assert release["release_id"] == bundle.release_id
    assert (release["objects"], release["still_as_predicted"]) == (8, 7)
    thresholds = bundle.head.thresholds
    assert thresholds is not None
    assert release["thresholds"]["precision"] == thresholds.target
    assert release["thresholds"]["least"] == thresholds.by_name(bundle.head.tree)
    assert said["objects"]["validated_share"] == 1 / 8
    [person] = said["objects"]["validated_by"]
    assert (person["address"], person["objects"], person["share"]) == ("admin@sea.test", 1, 1.0)

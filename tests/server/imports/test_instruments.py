"""Exports of instruments in EcoTaxa's form, made as their programs write them: imported whole."""

import io
import zipfile
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from server.db import free
from server.ecotaxa.check import check_upload
from server.ecotaxa.problems import Problems
from server.imports.sources import open_source
from server.shore import Shore
from tests.server.ecotaxa.test_import import objects, run
from tests.server.ecotaxa.uploads import zipped
from tests.server.imports.bins import image

PLANKTOSCOPE = (
    "img_file_name", "img_rank", "object_id", "object_date", "object_time", "object_lat",
    "object_lon", "object_lat_end", "object_lon_end", "object_depth_min", "object_depth_max",
    "object_label", "object_width", "object_height", "object_bx", "object_by", "object_circ.",
    "object_area_exc", "object_area", "object_%area", "object_major", "object_minor", "object_x",
    "object_y", "object_MeanHue", "object_StdValue", "sample_id", "sample_project", "sample_ship",
    "sample_operator", "sample_sampling_gear", "sample_concentrated_sample_volume", "acq_id",
    "acq_instrument", "acq_celltype", "acq_imaged_volume", "acq_local_datetime",
    "acq_camera_resolution", "acq_uuid", "process_id", "process_pixel", "process_min_ESD",
    "process_commit",
)  # fmt: skip
TEXTS = {
    "img_file_name", "object_id", "object_date", "object_time", "object_label", "acq_id",
    "acq_instrument", "acq_local_datetime", "acq_camera_resolution", "acq_uuid", "sample_id",
    "sample_project", "sample_ship", "sample_operator", "sample_sampling_gear", "process_id",
    "process_commit",
}  # fmt: skip

KINDS = "\t".join("[t]" if name in TEXTS else "[f]" for name in PLANKTOSCOPE)


def png(seed: int, scale_bar: bool = False) -> bytes:
    grey = image(seed, 60, 50)
    if scale_bar:
        grey = np.vstack([grey, np.full((31, 60), 254, np.uint8)])
        grey[70:73, 5:50] = 0
    done, data = cv2.imencode(".png", grey)
    assert done
    return data.tobytes()


def planktoscope_row(acquisition: int, number: int) -> dict[str, str]:
    values = dict.fromkeys(PLANKTOSCOPE, "1.5")
    return values | {
        "img_file_name": f"a{acquisition}_{number}.png", "img_rank": "0",
        "object_id": f"20260102_{number}", "object_date": "20260102", "object_time": "101500",
        "object_lat": "43.68", "object_lon": "7.31", "object_label": str(number),
        "sample_id": "Tara_1_1", "sample_project": "Tara", "sample_ship": "Tara",
        "sample_operator": "a note that goes on " * 20, "sample_sampling_gear": "net",
        "acq_id": f"Tara_1_1_{acquisition}", "acq_instrument": "PlanktoScope v2.6",
        "acq_local_datetime": "2026-01-02T11:15:00.123456", "acq_uuid": "7f2b",
        "acq_camera_resolution": "4056x3040", "process_id": f"{acquisition}",
        "process_commit": "b1",
    }  # fmt: skip


@pytest.fixture
def planktoscope(tmp_path: Path) -> Path:
    """Two acquisitions of one sample, each counting its objects from 1."""
    rows = [planktoscope_row(a, n) for a in (1, 2) for n in (1, 2)]
    lines = [
        "\t".join(PLANKTOSCOPE),
        "\t".join("[t]" if n in TEXTS else "[f]" for n in PLANKTOSCOPE),
    ]
    lines += ["\t".join(row[name] for name in PLANKTOSCOPE) for row in rows]
    pictures = {f"a{a}_{n}.png": png(10 * a + n) for a in (1, 2) for n in (1, 2)}
    files: dict[str, bytes | str] = {"Ecotaxa_export.tsv": "\n".join(lines) + "\n", **pictures}
    return zipped(tmp_path / "ecotaxa_export_Tara.zip", files)


@pytest.mark.databases
def test_a_planktoscope_export_is_imported_whole(
    client: httpx.Client, shore: Shore, project: int, planktoscope: Path
) -> None:
    job = run(client, shore, project, planktoscope)
    assert (job["state"], job["errors"]) == ("finished", [])
    assert (job["result"]["kind"], job["result"]["new"]) == ("planktoscope", 4)
    names = sorted(one["orig_id"] for one in objects(client, project))
    assert names == [f"Tara_1_1_{a}_20260102_{n}" for a in (1, 2) for n in (1, 2)]
    with shore.database.read() as connection:
        columns = free.places(connection, project)
        told = connection.exec_driver_sql("SELECT free FROM samples").scalar_one()
    assert {"meanhue", "%area", "circ.", "stdvalue"} <= columns.keys()
    assert "operator_2" in told  # nothing of the long note is lost
    warned = " ".join(job["result"]["warnings"])
    for said in ("in capitals", "4 objects are named alike", "it goes on in sample_operator_2"):
        assert said in warned


def test_a_planktoscope_with_names_of_its_own_is_left_as_it_is(tmp_path: Path) -> None:
    row = planktoscope_row(1, 1) | {"sample_operator": "me"}
    text = "\n".join(["\t".join(PLANKTOSCOPE), KINDS, "\t".join(row.values()), ""])
    path = zipped(tmp_path / "one.zip", {"ecotaxa_export.tsv": text, "a1_1.png": png(1)})
    problems = Problems()
    with open_source(path, problems) as source:
        found = check_upload(source.upload, problems, pictures=True)
    assert (source.kind, found.objects, problems.errors, problems.warnings) == (
        "planktoscope", 1, 0, 0,
    )  # fmt: skip


@pytest.fixture
def uvp6(tmp_path: Path) -> Path:
    """A zip of `<sample>_Images.zip`, each with its table and per object a raw vignette (rank 1)
    and one with a scale bar (rank 0)."""
    names = ("img_file_name", "img_rank", "object_id", "object_depth_min", "object_depth_max",
             "object_lat", "object_lon", "object_date", "object_time", "object_area",
             "object_annotation_status", "sample_id", "acq_id", "acq_instrument", "acq_aa",
             "acq_pixel", "process_id", "process_gamma")  # fmt: skip
    kinds = ["[t]" if n.endswith(("id", "name", "date", "time", "status", "ument")) else "[f]"
             for n in names]  # fmt: skip
    outer: dict[str, bytes | str] = {}
    for cast in ("uvp6_sn101_001", "uvp6_sn101_002"):
        lines = ["\t".join(names), "\t".join(kinds)]
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w") as archive:
            for n in (1, 2, 3):
                for rank, folder in enumerate(("", "sub1/")):
                    file = f"{folder}20260102-101500-{n}_{rank}.png"
                    archive.writestr(file, png(n, scale_bar=rank == 0))
                    row = (file, str(rank), f"{cast}_{n}", "12.5", "12.5", "43.5", "7.3",
                           "20260102", "101500", "48", "unclassified", cast, f"{cast}_acq",
                           "uvp6", "2300", "0.073", f"{cast}_p", "1.1")  # fmt: skip
                    lines.append("\t".join(row))
            archive.writestr(f"ecotaxa_{cast}.tsv", "\n".join(lines) + "\n")
        outer[f"{cast}_Images.zip"] = inner.getvalue()
    return zipped(tmp_path / "uvp6_export.zip", outer)


@pytest.mark.databases
def test_a_uvp6_export_is_imported_with_both_pictures_of_each_object(
    client: httpx.Client, shore: Shore, project: int, uvp6: Path
) -> None:
    job = run(client, shore, project, uvp6)
    assert (job["state"], job["errors"]) == ("finished", [])
    assert {k: job["result"][k] for k in ("kind", "new", "images")} == {
        "kind": "ecotaxa", "new": 6, "images": 12,
    }  # fmt: skip
    first = objects(client, project)[0]
    shown = client.get(f"/api/objects/{first['objid']}/image").content
    assert shown == png(1, scale_bar=True)
    assert first["depth_m"] == 12.5

"""Bins of an Imaging FlowCytobot become objects, whole; what is wrong with one is said by line."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from server.db import counts, free, sound
from server.ecotaxa.check import check_upload
from server.ecotaxa.problems import Problems
from server.imports.ifcb import ML_PER_S, read_bin
from server.imports.sources import open_source
from server.shore import Shore
from tests.server.ecotaxa.test_import import objects, run
from tests.server.ecotaxa.uploads import zipped
from tests.server.imports.bins import NEW, OLD, image, new_bin, old_bin

BOXES = [None, (100, 50, 60, 40), (300, 200, 88, 34), None]
DATA = Path(os.environ.get("SEADRIFT_DATA", "../shared/data")) / "ifcb.zip"


@pytest.fixture
def bins(tmp_path: Path) -> Path:
    old = old_bin([(1, (10, 10, 50, 40)), (2, (200, 60, 60, 40)), (2, (240, 80, 60, 40))])
    files = {f"2026/{name}": data for name, data in new_bin(BOXES).items()}
    return zipped(tmp_path / "cruise.zip", {**files, **old})


@pytest.mark.databases
def test_a_zip_of_bins_is_imported_with_pixels_settings_and_measures(
    client: httpx.Client, shore: Shore, project: int, bins: Path
) -> None:
    job = run(client, shore, project, bins)
    assert (job["state"], job["errors"]) == ("finished", [])
    assert (job["result"]["kind"], job["result"]["new"]) == ("ifcb", 4)
    found = {one["orig_id"]: one for one in objects(client, project)}
    assert sorted(found) == [f"{NEW}_00002", f"{NEW}_00003", f"{OLD}_00001", f"{OLD}_00002"]
    shown = client.get(f"/api/objects/{found[f'{NEW}_00002']['objid']}/image").content
    pixels = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(pixels, image(2, 60, 40))
    with shore.database.read() as connection:
        places = free.places(connection, project)
        at = f"SELECT {places['adc_roi_width']}, {places['area']} FROM object_free ORDER BY objid"  # noqa: S608 # our places
        rows = connection.exec_driver_sql(at).all()
        sample = connection.exec_driver_sql(
            f"SELECT s.free, a.free, a.instrument FROM samples s JOIN acquisitions a"  # noqa: S608 # our name
            f" ON a.sample_id = s.id WHERE s.orig_id = '{NEW}'"
        ).one()
        assert counts.kept(connection) == counts.recount(connection)
        assert not sound.orphans(connection)
    areas = {row[0]: row[1] for row in rows}
    assert areas[88] == pytest.approx(np.pi * 26.4 * 10.2, rel=0.1)
    told, settings = json.loads(sample[0]), json.loads(sample[1])
    assert float(told["ml_analyzed"]) == pytest.approx(1188 * ML_PER_S, rel=1e-4)
    assert (settings["runtime"], settings["imagerid"], sample[2]) == (
        "1200.000000", "124", "IFCB124",
    )  # fmt: skip
    again = run(client, shore, project, bins)
    assert (again["result"]["new"], again["result"]["images"]) == (0, 0)


def looked_at(path: Path) -> tuple[Any, Problems]:
    problems = Problems()
    with open_source(path, problems) as source:
        return check_upload(source.upload, problems, pictures=True), problems


def test_two_images_of_one_particle_are_one(bins: Path) -> None:
    with open_source(bins, Problems()) as source:
        data = source.upload.read(f"{OLD}/{OLD}_00002.png")
    whole = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert whole.shape == (60, 100)
    assert np.array_equal(whole[20:, 40:], image(3, 60, 40))
    assert np.array_equal(whole[:20, :60], image(2, 60, 40)[:20])


def spoil(tmp_path: Path, name: str, change: Any) -> list[str]:
    """What is said of a bin with one file changed; nothing of it may be taken."""
    files = new_bin(BOXES)
    key = f"{NEW}{name}"
    data = change(files[key])
    if data is None:
        del files[key]
    else:
        files[key] = data
    found, problems = looked_at(zipped(tmp_path / "bad.zip", files))
    assert problems.errors
    assert found.objects == 0
    return [str(problem) for problem in problems.shown if problem.level == "error"]


def line(data: bytes, number: int, text: str) -> bytes:
    lines = data.decode().splitlines()
    lines[number - 1] = text
    return "\n".join(lines).encode()


def cell(data: bytes, number: int, place: int, text: str) -> bytes:
    cells = data.decode().splitlines()[number - 1].split(",")
    cells[place] = text
    return line(data, number, ",".join(cells))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (".roi", lambda d: d[:-1], "line 3, start_byte '2400': its image ends at byte 5392"),
        (".roi", lambda d: None, "without its .roi"),
        (".hdr", lambda d: b"", "the header is empty"),
        (".hdr", lambda d: d.replace(b"ROIx", b"X"), "names no roi_x"),
        (".adc", lambda d: line(d, 2, "1,2,3"), "line 2, '1,2,3': 3 values, expected 24"),
        (".adc", lambda d: cell(d, 2, 2, "x"), "line 2, pmta 'x': expected a number"),
        (".adc", lambda d: cell(d, 2, 2, "inf"), "line 2, pmta 'inf': expected a number"),
        (".adc", lambda d: cell(d, 3, 15, "8.5"), "roi_width '8.5': expected a whole number"),
        (".adc", lambda d: cell(d, 3, 16, "0"), "line 3, roi_width '88': an image of 88 x 0"),
        (".adc", lambda d: cell(d, 3, 17, "-9"), "line 3, start_byte '-9'"),
        (".adc", lambda d: cell(d, 3, 15, "99999999"), "an image of 99999999 x 34"),
        (".adc", lambda d: b"\xff\xfe\0junk", "1 values, expected 24"),
    ],
)
def test_a_bad_bin_is_refused_with_line_and_value(
    tmp_path: Path, name: str, change: Any, said: str
) -> None:
    errors = spoil(tmp_path, name, change)
    assert any(said in error for error in errors), errors


def test_nothing_of_a_zip_with_one_bad_bin_is_imported(
    client: httpx.Client, shore: Shore, project: int, tmp_path: Path
) -> None:
    good = old_bin([(1, (10, 10, 50, 40))])
    bad = new_bin(BOXES)
    bad[f"{NEW}.roi"] = bad[f"{NEW}.roi"][:100]
    job = run(client, shore, project, zipped(tmp_path / "mixed.zip", {**good, **bad}))
    assert job["state"] == "ended by an error"
    assert any(f"{NEW}.adc line 2" in error for error in job["errors"])
    assert objects(client, project) == []


def test_the_water_of_an_old_bin_is_what_passed_between_images() -> None:
    files = old_bin([(1, (0, 0, 9, 9)), (2, (50, 50, 9, 9)), (3, (90, 90, 9, 9))])
    hdr, adc, roi = (files[OLD + end] for end in (".hdr", ".adc", ".roi"))
    found = read_bin(OLD, hdr, adc, roi, Problems(), file=f"{OLD}.adc")
    assert found is not None
    # triggers open at 0.1, 0.4, 0.7 s and end at 0.25, 0.55, 0.85: 0.15 s between them
    assert found.run_s == pytest.approx(0.85)
    assert found.look_s == pytest.approx(0.85 - 2 * 0.15)
    assert found.header["PMT1hv(ssc)"] == ".675"


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there (set SEADRIFT_DATA)")
def test_real_bins_whole_empty_partial_and_invalid(tmp_path: Path) -> None:
    found, problems = looked_at(DATA)
    errors = " ".join(str(p) for p in problems.shown if p.level == "error")
    assert problems.errors == 3
    for said in ("D20130101T101010_IFCB099.hdr: the header is empty", "partial/", "skip/"):
        assert said in errors
    assert found.objects == 24  # 5 and 19, of the two bins that are whole


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there (set SEADRIFT_DATA)")
def test_real_images_have_the_size_of_the_reference_blobs(tmp_path: Path) -> None:
    """WHOI's own program made them; areas are of another segmentation, of the same order."""
    bin_ = "IFCB5_2012_028_081515"
    with zipfile.ZipFile(DATA) as archive:
        whole = {n: archive.read(f"features/data/{n}") for n in (f"{bin_}{e}" for e in ENDS)}
        blobs = archive.read(f"features/golden/{bin_}_blobs_v4.zip")
    with (
        zipfile.ZipFile(io.BytesIO(blobs)) as reference,
        open_source(zipped(tmp_path / "one.zip", whole), Problems(), "ifcb") as source,
    ):
        names = [n.rpartition("/")[2] for n in source.upload.names if n.endswith(".png")]
        assert names == sorted(reference.namelist())  # the second of a pair is none
        for name in names:
            ours = decoded(source.upload.read(f"{bin_}/{name}"))
            blob = decoded(reference.read(name))
            assert ours.shape == blob.shape
            if (blob > 0).any():
                assert ours[blob > 0].mean() < np.median(ours)  # the particle is darker than water


ENDS = (".hdr", ".adc", ".roi")


def decoded(data: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)

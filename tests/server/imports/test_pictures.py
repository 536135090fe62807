"""A folder or zip of pictures: one object each, with the product's measures, as it is told."""

import os
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from server.db import free
from server.ecotaxa.check import check_upload
from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import UploadError
from server.imports.sources import open_source
from server.shore import Shore
from tests.server.ecotaxa.test_import import objects, run
from tests.server.ecotaxa.uploads import zipped
from tests.server.imports.bins import image

DATA = Path(os.environ.get("SEADRIFT_DATA", "../shared/data")) / "zooscan.zip"


def png(seed: int, form: str = ".png") -> bytes:
    done, data = cv2.imencode(form, image(seed, 50, 40))
    assert done
    return data.tobytes()


@pytest.fixture
def set_(tmp_path: Path) -> Path:
    files: dict[str, bytes | str] = {
        "mine/Copepoda/a.png": png(1),
        "mine/Copepoda/b.jpg": png(2, ".jpg"),
        "mine/aggregate/a.png": png(3),
        "mine/beside.bmp": png(4, ".bmp"),
        "mine/notes.txt": "of the cruise",
        "mine/__MACOSX/Copepoda/._a.png": b"resource fork",
    }
    return zipped(tmp_path / "my set.zip", files)


@pytest.mark.databases
def test_folders_are_classes_and_their_objects_validated(
    client: httpx.Client, shore: Shore, project: int, set_: Path
) -> None:
    job = run(client, shore, project, set_)
    assert (job["state"], job["errors"], job["question"]) == ("finished", [], {})
    assert job["result"]["kind"] == "pictures"
    found = {one["orig_id"]: one for one in objects(client, project)}
    assert sorted(found) == ["b", "beside", "mine-Copepoda-a.png", "mine-aggregate-a.png"]
    assert {name: (one["status"], one["taxon"]) for name, one in found.items()} == {
        "b": ("V", "Copepoda"),
        "beside": ("U", None),
        "mine-Copepoda-a.png": ("V", "Copepoda"),
        "mine-aggregate-a.png": ("V", "aggregate"),
    }
    shown = client.get(f"/api/objects/{found['mine-Copepoda-a.png']['objid']}/image").content
    assert shown == png(1)
    with shore.database.read() as connection:
        area = free.places(connection, project)["area"]
        areas = list(connection.exec_driver_sql(f"SELECT {area} FROM object_free").scalars())  # noqa: S608 # our place
    assert areas == pytest.approx([np.pi * 15 * 12] * 4, rel=0.1)
    assert any("1 files that are no pictures" in word for word in job["result"]["warnings"])


def test_folders_can_be_samples_or_nothing(set_: Path) -> None:
    for folders, samples in (
        ("samples", {"Copepoda", "aggregate", "my_set"}),
        ("nothing", {"my_set"}),
    ):
        problems = Problems()
        with open_source(set_, problems, folders=folders) as source:
            found = check_upload(source.upload, problems, pictures=True)
        assert (found.samples, found.statuses) == (samples, {"U": 4})


def test_one_folder_of_pictures_is_no_class(tmp_path: Path) -> None:
    problems = Problems()
    folder = tmp_path / "dive"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.png").write_bytes(png(seed))
    with open_source(tmp_path, problems) as source:
        found = check_upload(source.upload, problems, pictures=True)
    assert (found.objects, found.statuses, problems.errors) == (3, {"U": 3}, 0)


def test_a_damaged_picture_is_an_error_and_a_blank_one_has_no_measures(tmp_path: Path) -> None:
    done, blank = cv2.imencode(".png", np.full((20, 20), 255, np.uint8))
    assert done
    files: dict[str, bytes | str] = {"a.png": png(1)[:-30], "b.png": blank.tobytes()}
    problems = Problems()
    with open_source(zipped(tmp_path / "two.zip", files), problems) as source:
        check_upload(source.upload, problems, pictures=True)
    said = [str(problem) for problem in problems.shown]
    assert problems.errors == 1
    assert any("img_file_name 'a.png'" in one for one in said)
    assert any("b.png: shows nothing" in one for one in said)


def test_what_is_none_of_them_is_said_in_words(tmp_path: Path) -> None:
    path = zipped(tmp_path / "other.zip", {"a.csv": "1,2", "b.pdf": b"%PDF"})
    with (
        pytest.raises(UploadError, match=r"among 2 files: expected ecotaxa_\*.tsv"),
        open_source(path, Problems()),
    ):
        pass


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there (set SEADRIFT_DATA)")
def test_real_vignettes_of_a_zooscan() -> None:
    problems = Problems()
    with open_source(DATA, problems) as source:
        found = check_upload(source.upload, problems, pictures=True)
    assert (source.kind, found.objects, found.images, problems.errors) == ("pictures", 775, 775, 0)
    assert found.statuses == {"V": 775}
    assert len(found.taxa) == 3

"""Uploads become objects: whole, once, with everything that stands in the table."""

import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from server.db import counts, sound
from server.db.tables import Base, Job
from server.jobs.worker import run_waiting
from server.shore import Shore
from tests.server.ecotaxa.uploads import GOOD, picture, table, zipped

pytestmark = pytest.mark.databases


def ask(client: httpx.Client, project: int, path: Path, **more: Any) -> int:
    """Hand in a file and ask for its import; the job's number."""
    name = f"casts/{path.name}"
    assert client.put(f"/api/files/{name}", content=path.read_bytes()).status_code == 201
    answer = client.post(f"/api/projects/{project}/imports", json={"file": name, **more})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["job_id"])


def run(client: httpx.Client, shore: Shore, project: int, path: Path, **more: Any) -> Any:
    """Import the file; the job as it ended."""
    job_id = ask(client, project, path, **more)
    assert run_waiting(shore) == 1
    return client.get(f"/api/projects/{project}/imports/{job_id}").json()


def objects(client: httpx.Client, project: int) -> list[Any]:
    found = client.get(f"/api/projects/{project}/objects?sort=objid").json()["objects"]
    return [client.get(f"/api/objects/{one['objid']}").json() for one in found]


def row_counts(shore: Shore) -> dict[str, int]:
    """Rows of every table but the jobs'."""
    with shore.database.read() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(found)).scalar_one()
            for name, found in Base.metadata.tables.items()
            if name not in (Job.__tablename__, "audit")
        }


def sound_and_counted(shore: Shore) -> None:
    with shore.database.read() as connection:
        assert sound.orphans(connection) == []
        assert counts.kept(connection) == counts.recount(connection)


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """Three objects; the second has two pictures, the third is predicted."""
    rows = (
        {},
        {"object_id": "o2", "img_file_name": "b.png", "object_annotation_status": ""}
        | {name: "" for name in GOOD if name.startswith("object_annotation_")},
        {"object_id": "o2", "img_file_name": "c.jpg", "img_rank": "1"}
        | {name: "" for name in GOOD if name.startswith("object_annotation_")},
        {"object_id": "o3", "object_annotation_status": "predicted", "object_time": ""}
        | {f"object_annotation_{n}": "" for n in ("person_name", "person_email", "date", "time")},
    )
    files = {"s1/a.png": picture(1), "s1/b.png": picture(2), "s1/c.jpg": picture(3, "JPEG")}
    return zipped(tmp_path / "cast.zip", {"s1/ecotaxa_s1.tsv": table(*rows), **files})


def test_everything_of_a_table_is_there(
    client: httpx.Client, shore: Shore, project: int, upload: Path
) -> None:
    job = run(client, shore, project, upload)
    assert (job["state"], job["errors"]) == ("finished", [])
    assert {k: job["result"][k] for k in ("new", "images", "events")} == {
        "new": 3,
        "images": 4,
        "events": 2,
    }
    one, two, three = objects(client, project)
    assert (one["orig_id"], one["status"], one["taxon"]) == ("o1", "V", "Copepoda")
    assert (one["lat_deg"], one["lon_deg"], one["depth_m"]) == (43.5, 7.25, 5.0)
    assert (one["utc_ms"], one["utc_source"]) == (1_767_349_230_000, "table")
    assert (one["sample"], one["acquisition"], one["process"]) == ("s1", "a1", "p1")
    assert one["instrument"] == "uvp6"
    [event] = one["history"]
    assert (event["action"], event["user"], event["at_ms"]) == (
        "import",
        "Administrator",
        1_772_352_900_000,
    )
    assert (two["status"], two["taxon"], two["history"]) == ("U", None, [])
    assert [image["rank"] for image in two["images"]] == [0, 1]
    assert (three["status"], three["score"], three["utc_source"]) == ("P", 1.0, "day")
    assert (three["history"][0]["action"], three["history"][0]["user"]) == ("predict", None)
    with zipfile.ZipFile(upload) as archive:
        shown = client.get(f"/api/objects/{two['objid']}/image?rank=1")
        assert shown.content == archive.read("s1/c.jpg")
        assert shown.headers["content-type"] == "image/jpeg"
    sound_and_counted(shore)


def test_the_same_again_changes_nothing(
    client: httpx.Client, shore: Shore, project: int, upload: Path
) -> None:
    run(client, shore, project, upload)
    before = row_counts(shore), objects(client, project)
    again = run(client, shore, project, upload)["result"]
    assert (again["new"], again["skipped"], again["images"]) == (0, 3, 0)
    updated = run(client, shore, project, upload, update="classification")["result"]
    assert (updated["new"], updated["same"], updated["updated"]) == (0, 3, 0)
    skipped = run(client, shore, project, upload, skip_existing_objects=True)["result"]
    assert (skipped["new"], skipped["images"]) == (0, 0)
    passed = run(client, shore, project, upload, skip_loaded_files=True)["result"]
    assert (passed["new"], passed["skipped"]) == (0, 0)
    assert (row_counts(shore), objects(client, project)) == before


def test_unknown_people_and_taxa_are_asked_for_and_answered(
    client: httpx.Client, shore: Shore, project: int, tmp_path: Path
) -> None:
    rows = (
        {"object_annotation_person_name": "J. Smith", "object_annotation_person_email": "j@x.test"},
        {"object_id": "o2", "object_annotation_category": "Unheard of"},
        {"object_id": "o3", "object_annotation_category": "Copepoda (Maxillopoda)"},
    )
    files = {"ecotaxa_a.tsv": table(*rows), "a.png": picture()}
    path = zipped(tmp_path / "a.zip", files)
    before = row_counts(shore)
    job = run(client, shore, project, path)
    assert job["state"] == "asking"
    assert job["question"]["missing_users"] == ["J. Smith"]
    assert "Unheard of" in job["question"]["missing_taxa"]
    assert row_counts(shore) == before
    copepoda = client.get("/api/taxa/search?q=copepoda").json()[0]["taxon_id"]
    answer = f"/api/projects/{project}/imports/{job['job_id']}/answer"
    half = {"users": {"J. Smith": "importer"}, "taxa": {}}
    assert client.post(answer, json=half).status_code == 200
    assert run_waiting(shore) == 1
    again = client.get(f"/api/projects/{project}/imports/{job['job_id']}").json()
    assert (again["state"], again["question"]["missing_users"]) == ("asking", [])
    words = dict.fromkeys(again["question"]["missing_taxa"], copepoda)
    whole = {"users": half["users"], "taxa": {**words, "Unheard of": "make"}}
    client.post(answer, json=whole)
    assert run_waiting(shore) == 1
    assert (
        client.get(f"/api/projects/{project}/imports/{job['job_id']}").json()["state"] == "finished"
    )
    found = objects(client, project)
    assert [one["taxon"] for one in found] == ["Copepoda", "Unheard of", "Copepoda"]
    assert found[0]["history"][0]["user"] == "Administrator"
    assert client.post(answer, json=whole).status_code == 409
    sound_and_counted(shore)


def test_update_modes_change_what_they_say(
    client: httpx.Client, shore: Shore, project: int, upload: Path, tmp_path: Path
) -> None:
    run(client, shore, project, upload)
    change = {
        "object_area": "99", "object_note": "", "object_lat": "44", "sample_ship": "Pourquoi",
        "object_annotation_status": "dubious", "object_annotation_category": "Chaetognatha",
    }  # fmt: skip
    files = {"ecotaxa_x.tsv": table(change), "a.png": picture(1)}
    path = zipped(tmp_path / "x.zip", files)
    assert run(client, shore, project, path)["result"]["skipped"] == 1
    [one, *_] = objects(client, project)
    assert (one["lat_deg"], one["status"]) == (43.5, "V")
    assert run(client, shore, project, path, update="data")["result"]["updated"] == 1
    [one, *_] = objects(client, project)
    assert (one["lat_deg"], one["status"], len(one["history"])) == (44, "V", 1)
    result = run(client, shore, project, path, update="classification")["result"]
    assert (result["updated"], result["events"], result["images"]) == (1, 1, 0)
    [one, *_] = objects(client, project)
    assert (one["status"], one["taxon"], len(one["history"])) == ("D", "Chaetognatha", 2)
    assert one["history"][1]["from_status"] == "V"
    sound_and_counted(shore)


def test_a_refused_upload_leaves_every_table_as_it_was(
    client: httpx.Client, shore: Shore, project: int, upload: Path, tmp_path: Path
) -> None:
    run(client, shore, project, upload)
    before = row_counts(shore)
    rows = ({"object_lat": "99"}, {"object_id": "", "img_file_name": "none.png"})
    bad = zipped(tmp_path / "bad.zip", {"ecotaxa_b.tsv": table(*rows), "a.png": picture()})
    job = run(client, shore, project, bad)
    assert job["state"] == "ended by an error"
    text = "\n".join(job["errors"])
    for says in ("line 3, object_lat '99'", "line 4, object_id", "line 4, img_file_name"):
        assert says in text
    assert row_counts(shore) == before


def test_whoever_may_not_manage_imports_nothing(
    client: httpx.Client, stranger: httpx.Client, login: Any, project: int, upload: Path
) -> None:
    body = {"email": "v@sea.test", "name": "V", "role": "annotator", "password": "a long one 12"}
    assert client.post("/api/users", json=body).status_code == 201
    other = login("v@sea.test", "a long one 12")
    assert other.put("/api/files/a.zip", content=upload.read_bytes()).status_code == 201
    asked = f"/api/projects/{project}/imports"
    assert other.post(asked, json={"file": "a.zip"}).status_code == 403
    assert client.post(asked, json={"file": "a.zip"}).status_code == 404
    assert client.post(asked, json={"file": "../2/a.zip"}).status_code == 422
    assert stranger.post(asked, json={"file": "a.zip"}).status_code == 401
    assert client.get(f"/api/projects/{project}/imports/99").status_code == 404


def test_the_command_imports_and_says_what_it_needs(
    settings: Any, upload: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from server.cli import main

    where = ["--data", str(settings.data), "--database", settings.database_url]
    args = ["import", str(upload), "--project", "Bay", *where]
    assert main(args) == 3
    assert "there is no project 'Bay'" in capsys.readouterr().err
    assert main([*args, "--create"]) == 0
    assert "Bay: 3 objects new" in capsys.readouterr().out
    odd = {"object_id": "o9", "object_annotation_category": "Oddity"}
    files = {"ecotaxa_o.tsv": table(odd), "a.png": picture()}
    args = ["import", str(zipped(tmp_path / "o.zip", files)), "--project", "Bay", *where]
    assert main([*args, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["missing_taxa"] == ["Oddity"]
    (tmp_path / "map.tsv").write_text("Oddity\tCopepoda\n", encoding="utf-8")
    assert main([*args, "--taxa", str(tmp_path / "map.tsv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["new"] == 1

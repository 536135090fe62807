"""Scripts as EcoTaxa's users write them run unchanged: plain `requests`, and pyecotaxa."""

import threading
import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from pyecotaxa.remote import Remote

from server.db import jobs
from server.jobs.worker import work
from server.shore import Shore
from tests.server.conftest import EMAIL, PASSWORD
from tests.server.ecotaxa_api.bundle import PERSON, TAXON, table_of, write_zip
from tests.server.ecotaxa_api.material import Cast
from tests.server.ecotaxa_api.png import png

PATIENCE_S = 60


@pytest.fixture
def worker(shore: Shore) -> Iterator[None]:
    """Somebody who runs the jobs."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(shore, stop))
    thread.start()
    yield
    stop.set()
    thread.join()


class Script:
    """What such scripts begin with."""

    def __init__(self, base: str, email: str, password: str) -> None:
        self.base = base
        login = {"username": email, "password": password}
        token = requests.post(f"{base}/login", json=login, timeout=60).json()
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: Any) -> Any:
        answer = requests.get(self.base + path, params=query, headers=self.headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, **query: Any) -> Any:
        answer = requests.post(
            self.base + path, json=body, params=query, headers=self.headers, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, job_id: int, states: str = "AFE") -> Any:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            job = self.get(f"/jobs/{job_id}/")
            if job["state"] in states:
                return job
            time.sleep(0.05)
        raise AssertionError(f"job {job_id} is {job['state']}: {job['progress_msg']}")

    def fetch(self, job_id: int) -> requests.Response:
        answer = requests.get(f"{self.base}/jobs/{job_id}/file", headers=self.headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer


@pytest.mark.databases
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("root", ["", "/api"])
def test_a_cruise_from_the_zip_to_the_export(
    stranger: httpx.Client, tmp_path: Path, root: str
) -> None:
    casts = write_zip(tmp_path / "casts.zip")
    eco = Script(str(stranger.base_url).rstrip("/") + root, EMAIL, PASSWORD)
    me = eco.get("/users/me")
    assert me["email"] == EMAIL
    project = eco.post("/projects/create", {"title": "My cruise"})
    assert [p["projid"] for p in eco.get("/projects/search", title_filter="cruise")] == [project]

    with casts.open("rb") as stream:
        source = requests.post(
            f"{eco.base}/user_files/", files={"file": stream}, headers=eco.headers, timeout=60
        ).json()
    asked = {"source_path": source, "taxo_mappings": {}, "skip_loaded_files": False,
             "skip_existing_objects": False, "update_mode": ""}  # fmt: skip
    job_id = eco.post(f"/file_import/{project}", asked)["job_id"]
    job = eco.wait(job_id)
    assert job["state"] == "A", job["errors"]
    assert job["question"] == {"missing_users": [PERSON], "missing_taxa": [TAXON]}
    taxa = {t["text"]: t["id"] for t in eco.get("/taxon_set/search", query="Copepoda")}
    answer = {"users": {PERSON: me["id"]}, "taxa": {TAXON: taxa["Copepoda"]}}
    eco.post(f"/jobs/{job_id}/answer", answer)
    job = eco.wait(job_id, "FE")
    assert (job["state"], job["result"]["rowcount"]) == ("F", 12), job["errors"]

    columns = eco.get(f"/projects/{project}")["obj_free_cols"]
    filters = {"freenum": "o" + columns["area"], "freenumst": "105", "statusfilter": "V"}
    found = eco.post(
        f"/object_set/{project}/query", filters, fields="obj.orig_id,fre.area,obj.depth_max",
        order_field="-fre.area", window_start=0, window_size=100,
    )  # fmt: skip
    assert found["details"] == [["obj_9", 109.0, 95.0], ["obj_6", 106.0, 65.0]]
    changed = eco.post(
        "/object_set/classify",
        {"target_ids": found["object_ids"], "classifications": [-1, -1],
         "wanted_qualification": "D"},
    )  # fmt: skip
    assert changed == 2
    [stats] = eco.get("/project_set/taxo_stats", ids=str(project))
    assert (stats["nb_validated"], stats["nb_dubious"]) == (2, 2)
    samples = eco.get("/samples/search", project_ids=str(project), id_pattern="cast*")
    assert [s["free_columns"]["ship"] for s in samples] == ["Tara", "Tara"]

    exports = (
        ("general", {"split_by": "sample", "with_images": "none", "with_types_row": True}),
        ("backup", {}),
        ("summary", {"quantity": "abundance", "summarise_by": "sample"}),
    )
    for kind, options in exports:
        body = {"filters": {}, "request": {"project_id": project, **options}}
        reply = eco.post(f"/object_set/export/{kind}", body)
        assert not reply["errors"]
        job = eco.wait(reply["job_id"])
        assert job["state"] == "F", (kind, job["errors"])
        file = eco.fetch(reply["job_id"])
        assert job["result"]["out_file"] in file.headers["content-disposition"]
        if kind != "summary":
            rows = table_of(file.content)
            assert {row["object_id"] for row in rows} == {f"obj_{n}" for n in range(12)}
        log = requests.get(
            f"{eco.base}/jobs/{reply['job_id']}/log", headers=eco.headers, timeout=60
        )
        assert "done" in log.text
    for job in eco.get("/jobs/", for_admin=False):
        gone = requests.delete(f"{eco.base}/jobs/{job['id']}", headers=eco.headers, timeout=60)
        assert gone.json() is None
    assert eco.get("/jobs/", for_admin=False) == []


@pytest.mark.usefixtures("worker")
def test_pyecotaxa_pulls_a_project(
    shore: Shore,
    stranger: httpx.Client,
    cast: Cast,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    remote = Remote(api_endpoint=f"{stranger.base_url}/api/")
    remote.login(EMAIL, PASSWORD)
    with shore.database.write() as connection:  # no other job is taken for the project's export
        for kind in ("import", "similar"):
            job = jobs.add(connection, kind, project_id=cast.project_id, user_id=1, params={},
                           now_ms=1)  # fmt: skip
            jobs.claim(connection, "nobody", 2)
            jobs.finish(connection, job, "nobody", {}, 3)
    assert remote.current_user()["email"] == EMAIL
    [file] = remote.pull(cast.project_id, target_directory=str(tmp_path / "out"))
    assert file is not None
    assert {row["object_id"] for row in table_of(Path(file).read_bytes())} == {
        thing.orig_id for thing in cast.objects
    }
    with zipfile.ZipFile(file) as archive:
        assert any(name.endswith(".png") for name in archive.namelist())
    left = [job["type"] for job in remote._get_jobs()]
    assert left == ["FileImport"], "it takes its own export away"


@pytest.mark.usefixtures("worker")
def test_a_file_by_the_older_way_and_what_is_not_there(
    stranger: httpx.Client, cast: Cast, tmp_path: Path
) -> None:
    eco = Script(str(stranger.base_url).rstrip("/"), EMAIL, PASSWORD)
    casts = write_zip(tmp_path / "casts.zip", 2)
    with casts.open("rb") as stream:
        name = requests.post(
            f"{eco.base}/my_files/", data={"tag": "may", "path": "a/casts.zip"},
            files={"file": stream}, headers=eco.headers, timeout=60,
        ).json()  # fmt: skip
    assert name == "/may/a/casts.zip"
    entries = eco.get("/my_files/may/a")["entries"]
    assert [(e["name"], e["type"]) for e in entries] == [("casts.zip", "F")]
    assert entries[0]["size"] == casts.stat().st_size
    moved = requests.post(
        f"{eco.base}/user_files/mv/", headers=eco.headers, timeout=60,
        data={"source_path": "/may/a/casts.zip", "dest_path": "/june/casts.zip"},
    )  # fmt: skip
    assert moved.json() == "/june/casts.zip"
    unpacked = eco.post(f"/file_import/{cast.project_id}", {"source_path": "/june"})
    assert eco.wait(unpacked["job_id"])["question"]["missing_users"] == [PERSON]
    for path, method in (("/jobs/999/", "get"), ("/jobs/999/file", "get"), ("/jobs/999", "delete")):
        answer = getattr(requests, method)(eco.base + path, headers=eco.headers, timeout=60)
        assert answer.status_code == 404
    missing = requests.post(
        f"{eco.base}/file_import/{cast.project_id}", json={"source_path": "/nowhere.zip"},
        headers=eco.headers, timeout=60,
    )  # fmt: skip
    assert missing.status_code == 404
    climbing = requests.post(
        f"{eco.base}/file_import/{cast.project_id}", json={"source_path": "../../2/x.zip"},
        headers=eco.headers, timeout=60,
    )  # fmt: skip
    assert climbing.status_code == 422


@pytest.mark.usefixtures("worker")
def test_pictures_alone_with_the_same_values_for_all(
    stranger: httpx.Client, cast: Cast, tmp_path: Path
) -> None:
    eco = Script(str(stranger.base_url).rstrip("/"), EMAIL, PASSWORD)
    pictures = tmp_path / "pictures.zip"
    with zipfile.ZipFile(pictures, "w") as archive:
        for n in range(3):
            archive.writestr(f"p{n}.png", png(20, 20 + n))
    with pictures.open("rb") as stream:
        source = requests.post(
            f"{eco.base}/user_files/", files={"file": stream}, headers=eco.headers, timeout=60
        ).json()
    path = f"/simple_import/{cast.project_id}"
    wrong = {"latitude": "abc", "longitude": "456.5", "status": "V", "colour": "red"}
    reply = eco.post(path, {"source_path": source, "values": wrong}, dry_run=True)
    assert reply["job_id"] == 0
    for word in ("'abc' is not a valid value for latitude", "longitude", "colour"):
        assert any(word in error for error in reply["errors"]), word
    values = {"imgdate": "2024-05-01", "imgtime": "1230", "latitude": "43.5", "longitude": 7.25,
              "depthmin": "5", "depthmax": "10", "taxolb": str(cast.taxa[1]), "userlb": "1",
              "status": "V"}  # fmt: skip
    asked = {"source_path": source, "values": values}
    assert eco.post(path, asked, dry_run=True) == {"job_id": 0, "errors": []}
    job = eco.wait(eco.post(path, asked, dry_run=False)["job_id"])
    assert (job["state"], job["result"]["rowcount"]) == ("F", 3), job["errors"]
    fields = ("obj.orig_id,obj.latitude,obj.depth_max,obj.objdate,obj.objtime,obj.classif_id,"
              "obj.classif_qual,usr.email,img.height")  # fmt: skip
    found = eco.post(
        f"/object_set/{cast.project_id}/query", {"fromdate": "2024-05-01"}, fields=fields
    )
    assert found["details"] == [
        [f"p{n}", 43.5, 10, "2024-05-01", "12:30:00", cast.taxa[1], "V", EMAIL, 20 + n]
        for n in range(3)
    ]


def test_the_version_that_clients_look_at_fits(stranger: httpx.Client) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Remote(api_endpoint=f"{stranger.base_url}/api/")
    wrong = stranger.post("/login", json={"username": EMAIL, "password": "not this one"})
    assert wrong.status_code == 401
    assert "detail" in wrong.json()
    both = stranger.post("/login", json={"username": EMAIL, "email": EMAIL, "password": PASSWORD})
    assert both.status_code == 422

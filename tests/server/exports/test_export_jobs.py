"""Exports as people get them: asked for over the API, made by a worker, fetched; or by command."""

import json
import zipfile
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from server.cli import main
from server.ecotaxa.check import check_upload
from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import open_upload
from server.exports.asked import AskedError
from server.jobs.worker import run_waiting
from server.shore import Shore
from tests.server.ecotaxa_api.material import fill
from tests.server.exports.material import exported, provenance


@pytest.mark.databases
def test_an_export_is_asked_for_made_and_fetched(
    shore: Shore, project: int, client: httpx.Client
) -> None:
    fill(shore, project, user_id=1, objects=12)
    address = f"/api/projects/{project}/exports"
    body = {"kind": "general", "split": "sample", "filters": {"statusfilter": "PV"}}
    job = client.post(address, json=body)
    assert job.status_code == 202, job.text
    mine = f"{address}/{job.json()['job_id']}"
    early = client.get(f"{mine}/file")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "unready")
    assert run_waiting(shore) == 1
    said = client.get(mine).json()
    assert (said["state"], said["params"]["split"]) == ("finished", "sample")
    file = client.get(f"{mine}/file")
    assert file.headers["content-disposition"].endswith(f'filename="{said["result"]["file"]}"')
    with zipfile.ZipFile(BytesIO(file.content)) as archive:
        assert "README.txt" in archive.namelist()
        assert "Administrator (admin@sea.test)" in archive.read("README.txt").decode()
    assert [one["job_id"] for one in client.get(address).json()] == [said["job_id"]]


@pytest.mark.databases
def test_what_was_wrong_with_an_export_is_in_its_job(
    shore: Shore, project: int, client: httpx.Client
) -> None:
    address = f"/api/projects/{project}/exports"
    assert client.post(address, json={"kind": "pdf"}).status_code == 422
    assert client.post("/api/projects/999/exports", json={"kind": "general"}).status_code == 404
    job = client.post(address, json={"kind": "general", "split": "net"}).json()["job_id"]
    run_waiting(shore)
    said = client.get(f"{address}/{job}").json()
    assert said["state"] == "ended by an error"
    assert said["errors"] == ["split: 'net', expected one of none, sample, acquisition, taxon"]
    assert client.get(f"{address}/{job + 1}").status_code == 404


@pytest.mark.databases
def test_a_backup_says_where_it_is_from_and_is_in_order(
    shore: Shore, project: int, tmp_path: Path
) -> None:
    fill(shore, project, user_id=1, objects=12)
    path, result = exported(shore, project, tmp_path, "backup")
    said = provenance(path)
    assert said["objects"]["total"] == result["objects"] == 12
    assert said["mended"] == result["mended"]
    problems = Problems()
    with open_upload(path, problems) as upload:
        check_upload(upload, problems, pictures=True)
    assert problems.errors == 0, problems.lines()
    assert not any("README" in line or "provenance" in line for line in problems.lines())
    with pytest.raises(AskedError, match="a backup holds the whole project"):
        exported(shore, project, tmp_path, "backup", filters={"taxo": "1"})


def test_the_command_writes_the_same(
    shore: Shore, project: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(shore, project, user_id=1, objects=12)
    out = tmp_path / "bay.zip"
    command = ["export", "--data", str(shore.settings.data), "--project", "Baltic", "--json"]
    command += ["--out", str(out), "--kind", "general"]
    assert main([*command, "--set", "split=sample", "--set", "internal_ids=true"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["file"], said["objects"]) == (str(out), 12)
    with zipfile.ZipFile(out) as archive:
        names = [name for name in archive.namelist() if name.endswith(".tsv")]
        assert len(names) == 3
        assert b"\tobjid\t" in archive.read(names[0]).partition(b"\n")[0]
    assert main([*command, "--set", "split=net", "--filter", "statusfilter=V"]) == 3
    assert "split: 'net', expected one of none" in capsys.readouterr().err

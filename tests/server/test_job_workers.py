"""Jobs and the processes that run them: each is done once, and a killed worker's job by another."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from server.bench.ecotaxa_zip import write_zip
from server.clock import now_ms
from server.db import jobs, projects
from server.db.jobs import SILENT_MS, JobInfo
from server.db.tables import Event, Image, Job, Object, ObjectFree
from server.jobs.worker import job_folder
from server.shore import Shore

pytestmark = [pytest.mark.databases, pytest.mark.faults]
PATIENCE_S = 120
ANSWERS = {
    "users": {"Bench Person": "importer"},
    "taxa": dict.fromkeys(
        ("Copepoda", "Appendicularia", "Chaetognatha", "detritus", "fiber", "Noctiluca"), "make"
    ),
}


@contextmanager
def workers(shore: Shore, count: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """`seadrift work`, several times, as an institute would run it on several machines."""
    command = [sys.executable, "-m", "server.cli", "work", "--data", str(shore.settings.data)]
    if shore.settings.database is not None:
        command += ["--database", shore.settings.database]
    running = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def add(shore: Shore, type_: str, project: int, **params: Any) -> int:
    with shore.database.write() as connection:
        return jobs.add(
            connection, type_, project_id=project, user_id=1, params=params, now_ms=now_ms()
        )


def get(shore: Shore, job_id: int) -> JobInfo:
    with shore.database.read() as connection:
        found = jobs.get(connection, job_id)
    assert found is not None
    return found


def wait_for(shore: Shore, job_id: int, *states: str) -> JobInfo:
    deadline = time.monotonic() + PATIENCE_S
    while (job := get(shore, job_id)).state not in states:
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    return job


@pytest.fixture
def imported(shore: Shore, tmp_path: Path) -> tuple[int, int]:
    """A project, and the import of 1,500 objects into it that waits."""
    upload = tmp_path / "upload.zip"
    write_zip(upload, 1500, columns=5)
    with shore.database.write() as connection:
        project = projects.create(connection, title="Bay", user_id=1, now_ms=now_ms())
    params = {"source": str(upload), "own_files": False, "update": "none", **ANSWERS}
    return project, add(shore, "import", project, **params)


def test_a_killed_worker_s_job_is_done_by_another_and_each_job_once(
    shore: Shore, imported: tuple[int, int]
) -> None:
    project, job_id = imported
    with workers(shore, 1) as [doomed]:
        wait_for(shore, job_id, jobs.RUNNING)
        time.sleep(0.3)  # anywhere in it
        doomed.kill()
        doomed.wait()
    job = get(shore, job_id)
    assert job.state in (jobs.RUNNING, jobs.FINISHED)
    with shore.database.write() as connection:  # as if it had been silent for so long
        gone = update(Job).where(Job.id == job_id, Job.state == jobs.RUNNING)
        connection.execute(gone.values(beat_ms=now_ms() - SILENT_MS - 1))
    with workers(shore, 2):
        done = wait_for(shore, job_id, jobs.FINISHED, jobs.ERROR)
        exports = [add(shore, "export", project, kind="general") for _ in range(10)]
        found = [wait_for(shore, one, jobs.FINISHED, jobs.ERROR) for one in exports]
    assert (done.state, done.errors) == (jobs.FINISHED, [])
    assert done.tries == (2 if job.state == jobs.RUNNING else 1)
    check_objects(shore, project)
    assert [(job.state, job.tries) for job in found] == [(jobs.FINISHED, 1)] * 10
    for job in found:
        folder = job_folder(shore.settings.jobs, job.job_id)
        assert (folder / "log.txt").read_text().count(", try ") == 1
        assert len(list(folder.glob("export_*"))) == 1
    assert len({job.worker for job in found}) > 1


def check_objects(shore: Shore, project: int) -> None:
    """All of the zip, once."""
    with shore.database.read() as connection:
        mine = Object.project_id == project
        ours = select(Object.objid).where(mine)
        count = select(func.count())
        objects = connection.execute(count.select_from(Object).where(mine)).scalar()
        names = func.count(func.distinct(Object.orig_id))
        assert (objects, connection.execute(select(names).where(mine)).scalar()) == (1500, 1500)
        for table, expected in ((Image, 1500), (ObjectFree, 1500), (Event, 450)):
            column = table.__table__.c.objid
            found = connection.execute(count.select_from(table).where(column.in_(ours))).scalar()
            assert found >= expected if table is Event else found == expected

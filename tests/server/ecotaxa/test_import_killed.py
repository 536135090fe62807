"""A worker that dies in the middle of an import leaves nothing of it, and another does it once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select, update

from server.bench.ecotaxa_zip import EMAIL, PERSON, TAXA, write_zip
from server.clock import now_ms
from server.db import jobs, sound, taxa, users
from server.db.tables import Event, Image, Job, Object, Pack
from server.jobs.worker import run_waiting
from server.shore import Shore

pytestmark = [pytest.mark.databases, pytest.mark.faults]
OBJECTS = 400
_DIES = """
import os, signal, sys
from pathlib import Path
from server.db import importing
from server.ecotaxa import load
from server.jobs.worker import run_waiting
from server.settings import Settings
from server.shore import Admin, open_shore

def dies(*_given, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[3]
if where == "staged":        # pictures are in packs, no row is written
    load._staged = dies
elif where == "some rows":   # the transaction is open
    done = importing.Writing.write
    def write(self, batch, pictures, seen=[]):
        seen.append(batch)
        done(self, batch, pictures) if len(seen) < 4 else dies()
    importing.Writing.write = write
elif where == "all rows":    # before the commit
    importing.Writing.finish = dies
elif where == "committed":   # the job does not know yet
    from server.jobs import worker
    worker.jobs.finish = dies
run_waiting(open_shore(Settings(data=Path(sys.argv[1]), database=sys.argv[2]), Admin()))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_zip(tmp_path / "bench.zip", OBJECTS, columns=3)
    return tmp_path / "bench.zip"


def known(shore: Shore) -> None:
    with shore.database.write() as connection:
        taxa.resolve(connection, TAXA, now_ms())
        users.make_absent(connection, PERSON, EMAIL, now_ms())


def rows(shore: Shore) -> tuple[int, ...]:
    with shore.database.read() as connection:
        tables = (Object, Image, Event, Pack)
        return tuple(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        )


WHERE = (
    "staged",
    "some rows",
    pytest.param("all rows", marks=pytest.mark.slow_faults),
    "committed",
)


@pytest.mark.parametrize("where", WHERE)
def test_a_killed_import_is_done_once_by_another(
    client: httpx.Client, shore: Shore, project: int, path: Path, where: str
) -> None:
    known(shore)
    assert client.put("/api/files/b.zip", content=path.read_bytes()).status_code == 201
    asked = client.post(f"/api/projects/{project}/imports", json={"file": "b.zip"}).json()
    settings = shore.settings
    program = [sys.executable, "-c", _DIES, str(settings.data), settings.database_url, where]
    died = subprocess.run(program, check=False, timeout=120)
    assert died.returncode == -signal.SIGKILL
    if where != "committed":
        assert rows(shore) == (0, 0, 0, 0)
    with shore.database.write() as connection:
        job = jobs.get(connection, asked["job_id"])
        assert job is not None
        assert job.state == jobs.RUNNING
        silent = now_ms() - jobs.SILENT_MS - 1
        connection.execute(update(Job).values(beat_ms=silent))
    assert run_waiting(shore) == 1
    done = client.get(f"/api/projects/{project}/imports/{asked['job_id']}").json()
    assert (done["state"], done["result"]["new"]) == ("finished", OBJECTS)
    assert rows(shore)[:3] == (OBJECTS, OBJECTS, OBJECTS)
    with shore.database.read() as connection:
        assert sound.orphans(connection) == []
    image = client.get(f"/api/projects/{project}/objects").json()["objects"][0]["image"]
    assert client.get(image).status_code == 200


@pytest.mark.slow_faults
def test_a_kill_at_any_moment_leaves_all_or_nothing(
    client: httpx.Client, shore: Shore, project: int, path: Path
) -> None:
    known(shore)
    client.put("/api/files/b.zip", content=path.read_bytes())
    asked = client.post(f"/api/projects/{project}/imports", json={"file": "b.zip"}).json()
    settings = shore.settings
    program = [sys.executable, "-c", _DIES, str(settings.data), settings.database_url, ""]
    for wait_s in (1.2, 1.6, 2.0):
        worker = subprocess.Popen(program)
        time.sleep(wait_s)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        assert rows(shore)[0] in (0, OBJECTS)
        with shore.database.write() as connection:
            connection.execute(update(Job).values(beat_ms=0, tries=0))
    run_waiting(shore)
    done = client.get(f"/api/projects/{project}/imports/{asked['job_id']}").json()
    assert done["state"] == "finished"
    assert rows(shore)[:3] == (OBJECTS, OBJECTS, OBJECTS)

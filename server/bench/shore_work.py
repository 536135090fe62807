"""The shore's work on a project of 20,000 objects: import, backup, classification.

Example:
    >>> work(folder, None, "SQLite")
    [Row('SQLite: import of 20,000 objects with images', 3900.0, 'objects/s', ...), ...]
"""

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from models.figures import Row
from server.bench.ecotaxa_zip import write_zip
from server.bench.shore_pages import Asked, Times
from server.clock import now_ms
from server.db import jobs, projects
from server.db.jobs import JobInfo
from server.ecotaxa.questions import IMPORTER, MAKE
from server.jobs.worker import run_waiting
from server.settings import Settings
from server.shore import Admin, Shore, open_shore

OBJECTS = 20_000
IMPORT_PER_S, BACKUP_S, CLASSIFY_MS = 3500.0, 3.0, 40.0
CLASSIFIED = 1000


def work(folder: Path, database: str | None, name: str) -> list[Row]:
    """Import the zip, write its backup, classify a thousand of its objects."""
    folder.mkdir(parents=True, exist_ok=True)
    upload = folder / "bench.zip"
    write_zip(upload, OBJECTS)
    settings, password = Settings(folder / "shore", database=database), secrets.token_urlsafe(12)
    shore = open_shore(settings, Admin(password=password))
    try:
        with shore.database.write() as connection:
            project = projects.create(connection, title="Work", user_id=1, now_ms=now_ms())
        params = {"source": str(upload), "own_files": False, "update": "none"}
        imported = _timed(lambda: run_job(shore, "import", project, params))
        exported = _timed(lambda: run_job(shore, "export", project, {"kind": "backup"}))
    finally:
        shore.close()
    with Asked.of(settings, password) as asked:
        classified = classify(asked, project)
    rate = OBJECTS / imported
    return [
        Row(
            f"{name}: import of {OBJECTS:,} objects with images", rate, "objects/s",
            f">= {IMPORT_PER_S:,.0f}", rate >= IMPORT_PER_S,
        ),
        Row(f"{name}: backup of them with images", exported, "s", "< 3 s", exported < BACKUP_S),
        Row(
            f"{name}: classify {CLASSIFIED:,} objects", classified.median, "ms", "< 40 ms",
            classified.median < CLASSIFY_MS,
        ),
        Row(f"{name}: classify {CLASSIFIED:,} objects, least", classified.least, "ms"),
    ]  # fmt: skip


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def run_job(shore: Shore, type_: str, project: int, params: dict[str, Any]) -> JobInfo:
    """Run a job as a worker does, with the answers that make whatever is missing. Raises
    RuntimeError for one that does not finish."""
    with shore.database.write() as connection:
        job_id = jobs.add(
            connection, type_, project_id=project, user_id=1, params=params, now_ms=now_ms()
        )
    for _ in range(3):
        run_waiting(shore)
        with shore.database.write() as connection:
            job = jobs.get(connection, job_id)
            if job is not None and job.state == jobs.ASKING:
                users = dict.fromkeys(job.question.get("missing_users", ()), IMPORTER)
                taxa = dict.fromkeys(job.question.get("missing_taxa", ()), MAKE)
                jobs.answer(connection, job_id, {"users": users, "taxa": taxa})
    if job is None or job.state != jobs.FINISHED:
        raise RuntimeError(f"{type_}: ended as {job and job.state}: {job and job.errors[:3]}")
    return job


def classify(asked: Asked, project: int) -> Times:
    """A thousand objects, validated and called dubious in turn."""
    found = asked.client.post(f"/object_set/{project}/query", json={}).raise_for_status().json()
    objids = found["object_ids"][:CLASSIFIED]
    actions = iter(["validate", "dubious"] * 10)

    def act(client: Any) -> Any:
        body = {"objids": objids, "action": next(actions), "key": str(uuid4())}
        return client.post(f"/api/projects/{project}/classify", json=body)

    return asked.timed(act, 9)

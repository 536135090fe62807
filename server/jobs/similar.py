"""Brings the index of objects like one another up to date; asked for by whoever found it old.

Example:
    >>> ask_for(connection, like, user_id=2)   # unless such a job waits or runs already
"""

from typing import Any

from sqlalchemy import Connection

from server.clock import now_ms
from server.db import embeddings, jobs
from server.db.embeddings import Embedded
from server.jobs.context import JobContext, JobFailedError
from server.similar.index import Similar

TYPE = "similar"


def ask_for(connection: Connection, like: Embedded, user_id: int) -> None:
    """A job that refreshes the index of the object's project and network, unless there is one."""
    for job in jobs.all_jobs(connection, project_id=like.project_id, type=TYPE):
        if job.state in (jobs.PENDING, jobs.RUNNING):
            return
    params = {"objid": like.objid}
    jobs.add(
        connection, TYPE, project_id=like.project_id, user_id=user_id, params=params,
        now_ms=now_ms(),
    )  # fmt: skip


def run(job: JobContext) -> dict[str, Any]:
    with job.shore.database.read() as connection:
        like = embeddings.of_object(connection, int(job.params["objid"]))
    if like is None:
        raise JobFailedError([f"object {job.params['objid']} has no embedding any more"])
    rows = Similar(job.shore.database, job.shore.settings.similar).refresh(like, job.progress)
    return {"objects": rows}

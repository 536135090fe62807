"""Makes the index of a free column by which people filter a large project.

Example:
    >>> ask_for(shore, project_id=7, places=["n003"], user_id=2)
"""

from collections.abc import Iterable
from typing import Any

from server.clock import now_ms
from server.db import free_indexes, jobs
from server.jobs.context import JobContext
from server.shore import Shore

TYPE = "index"


def ask_for(shore: Shore, project_id: int, places: Iterable[str], user_id: int) -> None:
    """A job for each of the columns whose index is missing and not being made."""
    with shore.database.read() as connection:
        wanted = free_indexes.missing(connection, project_id, places)
        if not wanted:
            return
        known = {
            job.params.get("place")
            for job in jobs.all_jobs(connection, project_id=project_id, type=TYPE)
            if job.state in (jobs.PENDING, jobs.RUNNING, jobs.ERROR)
        }
    with shore.database.write() as connection:
        for place in wanted:
            if place not in known:
                jobs.add(
                    connection, TYPE, project_id=project_id, user_id=user_id,
                    params={"project_id": project_id, "place": place}, now_ms=now_ms(),
                )  # fmt: skip


def run(job: JobContext) -> dict[str, Any]:
    place = str(job.params["place"])
    free_indexes.build(job.shore.database, int(job.params["project_id"]), place)
    return {"place": place}

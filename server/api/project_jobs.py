"""A project's jobs of one type, as the pages and scripts that follow imports and exports see them.

Example:
    >>> EXPORTS = ProjectJobs("export", "annotate")
    >>> EXPORTS.all(shore, user, project_id)
    [{'job_id': 7, 'state': 'running', 'progress': 40, ...}]
"""

from dataclasses import dataclass
from typing import Any

from server.api.objects import ID_MAX
from server.api.rights import need
from server.auth.rights import Right
from server.db import jobs
from server.db.jobs import JobInfo
from server.db.users import UserInfo
from server.errors import not_found
from server.shore import Shore

WORDS = {
    jobs.PENDING: "waiting",
    jobs.RUNNING: "running",
    jobs.ASKING: "asking",
    jobs.ERROR: "ended by an error",
    jobs.FINISHED: "finished",
}
_LISTED = 1000


@dataclass(frozen=True)
class ProjectJobs:
    """Jobs of `type`, seen by whoever has the right `needs` in their project."""

    type: str
    needs: Right

    def all(self, shore: Shore, user: UserInfo, project_id: int) -> list[dict[str, Any]]:
        """The newest first. Raises ApiError."""
        with shore.database.read() as connection:
            need(connection, user, project_id, self.needs)
            found = jobs.all_jobs(connection, project_id=project_id, type=self.type, limit=_LISTED)
        return [shown(job) for job in found]

    def one(self, shore: Shore, user: UserInfo, project_id: int, job_id: int) -> JobInfo:
        """Raises ApiError where there is none in this project."""
        with shore.database.read() as connection:
            need(connection, user, project_id, self.needs)
            job = jobs.get(connection, job_id) if 0 < job_id < ID_MAX else None
        if job is None or job.type != self.type or job.project_id != project_id:
            raise not_found(f"{self.type} {job_id}")
        return job


def shown(job: JobInfo) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "state": WORDS[job.state],
        "progress": job.progress,
        "message": job.message,
        "params": job.params,
        "question": job.question if job.state == jobs.ASKING else {},
        "result": job.result if job.state == jobs.FINISHED else {},
        "errors": job.errors,
        "created_ms": job.created_ms,
        "ended_ms": job.ended_ms,
    }

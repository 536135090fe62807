"""Jobs: what was asked, how far it is, its questions, its log. EcoTaxa's clients have their own
routes to the same jobs (`server.ecotaxa.api`).

A job is seen by whoever asked for it and by who manages its project; one of a project that was
since hidden from a person is hidden with it. The address is `/api/queue`, since `/api/jobs` is
EcoTaxa's.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" "$SHORE/api/queue?project_id=3"
    [{"job_id": 7, "type": "import", "state": "R", "progress": 40, "message": "..."}]
"""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from server.api.deps import ShoreDep, Viewer, WitnessDep
from server.api.objects import ID_MAX
from server.api.rights import need_job
from server.auth.rights import suffices
from server.db import jobs, members, projects, users
from server.db.jobs import JobInfo
from server.db.users import UserInfo
from server.ecotaxa.load_job import PROBLEMS
from server.errors import ApiError
from server.jobs.worker import job_folder
from server.shore import Shore

router = APIRouter(prefix="/api/queue", tags=["jobs"])
LOG_MAX = 200_000
"""The end of a log that is longer than this is shown, bytes."""


class Reply(BaseModel):
    """What the job's question asks for."""

    reply: dict[str, Any] = Field(max_length=100_000)


@router.get("")
def listed(
    shore: ShoreDep,
    user: Viewer,
    project_id: Annotated[int | None, Query(ge=1, lt=ID_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[dict[str, Any]]:
    """The newest first: one's own and those of projects that one manages."""
    with shore.database.read() as connection:
        rights = members.projects_of(connection, user)
        managed = [project for project, has in rights.items() if suffices(has, "manage")]
        found = jobs.seen_by(
            connection,
            user_id=user.id,
            managed=managed,
            everything=user.role == "administrator",
            project_id=project_id,
            limit=limit,
        )
        found = [job for job in found if job.project_id is None or job.project_id in rights]
        return [_shown(connection, job) for job in found]


@router.get("/{job_id}")
def one(shore: ShoreDep, user: Viewer, job_id: int) -> dict[str, Any]:
    """One with its question and what it was asked."""
    with shore.database.read() as connection:
        job = _existing(connection, user, job_id)
        more = {"params": job.params, "question": job.question, "reply": job.reply}
        return {**_shown(connection, job), **more, "result": job.result}


@router.get("/{job_id}/lines")
def lines(shore: ShoreDep, user: Viewer, job_id: int) -> dict[str, Any]:
    """The lines of its log, the last ones of a long one."""
    with shore.database.read() as connection:
        _existing(connection, user, job_id)
    return {"lines": _log(shore, job_id)}


@router.get("/{job_id}/problems")
def problems(shore: ShoreDep, user: Viewer, job_id: int) -> dict[str, Any]:
    """What an import found wrong: {errors, warnings, shown: [{level, file, line, column, value,
    message, remedy}]}; `shown` are the first of many."""
    with shore.database.read() as connection:
        _existing(connection, user, job_id)
    path = job_folder(shore.settings.jobs, job_id) / PROBLEMS
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"errors": 0, "warnings": 0, "shown": []}
    return found


def _log(shore: Shore, job_id: int) -> list[str]:
    path = job_folder(shore.settings.jobs, job_id) / "log.txt"
    if not path.is_file():
        return []
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - LOG_MAX))
        return stream.read().decode("utf-8", "replace").splitlines()


@router.post("/{job_id}/reply")
def reply(shore: ShoreDep, user: Viewer, job_id: int, body: Reply) -> dict[str, Any]:
    """Answer its question; it goes on."""
    with shore.database.write() as connection:
        _existing(connection, user, job_id, acting=True)
        if not jobs.answer(connection, job_id, body.reply):
            raise ApiError(409, "not_asking", f"Job {job_id} asks nothing now.")
        return _shown(connection, _existing(connection, user, job_id))


@router.post("/{job_id}/restart")
def restart(shore: ShoreDep, user: Viewer, witness: WitnessDep, job_id: int) -> dict[str, Any]:
    """Begin again one that ended by an error, or that asks."""
    with shore.database.write() as connection:
        _existing(connection, user, job_id, acting=True)
        if not jobs.restart(connection, job_id):
            raise ApiError(409, "not_ended", f"Job {job_id} did not fail: it is left to go on.")
        witness.note(connection, "job.restart", str(job_id))
        return _shown(connection, _existing(connection, user, job_id))


@router.post("/{job_id}/remove")
def remove(shore: ShoreDep, user: Viewer, witness: WitnessDep, job_id: int) -> dict[str, Any]:
    """Forget it; one that runs is stopped. What it finished stays."""
    with shore.database.write() as connection:
        job = _existing(connection, user, job_id, acting=True)
        jobs.remove(connection, job_id)
        witness.note(connection, "job.remove", str(job_id), detail=job.type)
    return {"job_id": job_id}


def _existing(
    connection: Connection, user: UserInfo, job_id: int, *, acting: bool = False
) -> JobInfo:
    """The job, if the person may see it; to act on it, a personal token needs more than to look.
    Raises ApiError."""
    job = need_job(connection, user, job_id)
    if acting and user.most == "view":
        raise ApiError(403, "right", "This token may only look.")
    return job


def _shown(connection: Connection, job: JobInfo) -> dict[str, Any]:
    asked = users.get(connection, job.user_id)
    project = None if job.project_id is None else projects.get(connection, job.project_id)
    return {
        "job_id": job.job_id,
        "type": job.type,
        "state": job.state,
        "project_id": job.project_id,
        "project": None if project is None else project.title,
        "user": None if asked is None else asked[0].name,
        "what": str(job.params.get("kind") or job.params.get("source") or ""),
        "progress": job.progress,
        "message": job.message,
        "errors": job.errors,
        "tries": job.tries,
        "created_ms": job.created_ms,
        "started_ms": job.started_ms,
        "ended_ms": job.ended_ms,
    }

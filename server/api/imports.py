"""Imports into a project: asked for, answered, followed; by whoever may manage it.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
        -d '{"file": "cast1.zip"}' http://127.0.0.1:8765/api/projects/1/imports
    {"job_id": 7}
"""

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from server.api.deps import Annotator, ShoreDep, WitnessDep
from server.api.objects import ID_MAX
from server.api.rights import need
from server.clock import now_ms
from server.db import jobs
from server.db.jobs import JobInfo
from server.db.users import UserInfo
from server.errors import ApiError, not_found
from server.jobs.worker import job_folder
from server.shore import Shore
from server.store.user_files import FileNameError

router = APIRouter(prefix="/api/projects/{project_id}/imports", tags=["imports"])
WORDS = {"P": "waiting", "R": "running", "A": "asking", "E": "ended by an error", "F": "finished"}
_LISTED = 1000
_LOG_MOST = 1 << 20


class NewImport(BaseModel):
    """`file`: a zip or folder among the person's own files (`/api/files`). `update`: what to change
    of objects that are there, nothing, their values, or what people said of them too. `kind`: the
    form of the file, "auto" for what it looks like; `folders`: what those of pictures stand for."""

    model_config = ConfigDict(extra="forbid")

    file: str = Field(min_length=1, max_length=2000)
    update: Literal["none", "data", "classification"] = "none"
    skip_loaded_files: bool = False
    skip_existing_objects: bool = False
    kind: Literal["auto", "ecotaxa", "planktoscope", "ifcb", "pictures"] = "auto"
    folders: Literal["classes", "samples", "nothing"] = "classes"


class Answer(BaseModel):
    """What names mean: of users a number, "importer" or "make"; of taxa a number or "make"."""

    model_config = ConfigDict(extra="forbid")

    users: dict[str, int | str] = Field(default_factory=dict, max_length=10_000)
    taxa: dict[str, int | str] = Field(default_factory=dict, max_length=10_000)


@router.post("", status_code=202)
def begin(
    shore: ShoreDep, user: Annotator, witness: WitnessDep, project_id: int, body: NewImport
) -> dict[str, int]:
    """Ask for one; the job says how far it is, and what was wrong with the file."""
    try:
        path = shore.user_files.path(user.id, body.file)
    except FileNameError as error:
        raise ApiError(422, "name", f"file: {error}.") from error
    with shore.database.write() as connection:
        need(connection, user, project_id, "manage")
        if not path.exists():
            raise not_found(f"file {body.file} of yours")
        job_id = jobs.add(
            connection,
            "import",
            project_id=project_id,
            user_id=user.id,
            params={"source": body.file, **body.model_dump(exclude={"file"})},
            now_ms=now_ms(),
        )
        witness.note(connection, "import", f"project {project_id}", detail=body.file[:200])
    return {"job_id": job_id}


@router.get("")
def all_imports(shore: ShoreDep, user: Annotator, project_id: int) -> list[dict[str, Any]]:
    """The newest first."""
    with shore.database.read() as connection:
        need(connection, user, project_id, "manage")
        found = jobs.all_jobs(connection, project_id=project_id, limit=_LISTED)
    return [_shown(job) for job in found if job.type == "import"]


@router.get("/{job_id}")
def one(shore: ShoreDep, user: Annotator, project_id: int, job_id: int) -> dict[str, Any]:
    return _shown(_existing(shore, user, project_id, job_id))


@router.post("/{job_id}/answer")
def answer(
    shore: ShoreDep, user: Annotator, project_id: int, job_id: int, body: Answer
) -> dict[str, Any]:
    """Answer what the import asks; it goes on, and asks again for what is left open."""
    _existing(shore, user, project_id, job_id)
    with shore.database.write() as connection:
        if not jobs.answer(connection, job_id, body.model_dump()):
            raise ApiError(409, "not_asking", f"Import {job_id} does not ask anything.")
    return _shown(_existing(shore, user, project_id, job_id))


@router.get("/{job_id}/log")
def log(shore: ShoreDep, user: Annotator, project_id: int, job_id: int) -> Response:
    """The end of the import's log, as text."""
    _existing(shore, user, project_id, job_id)
    path = job_folder(shore.settings.jobs, job_id) / "log.txt"
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _LOG_MOST))
            text = stream.read(_LOG_MOST)
    except FileNotFoundError as error:
        raise ApiError(409, "unready", f"Import {job_id} has no log yet.") from error
    return Response(text, media_type="text/plain; charset=utf-8")


def _existing(shore: Shore, user: UserInfo, project_id: int, job_id: int) -> JobInfo:
    with shore.database.read() as connection:
        need(connection, user, project_id, "manage")
        job = jobs.get(connection, job_id) if 0 < job_id < ID_MAX else None
    if job is None or job.type != "import" or job.project_id != project_id:
        raise not_found(f"import {job_id}")
    return job


def _shown(job: JobInfo) -> dict[str, Any]:
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

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
from server.api.project_jobs import ProjectJobs, shown
from server.api.rights import need
from server.clock import now_ms
from server.db import jobs
from server.errors import ApiError, not_found
from server.jobs.worker import job_folder
from server.store.user_files import FileNameError

router = APIRouter(prefix="/api/projects/{project_id}/imports", tags=["imports"])
IMPORTS = ProjectJobs("import", "manage")
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
    return IMPORTS.all(shore, user, project_id)


@router.get("/{job_id}")
def one(shore: ShoreDep, user: Annotator, project_id: int, job_id: int) -> dict[str, Any]:
    return shown(IMPORTS.one(shore, user, project_id, job_id))


@router.post("/{job_id}/answer")
def answer(
    shore: ShoreDep, user: Annotator, project_id: int, job_id: int, body: Answer
) -> dict[str, Any]:
    """Answer what the import asks; it goes on, and asks again for what is left open."""
    IMPORTS.one(shore, user, project_id, job_id)
    with shore.database.write() as connection:
        if not jobs.answer(connection, job_id, body.model_dump()):
            raise ApiError(409, "not_asking", f"Import {job_id} does not ask anything.")
    return shown(IMPORTS.one(shore, user, project_id, job_id))


@router.get("/{job_id}/log")
def log(shore: ShoreDep, user: Annotator, project_id: int, job_id: int) -> Response:
    """The end of the import's log, as text."""
    IMPORTS.one(shore, user, project_id, job_id)
    path = job_folder(shore.settings.jobs, job_id) / "log.txt"
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _LOG_MOST))
            text = stream.read(_LOG_MOST)
    except FileNotFoundError as error:
        raise ApiError(409, "unready", f"Import {job_id} has no log yet.") from error
    return Response(text, media_type="text/plain; charset=utf-8")

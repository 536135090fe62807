"""Exports of a project: asked for, made by a worker, fetched; by whoever may annotate in it.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
        -d '{"kind": "general", "split": "sample"}' "$SHORE/api/projects/1/exports"
    {"job_id": 7}
"""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from server.api.deps import ShoreDep, Viewer
from server.api.project_jobs import WORDS, ProjectJobs, shown
from server.api.rights import need
from server.clock import now_ms
from server.db import jobs
from server.errors import ApiError
from server.exports.kinds import KINDS
from server.jobs.worker import job_folder

router = APIRouter(prefix="/api/projects/{project_id}/exports", tags=["exports"])
EXPORTS = ProjectJobs("export", "annotate")


class NewExport(BaseModel):
    """`kind` and its parameters, which docs/exports.md lists; `filters` are EcoTaxa's."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(max_length=40)
    filters: dict[str, Any] = Field(default_factory=dict)


@router.post("", status_code=202)
def ask(shore: ShoreDep, user: Viewer, project_id: int, body: NewExport) -> dict[str, int]:
    """Ask for one; the job says how far it is, and what was wrong with the parameters."""
    if body.kind not in KINDS:
        raise ApiError(422, "kind", f"kind: expected one of {', '.join(KINDS)}.")
    with shore.database.write() as connection:
        need(connection, user, project_id, "annotate")
        job_id = jobs.add(
            connection,
            "export",
            project_id=project_id,
            user_id=user.id,
            params=body.model_dump(),
            now_ms=now_ms(),
        )
    return {"job_id": job_id}


@router.get("")
def all_exports(shore: ShoreDep, user: Viewer, project_id: int) -> list[dict[str, Any]]:
    """The newest first."""
    return EXPORTS.all(shore, user, project_id)


@router.get("/{job_id}")
def one(shore: ShoreDep, user: Viewer, project_id: int, job_id: int) -> dict[str, Any]:
    return shown(EXPORTS.one(shore, user, project_id, job_id))


@router.get("/{job_id}/file")
def file(shore: ShoreDep, user: Viewer, project_id: int, job_id: int) -> FileResponse:
    """The file of an export that is finished."""
    job = EXPORTS.one(shore, user, project_id, job_id)
    name = str(job.result.get("file", ""))
    path = job_folder(shore.settings.jobs, job_id) / name
    if job.state != jobs.FINISHED or not name or not path.is_file():
        raise ApiError(
            409, "unready", f"Export {job_id} has no file (yet): it is {WORDS[job.state]}."
        )
    return FileResponse(path, filename=name)

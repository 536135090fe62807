"""Jobs, as EcoTaxa's API lists, answers, restarts and fetches them.

A job is seen by whoever asked for it and by who manages its project.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -O -J http://127.0.0.1:8765/jobs/7/file
"""

import shutil
from typing import Annotated, Any

from fastapi import Body, Response
from fastapi.responses import FileResponse

from server.api.deps import ShoreDep, Viewer
from server.api.rights import need_job
from server.db import jobs
from server.db.ecotaxa import dates
from server.db.jobs import JobInfo
from server.ecotaxa.api.answers import JobModel
from server.ecotaxa.api.routes import eco_router
from server.errors import ApiError
from server.jobs.worker import job_folder

router = eco_router("jobs")
LISTED = 1000
TYPES = {"import": "FileImport", "predict": "Prediction", "export": "GenExport"}
"""By our names; jobs that EcoTaxa does not have are not listed to its clients."""
EXPORTS = {"general": "GeneralExport", "backup": "BackupExport", "summary": "SummaryExport"}
_MEDIA = {".zip": "application/zip", ".tsv": "text/tab-separated-values"}
_MESSAGES = {"P": "Waiting for a slot", "A": "Waiting for an answer", "F": "Done"}


@router.get("/jobs/")
def list_jobs(shore: ShoreDep, user: Viewer, for_admin: bool = False) -> list[JobModel]:
    """One's own jobs, or for an administrator all; the newest first."""
    if for_admin and user.role != "administrator":
        raise ApiError(403, "role", "for_admin: this needs the role administrator.")
    with shore.database.read() as connection:
        whose = None if for_admin else user.id
        found = jobs.all_jobs(connection, user_id=whose, limit=LISTED)
    return [shown(job) for job in found if job.type in TYPES]


@router.get("/jobs/{job_id:int}/")
def get_job(shore: ShoreDep, user: Viewer, job_id: int) -> JobModel:
    with shore.database.read() as connection:
        return shown(need_job(connection, user, job_id))


@router.post("/jobs/{job_id:int}/answer")
def reply_job_question(
    shore: ShoreDep, user: Viewer, job_id: int, body: Annotated[dict[str, Any], Body()]
) -> None:
    """Answer what the job asked; it goes on, and asks again if something is still missing."""
    with shore.database.write() as connection:
        need_job(connection, user, job_id)
        if not jobs.answer(connection, job_id, body):
            raise ApiError(409, "not_asking", f"Job {job_id} asks nothing.")


@router.get("/jobs/{job_id:int}/restart")
def restart_job(shore: ShoreDep, user: Viewer, job_id: int) -> None:
    """Begin a job again that ended by an error; any other is left alone, as in EcoTaxa."""
    with shore.database.write() as connection:
        if need_job(connection, user, job_id).state == jobs.ERROR:
            jobs.restart(connection, job_id)


@router.get("/jobs/{job_id:int}/log", response_class=Response)
def get_job_log_file(shore: ShoreDep, user: Viewer, job_id: int) -> Response:
    with shore.database.read() as connection:
        need_job(connection, user, job_id)
    path = job_folder(shore.settings.jobs, job_id) / "log.txt"
    if not path.is_file():
        return Response("", media_type="text/plain")
    return FileResponse(path, media_type="text/plain", filename=f"job_{job_id}.log")


@router.get("/jobs/{job_id:int}/file", response_class=Response)
def get_job_file(shore: ShoreDep, user: Viewer, job_id: int) -> Response:
    """What the job made, whole or by ranges."""
    with shore.database.read() as connection:
        job = need_job(connection, user, job_id)
    name = str(job.result.get("file", ""))
    path = job_folder(shore.settings.jobs, job_id) / name
    if job.state != jobs.FINISHED or not name or not path.is_file():
        raise ApiError(404, "no_file", f"Job {job_id} has no file (yet).")
    media = _MEDIA.get(path.suffix, "application/octet-stream")
    return FileResponse(path, media_type=media, filename=name)


@router.delete("/jobs/{job_id:int}")
def erase_job(shore: ShoreDep, user: Viewer, job_id: int) -> None:
    """Forget the job and its files; one that runs is stopped."""
    with shore.database.write() as connection:
        need_job(connection, user, job_id)
        jobs.remove(connection, job_id)
    shutil.rmtree(job_folder(shore.settings.jobs, job_id), ignore_errors=True)


def shown(job: JobInfo) -> JobModel:
    """The job as EcoTaxa shows one; `params` as its clients look into them."""
    made = job.result.get("file")
    result = job.result if made is None else {**job.result, "out_file": made}
    rows = {"export": ("objects",), "import": ("new", "updated")}.get(job.type, ())
    if result and rows:
        result = {**result, "rowcount": sum(int(result.get(name, 0)) for name in rows)}
    latest = max(filter(None, (job.created_ms, job.started_ms, job.beat_ms, job.ended_ms)))
    message = "; ".join(job.errors) if job.errors else job.message
    return JobModel(
        id=job.job_id,
        owner_id=job.user_id,
        type=_type(job),
        params=_params(job),
        result=result,
        errors=job.errors,
        question=job.question if job.state == jobs.ASKING else {},
        reply=job.reply,
        state=job.state,
        progress_pct=job.progress,
        progress_msg=message[:500] or _MESSAGES.get(job.state, ""),
        creation_date=dates.moment(job.created_ms) or "",
        updated_on=dates.moment(latest) or "",
    )


def _params(job: JobInfo) -> dict[str, Any]:
    """As EcoTaxa's clients look into them: `req.project_id` is how pyecotaxa knows the exports of
    a project from its imports, which have none there."""
    names = {} if job.type == "import" else {"project_id": job.project_id}
    return {"prj_id": job.project_id, "req": {**names, **job.params}}


def _type(job: JobInfo) -> str:
    if job.type == "export":
        return EXPORTS.get(str(job.params.get("kind")), TYPES["export"])
    return TYPES.get(job.type, job.type)

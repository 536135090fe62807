"""An export as a job: its file lies in the job's folder, and only the last one does.

`params` are {"kind": "general", "filters": {...}, ...}: docs/exports.md lists them.

Example:
    >>> run_job(job)
    {'file': 'export_general_1_20260921_1413.zip', 'objects': 20000, ...}
"""

from typing import Any

from sqlalchemy import Connection

from server.auth.rights import suffices
from server.db import exporting, members, users
from server.exports.asked import AskedError
from server.exports.export import Export
from server.exports.kinds import run
from server.jobs.context import JobContext, JobFailedError


def run_job(job: JobContext) -> dict[str, Any]:
    """Raises JobFailedError."""
    if job.info.project_id is None:
        raise JobFailedError(["an export is of a project"])
    for name in ("export_*", ".export_*"):  # of a try that was cut short
        for old in job.folder.glob(name):
            old.unlink()
    with job.shore.database.read() as connection:
        _check_rights(connection, job)
        person, address = exporting.read_people(connection)[job.info.user_id]
    export = Export(
        job.shore.database,
        job.shore.packs,
        job.info.project_id,
        job.params,
        f"{person} ({address})",
        job.info.user_id,
        job.folder,
        releases=job.shore.settings.releases,
        progress=job.progress,
    )
    try:
        result = run(export, str(job.params.get("kind", "")))
    except AskedError as error:
        raise JobFailedError(error.errors) from error
    for line in result.get("mended", ()):
        job.log.warning("%s", line)
    return result


def _check_rights(connection: Connection, job: JobContext) -> None:
    """That who asked may export every project that is in it, now that it is done; an archive may be
    of several. Raises JobFailedError."""
    found = users.get(connection, job.info.user_id)
    others = job.params.get("projects")
    asked = [job.info.project_id, *(others if isinstance(others, list) else ())]
    for project in asked:
        if not isinstance(project, int) or isinstance(project, bool) or not 0 < project < 2**62:
            continue  # the export itself says what is wrong with it
        has = None if found is None else members.right_in(connection, found[0], project)
        if not suffices(has, "annotate"):
            raise JobFailedError([f"project {project}: there is none that you may export"])

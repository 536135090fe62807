"""Imports: ask for one, answer what it asks. `server.api.jobs` says how far it is.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
        -d '{"file": "cast1.zip"}' http://127.0.0.1:8765/api/projects/1/imports
    {"job_id": 7}
"""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.api.deps import Annotator, ShoreDep, WitnessDep
from server.api.rights import need
from server.clock import now_ms
from server.db import jobs
from server.errors import ApiError, not_found
from server.store.user_files import FileNameError

router = APIRouter(prefix="/api/projects/{project_id}", tags=["imports"])


class ImportAsked(BaseModel):
    """`file`: a zip or folder among the person's own files (`/api/files`)."""

    model_config = ConfigDict(extra="forbid")

    file: str = Field(min_length=1, max_length=2000)
    update: Literal["no", "values", "classification"] = "no"
    skip_loaded_files: bool = False
    skip_existing: bool = False


@router.post("/imports", status_code=202)
def begin(
    shore: ShoreDep, user: Annotator, witness: WitnessDep, project_id: int, body: ImportAsked
) -> dict[str, Any]:
    """Begin an import; the answer names its job."""
    try:
        path = shore.user_files.path(user.id, body.file)
    except FileNameError as error:
        raise ApiError(422, "name", f"file: {error}.") from error
    params = {"path": body.file, **body.model_dump(exclude={"file"})}
    with shore.database.write() as connection:
        need(connection, user, project_id, "manage")
        if not path.exists():
            raise not_found(f"file {body.file} of yours")
        job_id = jobs.add(
            connection,
            "import",
            project_id=project_id,
            user_id=user.id,
            params=params,
            now_ms=now_ms(),
        )
        witness.note(connection, "import", f"project {project_id}", detail=body.file[:200])
    return {"job_id": job_id}

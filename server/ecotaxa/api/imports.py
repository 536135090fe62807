"""Imports, asked for as EcoTaxa's API has it: the answer names the job.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
        -d '{"source_path": "/casts.zip", "update_mode": "Yes"}' http://127.0.0.1:8765/file_import/1
    {"job_id": 7, "errors": []}
"""

from collections.abc import Mapping
from typing import Any

from server.api.deps import ShoreDep, Viewer
from server.ecotaxa.api.answers import ImportRsp
from server.ecotaxa.api.asked import ImportReq
from server.ecotaxa.api.exports import begin
from server.ecotaxa.api.files import source_of
from server.ecotaxa.api.routes import eco_router
from server.errors import ApiError

router = eco_router("imports")
UPDATE_MODES = {"": "none", "Yes": "data", "Cla": "classification"}


@router.post("/file_import/{project_id:int}")
def import_file(shore: ShoreDep, user: Viewer, project_id: int, body: ImportReq) -> ImportRsp:
    """Import a zip or folder of the person's files."""
    if body.taxo_mappings:
        remedy = "leave it out and answer the job's question, or reclassify afterwards"
        raise ApiError(422, "taxo_mappings", f"taxo_mappings: not done here: {remedy}.")
    source = source_of(shore, user.id, body.source_path)
    job_id = begin(shore, user, "import", project_id, asked(body, source), "manage")
    return ImportRsp(job_id=job_id)


def asked(body: ImportReq, source: str) -> Mapping[str, Any]:
    """The parameters of the shore's own job."""
    return {
        "source": source,
        "update": UPDATE_MODES[body.update_mode],
        "skip_loaded_files": body.skip_loaded_files,
        "skip_existing_objects": body.skip_existing_objects,
    }

"""Predictions of a project: asked for, made by a worker, looked at, taken back.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
        -d '{"features": ["area", "mean"], "learning_limit": 1000}' \\
        "$SHORE/api/projects/1/predictions"
    {"job_id": 7}
"""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from server.api.deps import ShoreDep, Viewer
from server.api.rights import need
from server.clock import now_ms
from server.db import jobs, learning_set, predictions
from server.db.ecotaxa.filters import Filters
from server.db.ecotaxa.given import FilterError
from server.db.predictions import TrainingInfo
from server.errors import ApiError, not_found
from server.prediction.asked import AskedError, read

router = APIRouter(prefix="/api/projects/{project_id}/predictions", tags=["predictions"])
_MOST = 1000
_Ids = Annotated[list[int], Field(max_length=_MOST)]


class NewPrediction(BaseModel):
    """What is left out: learn from this project, all free columns of numbers, all taxa; predict
    what is unclassified or predicted. `mapping` says as which taxon another is learnt; `filters`
    are EcoTaxa's; `statuses` are of U and P."""

    source_projects: _Ids = Field(default_factory=list)
    features: Annotated[list[str], Field(max_length=_MOST)] = Field(default_factory=list)
    embedding: bool = False
    categories: _Ids = Field(default_factory=list)
    mapping: dict[int, int] = Field(default_factory=dict)
    learning_limit: int | None = Field(default=None, ge=1)
    filters: dict[str, Any] = Field(default_factory=dict)
    statuses: Annotated[list[str], Field(max_length=2)] = Field(default_factory=list)


@router.post("", status_code=202)
def ask(shore: ShoreDep, user: Viewer, project_id: int, body: NewPrediction) -> dict[str, int]:
    """Ask for one; `GET` it with the number of the training that its job's result names."""
    params = body.model_dump()
    try:
        asked = read(project_id, params)
        Filters(asked.filters)
    except (AskedError, FilterError) as error:
        raise ApiError(422, "prediction", f"{error}.") from error
    with shore.database.write() as connection:
        need(connection, user, project_id, "annotate")
        for source in asked.sources:
            need(connection, user, source)
        job_id = jobs.add(
            connection, "predict", project_id=project_id, user_id=user.id,
            params=asked.params(), now_ms=now_ms(),
        )  # fmt: skip
    return {"job_id": job_id}


@router.get("")
def all_predictions(shore: ShoreDep, user: Viewer, project_id: int) -> dict[str, Any]:
    """Trainings, the newest first, without their taxa; and the columns that there are to learn
    from."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        found = predictions.trainings(connection, project_id)
        features = learning_set.numeric(connection, project_id)
    return {"trainings": [_brief(training) for training in found], "features": features}


@router.get("/{training_id}")
def one(shore: ShoreDep, user: Viewer, project_id: int, training_id: int) -> dict[str, Any]:
    """A training with its whole report."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        found = _existing(predictions.get_training(connection, training_id), project_id)
    return _brief(found) | {"params": found.params, "report": found.report}


@router.post("/{training_id}/undo", status_code=202)
def undo(shore: ShoreDep, user: Viewer, project_id: int, training_id: int) -> dict[str, int]:
    """Have a worker give each object the prediction back that it had before."""
    with shore.database.write() as connection:
        need(connection, user, project_id, "annotate")
        found = _existing(predictions.get_training(connection, training_id), project_id)
        if found.undone_ms is not None:
            raise ApiError(409, "undone", f"Training {training_id} was taken back already.")
        job_id = jobs.add(
            connection, "unpredict", project_id=project_id, user_id=user.id,
            params={"training_id": training_id}, now_ms=now_ms(),
        )  # fmt: skip
    return {"job_id": job_id}


def _existing(found: TrainingInfo | None, project_id: int) -> TrainingInfo:
    if found is None or found.project_id != project_id:
        raise not_found("the training")
    return found


_SUMMARY = (
    "objects", "judged_on", "split", "accuracy", "balanced_accuracy", "macro_f1",
    "calibration_error", "predicted", "spoken_meanwhile", "warnings",
)  # fmt: skip


def _brief(training: TrainingInfo) -> dict[str, Any]:
    return {
        "training_id": training.training_id,
        "kind": training.kind,
        "created_ms": training.created_ms,
        "undone_ms": training.undone_ms,
        **{name: training.report.get(name) for name in _SUMMARY},
    }

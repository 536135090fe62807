"""Releases: the list, training a new one, signing, assigning."""

import threading
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from models.bundle import BundleError
from models.evaluation import Evaluation
from server.api.deps import Manager, ShoreDep, Viewer, WitnessDep
from server.api.projects import existing
from server.clock import now_ms
from server.db import releases
from server.errors import ApiError
from server.fleet import registry
from server.fleet.registry import ReleaseRefusedError
from server.learning.material import NotEnoughError
from server.learning.train import Trained, train

router = APIRouter(prefix="/api", tags=["releases"])
_TRAINING = threading.Lock()
ReleaseId = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class TrainBody(BaseModel):
    parent: ReleaseId | None = None


class AssignBody(BaseModel):
    device_ids: (
        Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=1000)]
        | (Literal["all"])
    )


@router.get("/releases")
def all_releases(shore: ShoreDep, user: Viewer) -> list[dict[str, Any]]:
    with shore.database.read() as connection:
        return listed(connection)


def listed(connection: Connection) -> list[dict[str, Any]]:
    """The releases that the shore holds, newest first."""
    found = releases.held(connection)
    parents = releases.by_no(connection, [r.parent_no for r in found if r.parent_no is not None])
    return [
        {
            "release_id": release.release_id,
            "name": release.name,
            "created_ms": release.created_ms,
            "classes": list(release.classes),
            "signed": release.signature is not None,
            "figures": dict(release.figures),
            "parent": parents[release.parent_no].release_id if release.parent_no else None,
            "project_id": release.project_id,
        }
        for release in found
    ]


@router.post("/projects/{project_id}/train")
def train_project(
    shore: ShoreDep,
    user: Manager,
    witness: WitnessDep,
    project_id: int,
    body: TrainBody | None = None,
) -> dict[str, Any]:
    with shore.database.read() as connection:
        existing(connection, project_id)
    if not _TRAINING.acquire(blocking=False):
        raise ApiError(409, "busy", "Another training is under way; try again in a few seconds.")
    try:
        done = train(
            shore.database,
            shore.settings.releases,
            project_id=project_id,
            parent=body.parent if body else None,
            now_ms=now_ms(),
        )
    except NotEnoughError as error:
        raise ApiError(409, "not_enough", str(error)) from error
    except (ReleaseRefusedError, BundleError) as error:
        raise ApiError(409, "release", f"Not trained: {error}.") from error
    finally:
        _TRAINING.release()
    with shore.database.write() as connection:
        witness.note(connection, "release.train", done.release_id, detail=f"project {project_id}")
    return report(done)


def report(done: Trained) -> dict[str, Any]:
    """What a training gave, as JSON."""
    return {
        "release_id": done.release_id,
        "name": done.name,
        "parent": done.parent,
        "evaluation": {
            "candidate": _figures(done.candidate),
            "current": _figures(done.current),
            "n_train": done.n_train,
            "n_test": done.n_test,
            "split": done.split,
            "classes": [t.taxon for t in done.candidate.taxa],
            "left_out": done.left_out,
            "forgotten": list(done.forgotten),
            "set_aside": list(done.set_aside),
        },
        "seconds": round(done.seconds, 3),
    }


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    return {
        **evaluation.summary(),
        "by_taxon": [
            {
                "taxon": t.taxon,
                "support": t.support,
                "precision": t.precision,
                "recall": t.recall,
                "f1": t.f1,
            }
            for t in evaluation.taxa
            if t.support or t.predicted
        ],
    }


@router.post("/releases/{release_id}/sign")
def sign(shore: ShoreDep, user: Manager, witness: WitnessDep, release_id: str) -> dict[str, Any]:
    try:
        registry.sign(shore.database, shore.release_key, release_id)
    except ReleaseRefusedError as error:
        raise ApiError(404, "not_found", f"Not signed: {error}.") from error
    with shore.database.write() as connection:
        witness.note(connection, "release.sign", release_id)
    return {"release_id": release_id, "signed": True}


@router.post("/releases/{release_id}/assign")
def assign(
    shore: ShoreDep, user: Manager, witness: WitnessDep, release_id: str, body: AssignBody
) -> list[dict[str, Any]]:
    try:
        done = registry.assign(
            shore.database,
            shore.release_key,
            release_id,
            None if body.device_ids == "all" else list(body.device_ids),
            user_id=user.id,
            now_ms=now_ms(),
        )
    except ReleaseRefusedError as error:
        raise ApiError(409, "release", f"Not assigned: {error}.") from error
    with shore.database.write() as connection:
        said = ", ".join(f"{device} {deploy_seq}" for device, deploy_seq in done)
        witness.note(connection, "release.assign", release_id, detail=said)
    return [{"device_id": device, "deploy_seq": deploy_seq} for device, deploy_seq in done]

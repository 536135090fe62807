"""Releases: the list, training a new one, signing, assigning."""

import threading
from collections.abc import Collection
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from models.bundle import BundleError
from models.evaluation import Evaluation
from server.api.deps import Manager, ShoreDep, Viewer, WitnessDep
from server.api.rights import need, need_release
from server.clock import now_ms
from server.db import fleet, members, releases
from server.db.releases import ReleaseInfo
from server.db.users import UserInfo
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
        return listed(connection, members.projects_of(connection, user))


def listed(connection: Connection, projects: Collection[int] | None = None) -> list[dict[str, Any]]:
    """The releases that the shore holds, newest first; of these projects and of none, if given."""
    found = [r for r in releases.held(connection) if _shown(r, projects)]
    parents = releases.by_no(connection, [r.parent_no for r in found if r.parent_no is not None])
    return [
        {
            "release_id": release.release_id,
            "name": release.name,
            "created_ms": release.created_ms,
            "classes": list(release.classes),
            "signed": release.signature is not None,
            "figures": dict(release.figures),
            "parent": _id_of(parents.get(release.parent_no or 0), projects),
            "project_id": release.project_id,
        }
        for release in found
    ]


def _shown(release: ReleaseInfo, projects: Collection[int] | None) -> bool:
    return projects is None or release.project_id is None or release.project_id in projects


def _id_of(release: ReleaseInfo | None, projects: Collection[int] | None) -> str | None:
    return release.release_id if release is not None and _shown(release, projects) else None


@router.post("/projects/{project_id}/train")
def train_project(
    shore: ShoreDep,
    user: Manager,
    witness: WitnessDep,
    project_id: int,
    body: TrainBody | None = None,
) -> dict[str, Any]:
    with shore.database.read() as connection:
        need(connection, user, project_id, "manage")
        if body is not None and body.parent is not None:
            need_release(connection, user, body.parent)
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
    with shore.database.read() as connection:
        need_release(connection, user, release_id)
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
    with shore.database.read() as connection:
        need_release(connection, user, release_id)
        chosen = _chosen(connection, user, body)
    try:
        done = registry.assign(
            shore.database,
            shore.release_key,
            release_id,
            chosen,
            user_id=user.id,
            now_ms=now_ms(),
        )
    except ReleaseRefusedError as error:
        raise ApiError(409, "release", f"Not assigned: {error}.") from error
    with shore.database.write() as connection:
        said = ", ".join(f"{device} {deploy_seq}" for device, deploy_seq in done)
        witness.note(connection, "release.assign", release_id, detail=said)
    return [{"device_id": device, "deploy_seq": deploy_seq} for device, deploy_seq in done]


def _chosen(connection: Connection, user: UserInfo, body: AssignBody) -> list[str]:
    """The devices meant, which are all in projects that the person manages. Raises ApiError."""
    mine = members.projects_of(connection, user, "manage")
    rows = [row for row in fleet.all_devices(connection) if row["project_id"] in mine]
    active = [row["device_id"] for row in rows if row["status"] == "active"]
    if body.device_ids == "all":
        return active
    others = [device for device in body.device_ids if device not in active]
    if others:
        said = f"Not assigned: no active device {', '.join(others)[:200]} that you manage."
        raise ApiError(409, "release", said)
    return list(body.device_ids)

"""Validate, relabel, undo, redo."""

from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter
from pydantic import BaseModel, Field

from server.api.deps import ShoreDep, Viewer
from server.api.objects import ID_MAX
from server.api.rights import need
from server.clock import now_ms
from server.db import classify, turns
from server.db.changes import Request
from server.db.classify import MOST, ActionRefusedError
from server.db.users import UserInfo
from server.errors import ApiError
from server.shore import Shore

router = APIRouter(prefix="/api/projects/{project_id}", tags=["classify"])
Objid = Annotated[int, Field(ge=1, lt=ID_MAX)]


class ClassifyBody(BaseModel):
    """`key` is a UUID drawn by the client: the same again has no second effect."""

    action: Literal["validate", "dubious", "discard", "relabel", "reset"]
    objids: list[Objid] = Field(min_length=1, max_length=MOST)
    taxon_id: Objid | None = None
    key: UUID


class TurnBody(BaseModel):
    """`key` as above: an undo whose answer was lost, asked for again, undoes nothing further."""

    key: UUID = Field(default_factory=uuid4)


@router.post("/classify")
def act(shore: ShoreDep, user: Viewer, project_id: int, body: ClassifyBody) -> dict[str, Any]:
    request = Request(
        project_id, user.id, body.action, tuple(body.objids), body.taxon_id, str(body.key)
    )
    try:
        with shore.database.write() as connection:
            need(connection, user, project_id, "annotate")
            done = classify.act(connection, request, now_ms())
    except ActionRefusedError as refused:
        status = 404 if refused.code == "not_found" else 409
        raise ApiError(status, refused.code, str(refused)) from refused
    return {"action_id": done.action_id, "changed": done.changed}


@router.post("/undo")
def undo(
    shore: ShoreDep, user: Viewer, project_id: int, body: TurnBody | None = None
) -> dict[str, Any]:
    return _turned(shore, project_id, user, body, "undo")


@router.post("/redo")
def redo(
    shore: ShoreDep, user: Viewer, project_id: int, body: TurnBody | None = None
) -> dict[str, Any]:
    return _turned(shore, project_id, user, body, "redo")


def _turned(
    shore: Shore, project_id: int, user: UserInfo, body: TurnBody | None, word: str
) -> dict[str, Any]:
    turn = {"undo": turns.undo, "redo": turns.redo}[word]
    key = str((body or TurnBody()).key)
    try:
        with shore.database.write() as connection:
            need(connection, user, project_id, "annotate")
            done = turn(connection, project_id, user.id, key, now_ms())
    except ActionRefusedError as refused:
        raise ApiError(409, refused.code, str(refused)) from refused
    if done is None:
        raise ApiError(
            409, f"nothing_to_{word}", f"You have nothing left to {word} in this project."
        )
    return {"action_id": done.action_id, "changed": done.changed, "action": done.kind}

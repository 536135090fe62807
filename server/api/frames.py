"""Frames of a project: what each instrument looked at, with objects or without."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from server.api.deps import ShoreDep, Viewer
from server.api.objects import ID_MAX
from server.api.rights import need
from server.db import frames

router = APIRouter(prefix="/api/projects/{project_id}", tags=["frames"])


@router.get("/frames")
def of_project(
    shore: ShoreDep,
    user: Viewer,
    project_id: int,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    offset: Annotated[int, Query(ge=0, lt=ID_MAX)] = 0,
) -> list[dict[str, Any]]:
    with shore.database.read() as connection:
        need(connection, user, project_id)
        return frames.of_project(connection, project_id, limit, offset)

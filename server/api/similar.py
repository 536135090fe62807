"""Objects like this one, by the network's embedding."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from server.api.deps import ShoreDep, Viewer
from server.api.rights import need_object
from server.db import counts, embeddings, objects
from server.errors import ApiError
from server.jobs import similar as job
from server.shore import Shore
from server.similar.index import NoEmbeddingError, NotBuiltError, Similar

router = APIRouter(prefix="/api", tags=["objects"])


@router.get("/objects/{objid}/similar")
def similar(
    shore: ShoreDep,
    user: Viewer,
    objid: int,
    n: Annotated[int, Query(ge=1, le=1000)] = 100,
    status: Annotated[Literal["U", "P", "D", "V", "X"] | None, Query()] = None,
) -> dict[str, Any]:
    """The objects of the same project that the network sees as most alike, nearest first.

    `distance` is the L2 distance of their embeddings; `indexed` of the project's `total` objects
    could be compared. A project's first question may answer 409 while the index is being made."""
    with shore.database.read() as connection:
        project_id = need_object(connection, user, objid)
        total = counts.total(connection, project_id, None, None)
    keep = None if status is None else lambda c, ids: objects.of_status(c, ids, status)
    try:
        found = Similar(shore.database, shore.settings.similar).nearest(objid, n, keep)
    except NoEmbeddingError as error:
        raise ApiError(
            409, "no_embedding", f"{error}: it comes with the vignette of an instrument"
        ) from error
    except NotBuiltError as error:
        refresh(shore, objid, user.id)
        raise ApiError(409, "being_indexed", f"{error}: it is being made, ask again") from error
    if found.stale:
        refresh(shore, objid, user.id)
    return {
        "objects": [
            {"objid": one, "distance": round(away, 4)}
            for one, away in zip(found.objids, found.distances, strict=True)
        ],
        "indexed": found.indexed,
        "total": total,
    }


def refresh(shore: Shore, objid: int, user_id: int) -> None:
    """Have a worker bring the index of the object's project up to date."""
    with shore.database.write() as connection:
        like = embeddings.of_object(connection, objid)
        if like is not None:
            job.ask_for(connection, like, user_id)

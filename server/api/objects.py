"""Objects: a page of them for review, one of them with everything, its image."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from models.measures import MEASURES, MEASURES_VERSION
from server.api.deps import ShoreDep, Viewer
from server.api.projects import existing
from server.db import classify, objects
from server.db.objects import Filter
from server.errors import ApiError, not_found
from server.store.packs import PackError

router = APIRouter(prefix="/api", tags=["objects"])
Sort = Literal["score", "-score", "objid", "-objid", "esd_um", "-esd_um", "random"]
ID_MAX = 2**62
Score = Annotated[float | None, Query(ge=0, le=1)]
_IMAGE_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'",
    "Content-Disposition": "inline",
}


@router.get("/projects/{project_id}/objects")
def page(
    shore: ShoreDep,
    user: Viewer,
    project_id: int,
    taxon_id: Annotated[int | None, Query(ge=0, lt=ID_MAX)] = None,
    status: Literal["U", "P", "D", "V", "X"] | None = None,
    score_min: Score = None,
    score_max: Score = None,
    sample_id: Annotated[int | None, Query(ge=1, lt=ID_MAX)] = None,
    release: Annotated[str | None, Query(max_length=64)] = None,
    sort: Sort = "score",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, lt=ID_MAX)] = 0,
) -> dict[str, Any]:
    wanted = Filter(taxon_id, status, score_min, score_max, sample_id, release)
    with shore.database.read() as connection:
        existing(connection, project_id)
        total, rows = objects.page(
            connection, project_id, wanted, sort=sort, limit=limit, offset=offset
        )
    return {"total": total, "objects": rows}


@router.get("/objects/{objid}")
def one(shore: ShoreDep, user: Viewer, objid: int) -> dict[str, Any]:
    with shore.database.read() as connection:
        found = objects.get(connection, objid) if 0 < objid < ID_MAX else None
        if found is None:
            raise not_found(f"object {objid}")
        history = classify.history(connection, objid)
    return {
        **found.row,
        **found.context,
        "measures_version": found.measures_version,
        "measures": _by_name(found.measures_version, found.measures),
        "units": {measure.name: measure.unit for measure in MEASURES},
        "units": {m.name: m.unit for m in MEASURES},
        "images": found.images,
        "history": history,
    }


def _by_name(version: int, measures: bytes) -> dict[str, float]:
    """Measures by name when they are of our version, else by their place."""
    values = np.frombuffer(measures, "<f4").tolist()
    if version == MEASURES_VERSION and len(values) == len(MEASURES):
        return {m.name: value for m, value in zip(MEASURES, values, strict=True)}
    return {f"measure_{i}": value for i, value in enumerate(values)}


@router.get("/objects/{objid}/image")
def image(
    shore: ShoreDep, user: Viewer, objid: int, rank: Annotated[int, Query(ge=0, le=100)] = 0
) -> Response:
    with shore.database.read() as connection:
        place = objects.image_place(connection, objid, rank) if 0 < objid < ID_MAX else None
    if place is None:
        raise not_found(f"image {rank} of object {objid}")
    try:
        data = shore.packs.read(place)
    except PackError as error:
        raise ApiError(500, "pack", f"The image cannot be read: {error}.") from error
    return Response(data, media_type="image/png", headers=_IMAGE_HEADERS)

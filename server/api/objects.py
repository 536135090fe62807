"""Objects: a page of them for review, one of them with everything, its image."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from models import brief
from models.measure_table import MEASURES, names_of
from server.api.deps import ShoreDep, Viewer
from server.api.rights import need, need_object
from server.db import history, images, objects, objects_free, projects
from server.db.objects import Everything, Filter
from server.db.objects_free import ColumnError, FreeFilter
from server.ecotaxa.pictures import PictureError, as_png
from server.errors import ApiError, not_found
from server.projects.shown import FIELD, shown_columns
from server.store.packs import PackError

router = APIRouter(prefix="/api", tags=["objects"])
ID_MAX = 2**62
SHOWN = ("PNG", "JPEG", "GIF", "WEBP")
"""Formats that every browser shows; Pillow's names."""
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""For an address that always gives the same bytes."""
IMAGE_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'",
    "Content-Disposition": "inline",
}


class PageQuery(BaseModel):
    """The filter, the sort and the place; a misspelt name is refused, not ignored. `free` names a
    free column, with `free_min` and `free_max` of a number or `free_text` in a text; the sort may
    be "free." and such a name."""

    model_config = ConfigDict(extra="forbid")

    taxon_id: int | None = Field(default=None, ge=0, lt=ID_MAX)
    status: Literal["U", "P", "D", "V", "X"] | None = None
    score_min: float | None = Field(default=None, ge=0, le=1)
    score_max: float | None = Field(default=None, ge=0, le=1)
    sample_id: int | None = Field(default=None, ge=1, lt=ID_MAX)
    release: str | None = Field(default=None, max_length=64)
    free: str | None = Field(default=None, min_length=1, max_length=250)
    free_min: float | None = Field(default=None, allow_inf_nan=False)
    free_max: float | None = Field(default=None, allow_inf_nan=False)
    free_text: str | None = Field(default=None, min_length=1, max_length=250)
    sort: str = Field(
        default="score", max_length=260, pattern=r"^(random|-?(score|objid|esd_um|free\..+))$"
    )
    limit: int = Field(default=100, ge=1, le=500)
    offset: int = Field(default=0, ge=0, lt=ID_MAX)


@router.get("/projects/{project_id}/objects")
def page(
    shore: ShoreDep, user: Viewer, project_id: int, asked: Annotated[PageQuery, Query()]
) -> dict[str, Any]:
    wanted = Filter(
        asked.taxon_id,
        asked.status,
        asked.score_min,
        asked.score_max,
        asked.sample_id,
        asked.release,
        _free(asked),
    )
    with shore.database.read() as connection:
        need(connection, user, project_id)
        try:
            total, rows = objects.page(
                connection,
                project_id,
                wanted,
                sort=asked.sort,
                limit=asked.limit,
                offset=asked.offset,
            )
        except ColumnError as error:
            raise ApiError(422, "free", f"Not shown: {error}.") from error
        _add_shown(connection, project_id, rows)
        if shore.packs.far:
            shore.packs.expect(images.first_places(connection, [row["objid"] for row in rows]))
    return {"total": total, "objects": rows}


def _free(asked: PageQuery) -> FreeFilter | None:
    given = (asked.free_min, asked.free_max, asked.free_text)
    if asked.free is None:
        if any(value is not None for value in given):
            raise ApiError(422, "free", "free: say which free column is meant.")
        return None
    if all(value is None for value in given):
        return None
    return FreeFilter(asked.free, *given)


def _add_shown(connection: Connection, project_id: int, rows: list[dict[str, Any]]) -> None:
    """The free columns that the project shows under vignettes, as [name, value], in its order."""
    names = shown_columns(str(projects.settings(connection, project_id).kept.get(FIELD, "")))
    objids = [row["objid"] for row in rows]
    found = objects_free.values(connection, project_id, objids, names) if names else {}
    for row in rows:
        row["free"] = [[name, value] for name, value in found.get(row["objid"], {}).items()]


@router.get("/objects/{objid}")
def one(shore: ShoreDep, user: Viewer, objid: int) -> dict[str, Any]:
    with shore.database.read() as connection:
        project_id = need_object(connection, user, objid)
        found = objects.get(connection, objid)
        if found is None:
            raise not_found(f"object {objid}")
        events = history.history(connection, objid)
        columns = objects_free.everything(connection, project_id, objid)
    return {
        **found.row,
        **found.context,
        **_measures(found),
        "units": {measure.name: measure.unit for measure in MEASURES},
        "free": list(columns.items()),
        "images": found.images,
        "history": events,
    }


def _measures(found: Everything) -> dict[str, Any]:
    """Measures by name, as far as the version that measured them is known and still holds: exact
    once they have come, those of the object's record until then, which are off by up to 0.2 %."""
    version = found.measures_version
    if found.measures is None:
        named = brief.named(version, found.brief)
        precision = "brief" if named else None
    else:
        values = np.frombuffer(found.measures, "<f4").tolist()
        named = dict(zip(names_of(version, len(values)), values, strict=True))
        precision = "exact"
    return {"measures_version": version, "measures": named, "precision": precision}


@router.get("/objects/{objid}/image")
def image(
    shore: ShoreDep,
    user: Viewer,
    objid: int,
    rank: Annotated[int | None, Query(ge=0, lt=ID_MAX)] = None,
    original: bool = False,
    v: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """An object's image, the first one unless `rank` says which. One of a format that browsers do
    not show (TIFF, BMP) becomes a PNG, unless the `original` is asked for. It may be kept for ever
    by whoever asks for the version `v` that it is: a larger image may take its place."""
    with shore.database.read() as connection:
        need_object(connection, user, objid)
        found = images.image(connection, objid, rank)
    if found is None:
        raise not_found(f"image {rank or 0} of object {objid}")
    try:
        data = shore.packs.read(found.place)
        headers = {**IMAGE_HEADERS, **(FOR_EVER if v == found.version else {})}
        if found.format in SHOWN or original:
            kind = f"image/{found.format.lower()}"
            return Response(data, media_type=kind, headers=headers)
        return Response(as_png(data), media_type="image/png", headers=headers)
    except PackError as error:
        raise ApiError(500, "pack", f"The image cannot be read: {error}.") from error
    except PictureError as error:
        raise ApiError(500, "image", f"The image cannot be shown: {error}.") from error

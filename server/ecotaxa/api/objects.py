"""Objects, as EcoTaxa's API finds and shows them.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
        -d '{"statusfilter": "V"}' \
        "http://127.0.0.1:8765/object_set/1/query?fields=obj.orig_id,fre.area&window_size=100"
"""

from typing import Annotated

from fastapi import Body, Query, Response
from sqlalchemy import Connection

from server.api.deps import ShoreDep, Viewer
from server.api.objects import IMAGE_HEADERS
from server.api.rights import need, need_object
from server.db import images, members
from server.db.ecotaxa import levels, objects, sets
from server.db.ecotaxa.fields import FieldError
from server.db.ecotaxa.filters import Filters, Scope
from server.db.ecotaxa.given import FilterError
from server.db.ecotaxa.sets import Wanted
from server.db.users import UserInfo
from server.ecotaxa.api.answers_objects import (
    HistoricalClassification,
    ImageModel,
    ObjectModel,
    ObjectSetQueryRsp,
    ObjectSetSummaryRsp,
    PredictionInfoRsp,
)
from server.ecotaxa.api.asked import Numbers, ProjectFilters
from server.ecotaxa.api.routes import eco_router, json_answer
from server.errors import ApiError, not_found
from server.jobs import indexes
from server.store.packs import PackError

router = eco_router("objects")
FIELDS_MOST = 700
Names = Annotated[str, Query()]
Window = Annotated[int, Query(ge=0, lt=2**31)]


def scope_of(connection: Connection, user: UserInfo, project_id: int) -> Scope:
    return Scope(connection, project_id, user.id, levels.names(connection, project_id))


def filters_of(filters: ProjectFilters) -> Filters:
    """Raises ApiError naming a filter that cannot be used."""
    try:
        return Filters(filters.given())
    except FilterError as error:
        raise ApiError(422, "filters", f"{error}.") from error


@router.post("/object_set/{project_id:int}/query", response_model=ObjectSetQueryRsp)
def get_object_set(
    shore: ShoreDep,
    user: Viewer,
    project_id: int,
    filters: ProjectFilters,
    fields: Names = "",
    order_field: Annotated[str, Query(max_length=300)] = "",
    window_start: Window = 0,
    window_size: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
) -> Response:
    """The objects that fit, with the wanted fields of each, in the wanted order."""
    names = tuple(name for name in fields.split(",") if name.strip())
    if len(names) > FIELDS_MOST:
        raise ApiError(422, "fields", f"fields: at most {FIELDS_MOST}, not {len(names)}.")
    wanted = Wanted(names, order_field or None, window_start, window_size)
    with shore.database.read() as connection:
        need(connection, user, project_id)
        scope, asked = scope_of(connection, user, project_id), filters_of(filters)
        try:
            found = sets.window(scope, asked, wanted)
        except FieldError as error:
            raise ApiError(422, "fields", f"{error}.") from error
        except FilterError as error:
            raise ApiError(422, "filters", f"{error}.") from error
    places = [*asked.free_places(), *sets.order_places(scope, wanted.order)]
    indexes.ask_for(shore, project_id, places, user.id)
    return json_answer(
        {
            "object_ids": [ids[0] for ids in found.ids],
            "acquisition_ids": [ids[1] for ids in found.ids],
            "sample_ids": [ids[2] for ids in found.ids],
            "project_ids": [project_id] * len(found.ids),
            "details": found.details,
            "total_ids": found.total,
        }
    )


@router.post("/object_set/{project_id:int}/summary")
def get_object_set_summary(
    shore: ShoreDep, user: Viewer, project_id: int, filters: ProjectFilters, only_total: bool
) -> ObjectSetSummaryRsp:
    """How many objects fit, and by state."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        scope = scope_of(connection, user, project_id)
        try:
            if only_total:
                return ObjectSetSummaryRsp(total_objects=sets.total(scope, filters_of(filters)))
            numbers = sets.by_status(scope, filters_of(filters))
        except FilterError as error:
            raise ApiError(422, "filters", f"{error}.") from error
    return ObjectSetSummaryRsp(
        total_objects=numbers.total(),
        validated_objects=numbers["V"],
        dubious_objects=numbers["D"],
        predicted_objects=numbers["P"],
    )


@router.post("/object_set/parents", response_model=ObjectSetQueryRsp)
def query_object_set_parents(
    shore: ShoreDep, user: Viewer, body: Annotated[Numbers, Body()]
) -> Response:
    """The objects of the list with their acquisitions, samples and projects."""
    with shore.database.read() as connection:
        check_objects(connection, user, body)
        found = objects.parents(connection, body)
    return json_answer(
        {
            "object_ids": [one[0] for one in found],
            "acquisition_ids": [one[1] for one in found],
            "sample_ids": [one[2] for one in found],
            "project_ids": [one[3] for one in found],
            "details": [],
            "total_ids": len(found),
        }
    )


@router.post("/object_set/predictions")
def object_set_predictions(
    shore: ShoreDep, user: Viewer, body: Annotated[Numbers, Body()]
) -> PredictionInfoRsp:
    with shore.database.read() as connection:
        check_objects(connection, user, body)
        return PredictionInfoRsp(result=objects.predictions(connection, body))


def check_objects(connection: Connection, user: UserInfo, objids: list[int]) -> None:
    """That the person may see every object of the list. Raises ApiError."""
    for project_id in members.rights_to_objects(connection, user, objids):
        need(connection, user, project_id)


@router.get("/object/{object_id:int}")
def object_query(shore: ShoreDep, user: Viewer, object_id: int) -> ObjectModel:
    with shore.database.read() as connection:
        need_object(connection, user, object_id)
        found = objects.one(connection, object_id)
    if found is None:
        raise not_found(f"object {object_id}")
    return ObjectModel(
        **found.values,
        sample_id=found.sample_id,
        project_id=found.project_id,
        images=[ImageModel(**image) for image in found.images],
        free_columns=found.free,
    )


@router.get("/object/{object_id:int}/history")
def object_query_history(
    shore: ShoreDep, user: Viewer, object_id: int
) -> list[HistoricalClassification]:
    with shore.database.read() as connection:
        need_object(connection, user, object_id)
        found = objects.history(connection, object_id)
    return [HistoricalClassification(**event) for event in found]


@router.get("/vault/{folder}/{file}", include_in_schema=False)
def vault(shore: ShoreDep, user: Viewer, folder: str, file: str) -> Response:
    """An image where EcoTaxa's scripts look for it: `img.file_name` below `/vault/`."""
    stem = file.partition(".")[0]
    plain = folder.isascii() and folder.isdigit() and stem.isascii() and stem.isdigit()
    number = int(folder) * 10_000 + int(stem) if plain and len(folder + stem) < 18 else 0
    with shore.database.read() as connection:
        known = objects.image_of(connection, number)
        if known is None:
            raise not_found(f"image {folder}/{file}")
        need_object(connection, user, known[0])
        shown = images.image(connection, known[0], known[1])
    if shown is None:
        raise not_found(f"image {folder}/{file}")
    try:
        data = shore.packs.read(shown.place)
    except PackError as error:
        raise ApiError(500, "pack", f"The image cannot be read: {error}.") from error
    return Response(data, media_type=f"image/{known[2].lower()}", headers=IMAGE_HEADERS)

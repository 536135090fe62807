"""What EcoTaxa's API says about objects: taxon and state, and their columns.

Everything is an action that the review page can undo, but for columns, which EcoTaxa keeps no
history of either.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
        -d '{"target_ids": [17], "classifications": [-1], "wanted_qualification": "V"}' \
        http://127.0.0.1:8765/object_set/classify
    1
"""

from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection

from server.api.deps import ShoreDep, Viewer
from server.api.rights import need
from server.auth.rights import Right
from server.clock import now_ms
from server.db import members
from server.db.ecotaxa import classifying, sets, updating
from server.db.ecotaxa.classifying import KEEP, Classification, ClassifyError
from server.db.ecotaxa.given import FilterError
from server.db.ecotaxa.updating import UpdateError
from server.db.users import UserInfo
from server.ecotaxa.api.asked import BulkUpdateReq, ClassifyReq, ProjectFilters
from server.ecotaxa.api.objects import filters_of, scope_of
from server.ecotaxa.api.routes import eco_router
from server.errors import ApiError, not_found

router = eco_router("objects")
STATES = ("V", "D", "X", KEEP)
_ID_MOST = 2**31


@router.post("/object_set/classify")
def classify_object_set(shore: ShoreDep, user: Viewer, body: ClassifyReq) -> int:
    """A taxon for each object (-1: the one it has) and one state for all; how many changed."""
    if len(body.target_ids) != len(body.classifications):
        raise ApiError(422, "classifications", "classifications: expected one for each target_id.")
    if body.wanted_qualification not in STATES:
        expected = "expected V, D, X, or = to keep each object's own"
        raise ApiError(422, "wanted_qualification", f"wanted_qualification: {expected}.")
    taxa = {
        objid: None if taxon == -1 else taxon
        for objid, taxon in zip(body.target_ids, body.classifications, strict=True)
    }
    if not taxa:
        return 0
    try:
        with shore.database.write() as connection:
            project_id = project_of(connection, user, body.target_ids, "annotate")
            wanted = Classification(project_id, user.id, taxa, body.wanted_qualification)
            return classifying.classify(connection, wanted, now_ms())
    except ClassifyError as error:
        raise ApiError(422, "classify", f"Nothing was changed: {error}.") from error


@router.post("/object_set/{project_id:int}/reclassify")
def reclassify_object_set(
    shore: ShoreDep,
    user: Viewer,
    project_id: int,
    filters: ProjectFilters,
    forced_id: Annotated[int, Query(ge=1, lt=_ID_MOST)],
    reason: Annotated[str, Query(max_length=250)],
) -> int:
    """Another taxon for all that fit, in whatever state they are; how many fit."""
    try:
        with shore.database.write() as connection:
            need(connection, user, project_id, "annotate")
            scope = scope_of(connection, user, project_id)
            found = sets.objids(scope, filters_of(filters))
            wanted = Classification(project_id, user.id, dict.fromkeys(found, forced_id), KEEP)
            classifying.classify(connection, wanted, now_ms())
    except FilterError as error:
        raise ApiError(422, "filters", f"{error}.") from error
    except ClassifyError as error:
        raise ApiError(422, "classify", f"Nothing was changed: {error}.") from error
    return len(found)


@router.post("/object_set/{project_id:int}/reset_to_predicted")
def reset_object_set_to_predicted(
    shore: ShoreDep, user: Viewer, project_id: int, filters: ProjectFilters
) -> None:
    """Take back people's word from all that fit: they are predicted, as their present taxon."""
    try:
        with shore.database.write() as connection:
            need(connection, user, project_id, "manage")
            scope = scope_of(connection, user, project_id)
            found = sets.objids(scope, filters_of(filters))
            classifying.reset(connection, project_id, user.id, found, now_ms())
    except FilterError as error:
        raise ApiError(422, "filters", f"{error}.") from error


@router.post("/object_set/update")
def update_object_set(shore: ShoreDep, user: Viewer, body: BulkUpdateReq) -> int:
    """Set columns of objects; a taxon and a state by EcoTaxa's names go the way of classify."""
    updates = {one.ucol: one.uval for one in body.updates}
    said = {one: updates.pop(one) for one in set(updates) & {"classif_id", "classif_qual"}}
    for name in ("classif_who", "classif_when"):
        if name in updates:
            raise ApiError(422, "update", f"{name}: who said what and when is not for changing.")
    if not body.target_ids:
        return 0
    try:
        with shore.database.write() as connection:
            project_id = project_of(connection, user, body.target_ids, "manage")
            changed = 0
            if said:
                wanted = _said(project_id, user.id, body.target_ids, said)
                changed = classifying.classify(connection, wanted, now_ms())
            if updates:
                changed = updating.update_objects(connection, project_id, body.target_ids, updates)
            return changed
    except (UpdateError, ClassifyError) as error:
        raise ApiError(422, "update", f"Nothing was changed: {error}.") from error


def _said(
    project_id: int, user_id: int, objids: list[int], said: dict[str, str | int | float | None]
) -> Classification:
    """Raises UpdateError."""
    state = str(said.get("classif_qual", KEEP))
    if state not in STATES:
        raise UpdateError(f"classif_qual: '{state}': expected V, D or X")
    taxon = said.get("classif_id")
    if taxon is not None and not str(taxon).isdecimal():
        raise UpdateError(f"classif_id: '{taxon}': expected a taxon's number")
    number = None if taxon is None else min(int(taxon), _ID_MOST - 1)
    return Classification(project_id, user_id, dict.fromkeys(objids, number), state)


def project_of(connection: Connection, user: UserInfo, objids: list[int], needed: Right) -> int:
    """The one project that all the objects are in, when the person may what is needed there.
    Raises ApiError."""
    projects = list(members.rights_to_objects(connection, user, objids))
    for project_id in projects:
        need(connection, user, project_id, needed)
    if not projects:
        raise not_found("target_ids")
    if len(projects) > 1:
        raise ApiError(422, "target_ids", "target_ids: expected objects of one project.")
    return projects[0]

"""Samples, acquisitions and processes, as EcoTaxa's API finds and changes them.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" \
        "http://127.0.0.1:8765/samples/search?project_ids=1&id_pattern=*"
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from server.api.deps import OptionalLogin, ShoreDep, Viewer
from server.api.rights import need
from server.db.ecotaxa import parents, updating
from server.db.ecotaxa.levels import projects_of
from server.db.ecotaxa.projects import instruments
from server.db.ecotaxa.updating import UpdateError
from server.db.members import projects_of as visible_to
from server.db.users import UserInfo
from server.ecotaxa.api.answers_objects import AcquisitionModel, ProcessModel, SampleModel
from server.ecotaxa.api.asked import BulkUpdateReq
from server.ecotaxa.api.routes import eco_router, numbers_in
from server.errors import ApiError, not_found
from server.shore import Shore

router = eco_router("samples, acquisitions, processes")
Ids = Annotated[str, Query()]
_MOST = 2**62


@router.get("/samples/search")
def samples_search(
    shore: ShoreDep,
    user: Viewer,
    project_ids: Ids,
    id_pattern: Annotated[str, Query(max_length=250)],
) -> list[SampleModel]:
    """Samples of the projects; in the pattern * stands for any letters, "" for everything."""
    with shore.database.read() as connection:
        wanted = numbers_in(project_ids)
        for project_id in wanted:
            need(connection, user, project_id)
        found = parents.samples(connection, project_ids=wanted)
    fits = _matcher(id_pattern)
    return [SampleModel(**sample) for sample in found if fits(sample["orig_id"])]


def _matcher(pattern: str) -> Callable[[str], Any]:
    """
    >>> bool(_matcher("*leg2")("Dewex_Leg2")), bool(_matcher("")("anything"))
    (True, True)
    """
    if not pattern:
        return lambda _: True
    text = ".*".join(re.escape(part) for part in re.split(r"[*%]", pattern))
    return re.compile(text, re.IGNORECASE).fullmatch


@router.get("/sample/{sample_id:int}")
def sample_query(shore: ShoreDep, user: Viewer, sample_id: int) -> SampleModel:
    with shore.database.read() as connection:
        found = parents.samples(connection, sample_ids=[min(sample_id, _MOST)])
        if not found:
            raise not_found(f"sample {sample_id}")
        need(connection, user, found[0]["projid"])
    return SampleModel(**found[0])


@router.get("/acquisitions/search")
def acquisitions_search(
    shore: ShoreDep, user: Viewer, project_id: Annotated[int, Query(ge=0, lt=_MOST)]
) -> list[AcquisitionModel]:
    with shore.database.read() as connection:
        need(connection, user, project_id)
        found = parents.acquisitions(connection, project_id=project_id)
    return [AcquisitionModel(**values) for _, values in found]


@router.get("/acquisition/{acquisition_id:int}")
def acquisition_query(shore: ShoreDep, user: Viewer, acquisition_id: int) -> AcquisitionModel:
    with shore.database.read() as connection:
        found = parents.acquisitions(connection, acquisition_id=min(acquisition_id, _MOST))
        if not found:
            raise not_found(f"acquisition {acquisition_id}")
        need(connection, user, found[0][0])
    return AcquisitionModel(**found[0][1])


@router.get("/process/{process_id:int}")
def process_query(shore: ShoreDep, user: Viewer, process_id: int) -> ProcessModel:
    with shore.database.read() as connection:
        found = parents.process(connection, min(process_id, _MOST))
        if found is None:
            raise not_found(f"process {process_id}")
        need(connection, user, found[0])
    return ProcessModel(**found[1])


@router.post("/sample_set/update")
def update_samples(shore: ShoreDep, user: Viewer, body: BulkUpdateReq) -> int:
    return _update(shore, user, "sam", body)


@router.post("/acquisition_set/update")
def update_acquisitions(shore: ShoreDep, user: Viewer, body: BulkUpdateReq) -> int:
    return _update(shore, user, "acq", body)


@router.post("/process_set/update")
def update_processes(shore: ShoreDep, user: Viewer, body: BulkUpdateReq) -> int:
    return _update(shore, user, "prc", body)


def _update(shore: Shore, user: UserInfo, level: str, body: BulkUpdateReq) -> int:
    """Set columns of a level's rows, all of one project; how many."""
    updates = {one.ucol: one.uval for one in body.updates}
    try:
        with shore.database.write() as connection:
            project_id = the_project(
                connection, user, projects_of(connection, level, body.target_ids)
            )
            return updating.update_levels(connection, level, project_id, body.target_ids, updates)
    except UpdateError as error:
        raise ApiError(422, "update", f"Nothing was changed: {error}.") from error
    except IntegrityError as error:
        raise ApiError(409, "orig_id", "Nothing was changed: the name is taken.") from error


def the_project(connection: Connection, user: UserInfo, found: dict[int, int]) -> int:
    """The one project that all of these are in, when the person manages it. `found` is project by
    number of what was named. Raises ApiError."""
    projects = set(found.values())
    for project in projects:
        need(connection, user, project, "manage")
    if len(projects) != 1:
        many = f"they are in {len(projects)} projects" if projects else "there are none of them"
        raise ApiError(422, "target_ids", f"target_ids: expected those of one project; {many}.")
    return projects.pop()


@router.get("/instruments/")
def instrument_query(shore: ShoreDep, login: OptionalLogin, project_ids: Ids) -> list[str]:
    """What the projects' objects were taken with; "all": of every project one may see. EcoTaxa's
    clients ask without a token; strangers see no project."""
    if login is None:
        return []
    user = login.user
    with shore.database.read() as connection:
        mine = visible_to(connection, user)
        wanted = list(mine) if project_ids.strip() == "all" else numbers_in(project_ids)
        for project_id in wanted:
            need(connection, user, project_id)
        return instruments(connection, wanted)

"""Projects, as EcoTaxa's API finds, makes, shows and changes them.

`GET /api/projects/{id}` is an address of our own API too: one answer has the fields of both.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" "http://127.0.0.1:8765/projects/search?title_filter=Tara"
"""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from server.api import projects as own
from server.api.deps import Manager, ShoreDep, Viewer
from server.api.rights import need
from server.auth.rights import Right
from server.clock import now_ms
from server.db import counts, members
from server.db import projects as kept
from server.db.ecotaxa import projects as eco
from server.db.ecotaxa.levels import names_above, numbered
from server.db.ecotaxa.projects import Person, ProjectRow
from server.db.projects import TitleTakenError
from server.db.users import UserInfo
from server.ecotaxa.api.answers import MinUserModel, ProjectModel
from server.ecotaxa.api.asked import CreateProjectReq
from server.ecotaxa.api.routes import eco_router
from server.errors import ApiError

router = eco_router("projects")
RIGHTS: dict[Right, str] = {"view": "View", "annotate": "Annotate", "manage": "Manage"}
LICENCES = ("CC0 1.0", "CC BY 4.0", "CC BY-NC 4.0", "Copyright", "")


class Both(ProjectModel):
    """EcoTaxa's fields, and those of our own API beside them."""

    model_config = ConfigDict(extra="allow")


class SearchQuery(BaseModel):
    """What projects are looked for by. `also_others` and the misspelt are passed over, as in
    EcoTaxa."""

    not_granted: bool = False
    for_managing: bool = False
    title_filter: str = Field(default="", max_length=250)
    instrument_filter: str = Field(default="", max_length=250)
    filter_subset: bool = False
    order_field: str = Field(default="", max_length=40)
    summary: bool = False
    window_start: int = Field(default=0, ge=0, lt=2**31)
    window_size: int | None = Field(default=None, ge=0, lt=2**31)

    def fits(self, row: ProjectRow) -> bool:
        title = self.title_filter.lower()
        return (
            (title in row.title.lower() or title == str(row.project_id))
            and self.instrument_filter.lower() in row.instrument.lower()
            and (not self.filter_subset or "subset" in row.title.lower())
        )


@router.get("/projects/search")
def search_projects(
    shore: ShoreDep, user: Viewer, asked: Annotated[SearchQuery, Query()]
) -> list[ProjectModel]:
    """Projects that one may see; `not_granted`: those of them in which one is no member."""
    with shore.database.read() as connection:
        mine = members.projects_of(connection, user, "manage" if asked.for_managing else "view")
        rows = [row for row in eco.rows(connection, mine) if asked.fits(row)]
        if asked.not_granted:
            people = eco.people(connection, [row.project_id for row in rows])
            rows = [row for row in rows if not _belongs(people.get(row.project_id, {}), user)]
        found = models(connection, rows, mine, with_columns=not asked.summary)
    if asked.order_field:
        found = _ordered(found, asked.order_field)
    end = None if asked.window_size is None else asked.window_start + asked.window_size
    return found[asked.window_start : end]


def _belongs(people: dict[str, list[Person]], user: UserInfo) -> bool:
    return any(user.id == person[0] for those in people.values() for person in those)


def _ordered(found: list[ProjectModel], name: str) -> list[ProjectModel]:
    if name not in ProjectModel.model_fields:
        names = ", ".join(sorted(ProjectModel.model_fields))
        raise ApiError(422, "order_field", f"order_field: '{name}': expected one of {names}.")
    there = [one for one in found if isinstance(getattr(one, name), str | int | float)]
    others = [one for one in found if one not in there]
    return sorted(there, key=lambda one: getattr(one, name)) + others


@router.post("/projects/create")
def create_project(shore: ShoreDep, user: Manager, body: CreateProjectReq) -> int:
    """An empty project, managed by whoever makes it; its number."""
    try:
        with shore.database.write() as connection:
            if body.clone_of_id is not None:
                need(connection, user, body.clone_of_id)
            project_id = kept.create(
                connection, title=body.title.strip(), user_id=user.id, now_ms=now_ms()
            )
            members.put(connection, project_id, user.id, "manage", now_ms())
            if body.clone_of_id is not None:
                eco.clone(connection, body.clone_of_id, project_id)
            access = body.access or (None if body.visible else "private")
            values: dict[str, Any] = {} if access is None else {"access": access}
            if body.instrument not in ("", "?"):
                values["instrument"] = body.instrument
            eco.change(connection, project_id, values | {"status": "Annotate"})
    except TitleTakenError as error:
        raise ApiError(409, "title", f"Not created: {error}.") from error
    return project_id


@router.get("/projects/{project_id:int}")
def project_query(
    shore: ShoreDep, user: Viewer, project_id: int, for_managing: bool = False
) -> Both:
    ours = own.project(shore, user, project_id)
    with shore.database.read() as connection:
        right = need(connection, user, project_id, "manage" if for_managing else "view")
        rows = eco.rows(connection, [project_id])
        [model] = models(connection, rows, {project_id: right}, with_columns=True)
    return Both(**{**ours, **model.model_dump()})


@router.put("/projects/{project_id:int}")
def update_project(shore: ShoreDep, user: Viewer, project_id: int, body: ProjectModel) -> None:
    """What the model says of the project itself and of its people; counts and free columns are
    passed over, as in EcoTaxa."""
    if body.license not in LICENCES:
        raise ApiError(422, "license", f"license: expected one of {', '.join(LICENCES)}.")
    if not body.title.strip() or len(body.title) > 250:
        raise ApiError(422, "title", "title: expected 1 to 250 characters.")
    try:
        with shore.database.write() as connection:
            need(connection, user, project_id, "manage")
            access = body.access or ("open" if body.visible else "private")
            eco.change(
                connection,
                project_id,
                {
                    "title": body.title.strip(),
                    "access": access,
                    "licence": body.license,
                    "instrument": (body.instrument or "")[:32],
                    "description": body.description or "",
                    **{
                        name: getattr(body, name)
                        for name in eco.SETTINGS
                        if name not in ("contact", "bodc_variables")
                    },
                    "bodc_variables": body.bodc_variables or None,
                    "contact": body.contact and body.contact.id,
                },
            )
            _set_people(connection, project_id, body)
    except TitleTakenError as error:
        raise ApiError(409, "title", f"Not changed: {error}.") from error
    except members.LastManagerError as error:
        raise ApiError(409, "last_manager", f"Not changed: {error}.") from error


def _set_people(connection: Connection, project_id: int, body: ProjectModel) -> None:
    """Make the project's members those of the three lists; nobody is taken away when all are
    empty, as in a model that was made by hand."""
    lists: tuple[tuple[Right, list[MinUserModel]], ...] = (
        ("view", body.viewers),
        ("annotate", body.annotators),
        ("manage", body.managers),
    )
    wanted = {person.id: may for may, those in lists for person in those}
    if not wanted:
        return
    before = {one.user_id for one in members.of_project(connection, project_id)}
    for user_id in sorted(wanted, key=lambda one: wanted[one] != "manage"):
        if not eco.is_person(connection, user_id):
            raise ApiError(422, "people", f"There is no user {user_id}.")
        members.put(connection, project_id, user_id, wanted[user_id], now_ms())
    for user_id in before - set(wanted):
        members.remove(connection, project_id, user_id)


@router.put("/projects/{project_id:int}/prediction_settings")
def set_prediction_settings(
    shore: ShoreDep,
    user: Viewer,
    project_id: int,
    settings: Annotated[str, Query(max_length=4000)],
) -> None:
    with shore.database.write() as connection:
        need(connection, user, project_id, "annotate")
        eco.change(connection, project_id, {"classifsettings": settings})


def models(
    connection: Connection, rows: list[ProjectRow], rights: dict[int, Right], *, with_columns: bool
) -> list[ProjectModel]:
    """The projects as EcoTaxa shows them."""
    ids = [row.project_id for row in rows]
    numbers, people = counts.by_status(connection, ids), eco.people(connection, ids)
    columns = eco.columns(connection, ids) if with_columns else {}
    return [
        _model(
            row,
            rights.get(row.project_id),
            people.get(row.project_id, {}),
            numbers[row.project_id],
            {
                "obj_free_cols": columns.get(row.project_id, {}),
                **(_above(connection, row.project_id) if with_columns else {}),
            },
        )
        for row in rows
    ]


def _above(connection: Connection, project_id: int) -> dict[str, dict[str, str]]:
    above = names_above(connection, project_id)
    words = {"sam": "sample", "acq": "acquisition", "prc": "process"}
    return {f"{words[level]}_free_cols": numbered(names) for level, names in above.items()}


def _model(
    row: ProjectRow,
    right: Right | None,
    people: dict[str, list[Person]],
    numbers: dict[str, int],
    columns: dict[str, dict[str, str]],
) -> ProjectModel:
    total = sum(numbers.values())
    shown = {
        may: [MinUserModel(id=i, email=email, name=name) for i, email, name in those]
        for may, those in people.items()
    }
    settings = dict(row.settings)
    contact = settings.pop("contact", None)
    managers = shown.get("manage", [])
    return ProjectModel(
        projid=row.project_id,
        title=row.title,
        instrument=row.instrument or None,
        description=row.description or None,
        license=row.licence,
        access=row.access,
        visible=row.access != "private",
        highest_right=RIGHTS[right] if right else "",
        managers=managers,
        annotators=shown.get("annotate", []),
        viewers=shown.get("view", []),
        contact=next((one for one in managers if one.id == contact), None),
        objcount=total,
        pctvalidated=100 * numbers["V"] / total if total else None,
        pctclassified=100 * (total - numbers["U"]) / total if total else None,
        **{"status": "Annotate", **settings, **columns},
    )

"""A project's settings: what it is called, who sees it, how its data may be used, what it shows.

Example:
    $ curl -X PATCH -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
          -d '{"access": "private", "licence": "CC BY 4.0"}' "$SHORE/api/projects/3/settings"
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import Connection

from server.api.deps import ShoreDep, Viewer, WitnessDep
from server.api.rights import need
from server.db import free, projects
from server.db.projects import TitleTakenError
from server.errors import ApiError
from server.projects.licences import LICENCES
from server.projects.shown import FIELD, shown_columns, shown_text

router = APIRouter(prefix="/api/projects/{project_id}", tags=["projects"])
SHOWN_MAX = 6
"""Columns under a vignette: more would leave no room for it."""
Title = Annotated[
    str, Field(min_length=1, max_length=250, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")
]


class SettingsChange(BaseModel):
    """What is not given stays. `shown`: free columns under each vignette, in order."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = None
    description: Annotated[str, Field(max_length=10_000)] | None = None
    access: Literal["open", "private", "public"] | None = None
    licence: str | None = None
    instrument: Annotated[str, Field(max_length=32)] | None = None
    shown: Annotated[list[str], Field(max_length=SHOWN_MAX)] | None = None

    @field_validator("licence")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in LICENCES:
            raise ValueError(f"expected one of {', '.join(name for name in LICENCES if name)}")
        return value


@router.get("/settings")
def settings(shore: ShoreDep, user: Viewer, project_id: int) -> dict[str, Any]:
    """Everything that is set, the licences to choose from, and the asker's `right`."""
    with shore.database.read() as connection:
        has = need(connection, user, project_id)
        return {"right": has, "licences": LICENCES, **_shown(connection, project_id)}


@router.patch("/settings")
def change(
    shore: ShoreDep, user: Viewer, witness: WitnessDep, project_id: int, body: SettingsChange
) -> dict[str, Any]:
    plain = body.model_dump(exclude={"shown"}, exclude_none=True)
    try:
        with shore.database.write() as connection:
            has = need(connection, user, project_id, "manage")
            if plain:
                plain = {name: value.strip() for name, value in plain.items()}
                projects.change(connection, project_id, **plain)
            if body.shown is not None:
                _show(connection, project_id, body.shown)
            said = ", ".join(
                f"{k}: {v}"[:60] for k, v in body.model_dump(exclude_none=True).items()
            )
            witness.note(connection, "project.settings", str(project_id), detail=said)
            return {"right": has, **_shown(connection, project_id)}
    except TitleTakenError as error:
        raise ApiError(409, "title", f"Not changed: {error}.") from error


@router.get("/columns")
def columns(shore: ShoreDep, user: Viewer, project_id: int) -> list[dict[str, str]]:
    """The free columns of its objects, in the order in which they came: name, and kind "number"
    or "text"."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        found = free.places(connection, project_id)
    kinds = {"f": "number", "t": "text"}
    return [{"name": name, "kind": kinds[free.kind_of(place)]} for name, place in found.items()]


def _show(connection: Connection, project_id: int, shown: list[str]) -> None:
    known = free.places(connection, project_id)
    unknown = [name for name in shown if name not in known]
    if unknown:
        said = f"shown: the objects of this project have no free column {unknown[0]:.60}"
        raise ApiError(422, "shown", f"Not changed: {said}.")
    before = projects.settings(connection, project_id).kept.get(FIELD, "")
    projects.keep(connection, project_id, **{FIELD: shown_text(dict.fromkeys(shown), before)})


def _shown(connection: Connection, project_id: int) -> dict[str, Any]:
    found = projects.settings(connection, project_id)
    return {
        "project_id": project_id,
        "title": found.title,
        "description": found.description,
        "access": found.access,
        "licence": found.licence,
        "instrument": found.instrument,
        "shown": shown_columns(str(found.kept.get(FIELD, ""))),
    }

"""Projects as EcoTaxa's API shows them, and what it may change of one.

What EcoTaxa keeps of a project and we have no column for is in the project's `settings`, by
EcoTaxa's names, as it was given.

Example:
    >>> [project] = rows(connection, [3])
    >>> project.settings["status"]
    'Annotate'
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import IntegrityError

from server.db.projects import TitleTakenError
from server.db.tables import Acquisition, Action, Member, Project, ProjectColumn, Sample, User

SETTINGS = (
    "status", "comments", "formulae", "instrument_url", "classifsettings", "classiffieldlist",
    "popoverfieldlist", "rf_models_used", "cnn_network_id", "bodc_variables", "contact",
)  # fmt: skip
Person = tuple[int, str, str]
"""(number, address, name)"""


@dataclass(frozen=True)
class ProjectRow:
    project_id: int
    title: str
    access: str
    licence: str
    instrument: str
    description: str
    settings: dict[str, Any]


def rows(connection: Connection, project_ids: Collection[int]) -> list[ProjectRow]:
    """The projects, by number."""
    query = (
        select(
            Project.id,
            Project.title,
            Project.access,
            Project.licence,
            Project.instrument,
            Project.description,
            Project.settings,
        )
        .where(Project.id.in_(sorted(project_ids)))
        .order_by(Project.id)
    )
    return [ProjectRow(*row[:6], json.loads(row[6])) for row in connection.execute(query)]


def people(
    connection: Connection, project_ids: Collection[int]
) -> dict[int, dict[str, list[Person]]]:
    """Of each project: who may what, by "view", "annotate", "manage"."""
    query = (
        select(Member.project_id, Member.may, User.id, User.email, User.name)
        .join(User, User.id == Member.user_id)
        .where(Member.project_id.in_(sorted(project_ids)), User.active)
        .order_by(User.id)
    )
    found: dict[int, dict[str, list[Person]]] = {}
    for project, may, number, email, name in connection.execute(query):
        found.setdefault(project, {}).setdefault(may, []).append((number, email, name))
    return found


def columns(connection: Connection, project_ids: Collection[int]) -> dict[int, dict[str, str]]:
    """Of each project: its objects' free columns, named n01, t01 as EcoTaxa names places."""
    query = (
        select(ProjectColumn.project_id, ProjectColumn.name, ProjectColumn.place)
        .where(ProjectColumn.project_id.in_(sorted(project_ids)))
        .order_by(ProjectColumn.project_id, ProjectColumn.rank)
    )
    found: dict[int, dict[str, str]] = {}
    for project, name, place in connection.execute(query):
        found.setdefault(project, {})[name] = f"{place[0]}{int(place[1:]):02d}"
    return found


def instruments(connection: Connection, project_ids: Collection[int]) -> list[str]:
    """What the projects' objects were taken with, by name."""
    used = (
        select(Acquisition.instrument)
        .join(Sample, Sample.id == Acquisition.sample_id)
        .where(Sample.project_id.in_(sorted(project_ids)), Acquisition.instrument.is_not(None))
        .distinct()
    )
    own = select(Project.instrument).where(Project.id.in_(sorted(project_ids)))
    names = {*connection.execute(used).scalars(), *connection.execute(own).scalars()}
    return sorted(name for name in names if name)


def last_used(
    connection: Connection, user_id: int, project_ids: Collection[int], most: int = 10
) -> list[tuple[int, str]]:
    """(number, title) of the projects where a person did something, the latest first."""
    latest = func.max(Action.id)
    query = (
        select(Project.id, Project.title)
        .join(Action, Action.project_id == Project.id)
        .where(Action.user_id == user_id, Project.id.in_(sorted(project_ids)))
        .group_by(Project.id, Project.title)
        .order_by(latest.desc())
        .limit(most)
    )
    return [(number, title) for number, title in connection.execute(query)]


def change(connection: Connection, project_id: int, values: dict[str, Any]) -> None:
    """Set columns of the project and, under their names, members of `settings`. Raises
    TitleTakenError."""
    query = select(Project.settings).where(Project.id == project_id).with_for_update()
    settings = json.loads(connection.execute(query).scalar_one())
    given = {name: value for name, value in values.items() if name in SETTINGS}
    settings = {k: v for k, v in {**settings, **given}.items() if v is not None}
    plain = {name: value for name, value in values.items() if name not in SETTINGS}
    statement = update(Project).where(Project.id == project_id)
    try:
        connection.execute(statement.values(**plain, settings=json.dumps(settings)))
    except IntegrityError as error:
        raise TitleTakenError(f"there is a project '{plain.get('title')}' already") from error


def clone(connection: Connection, source_id: int, project_id: int) -> None:
    """Give a new project what another was set to; not its objects."""
    names = ("access", "licence", "instrument", "description", "settings")
    query = select(*(getattr(Project, name) for name in names)).where(Project.id == source_id)
    row = connection.execute(query).one()
    connection.execute(
        update(Project).where(Project.id == project_id).values(dict(zip(names, row, strict=True)))
    )


def search_people(connection: Connection, pattern: str, most: int = 200) -> Sequence[Person]:
    """Active people whose name is like the pattern, in which % stands for any letters."""
    query = (
        select(User.id, User.email, User.name)
        .where(User.active, User.name.ilike(pattern.replace("\\", "\\\\"), escape="\\"))
        .order_by(User.name, User.id)
        .limit(most)
    )
    return [(i, e, n) for i, e, n in connection.execute(query)]


def person(connection: Connection, user_id: int) -> tuple[str, int]:
    """A person's organisation, and since when they are known."""
    query = select(User.organisation, User.created_ms).where(User.id == user_id)
    row = connection.execute(query).one()
    return row[0], row[1]


def is_person(connection: Connection, user_id: int) -> bool:
    return connection.execute(select(User.id).where(User.id == user_id)).first() is not None

"""Projects and what is in them, for the lists and the headers of pages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.db.dialect import insert_new
from server.db.tables import (
    Device,
    Member,
    Object,
    Project,
    ProjectRelease,
    ProjectTaxon,
    Release,
    Sample,
)


@dataclass(frozen=True)
class ProjectInfo:
    project_id: int
    title: str
    created_ms: int


@dataclass(frozen=True)
class ProjectSettings:
    """What its managers set. `kept` is what EcoTaxa's clients set beside it, by EcoTaxa's names."""

    title: str
    description: str
    access: str
    licence: str
    instrument: str
    kept: dict[str, Any]


class TitleTakenError(ValueError):
    """There is a project with this title."""


def create(connection: Connection, *, title: str, user_id: int, now_ms: int) -> int:
    """A new project's id. Raises TitleTakenError."""
    values = {"title": title, "created_by": user_id, "created_ms": now_ms}
    try:
        return int(
            connection.execute(insert(Project).values(values).returning(Project.id)).scalar_one()
        )
    except IntegrityError as error:
        raise TitleTakenError(f"there is a project '{title}' already") from error


def all_projects(connection: Connection) -> list[ProjectInfo]:
    query = select(Project.id, Project.title, Project.created_ms).order_by(Project.id)
    return [ProjectInfo(*row) for row in connection.execute(query)]


def get(connection: Connection, project_id: int) -> ProjectInfo | None:
    query = select(Project.id, Project.title, Project.created_ms).where(Project.id == project_id)
    row = connection.execute(query).first()
    return None if row is None else ProjectInfo(*row)


def by_title(connection: Connection, title: str) -> int | None:
    return connection.execute(select(Project.id).where(Project.title == title)).scalar()


def samples(connection: Connection, project_id: int) -> list[tuple[int, str, str]]:
    """(sample id, name, device id) in the order of their coming; "" for what no device sent."""
    query = (
        select(Sample.id, Sample.orig_id, Device.device_id)
        .outerjoin(Device, Device.id == Sample.device_id)
        .where(Sample.project_id == project_id)
        .order_by(Sample.id)
    )
    return [(i, name, device or "") for i, name, device in connection.execute(query)]


def devices(connection: Connection, project_id: int) -> list[tuple[str, str]]:
    """(device id, name) of the project's instruments."""
    query = select(Device.device_id, Device.name).where(Device.project_id == project_id)
    return [(device, name) for device, name in connection.execute(query.order_by(Device.id))]


def releases(connection: Connection, project_id: int) -> list[tuple[str, str]]:
    """(release id, name) of the releases whose predictions its objects carry, newest first."""
    query = (
        select(Release.release_id, Release.name)
        .join(ProjectRelease, ProjectRelease.release_no == Release.no)
        .where(ProjectRelease.project_id == project_id)
        .order_by(Release.no.desc())
    )
    return [(release, name) for release, name in connection.execute(query)]


def latest_object_ms(connection: Connection, project_id: int) -> int | None:
    """When the newest object came in."""
    query = (
        select(Object.received_ms)
        .where(Object.project_id == project_id)
        .order_by(Object.objid.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def settings(connection: Connection, project_id: int) -> ProjectSettings:
    """Of a project that is there."""
    query = select(
        Project.title,
        Project.description,
        Project.access,
        Project.licence,
        Project.instrument,
        Project.settings,
    )
    row = connection.execute(query.where(Project.id == project_id)).one()
    return ProjectSettings(*row[:5], json.loads(row[5]))


def change(connection: Connection, project_id: int, **values: str) -> None:
    """Set columns of a project; `settings` is JSON. Raises TitleTakenError."""
    try:
        connection.execute(update(Project).where(Project.id == project_id).values(values))
    except IntegrityError as error:
        raise TitleTakenError(f"there is a project '{values['title']}' already") from error


def keep(connection: Connection, project_id: int, **kept: Any) -> None:
    """Set some of what is kept by EcoTaxa's names; the rest stays."""
    row = select(Project.settings).where(Project.id == project_id).with_for_update(key_share=True)
    before = json.loads(connection.execute(row).scalar_one())
    change(connection, project_id, settings=json.dumps({**before, **kept}))


def restore(
    connection: Connection,
    project_id: int,
    *,
    licence: str,
    instrument: str,
    description: str,
    settings: str,
    private: bool,
    members: Sequence[tuple[int, str]],
    taxa: Sequence[int],
    now_ms: int,
) -> None:
    """What a backup tells of a project that is empty; members and taxa that it has stay."""
    values = {
        "licence": licence,
        "instrument": instrument,
        "description": description,
        "settings": settings,
        **({"access": "private"} if private else {}),
    }
    connection.execute(update(Project).where(Project.id == project_id).values(values))
    joined = dict(members)
    rows = [
        {"project_id": project_id, "user_id": user, "may": may, "added_ms": now_ms}
        for user, may in joined.items()
    ]
    insert_new(connection, Member, rows, ("project_id", "user_id"))
    listed = [
        {"project_id": project_id, "taxon_id": taxon, "place": place}
        for place, taxon in enumerate(dict.fromkeys(taxa))
    ]
    insert_new(connection, ProjectTaxon, listed, ("project_id", "taxon_id"))

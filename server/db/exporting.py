"""What exports read of a project besides its objects: its title, levels, taxa, people.

All of it is read in one state of the database (`snapshot`), so that a table and what is said of it
belong together, whatever is imported or classified meanwhile.

Example:
    >>> with snapshot(shore.database) as connection:
    ...     levels = read_levels(connection, project_id=1)
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from server.db import free, spreading
from server.db.engine import Database
from server.db.tables import (
    Acquisition,
    Device,
    Member,
    Object,
    Process,
    Project,
    Release,
    Sample,
    Taxon,
    User,
)


@dataclass(frozen=True)
class ProjectRow:
    """`settings` are EcoTaxa's free words of a project; `managers` (name, address, organisation),
    who made it first."""

    project_id: int
    title: str
    licence: str
    instrument: str
    description: str
    settings: Mapping[str, Any]
    created_ms: int
    managers: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class SampleRow:
    sample_id: int
    orig_id: str
    device: str
    device_id: str
    free: Mapping[str, str]


@dataclass(frozen=True)
class AcquisitionRow:
    acquisition_id: int
    sample_id: int
    orig_id: str
    instrument: str | None
    pixel_um: float | None
    optical_field: str | None
    free: Mapping[str, str]


@dataclass(frozen=True)
class ProcessRow:
    """`free` holds what a device's settings say too."""

    process_id: int
    acquisition_id: int
    orig_id: str
    software: str | None
    measures_version: int | None
    free: Mapping[str, str]


@dataclass(frozen=True)
class Levels:
    """Samples, acquisitions and processes of a project by number."""

    samples: dict[int, SampleRow]
    acquisitions: dict[int, AcquisitionRow]
    processes: dict[int, ProcessRow]


@dataclass(frozen=True)
class TaxonRow:
    taxon_id: int
    parent_id: int | None
    name: str
    display_name: str
    path: str
    aphia_id: int | None
    kind: str
    rank: str | None


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """A connection that sees one state of the database until the block ends; PostgreSQL must be
    told so."""
    with database.engine.connect() as plain:
        connection = plain
        if plain.dialect.name == "postgresql":
            connection = plain.execution_options(isolation_level="REPEATABLE READ")
        yield connection
        connection.rollback()


def catch_up(database: Database) -> None:
    """Give all objects that wait for it their free columns."""
    with database.read() as connection:
        behind = spreading.is_behind(connection)
    while behind:
        with database.write() as connection:
            behind = spreading.spread(connection) > 0


def read_project(connection: Connection, project_id: int) -> ProjectRow | None:
    row = connection.execute(select(Project).where(Project.id == project_id)).first()
    if row is None:
        return None
    return ProjectRow(
        row.id,
        row.title,
        row.licence,
        row.instrument,
        row.description,
        json.loads(row.settings),
        row.created_ms,
        _managers(connection, project_id, row.created_by),
    )


def _managers(
    connection: Connection, project_id: int, created_by: int
) -> tuple[tuple[str, str, str], ...]:
    ids = select(Member.user_id).where(Member.project_id == project_id, Member.may == "manage")
    query = select(User.id, User.name, User.email, User.organisation).where(
        User.id.in_(ids) | (User.id == created_by)
    )
    rows = sorted(connection.execute(query), key=lambda row: (row.id != created_by, row.id))
    return tuple((row.name, row.email, row.organisation) for row in rows)


def read_levels(connection: Connection, project_id: int) -> Levels:
    """All of a project's samples, acquisitions and processes."""
    samples = (
        select(Sample.id, Sample.orig_id, Device.name, Device.device_id, Sample.free)
        .outerjoin(Device, Device.id == Sample.device_id)
        .where(Sample.project_id == project_id)
    )
    acquisitions = (
        select(
            Acquisition.id,
            Acquisition.sample_id,
            Acquisition.orig_id,
            Acquisition.instrument,
            Acquisition.pixel_um,
            Acquisition.optical_field,
            Acquisition.free,
        )
        .join(Sample, Sample.id == Acquisition.sample_id)
        .where(Sample.project_id == project_id)
    )
    return Levels(
        {
            row[0]: SampleRow(row[0], row[1], row[2] or "", row[3] or "", json.loads(row[4]))
            for row in connection.execute(samples)
        },
        {
            row[0]: AcquisitionRow(*row[:6], json.loads(row[6]))
            for row in connection.execute(acquisitions)
        },
        _processes(connection, project_id),
    )


def _processes(connection: Connection, project_id: int) -> dict[int, ProcessRow]:
    query = (
        select(
            Process.id,
            Process.acquisition_id,
            Process.orig_id,
            Process.software,
            Process.measures_version,
            Process.free,
            Process.settings,
        )
        .join(Acquisition, Acquisition.id == Process.acquisition_id)
        .join(Sample, Sample.id == Acquisition.sample_id)
        .where(Sample.project_id == project_id)
    )
    found = {}
    for row in connection.execute(query):
        told = {name: str(value) for name, value in json.loads(row.settings or "{}").items()}
        free_ = {**told, **json.loads(row.free)}
        found[row.id] = ProcessRow(
            row.id, row.acquisition_id, row.orig_id, row.software, row.measures_version, free_
        )
    return found


def free_columns(connection: Connection, project_id: int) -> dict[str, str]:
    """Places of the project's free columns of objects by name, in the order of their coming."""
    return free.places(connection, project_id)


def read_taxa(connection: Connection) -> dict[int, TaxonRow]:
    """The whole tree."""
    columns = [getattr(Taxon, name) for name in list(TaxonRow.__annotations__)[1:]]
    return {row[0]: TaxonRow(*row) for row in connection.execute(select(Taxon.id, *columns))}


def read_people(connection: Connection) -> dict[int, tuple[str, str]]:
    """(name, address) of everybody who ever worked here."""
    return {
        row[0]: (row[1], row[2])
        for row in connection.execute(select(User.id, User.name, User.email))
    }


def read_releases(connection: Connection) -> dict[int, tuple[str, str]]:
    """(id, name) of every release."""
    query = select(Release.no, Release.release_id, Release.name)
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def ids_shared(connection: Connection, project_id: int) -> set[str]:
    """Names that several objects of the project have."""
    query = (
        select(Object.orig_id)
        .where(Object.project_id == project_id)
        .group_by(Object.orig_id)
        .having(func.count() > 1)
    )
    return set(connection.execute(query).scalars())

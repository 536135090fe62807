"""Indexes of free columns, made when people filter a large project by one.

A project has up to 600 free columns and people filter by a handful, so each index is for one column
of one project (a partial index): it costs writes of that project alone. In a small project a scan
is as fast. Measured at 6,000,000 objects: docs/benchmarks/shore.md.

Invariant: an index that was cut short while it was made (PostgreSQL leaves it invalid) is dropped
and made again, never used.

Example:
    >>> missing(connection, project_id=7, places=["n003"])
    ['n003']
    >>> build(database, project_id=7, place="n003")
"""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from server.db import counts
from server.db.engine import Database
from server.db.tables.free import NUMBER_COLUMNS

LARGE = 100_000
"""Objects of a project from which on a scan is felt."""
MOST = 12
"""Indexes of one project."""


def name_of(project_id: int, place: str) -> str:
    return f"ix_free_{project_id}_{place}"


def missing(connection: Connection, project_id: int, places: Iterable[str]) -> list[str]:
    """Those of the columns that a filter would be faster with an index of."""
    numbers = [place for place in places if place in NUMBER_COLUMNS]
    if not numbers or counts.total(connection, project_id, None, None) < LARGE:
        return []
    there = _of_project(connection, project_id)
    wanted = [place for place in numbers if name_of(project_id, place) not in there]
    return wanted[: max(0, MOST - len(there))]


def _of_project(connection: Connection, project_id: int) -> set[str]:
    """Names of the project's indexes that can be used."""
    prefix = name_of(project_id, "")
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE :like"
    else:
        query = (
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "WHERE i.indrelid = 'object_free'::regclass AND i.indisvalid AND c.relname LIKE :like"
        )
    like = prefix.replace("_", "\\_") + "%"
    found = connection.execute(text(query + " ESCAPE '\\'"), {"like": like}).scalars()
    return {name for name in found if name.startswith(prefix)}


def build(database: Database, project_id: int, place: str) -> None:
    """Make the index; writers go on meanwhile on PostgreSQL. Raises DBAPIError."""
    if place not in NUMBER_COLUMNS:
        raise ValueError(f"{place}: not a column of numbers")
    name = name_of(int(project_id), place)
    where = f"ON object_free ({place}, objid) WHERE project_id = {int(project_id)}"
    if database.engine.dialect.name == "sqlite":
        with database.write() as connection:
            connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {name} {where}")
        return
    alone = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as connection:
        if name not in _of_project(connection, project_id):
            connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            connection.exec_driver_sql(f"CREATE INDEX CONCURRENTLY {name} {where}")
        connection.exec_driver_sql(f"ANALYZE object_free (project_id, {place})")

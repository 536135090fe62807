"""The statements that SQLite and PostgreSQL spell differently, spelt once.

Example:
    >>> insert_new(connection, Sample, rows, key=("project_id", "device_id", "orig_id"))
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from server.db.tables import Base

CHUNK = 400
"""Statements take a bounded number of parameters."""


def chunks(items: Sequence[int]) -> Iterator[Sequence[int]]:
    """The items, as many at a time as a statement takes."""
    return (items[i : i + CHUNK] for i in range(0, len(items), CHUNK))


def insert_new(
    connection: Connection,
    table: type[Base],
    rows: Sequence[Mapping[str, Any]],
    key: Sequence[str],
) -> None:
    """Insert the rows whose `key` is not there yet; leave the others as they are."""
    if rows:
        statement = _insert(connection, table).on_conflict_do_nothing(index_elements=list(key))
        connection.execute(statement, list(rows))


def add_to(
    connection: Connection,
    table: type[Base],
    rows: Sequence[Mapping[str, Any]],
    key: Sequence[str],
    column: str,
) -> None:
    """Insert the rows, or add their `column` to that of the row with the same `key`."""
    if rows:
        statement = _insert(connection, table)
        total = getattr(table, column) + statement.excluded[column]
        statement = statement.on_conflict_do_update(index_elements=list(key), set_={column: total})
        connection.execute(statement, list(rows))


def _insert(connection: Connection, table: type[Base]) -> Any:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)

"""The statements that SQLite and PostgreSQL spell differently, spelt once.

Example:
    >>> insert_new(connection, Sample, rows, key=("project_id", "device_id", "orig_id"))
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect
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
    """Insert the rows, all of the same columns, whose `key` is not there yet; leave the others as
    they are."""
    if rows:
        _run(connection, _upsert(connection.dialect, table, tuple(rows[0]), tuple(key), None), rows)


def add_to(
    connection: Connection,
    table: type[Base],
    rows: Sequence[Mapping[str, Any]],
    key: Sequence[str],
    column: str,
) -> None:
    """Insert the rows, or add their `column` to that of the row with the same `key`."""
    if rows:
        statement = _upsert(connection.dialect, table, tuple(rows[0]), tuple(key), column)
        _run(connection, statement, rows)


def _run(connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    given: list[Any] = [dict(row) for row in rows]
    if statement.positiontup is not None:
        given = [tuple([row[name] for name in statement.positiontup]) for row in rows]
    connection.exec_driver_sql(statement.string, given)


@cache
def _upsert(
    dialect: Dialect,
    table: Any,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    added: str | None,
) -> Any:
    """The statement, compiled once."""
    insert = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    statement: Any = insert(table)
    if added is None:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    else:
        total = getattr(table, added) + statement.excluded[added]
        statement = statement.on_conflict_do_update(index_elements=key, set_={added: total})
    return statement.compile(dialect=dialect, column_keys=columns)

"""The statements that SQLite and PostgreSQL spell differently, spelt once.

Example:
    >>> insert_new(connection, Sample, rows, key=("project_id", "device_id", "orig_id"))
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from server.db.driver import run
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
    """Insert the rows, no two of one `key`, or add their `column` to that of the row that has it
    already."""
    if not rows:
        return
    statement = _upsert(connection.dialect, table, tuple(rows[0]), tuple(key), column)
    if connection.dialect.name == "sqlite":
        _run(connection, statement, rows)
        return
    lists = {name: [row[name] for row in rows] for name in rows[0]}
    run(connection, statement.string, lists)


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
    if added is not None and dialect.name != "sqlite":
        statement = statement.from_select(columns, _listed(table, columns))
    if added is None:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    else:
        total = getattr(table, added) + statement.excluded[added]
        statement = statement.on_conflict_do_update(index_elements=key, set_={added: total})
    return statement.compile(dialect=dialect, column_keys=columns)


def _listed(table: Any, columns: tuple[str, ...]) -> Any:
    """Rows given as a list for each column: one statement instead of one for each row."""
    kinds = table.__table__.columns
    lists = [bindparam(name, type_=postgresql.ARRAY(kinds[name].type)) for name in columns]
    return select(func.unnest(*lists).table_valued(*columns).render_derived())

"""Many rows at once, by the fastest way that each database has: COPY, or a prepared INSERT.

Rows are tuples in the order of `columns`, of the types that the driver takes; what SQLAlchemy would
do for each of them is left out. Errors are SQLAlchemy's.

Example:
    >>> insert_rows(connection, LedgerEntry, ("device_id", "epoch", "seq"), [(1, 7, 1), (1, 7, 2)])
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from server.db.driver import driver_of, run
from server.db.tables import Base

_FEW = 2
"""Rows that an INSERT each takes sooner than a COPY, which asks twice and is never prepared."""
_NEXT = (
    "SELECT array_agg(nextval(name)) FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS name"
    " OFFSET 0) AS sequence, generate_series(1, %s)"
)
"""One row for all: a driver takes as long over a row as over a statement."""

_POSTGRES_TYPES: tuple[tuple[type[Any], str], ...] = (
    (sa.BigInteger, "int8"),
    (sa.Boolean, "bool"),
    (sa.Integer, "int4"),
    (sa.Float, "float8"),
    (sa.LargeBinary, "bytea"),
    (sa.String, "text"),
)


def insert_rows(
    connection: Connection,
    table: type[Base] | sa.Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Insert the rows. Raises IntegrityError, DataError, OperationalError of SQLAlchemy."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = _insert(table, columns, "?")
        with driver_of(connection, statement) as raw:
            raw.executemany(statement, rows)
        return
    if len(rows) <= _FEW:
        statement = _insert(table, columns, "%s")
        for row in rows:
            run(connection, statement, row)
        return
    statement, types = _copy(table, columns)
    with (
        driver_of(connection, statement) as raw,
        raw.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def next_ids(connection: Connection, table: type[Base], count: int) -> Sequence[int]:
    """`count` primary keys, rising, that nobody has or will get; in a write transaction.

    On SQLite writers take turns, so a key is one above the highest: rows are never deleted."""
    [key] = table.__table__.primary_key
    if connection.dialect.name == "sqlite":
        highest = connection.execute(sa.select(sa.func.max(key))).scalar() or 0
        return range(highest + 1, highest + 1 + count)
    [ids] = run(connection, _NEXT, (table.__tablename__, key.name, count)).one()
    return list(ids or ())


@cache
def _insert(table: type[Base] | sa.Table, columns: tuple[str, ...], place: str) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join(place for _ in columns)
    return f'INSERT INTO "{_name(table)}" ({names}) VALUES ({places})'  # noqa: S608 # our names


@cache
def _copy(table: type[Base] | sa.Table, columns: tuple[str, ...]) -> tuple[str, list[str]]:
    names = ", ".join(f'"{name}"' for name in columns)
    types = [_type(_shape(table).columns[name].type) for name in columns]
    return f'COPY "{_name(table)}" ({names}) FROM STDIN (FORMAT BINARY)', types


def _name(table: type[Base] | sa.Table) -> str:
    """Also of one that was given its table whole."""
    return str(_shape(table).description)


def _shape(table: type[Base] | sa.Table) -> sa.FromClause:
    return table if isinstance(table, sa.Table) else table.__table__


def _type(kind: Any) -> str:
    return next(name for base, name in _POSTGRES_TYPES if isinstance(kind, base))

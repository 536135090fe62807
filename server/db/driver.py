"""The driver under SQLAlchemy, for the statements that every batch needs: SQLAlchemy's own way
through a statement costs as much as the statement.

Invariant: the same transaction, the same errors. What the driver raises becomes SQLAlchemy's error
of that name, and a connection that broke is given up with all that lie in the pool.

Example:
    >>> with driver_of(connection, "SELECT 1") as raw:
    ...     raw.execute("SELECT 1").fetchone()
    (1,)
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, NoResultFound


@dataclass(frozen=True)
class Rows:
    """What a statement gave, whole; `rowcount` is how many rows it changed."""

    rows: Sequence[tuple[Any, ...]]
    rowcount: int

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def all(self) -> Sequence[tuple[Any, ...]]:
        return self.rows

    def first(self) -> tuple[Any, ...] | None:
        return self.rows[0] if self.rows else None

    def one(self) -> tuple[Any, ...]:
        """The first row. Raises NoResultFound."""
        if not self.rows:
            raise NoResultFound("a row was required, and there is none")
        return self.rows[0]

    def scalar(self) -> Any:
        """The first value of the first row, or None."""
        return self.rows[0][0] if self.rows else None

    def scalars(self) -> list[Any]:
        """The first column."""
        return [row[0] for row in self.rows]


def run(connection: Connection, statement: str, given: Any) -> Rows:
    """One statement. Raises SQLAlchemy's errors."""
    with driver_of(connection, statement) as raw:
        cursor = raw.execute(statement, given)
        return Rows(cursor.fetchall() if cursor.description else (), cursor.rowcount)


@contextmanager
def driver_of(connection: Connection, statement: str) -> Iterator[Any]:
    """The driver's own connection, in the transaction of `connection`."""
    if not connection.in_transaction():
        connection.begin()
    raw: Any = connection.connection.driver_connection
    kind = connection.dialect.loaded_dbapi.Error
    try:
        yield raw
    except kind as error:
        if connection.dialect.is_disconnect(error, raw, None):
            with suppress(DBAPIError):  # SQLAlchemy finds out itself, and gives them all up
                connection.exec_driver_sql("SELECT 1")
        raise DBAPIError.instance(
            statement, None, error, kind, dialect=connection.dialect
        ) from error

"""What the machine itself gives: how often the disk can be waited for, and plain INSERTs of the
rows that an intake has written.

Example:
    >>> flushes_per_s(Path("build"), 4096)
    2100.0
"""

import os
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, Table, create_engine, insert, select

from server.bench.postgres import Postgres
from server.db.tables import Base, Image, LedgerEntry, Object, ObjectValues

_SECONDS = 1.5
_TABLES: tuple[Table, ...] = tuple(
    Base.metadata.tables[kind.__tablename__] for kind in (Object, ObjectValues, Image, LedgerEntry)
)


def flushes_per_s(folder: Path, size: int) -> float:
    """Appends of `size` bytes, each waited for until it is on the disk (fdatasync)."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < _SECONDS:
            os.write(file.fileno(), bytes(size))
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - began)


@dataclass(frozen=True)
class Rows:
    """What an intake wrote for some objects: (table, rows in order), wide tables first."""

    objects: int
    tables: tuple[tuple[Table, list[tuple[Any, ...]]], ...]

    def batches(self, objects: int) -> list[list[tuple[Table, Sequence[tuple[Any, ...]]]]]:
        """The rows of `objects` objects at a time, table by table."""

        def share(rows: list[tuple[Any, ...]], at: int) -> Sequence[tuple[Any, ...]]:
            each = len(rows) // self.objects
            return rows[at * each : (at + objects) * each]

        turns = range(0, self.objects, objects)
        return [[(table, share(rows, at)) for table, rows in self.tables] for at in turns]


def rows_of(connection: Connection) -> Rows:
    """Read back what is in the tables of objects."""
    found = tuple(
        (table, [tuple(row) for row in connection.execute(select(table))]) for table in _TABLES
    )
    return Rows(len(found[0][1]), found)


def _texts(dialect: Dialect) -> dict[Table, str]:
    """An INSERT of every column of each table, parameters by place."""
    return {
        table: str(insert(table).compile(dialect=dialect, column_keys=list(table.columns.keys())))
        for table in _TABLES
    }


def plain_sqlite_s(rows: Rows, engine: Engine, file: Path, a_commit: int) -> float:
    """Seconds of a loop of INSERTs into tables of the same kind, `a_commit` objects a commit, as
    durable as the shore's (WAL, synchronous=FULL)."""
    plain = sqlite3.connect(file, isolation_level=None)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            plain.execute(f"PRAGMA {pragma}")
        with engine.connect() as source:
            ddl = source.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            for statement in ddl.scalars():
                plain.execute(statement)
        texts = _texts(engine.dialect)
        began = time.perf_counter()
        for batch in rows.batches(a_commit):
            plain.execute("BEGIN")
            for table, some in batch:
                for row in some:
                    plain.execute(texts[table], row)
            plain.execute("COMMIT")
        return time.perf_counter() - began
    finally:
        plain.close()


def plain_postgres_s(rows: Rows, server: Postgres, template: str, a_commit: int) -> float:
    """The same with psycopg, into a copy of the database `template`, emptied first."""
    server.create("plain", template)
    texts = _texts(create_engine(server.url(template), paramstyle="format").dialect)
    with server.connect("plain") as plain:
        plain.execute("TRUNCATE objects, object_values, images, ledger CASCADE")
        plain.commit()
        began = time.perf_counter()
        for batch in rows.batches(a_commit):
            for table, some in batch:
                for row in some:
                    plain.execute(texts[table].encode(), row)
            plain.commit()
        return time.perf_counter() - began

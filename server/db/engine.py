"""One database, opened so that what is committed stays: SQLite (the default) or PostgreSQL.

SQLite runs in WAL mode with synchronous=FULL, so a commit survives a power cut. Its library before
3.51.3 can damage a database when two connections write or checkpoint at the same moment, so all
writers, those of other processes too, take turns behind a lock file; that also spares them SQLite's
unfair waiting. Those of this process that wait for each other are committed together.

Example:
    >>> database = Database.open("sqlite:///shore/seadrift.db", lock=Path("shore/write.lock"))
    >>> with database.write() as connection: ...
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from server.db.convoy import Convoy
from server.db.memory import Memory, forget, remembering
from server.db.schema import SchemaError, bring_forward

BUSY_S = 20
_FLUSHES = "seadrift_before_commit"


class DatabaseError(RuntimeError):
    """The database cannot be used as it is; the message says why and what to do."""


class Database:
    """Gives connections: many readers, and for SQLite one writer at a time."""

    def __init__(self, engine: Engine, lock: Path) -> None:
        self.engine = engine
        event.listen(engine, "rollback_savepoint", forget)
        self._lock_path = lock
        self._memory: Memory = {}
        lite = engine.dialect.name == "sqlite"
        self.convoy = Convoy(self._begin) if lite else None
        self._glancing = engine if lite else engine.execution_options(isolation_level="AUTOCOMMIT")

    @classmethod
    def open(cls, url: str, lock: Path) -> "Database":
        """Open it with the tables that this program needs. Raises DatabaseError."""
        database = cls.bare(url, lock)
        try:
            with database.write() as connection:
                bring_forward(connection)
        except (SchemaError, DBAPIError, OSError) as error:
            database.close()
            reason = getattr(error, "orig", error)
            raise DatabaseError(f"database {_shown(url)}: {reason}") from error
        return database

    @classmethod
    def bare(cls, url: str, lock: Path) -> "Database":
        """Open it as it is, whatever its tables."""
        return cls(_sqlite(url) if url.startswith("sqlite") else _postgresql(url), lock)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database."""
        with self.engine.connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """A connection for one statement that reads: PostgreSQL is not asked to begin and to end
        anything around it."""
        with self._glancing.connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        if self.convoy is not None:
            with self.convoy.write() as connection:
                yield connection
            return
        with ExitStack() as stack:
            yield self._begin(stack)

    def _begin(self, stack: ExitStack) -> Connection:
        """A write transaction, with what ends it on the stack."""
        if self.convoy is not None:
            stack.enter_context(_locked(self._lock_path))
        plain = stack.enter_context(self.engine.connect())
        connection = plain.execution_options(seadrift_write=True)
        stack.enter_context(remembering(connection, self._memory))
        stack.enter_context(connection.begin())
        stack.enter_context(_flushing(connection))
        return connection

    def close(self) -> None:
        self.engine.dispose()


def before_commit(connection: Connection, flush: Callable[[str], None], name: str) -> None:
    """Have `flush(name)` called once, before the connection's transaction is committed: what rows
    point to must be on the disk before they are."""
    connection.info[_FLUSHES][flush, name] = None


@contextmanager
def _flushing(connection: Connection) -> Iterator[None]:
    flushes = connection.info[_FLUSHES] = {}
    yield
    for flush, name in flushes:
        flush(name)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The turn of this process among all that write to the same SQLite database."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_S, "check_same_thread": False},
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=56,
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _postgresql(url: str) -> Engine:
    """Commits wait for the disk even where the server is set not to: the device deletes what the
    shore acknowledged."""
    return create_engine(
        url,
        connect_args={"options": "-c synchronous_commit=on"},
        pool_size=8,
        max_overflow=56,
    )


def _configure(raw: Any, _record: object) -> None:
    raw.isolation_level = None  # we say BEGIN ourselves: the driver would begin too late
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-32000",
    ):
        raw.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("seadrift_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _shown(url: str) -> str:
    """The address without the password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"

"""One state of the whole database as a file, taken while the shore writes, and back.

SQLite by its backup interface; PostgreSQL by pg_dump and pg_restore, which must be installed and
not be older than the server. Passwords go through the environment, never the command line.

Example:
    >>> with snapshot("sqlite:///shore/seadrift.db", Path("copy.db")) as needs:
    ...     needs["ab12.pack"]      # bytes of the pack that this state names
    4000000
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, func, inspect, select
from sqlalchemy.engine import URL, make_url

from server.db.tables import Image, Pack


class SnapshotError(Exception):
    """The database could not be copied or brought back; the message says what was said."""


def kind_of(url: str) -> str:
    return "sqlite" if url.startswith("sqlite") else "postgresql"


def sqlite_path(url: str) -> Path:
    return Path(make_url(url).database or "")


@contextmanager
def snapshot(url: str, target: Path) -> Iterator[Mapping[str, int]]:
    """Write the state to `target`, durably; by pack, how far this state needs it. Raises
    SnapshotError."""
    if kind_of(url) == "sqlite":
        _copy_sqlite(sqlite_path(url), target)
        engine = create_engine(f"sqlite:///{target}")
        try:
            with engine.connect() as connection:
                yield _needs(connection)
        finally:
            engine.dispose()
        return
    engine = create_engine(url, isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            name = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
            _run(["pg_dump", "-Fc", "-Z1", f"--snapshot={name}", "-f", str(target)], make_url(url))
            _sync(target)
            yield _needs(connection)
    finally:
        engine.dispose()


def _needs(connection: Connection) -> dict[str, int]:
    query = (
        select(Pack.name, func.max(Image.offset + Image.length))
        .join(Image, Image.pack_id == Pack.id)
        .group_by(Pack.name)
    )
    return {name: int(end) for name, end in connection.execute(query)}


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
            [(said,)] = new.execute("PRAGMA quick_check(1)").fetchall()
        if said != "ok":
            raise SnapshotError(f"{source}: the database is damaged: {said}")
        _sync(target)
    except sqlite3.Error as error:
        raise SnapshotError(f"{source}: {error}") from error


def restore_postgresql(url: str, source: Path) -> None:
    """Fill an empty database, all of it or nothing. Raises SnapshotError."""
    how = ["--single-transaction", "--exit-on-error", "--no-owner"]
    _run(["pg_restore", *how, str(source)], make_url(url))


def tables(url: str) -> list[str]:
    """The tables that are in a database. Raises DBAPIError."""
    engine = create_engine(url)
    try:
        return inspect(engine).get_table_names()
    finally:
        engine.dispose()


def _run(arguments: list[str], url: URL) -> None:
    """Run a program of PostgreSQL's on a database. Raises SnapshotError."""
    environment = {**os.environ, "PGPASSWORD": url.password or ""}
    plain = URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, url.query
    )
    command = [_program(arguments[0]), "-d", plain.render_as_string(), *arguments[1:]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SnapshotError(f"{arguments[0]}: {done.stderr.strip()[-800:]}")


def _program(name: str) -> str:
    """The newest that is installed; Debian keeps them out of the path."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3])
    )
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise SnapshotError(f"{name} is not installed (apt install postgresql-client)")
    return program


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())

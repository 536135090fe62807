"""Tables of the version that this program needs: made in an empty database, brought forward in an
older one, refused in any other.

An empty database gets today's tables at once; an older one walks the revisions of
`server.db.migrations`, one by one, in the transaction that opened it: all of them or none. A test
holds that both ways lead to the same tables. SQLite's file is copied beside itself before it is
changed.

Example:
    >>> with database.write() as connection: bring_forward(connection)
"""

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from server.db.tables import Base

LOG = logging.getLogger("seadrift")
HEAD = "0001"
"""The newest revision; a test holds it against the folder of revisions."""
_LOCK = 7326117
"""Processes that open an empty PostgreSQL together take turns by this number."""


class SchemaError(RuntimeError):
    """The database's tables are of a version that this program cannot use."""


def bring_forward(connection: Connection) -> None:
    """Make the tables HEAD's. Raises SchemaError."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
    tables = set(inspect(connection).get_table_names())
    if not tables:
        Base.metadata.create_all(connection)
        _stamp(connection)
    elif (found := _version(connection, tables)) != HEAD:
        upgrade(connection, found)


def _stamp(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:v)"), {"v": HEAD})


def _version(connection: Connection, tables: set[str]) -> str:
    if "alembic_version" not in tables:
        raise SchemaError(
            "the database has tables that are not of this program's versions: "
            "use the program version that wrote it, or another --data folder"
        )
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def upgrade(connection: Connection, found: str) -> None:
    """Walk the revisions from `found` to HEAD. Raises SchemaError."""
    from alembic import command  # a quarter of a second, which only an upgrade needs to wait
    from alembic.script import ScriptDirectory

    settings = settings_for(connection)
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    if found not in known | {"base"}:
        raise SchemaError(
            f"the database has tables of version {found}, which this program (version {HEAD}) "
            "does not know: use the program version that wrote it, or a newer one"
        )
    _keep_copy(connection, found)
    LOG.warning("database: tables of version %s become version %s", found, HEAD)
    command.upgrade(settings, "head")


def settings_for(connection: Connection) -> Any:
    """Alembic's settings: our folder of revisions, this connection."""
    from alembic.config import Config

    settings = Config()
    folder = Path(__file__).with_name("migrations")
    settings.set_main_option("script_location", str(folder).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings


def _keep_copy(connection: Connection, found: str) -> None:
    """A copy of SQLite's file as it was; what is on PostgreSQL is its administrator's to save."""
    file = connection.engine.url.database
    if connection.dialect.name != "sqlite" or not file:
        return
    copy = Path(f"{file}.before-{found}-{HEAD}")
    if not copy.exists():
        with connection.engine.connect() as other:
            raw: Any = other.connection.driver_connection
            raw.execute("VACUUM INTO ?", (str(copy),))

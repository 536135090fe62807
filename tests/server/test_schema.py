"""The database's tables: the same by whatever way, brought forward whole or not at all."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect, text

from server.bench.postgres import Postgres
from server.db.engine import Database, DatabaseError
from server.db.schema import HEAD, settings_for, upgrade
from server.db.tables import Base

Make = Callable[[], Database]


@pytest.fixture
def bare(
    tmp_path: Path, database_kind: str, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Database]]:
    """Opens an empty database as it is, always the same one."""
    if database_kind == "sqlite":
        yield lambda: Database.bare(f"sqlite:///{tmp_path / 'x.db'}", tmp_path / "lock")
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = f"schema_{tmp_path.name.lower()}"[:60]
    url = postgres.create(name)
    yield lambda: Database.bare(url, tmp_path / "lock")
    postgres.drop(name)


def open_whole(database: Database, folder: Path) -> Database:
    url = database.engine.url.render_as_string(hide_password=False)
    return Database.open(url, folder / "lock")


@pytest.mark.databases
def test_the_revisions_lead_to_the_tables_that_the_program_has(bare: Make) -> None:
    database = bare()
    with database.write() as connection:
        upgrade(connection, "base")
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
    database.close()


def test_head_is_the_newest_revision(tmp_path: Path) -> None:
    database = Database.bare(f"sqlite:///{tmp_path / 'x.db'}", tmp_path / "lock")
    with database.read() as connection:
        assert ScriptDirectory.from_config(settings_for(connection)).get_current_head() == HEAD
    database.close()


@pytest.mark.databases
def test_opening_again_changes_nothing_and_a_newer_version_is_refused(
    bare: Make, tmp_path: Path
) -> None:
    database = bare()
    open_whole(database, tmp_path).close()
    open_whole(database, tmp_path).close()
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match=r"9999.*newer"):
        open_whole(database, tmp_path)
    database.close()


@pytest.mark.databases
def test_an_upgrade_that_breaks_off_leaves_the_database_as_it_was(bare: Make) -> None:
    database = bare()

    def break_off(_c: object, _r: object, statement: str, *_: object) -> None:
        if "devices" in statement:
            raise RuntimeError("the power is cut")

    event.listen(database.engine, "before_cursor_execute", break_off)
    with (
        pytest.raises(RuntimeError, match="power"),
        database.write() as connection,
    ):
        upgrade(connection, "base")
    event.remove(database.engine, "before_cursor_execute", break_off)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == []
    database.close()


def test_sqlite_is_copied_before_it_is_changed(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    database = Database.bare(f"sqlite:///{file}", tmp_path / "lock")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE notes (what TEXT)"))
        connection.execute(text("INSERT INTO notes VALUES ('kept')"))
    with database.write() as connection:
        upgrade(connection, "base")
    database.close()
    copy = tmp_path / f"x.db.before-base-{HEAD}"
    again = Database.bare(f"sqlite:///{shutil.copy(copy, tmp_path / 'y.db')}", tmp_path / "lock")
    with again.read() as connection:
        assert connection.execute(text("SELECT what FROM notes")).scalar() == "kept"
        assert inspect(connection).get_table_names() == ["notes"]
    again.close()

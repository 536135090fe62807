"""Commits that are shared, and keys that are remembered: never of what was rolled back."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from server.db import releases
from server.db.engine import Database, before_commit
from server.db.memory import learn, recall


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(f"sqlite:///{tmp_path / 'x.db'}", tmp_path / "write.lock")
    with opened.write() as connection:
        connection.execute(text("CREATE TABLE notes (who INTEGER)"))
    yield opened
    opened.close()


def notes(database: Database) -> list[int]:
    with database.read() as connection:
        return sorted(connection.execute(text("SELECT who FROM notes")).scalars())


def note(connection: Connection, who: int) -> None:
    connection.execute(text("INSERT INTO notes VALUES (:who)"), {"who": who})


class Party:
    """Writers of whom the first holds the turn until all others wait for it."""

    def __init__(self, database: Database, size: int) -> None:
        self.database = database
        assert database.convoy is not None
        self.convoy = database.convoy
        self.size = size
        self.ended: dict[int, str] = {}
        self._first = threading.Event()

    def run(self, spoil: int | None = None) -> None:
        threads = [threading.Thread(target=self._write, args=(n, spoil)) for n in range(self.size)]
        threads[0].start()
        assert self._first.wait(20)
        for thread in threads[1:]:
            thread.start()
        for thread in threads:
            thread.join(20)

    def _write(self, who: int, spoil: int | None) -> None:
        try:
            with self.database.write() as connection:
                if who == 0:
                    self._first.set()
                    while self.convoy.waiting < self.size - 1:
                        pass
                note(connection, who)
                if who == spoil:
                    raise ValueError("spoilt")
            self.ended[who] = "done"
        except (ValueError, OperationalError, OSError) as error:
            self.ended[who] = type(error).__name__


def test_who_waits_is_committed_together_and_what_one_raises_is_its_own(
    database: Database,
) -> None:
    commits: list[int] = []
    event.listen(database.engine, "commit", lambda _connection: commits.append(1))
    party = Party(database, 8)
    party.run(spoil=3)
    assert party.ended == {n: "ValueError" if n == 3 else "done" for n in range(8)}
    assert notes(database) == [0, 1, 2, 4, 5, 6, 7]
    assert len(commits) == 1


def test_when_the_commit_fails_nobody_is_told_that_it_is_done(database: Database) -> None:
    def fail(_name: str) -> None:
        raise OSError("the disk is full")

    party = Party(database, 5)

    def spoil(connection: Connection) -> None:
        before_commit(connection, fail, "pack")

    event.listen(database.engine, "savepoint", lambda connection, _name: spoil(connection))
    party.run()
    assert party.ended == dict.fromkeys(range(5), "OSError")
    assert notes(database) == []


def test_a_transaction_that_sqlite_undid_by_itself_is_no_commit(database: Database) -> None:
    """As after a full disk: the whole transaction is gone, not the savepoint alone."""

    def undone() -> None:
        with database.write() as connection:
            note(connection, 1)
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("ROLLBACK")

    with pytest.raises(OperationalError):
        undone()
    assert notes(database) == []
    with database.write() as connection:
        note(connection, 2)
    assert notes(database) == [2]


def test_what_was_rolled_back_is_not_remembered(database: Database) -> None:
    with database.write() as connection:
        inside = connection.begin_nested()
        releases.number(connection, ["a" * 64], now_ms=1)
        inside.rollback()
        learn(connection, "kind", "after", 7)

    def spoilt() -> None:
        with database.write() as connection:
            releases.number(connection, ["b" * 64], now_ms=1)
            raise ValueError("spoilt")

    with pytest.raises(ValueError, match="spoilt"):
        spoilt()
    with database.write() as connection:
        assert recall(connection, "release", "a" * 64) is None
        assert recall(connection, "release", "b" * 64) is None
        assert recall(connection, "kind", "after") == 7
        numbers = releases.number(connection, ["b" * 64], now_ms=1)
    with database.write() as connection:
        assert recall(connection, "release", "b" * 64) == numbers["b" * 64]


def test_two_databases_of_one_file_take_turns(tmp_path: Path) -> None:
    """As two processes do: each with its own queue, and one lock file."""
    url, lock = f"sqlite:///{tmp_path / 'x.db'}", tmp_path / "write.lock"
    first, second = Database.open(url, lock), Database.open(url, lock)
    with first.write() as connection:
        connection.execute(text("CREATE TABLE notes (who INTEGER)"))

    def write(database: Database, start: int) -> None:
        for who in range(start, start + 50):
            with database.write() as connection:
                note(connection, who)

    threads = [
        threading.Thread(target=write, args=(database, 50 * n))
        for n, database in enumerate((first, second, first, second))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert notes(first) == list(range(200))
    first.close()
    second.close()

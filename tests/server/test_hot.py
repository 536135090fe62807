"""Statements that the driver runs: the same rows, the same errors, and no row read for nothing."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from server.db import ledger
from server.db.bulk import insert_rows, next_ids
from server.db.counts import Delta, kept
from server.db.ledger import HELD, Entry
from server.db.tables import LedgerEntry, Object, Project
from server.shore import Shore

pytestmark = pytest.mark.databases
ROWS = 3000
SEQS = [1, 2999, 17, 5000]


@pytest.fixture
def filled(shore: Shore) -> Shore:
    """A shore that holds many records of one epoch, which nobody has counted."""
    with shore.database.write() as connection:
        entries = [Entry(seq, seq.to_bytes(32, "big"), HELD) for seq in range(1, ROWS)]
        ledger.enter(connection, 1, 7, entries)
    return shore


def test_rows_by_a_list_of_keys(filled: Shore) -> None:
    with filled.database.read() as connection:
        found = ledger.known(connection, 1, 7, SEQS)
        assert found == {seq: (seq.to_bytes(32, "big"), HELD) for seq in (1, 17, 2999)}
        assert ledger.known(connection, 1, 7, []) == {}
        assert ledger.known(connection, 1, 8, SEQS) == {}


def test_a_list_of_keys_reads_those_rows_alone(filled: Shore) -> None:
    """PostgreSQL would read the whole epoch for each batch until it has counted the table."""
    with filled.database.read() as connection:
        if connection.dialect.name == "sqlite":
            pytest.skip("SQLite looks each of them up without being told")
        compiled = ledger._KNOWN._compile(connection.dialect)
        given = {"device_id": 1, "epoch": 7, "seqs": SEQS}
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled.text}"
        [[plan]] = connection.exec_driver_sql(explain, given).all()
    assert '"Actual Rows"' in json.dumps(plan)
    assert sum(_removed(plan)) == 0


def _removed(plan: Any) -> list[int]:
    """Rows that were read and not wanted, anywhere in a plan."""
    if isinstance(plan, list):
        return [n for one in plan for n in _removed(one)]
    if isinstance(plan, dict):
        here = [int(plan.get("Rows Removed by Filter", 0))]
        return here + [n for one in plan.values() for n in _removed(one)]
    return []


def test_what_the_driver_raises_is_sqlalchemys(filled: Shore) -> None:
    row = (1, 7, 17, bytes(32), HELD)
    columns = ("device_id", "epoch", "seq", "hash", "outcome")
    with filled.database.write() as connection:
        with pytest.raises(IntegrityError), connection.begin_nested():
            insert_rows(connection, LedgerEntry, columns, [row])
        assert len(ledger.known(connection, 1, 7, SEQS)) == 3


def test_a_connection_that_broke_is_given_up(filled: Shore) -> None:
    def ask() -> int:
        with filled.database.read() as connection:
            return len(ledger.known(connection, 1, 7, SEQS))

    with filled.database.read() as connection:
        if connection.dialect.name == "sqlite":
            pytest.skip("SQLite has no connection to break")
    with filled.database.read() as one, filled.database.read() as other:
        me = other.execute(text("SELECT pg_backend_pid()")).scalar_one()
        ledger.known(one, 1, 7, SEQS)
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        here = "WHERE datname = current_database() AND pid <> :me"
        other.execute(text(f"{others} {here}"), {"me": me})
        with pytest.raises(OperationalError):
            ledger.known(one, 1, 7, SEQS)
    assert ask() == 3
    assert ask() == 3


def test_counts_of_many_taxa_are_added_to_those_that_are_there(shore: Shore) -> None:
    with shore.database.write() as connection:
        connection.execute(
            text("INSERT INTO projects (id, title, created_ms, created_by) VALUES (9, 'x', 0, 1)")
        )
        for _ in range(2):
            delta = Delta(device_id=3)
            for taxon in (None, 4, 5):
                delta.add(9, (taxon, "P"), 2)
            delta.save(connection)
        assert kept(connection) == {(9, 0, "P"): 4, (9, 4, "P"): 4, (9, 5, "P"): 4}


def test_keys_rise_and_are_nobody_elses(shore: Shore) -> None:
    with shore.database.write() as connection:
        first = list(next_ids(connection, Object, 5))
        assert first == sorted(set(first))
        assert len(first) == 5
        if connection.dialect.name == "postgresql":  # on SQLite a key is taken by its row alone
            assert not set(first) & set(next_ids(connection, Object, 5))
        assert list(next_ids(connection, Project, 1))

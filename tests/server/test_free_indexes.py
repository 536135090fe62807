"""A large project's free column gets an index when people filter by it; answers stay the same."""

from typing import Any

import httpx
import pytest
from sqlalchemy import inspect, text

from server.bench.fill import fill
from server.db import free_indexes, jobs
from server.jobs.worker import run_waiting
from server.shore import Shore

FILTER = {"freenum": "n01", "freenumst": "300", "freenumend": "900"}


def query(client: httpx.Client, **filters: str) -> dict[str, Any]:
    path = "/object_set/1/query?fields=obj.orig_id,fre.area&order_field=-fre.area&window_size=50"
    answer = client.post(path, json=filters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def made(shore: Shore) -> set[str]:
    with shore.database.read() as connection:
        found = inspect(connection).get_indexes("object_free")
    return {str(index["name"]) for index in found if str(index["name"]).startswith("ix_free_")}


@pytest.mark.databases
def test_filtering_a_large_project_by_a_free_column_makes_its_index_once(
    shore: Shore, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shore, 1000, lambda _: None)
    before = query(client, **FILTER)
    assert 0 < before["total_ids"] < 600
    assert run_waiting(shore) == 0  # a small project needs none
    monkeypatch.setattr(free_indexes, "LARGE", 100)
    query(client, **FILTER)
    query(client, **FILTER)
    assert run_waiting(shore) == 1
    assert made(shore) == {"ix_free_1_n001"}
    assert query(client, **FILTER) == before
    assert run_waiting(shore) == 0
    query(client, taxo="3")
    query(client, freenum="oscore", freenumst="0.5")
    assert run_waiting(shore) == 0


@pytest.mark.databases
def test_an_index_that_was_cut_short_is_made_again(
    shore: Shore, client: httpx.Client, database_kind: str
) -> None:
    fill(shore, 300, lambda _: None)
    if database_kind == "postgresql":  # what a killed CREATE INDEX CONCURRENTLY leaves
        with shore.database.write() as connection:
            connection.execute(text("CREATE INDEX ix_free_1_n001 ON object_free (n001)"))
            spoil = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(:name)"
            connection.execute(text(spoil), {"name": "ix_free_1_n001"})
    for _ in range(2):
        free_indexes.build(shore.database, 1, "n001")
    [index] = [i for i in _indexes(shore) if i["name"] == "ix_free_1_n001"]
    assert index["column_names"] == ["n001", "objid"]
    with pytest.raises(ValueError, match="not a column of numbers"):
        free_indexes.build(shore.database, 1, "n001; DROP TABLE objects")


def _indexes(shore: Shore) -> list[Any]:
    with shore.database.read() as connection:
        return list(inspect(connection).get_indexes("object_free"))


def test_a_job_that_failed_is_not_asked_for_again_and_again(
    shore: Shore, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shore, 1000, lambda _: None)
    monkeypatch.setattr(free_indexes, "LARGE", 100)

    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(free_indexes, "build", broken)
    query(client, **FILTER)
    assert run_waiting(shore) == 1
    query(client, **FILTER)
    assert run_waiting(shore) == 0
    with shore.database.read() as connection:
        assert [job.state for job in jobs.all_jobs(connection)] == [jobs.ERROR]

"""The review page's query: right rows in the right order, and by a walk along an index."""

from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event, select, text

from models.bundle import Bundle
from server.bench.fill import fill
from server.db import objects
from server.db.objects import Filter
from server.db.tables import Object
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record

pytestmark = pytest.mark.databases

N = 120


@pytest.fixture
def filled(device: SimulatedDevice, bundle: Bundle) -> SimulatedDevice:
    records = [
        make_record(
            n + 1,
            make_object(bundle, n, sample=f"cast{n % 3}", taxon=bundle.classes[n % 4], score=n / N),
        )
        for n in range(N)
    ]
    device.ingest(records)
    return device


def rows(client: httpx.Client, project: int, **query: Any) -> tuple[int, list[dict[str, Any]]]:
    answer = client.get(f"/api/projects/{project}/objects", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["total"], answer.json()["objects"]


@pytest.mark.usefixtures("filled")
def test_filters_narrow_and_totals_agree(
    client: httpx.Client, project: int, bundle: Bundle
) -> None:
    total, found = rows(client, project, limit=500)
    assert (total, len(found)) == (N, N)
    taxon = found[0]["taxon_id"]
    total, of_taxon = rows(client, project, taxon_id=taxon, limit=500)
    assert total == len(of_taxon) == N // 4
    total, good = rows(client, project, score_min=0.25, score_max=0.5, limit=500)
    assert total == len(good) == 31
    assert all(0.25 <= o["score"] <= 0.5 for o in good)
    samples = client.get(f"/api/projects/{project}").json()["samples"]
    total, of_sample = rows(client, project, sample_id=samples[0]["sample_id"], limit=500)
    assert total == len(of_sample) == N // 3
    assert {o["sample"] for o in of_sample} == {samples[0]["name"]}
    assert rows(client, project, release=bundle.release_id)[0] == N
    assert rows(client, project, release="0" * 64)[0] == 0
    assert rows(client, project, status="V") == (0, [])
    assert rows(client, project, taxon_id=0) == (0, [])


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("key", ["score", "objid", "esd_um"])
def test_sorts_both_ways_and_pages_do_not_overlap(
    client: httpx.Client, project: int, key: str
) -> None:
    up = [o[key] for o in rows(client, project, sort=key, limit=500)[1]]
    down = [o[key] for o in rows(client, project, sort=f"-{key}", limit=500)[1]]
    assert up == sorted(up)
    assert down == up[::-1]
    paged = [
        o["objid"]
        for offset in range(0, N, 50)
        for o in rows(client, project, sort=key, limit=50, offset=offset)[1]
    ]
    assert len(set(paged)) == N


@pytest.mark.usefixtures("filled")
def test_random_order_is_mixed_and_stays(client: httpx.Client, project: int) -> None:
    first = [o["objid"] for o in rows(client, project, sort="random", limit=500)[1]]
    assert first == [o["objid"] for o in rows(client, project, sort="random", limit=500)[1]]
    assert first != sorted(first)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("wanted", "sort", "index"),
    [
        (Filter(taxon_id=5, status="P"), "score", "ix_objects_review"),
        (Filter(taxon_id=5, status="P"), "-score", "ix_objects_review"),
        (Filter(taxon_id=5, status="P", score_min=0.5), "score", "ix_objects_review"),
        (Filter(status="P"), "score", "ix_objects_status"),
        (Filter(), "objid", "ix_objects_project"),
    ],
)
def test_the_page_is_an_index_walk(shore: Shore, wanted: Filter, sort: str, index: str) -> None:
    statement, values = first_statement(shore.database.engine, shore, wanted, sort)
    with shore.database.read() as connection:
        if shore.database.engine.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            steps = " / ".join(row[3] for row in plan)
            assert f"INDEX {index}" in steps
        else:
            for name in ("seqscan", "bitmapscan"):  # a table this small is read whole otherwise
                connection.execute(text(f"SET LOCAL enable_{name} = off"))
            steps = " / ".join(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())
            assert "using ix_objects_" in steps  # which one, its statistics say
    assert "TEMP B-TREE" not in steps
    assert "Sort" not in steps


def first_statement(engine: Engine, shore: Shore, wanted: Filter, sort: str) -> tuple[str, Any]:
    """The page query itself, as it reaches the database."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        seen.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        with shore.database.read() as connection:
            objects.page(connection, 1, wanted, sort=sort, limit=100, offset=0)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return next(one for one in seen if "ORDER BY" in one[0])


def test_commits_are_durable(shore: Shore) -> None:
    wanted = {
        "sqlite": {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": 2, "PRAGMA foreign_keys": 1},
        "postgresql": {"SHOW fsync": "on", "SHOW synchronous_commit": "on"},
    }[shore.database.engine.dialect.name]
    with shore.database.read() as connection:
        assert {ask: connection.execute(text(ask)).scalar() for ask in wanted} == wanted


def test_taxa_are_found_as_one_types(client: httpx.Client, project: int) -> None:
    def names(q: str) -> list[str]:
        answer = client.get("/api/taxa/search", params={"q": q, "project_id": project})
        return [t["display_name"] for t in answer.json()]

    assert names("cope")[0] == "Copepoda"
    assert "faecal pellet" in names("pel")
    assert "faecal pellet" in names("FAECAL_p")
    assert names("100%") == []
    assert names("%") == []
    assert len(names("")) == 20


def test_taxa_of_one_name_are_told_apart(client: httpx.Client, bundle: Bundle) -> None:
    def find(name: str) -> int:
        found = client.get("/api/taxa/search", params={"q": name}).json()
        return next(t["taxon_id"] for t in found if t["name"] == name)

    answer = client.post("/api/taxa", json={"name": "egg", "parent_id": find("Copepoda")})
    assert answer.status_code == 201
    assert answer.json()["display_name"] == "egg<Copepoda"
    assert answer.json()["path"].endswith("Copepoda>egg")
    again = client.post("/api/taxa", json={"name": " EGG ", "parent_id": find("Copepoda")})
    assert again.status_code == 409


@pytest.mark.parametrize("sort", ["score", "-score"])
@pytest.mark.parametrize("taxon_id", [None, 5])
def test_pages_by_score_of_any_status_are_those_of_a_sort_of_all(
    shore: Shore, sort: str, taxon_id: int | None
) -> None:
    fill(shore, 900, lambda _: None)
    wanted = Filter(taxon_id=taxon_id)
    with shore.database.read() as connection:
        condition = Object.project_id == 1
        rows = connection.execute(
            select(Object.score, Object.objid)
            .where(condition if taxon_id is None else condition & (Object.taxon_id == taxon_id))
        ).all()  # fmt: skip
        expected = [objid for _, objid in sorted(rows, reverse=sort == "-score")]
        found: list[int] = []
        for offset in range(0, len(expected), 37):
            total, page = objects.page(connection, 1, wanted, sort=sort, limit=37, offset=offset)
            found += [row["objid"] for row in page]
            assert total == len(expected)
    assert found == expected
    assert len(expected) > 20

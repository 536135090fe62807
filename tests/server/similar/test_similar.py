"""Objects like one: the nearest are those that a comparison with all of them finds, whatever has
happened to the index."""

import os
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from server.bench.fill import Everything, fill
from server.bench.plausible import WIDTH, embeddings
from server.db import embeddings as stored
from server.db.embeddings import Embedded
from server.db.tables import ExactValues
from server.jobs.worker import run_waiting
from server.shore import Shore
from server.similar import index
from server.similar.cells import cells_for, coarse, make_centres, nearest_centre
from server.similar.index import Similar
from server.similar.nearest import nearest, rows_to_look_at
from server.similar.segment import Segment, write


@pytest.fixture
def filled(shore: Shore) -> Everything:
    return fill(shore, 3000, lambda _: None)


@pytest.fixture
def similar(shore: Shore) -> Similar:
    return Similar(shore.database, shore.settings.similar)


def like_of(shore: Shore, objid: int) -> Embedded:
    with shore.database.read() as connection:
        found = stored.of_object(connection, objid)
    assert found is not None
    return found


def put(shore: Shore, objid: int, embedding: bytes, release_no: int | None = 1) -> None:
    with shore.database.write() as connection:
        row = update(ExactValues).where(ExactValues.objid == objid)
        connection.execute(row.values(embedding=embedding, release_no=release_no))


def truth(shore: Shore, objid: int, n: int) -> list[float]:
    """Distances of the nearest by a comparison with every object."""
    like = like_of(shore, objid)
    with shore.database.read() as connection:
        rows = [row for some in stored.everything(connection, like) for row in some]
    mine = np.frombuffer(like.embedding, "<u2") / 256
    others = [np.frombuffer(data, "<u2") / 256 for one, data in rows if one != objid]
    return sorted(float(np.linalg.norm(other - mine)) for other in others)[:n]


@pytest.mark.databases
def test_the_nearest_of_all_are_found_and_what_has_no_embedding_is_counted(
    shore: Shore, client: httpx.Client, filled: Everything
) -> None:
    wide = filled.wide
    answer = client.get(f"/api/objects/{wide.first_objid}/similar?n=50").json()
    away = [row["distance"] for row in answer["objects"]]
    assert away == pytest.approx(truth(shore, wide.first_objid, 50), abs=2e-4)
    assert answer["total"] == wide.objects
    assert answer["indexed"] == wide.objects - len(range(7, wide.objects, 50))
    assert wide.first_objid not in {row["objid"] for row in answer["objects"]}
    without = client.get(f"/api/objects/{wide.first_objid + 7}/similar")
    assert (without.status_code, without.json()["error"]["code"]) == (409, "no_embedding")
    assert client.get(f"/api/objects/{filled.large.first_objid}/similar").status_code == 409
    assert client.get("/api/objects/999999999/similar").status_code == 404


@pytest.mark.databases
def test_a_filter_is_applied_to_what_objects_are_now(
    client: httpx.Client, filled: Everything
) -> None:
    objid = filled.wide.first_objid
    before = client.get(f"/api/objects/{objid}/similar?n=40&status=V").json()["objects"]
    assert len(before) == 40
    change = {"objids": [before[0]["objid"]], "action": "dubious", "key": str(uuid4())}
    project = filled.wide.project_id
    assert client.post(f"/api/projects/{project}/classify", json=change).status_code == 200
    after = client.get(f"/api/objects/{objid}/similar?n=39&status=V").json()["objects"]
    assert [row["objid"] for row in after] == [row["objid"] for row in before[1:]]


@pytest.mark.databases
def test_what_came_and_what_changed_since_is_told_as_it_is(
    shore: Shore, filled: Everything, similar: Similar
) -> None:
    first = filled.wide.first_objid
    found = similar.nearest(first, 5)
    twin, late, changed = like_of(shore, first), first + 7, found.objids[0]
    put(shore, late, twin.embedding)
    put(shore, changed, bytes(2 * WIDTH))
    put(shore, found.objids[1], twin.embedding, release_no=None)  # of a network nobody knows
    again = similar.nearest(first, 5)
    assert not {changed, found.objids[1]} & set(again.objids)  # never a wrong one
    similar.refresh(twin)
    again = similar.nearest(first, 5)
    assert (again.objids[0], again.distances[0]) == (late, 0.0)
    assert again.distances == pytest.approx(truth(shore, first, 5), abs=2e-4)


def test_an_index_that_is_torn_or_lost_is_made_anew(
    shore: Shore, filled: Everything, similar: Similar
) -> None:
    objid = filled.wide.first_objid
    expected = similar.nearest(objid, 20)
    [main] = shore.settings.similar.glob("*.main")
    whole = main.read_bytes()
    for spoilt in (b"", whole[:100], whole[:-1], b"x" + whole[1:], whole[:40] + whole[60:]):
        main.write_bytes(spoilt)
        assert similar.nearest(objid, 20).objids == expected.objids
        assert main.read_bytes() == whole
    main.unlink()
    assert similar.nearest(objid, 20).objids == expected.objids


def test_a_project_too_large_to_index_at_once_is_left_to_a_worker(
    shore: Shore, client: httpx.Client, filled: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "AT_ONCE", 100)
    path = f"/api/objects/{filled.wide.first_objid}/similar"
    for _ in range(2):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "being_indexed")
    assert run_waiting(shore) == 1
    answer = client.get(path).json()
    assert len(answer["objects"]) == 100
    assert [row["distance"] for row in answer["objects"]] == pytest.approx(
        truth(shore, filled.wide.first_objid, 100), abs=2e-4
    )


def test_a_refresh_that_is_cut_short_leaves_the_index_that_was(
    shore: Shore, filled: Everything, similar: Similar, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = filled.wide.first_objid
    similar.nearest(first, 20)
    [main] = shore.settings.similar.glob("*.main")
    kept, like = main.read_bytes(), like_of(shore, first)
    with shore.database.write() as connection:  # so much is gone that all is made anew
        some = ExactValues.objid.between(first + 300, first + 500)
        connection.execute(delete(ExactValues).where(some))
    monkeypatch.setattr(index, "AT_ONCE", 0)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(os, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            similar.refresh(like)
    assert main.read_bytes() == kept
    expected = pytest.approx(truth(shore, first, 20), abs=2e-4)
    assert similar.nearest(first, 20).distances == expected  # what is gone is not told
    similar.refresh(like)
    assert main.read_bytes() != kept
    assert similar.nearest(first, 20).distances == expected


@given(rows=st.integers(0, 300), cells=st.integers(1, 9), width=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_a_segment_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: int, cells: int, width: int
) -> None:
    path = tmp_path_factory.mktemp("segment") / "one.main"
    dice = np.random.default_rng(rows * 100 + cells)
    values = dice.integers(0, 256, (rows, width)).astype(np.uint8)
    objids = dice.permutation(10_000)[:rows].astype(np.int64)
    cell = dice.integers(0, cells, rows).astype(np.int32)
    centres = dice.random((cells, width)).astype(np.float32)
    write(path, "net", 77, objids, values, centres, cell)
    read = Segment.open(path)
    assert read is not None
    assert (read.network, read.high, read.rows) == ("net", 77, rows)
    assert np.array_equal(read.centres, centres)
    row_of = {objid: row for row, objid in enumerate(objids.tolist())}
    for number in range(cells):
        places = range(read.starts[number], read.starts[number + 1])
        assert {int(read.objids[i]) for i in places} == set(objids[cell == number].tolist())
        for i in places:
            assert np.array_equal(read.values[i], values[row_of[int(read.objids[i])]])


def test_cells_find_at_least_95_of_the_100_nearest(tmp_path: Path) -> None:
    dice = np.random.default_rng(3)
    exact = embeddings(dice, dice.integers(1, 90, 80_000))
    values, cells = coarse(exact), cells_for(80_000)
    centres = make_centres(values[:: 80_000 // (64 * cells)], cells, dice)
    path = tmp_path / "one.main"
    cell = nearest_centre(values, centres)
    write(path, "net", 1, np.arange(80_000), values, centres, cell)
    segment = Segment.open(path)
    assert segment is not None
    shares = []
    for wanted in exact[::8000]:
        away = ((exact.astype(np.float32) - wanted.astype(np.float32)) ** 2).sum(1)
        best = set(np.argpartition(away, 100)[:100].tolist())
        found = nearest(segment, wanted, 200, look=rows_to_look_at(segment.rows) // 4)
        shares.append(len(best & set(found.tolist())) / 100)
    assert np.mean(shares) >= 0.95

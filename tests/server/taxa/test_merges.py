"""Merges: objects, lists, numbers and undo follow; large ones go on; nobody gets between."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from models.bundle import Bundle
from server.db import counts, taxa, taxa_edit, taxa_merge
from server.db.tables import Object
from server.db.taxa_log import By
from server.jobs.worker import run_waiting
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record
from tests.server.taxa.conftest import add_objects, add_project

pytestmark = pytest.mark.databases

ANN = By(1, "ann@sea.test")


def two(shore: Shore) -> tuple[int, int]:
    with shore.database.write() as connection:
        return tuple(taxa.add(connection, name, None, 1) for name in ("Old", "New"))  # type: ignore[return-value]


def of(shore: Shore, project: int) -> set[int | None]:
    with shore.database.read() as connection:
        assert counts.kept(connection) == counts.recount(connection)
        query = select(Object.taxon_id).where(Object.project_id == project)
        return set(connection.execute(query).scalars())


def test_a_large_merge_goes_on_where_it_was_cut(shore: Shore) -> None:
    old, new = two(shore)
    with shore.database.write() as connection:
        project = add_project(connection, "Large")
        for status in "PVX":
            add_objects(connection, project, old, 5, status)
        taxa_merge._join(connection, old, new, ANN, 2)
        assert taxa_merge.carry(connection, most=7) == taxa_merge.Merged(moved=7, left=8)
    assert of(shore, project) == {old, new}
    with shore.database.read() as connection:
        assert taxa_merge.is_behind(connection)
        assert taxa.by_id(connection, [old])[old].name == "New", "the old number means the new one"
    run_waiting(shore)
    assert of(shore, project) == {new}
    with shore.database.read() as connection:
        assert not taxa_merge.is_behind(connection)
        predicted = select(Object.pred_taxon_id).distinct()
        assert set(connection.execute(predicted).scalars()) == {new}


def test_what_people_said_before_a_merge_is_undone_into_the_new_taxon(
    device: SimulatedDevice, client: httpx.Client, project: int, shore: Shore, bundle: Bundle
) -> None:
    device.ingest([make_record(n + 1, make_object(bundle, n)) for n in range(3)])
    base = f"/api/projects/{project}"
    objects = client.get(f"{base}/objects").json()["objects"]
    first = objects[0]
    new = client.post("/api/taxa", json={"name": "Gathered"}).json()["taxon_id"]
    body = {"objids": [first["objid"]], "key": str(uuid.uuid4())}
    client.post(f"{base}/classify", json={**body, "action": "relabel", "taxon_id": new})
    answer = client.post(f"/api/taxa/{first['taxon_id']}/merge", json={"into": new})
    assert answer.status_code == 200, answer.text
    assert answer.json()["left"] == 0
    assert client.post(f"{base}/undo", json={}).json()["changed"] == 1
    now = client.get(f"/api/objects/{first['objid']}").json()
    assert (now["taxon"], now["status"], now["predicted_taxon"]) == ("Gathered", "P", "Gathered")
    assert of(shore, project) >= {new}
    again = {**body, "key": str(uuid.uuid4()), "action": "relabel", "taxon_id": first["taxon_id"]}
    assert client.post(f"{base}/classify", json=again).status_code == 200
    assert client.get(f"/api/objects/{first['objid']}").json()["taxon"] == "Gathered"
    told = client.get(f"/api/taxa/{first['taxon_id']}").json()
    assert (told["status"], told["rename_to"]["taxon_id"]) == ("D", new)
    assert told["display_name"].endswith(" (Deprecated)")


def test_instruments_that_name_a_taxon_meanwhile_meet_the_new_one(
    enrol: Callable[[str], SimulatedDevice], shore: Shore, project: int, bundle: Bundle
) -> None:
    """Batches come in all the while; after the merge none of their objects is left behind."""
    devices = [enrol(f"device {n}") for n in range(3)]
    old, new = two(shore)
    ready = threading.Barrier(len(devices) + 1)

    def send(device: SimulatedDevice) -> None:
        ready.wait()
        for batch in range(6):
            records = [
                make_record(5 * batch + n + 1, make_object(bundle, 5 * batch + n, taxon="Old"))
                for n in range(5)
            ]
            assert not device.ingest(records).rej

    threads = [threading.Thread(target=send, args=(device,)) for device in devices]
    for thread in threads:
        thread.start()
    ready.wait()
    with shore.database.write() as connection:
        taxa_merge.merge(connection, old, into=new, by=ANN, now_ms=2)
    for thread in threads:
        thread.join()
    assert of(shore, project) == {new}


def test_a_merge_waits_for_whoever_has_looked_the_taxon_up(shore: Shore) -> None:
    old, new = two(shore)

    def merge() -> None:
        with shore.database.write() as connection:
            taxa_merge.merge(connection, old, into=new, by=ANN, now_ms=2)

    merging = threading.Thread(target=merge)
    with shore.database.write() as connection:
        project = add_project(connection, "Between")
        found = taxa.resolve(connection, ["Old"], 1)["Old"]
        merging.start()
        merging.join(0.5)  # it has had the time to do its harm if nothing holds it
        add_objects(connection, project, found, 3)
    merging.join()
    assert of(shore, project) == {new}


@pytest.mark.parametrize(
    ("merge", "message"),
    [
        (("Old", "Old"), "into itself"),
        (("Old", "Below"), "which is under it: move that one first"),
        (("not placed", "Old"), "holds what comes in unknown"),
    ],
)
def test_what_would_break_the_tree_is_refused(
    shore: Shore, merge: tuple[str, str], message: str
) -> None:
    old, _ = two(shore)
    with shore.database.write() as connection:
        taxa.add(connection, "Below", old, 1)
        known = taxa.known(connection, merge)
        with pytest.raises(taxa.TaxonRefusedError, match=message):
            taxa_merge.merge(connection, known[merge[0]], into=known[merge[1]], by=ANN, now_ms=2)


def test_a_merged_taxon_is_changed_no_more(shore: Shore) -> None:
    old, new = two(shore)
    with shore.database.write() as connection:
        taxa_merge.merge(connection, old, into=new, by=ANN, now_ms=2)
        changes: list[Callable[[], Any]] = [
            lambda: taxa_edit.rename(connection, old, "Other", ANN, 3),
            lambda: taxa_edit.move(connection, new, old, ANN, 3),
            lambda: taxa_merge.merge(connection, new, into=old, by=ANN, now_ms=3),
        ]
        for change in changes:
            with pytest.raises(taxa.TaxonRefusedError, match=f"merged into taxon {new}"):
                change()
        below = taxa.add(connection, "Below", old, 3)
        assert taxa.by_id(connection, [below])[below].path == "New>Below"

"""What EcoTaxa's clients say about objects: events, counts and undo hold; what is wrong changes
nothing."""

from typing import Any

import httpx
import pytest

from server.db import counts
from server.db.classify import KINDS
from server.shore import Shore
from tests.server.ecotaxa_api.described import Described
from tests.server.ecotaxa_api.material import Cast, Thing


def said(client: httpx.Client, thing: Thing) -> tuple[Any, Any, Any]:
    found = client.get(f"/object/{thing.objid}").json()
    return found["classif_qual"], found["classif_id"], found["classif_who"]


def counts_hold(shore: Shore) -> bool:
    with shore.database.read() as connection:
        return counts.kept(connection) == counts.recount(connection)


def classify(
    eco: Described, things: list[Thing], taxa: list[int], status: str = "V"
) -> httpx.Response:
    body = {
        "target_ids": [t.objid for t in things],
        "classifications": taxa,
        "wanted_qualification": status,
    }
    return eco.post("/object_set/classify", json=body)


@pytest.mark.databases
def test_a_taxon_for_each_object_and_a_state_for_all(
    shore: Shore, eco: Described, cast: Cast
) -> None:
    some = [t for t in cast.objects if t.taxon is not None][:6]
    taxa = [cast.taxa[i % 3] for i in range(5)] + [-1]
    expected = [("V", t if t != -1 else some[5].taxon, 1) for t in taxa]
    before = [said(eco, t) for t in some]
    changed = classify(eco, some, taxa).json()
    assert [said(eco, t) for t in some] == expected
    assert changed == sum(b != e for b, e in zip(before, expected, strict=True))
    assert classify(eco, some, taxa).json() == 0, "nothing is new"
    assert counts_hold(shore)
    events = eco.get(f"/object/{some[0].objid}/history").json()
    assert (events[-1]["classif_qual"], events[-1]["classif_id"]) == ("V", cast.taxa[0])
    undone = eco.post_own(f"/api/projects/{cast.project_id}/undo", json={})
    assert undone.json()["changed"] == changed
    assert [said(eco, t)[:2] for t in some] == [b[:2] for b in before]
    assert counts_hold(shore)


@pytest.mark.databases
def test_another_person_s_same_word_is_kept(eco: Described, cast: Cast) -> None:
    theirs = next(t for t in cast.objects if t.status == "V" and t.who == cast.other_id)
    mine = next(t for t in cast.objects if t.status == "V" and t.who == cast.user_id)
    assert classify(eco, [theirs, mine], [-1, -1]).json() == 1
    assert said(eco, theirs) == ("V", theirs.taxon, cast.user_id)


def test_an_object_without_a_taxon_is_passed_over(eco: Described, cast: Cast) -> None:
    bare = next(t for t in cast.objects if t.status == "U")
    assert classify(eco, [bare], [-1]).json() == 0
    assert classify(eco, [bare], [cast.taxa[1]], "D").json() == 1
    assert said(eco, bare) == ("D", cast.taxa[1], 1)


def test_the_state_may_stay(eco: Described, cast: Cast) -> None:
    doubtful = next(t for t in cast.objects if t.status == "D")
    assert classify(eco, [doubtful], [cast.taxa[2]], "=").status_code == 200
    assert said(eco, doubtful)[:2] == ("D", cast.taxa[2])


def test_what_is_wrong_changes_nothing(shore: Shore, eco: Described, cast: Cast) -> None:
    some = cast.objects[:2]
    for taxa, status, word in (
        ([cast.taxa[0]], "V", "classifications"),
        ([cast.taxa[0], 999_999], "V", "999999"),
        ([-1, -1], "P", "wanted_qualification"),
        ([-2, -1], "V", "classifications"),
    ):
        answer = classify(eco, some, taxa, status)
        assert answer.status_code == 422
        assert word in answer.json()["detail"]
    missing = {"target_ids": [some[0].objid, 10**9], "classifications": [-1, -1],
               "wanted_qualification": "V"}  # fmt: skip
    assert "1 of the objects" in eco.post("/object_set/classify", json=missing).json()["detail"]
    assert [said(eco, t)[:2] for t in some] == [
        (None if t.status == "U" else t.status, t.taxon) for t in some
    ]
    assert counts_hold(shore)


@pytest.mark.databases
def test_sets_are_reclassified_and_reset(shore: Shore, eco: Described, cast: Cast) -> None:
    wanted = [t for t in cast.objects if t.taxon == cast.taxa[0]]
    root = f"/object_set/{cast.project_id}"
    query = {"forced_id": cast.taxa[2], "reason": "W"}
    moved = eco.post(f"{root}/reclassify", params=query, json={"taxo": str(cast.taxa[0])})
    assert moved.json() == len(wanted)
    assert {said(eco, t)[1] for t in wanted} == {cast.taxa[2]}
    assert eco.post(f"{root}/reset_to_predicted", json={"statusfilter": "D"}).json() is None
    numbers = eco.post(f"{root}/summary", params={"only_total": False}, json={}).json()
    assert numbers["dubious_objects"] == 0
    assert counts_hold(shore)
    assert "classify" in KINDS


@pytest.mark.databases
def test_predictions_of_a_program_are_brought_in(shore: Shore, eco: Described, cast: Cast) -> None:
    free = [t for t in cast.objects if t.status in "UP"][:4]
    spoken = next(t for t in cast.objects if t.status == "V")
    ids = [t.objid for t in [*free, spoken]]
    body = {"target_ids": ids, "classifications": [cast.taxa[1]] * 5,
            "scores": [0.9, 0.8, 0.7, 0.6, 0.5], "keep_log": True}  # fmt: skip
    assert eco.post("/object_set/classify_auto", json=body).json() == 4
    assert said(eco, free[0]) == ("P", cast.taxa[1], None)
    assert said(eco, spoken)[0] == "V"
    assert eco.get(f"/object/{free[2].objid}").json()["classif_auto_score"] == 0.7
    many = {
        "target_ids": ids[:2], "classifications": [cast.taxa[:2], cast.taxa[1:]],
        "scores": [[0.2, 0.7], [0.6, 0.1]], "keep_log": False,
    }  # fmt: skip
    assert eco.post("/object_set/classify_auto_multiple", json=many).json() == 2
    assert [said(eco, t)[1] for t in free[:2]] == [cast.taxa[1], cast.taxa[1]]
    history = eco.get(f"/object/{ids[0]}/history").json()
    assert [(e["classif_type"], e["classif_score"]) for e in history[-2:]] == [
        ("A", 0.9), ("A", 0.7),
    ]  # fmt: skip
    assert counts_hold(shore)
    for change in ({"scores": [0.5]}, {"classifications": [999_999] * 5}, {"scores": [2] * 5}):
        assert eco.post("/object_set/classify_auto", json=body | change).status_code == 422


@pytest.mark.databases
def test_columns_of_objects_are_set(eco: Described, cast: Cast) -> None:
    some = [t.objid for t in cast.objects[:3]]
    updates = {"area": "12.5", "shape": "odd", "latitude": "43.5", "longitude": 7.3,
               "depth_max": "500", "objdate": "2024-07-01", "objtime": "12:00:00"}  # fmt: skip
    assert update(eco, "object", some, updates).json() == 3
    found = eco.get(f"/object/{some[0]}").json()
    assert (found["free_columns"]["area"], found["free_columns"]["shape"]) == (12.5, "odd")
    assert (found["objdate"], found["objtime"]) == ("2024-07-01", "12:00:00")
    assert (found["latitude"], found["depth_max"], found["sunpos"]) == (43.5, 500, "D")
    assert update(eco, "object", some, {"classif_id": cast.taxa[1], "classif_qual": "V"}).json()
    assert eco.get(f"/object/{some[2]}").json()["classif_id"] == cast.taxa[1]
    for updates, word in (
        ({"area": "large"}, "area"),
        ({"latitude": "91"}, "latitude"),
        ({"nothing": "1"}, "nothing"),
        ({"objdate": "01/07/2024"}, "objdate"),
        ({"shape": "x" * 251}, "shape"),
        ({"classif_who": "2"}, "classif_who"),
        ({"classif_qual": "P"}, "classif_qual"),
        ({"area": "1", "orig_id": "twice"}, "orig_id"),
    ):
        answer = update(eco, "object", some, updates)
        assert answer.status_code == 422
        assert word in answer.json()["detail"]
    assert eco.get(f"/object/{some[0]}").json()["free_columns"]["area"] == 12.5


@pytest.mark.databases
def test_columns_of_the_levels_above_are_set(eco: Described, cast: Cast) -> None:
    assert update(eco, "sample", cast.samples[:2], {"ship": "Atalante"}).json() == 2
    assert eco.get(f"/sample/{cast.samples[1]}").json()["free_columns"]["ship"] == "Atalante"
    assert update(eco, "acquisition", cast.acquisitions[:1], {"instrument": "zooscan"}).json() == 1
    assert update(eco, "process", cast.processes, {"software": "9"}).json() == 3
    assert eco.get(f"/process/{cast.processes[0]}").json()["free_columns"] == {"software": "9"}
    assert update(eco, "sample", cast.samples[:1], {"orig_id": "cast1_1"}).status_code == 409
    for updates, word in (({"boat": "x"}, "boat"), ({"ship": "x" * 251}, "ship")):
        assert word in update(eco, "sample", cast.samples, updates).json()["detail"]
    assert update(eco, "sample", [10**9], {"ship": "x"}).status_code == 422


def update(eco: Described, what: str, ids: list[int], updates: dict[str, Any]) -> httpx.Response:
    pairs = [{"ucol": name, "uval": value} for name, value in updates.items()]
    return eco.post(f"/{what}_set/update", json={"target_ids": ids, "updates": pairs})

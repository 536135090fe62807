"""The API of taxa: the tree as it is walked, changes with their history, who may do what."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from server.auth.passwords import hash_password
from server.clock import now_ms
from server.db import taxa, taxa_tree, users
from server.shore import Shore
from tests.server.taxa.conftest import add_objects, add_project
from tests.server.taxa.test_checklists import ECOTAXA

pytestmark = pytest.mark.databases

Login = Callable[[str, str], httpx.Client]


def find(client: httpx.Client, text: str) -> int:
    found = client.get("/api/taxa/search", params={"q": text}).json()
    return int(found[0]["taxon_id"])


def test_a_taxon_tells_what_is_above_below_and_how_much_it_is_used(
    client: httpx.Client, shore: Shore
) -> None:
    with shore.database.write() as connection:
        known = taxa.known(connection, ["Copepoda", "Calanus", "Oithona", "Crustacea"])
        project = add_project(connection, "Counting")
        add_objects(connection, project, known["Copepoda"], 2)
        add_objects(connection, project, known["Calanus"], 3, "P")
        add_objects(connection, project, known["Oithona"], 4)
        add_objects(connection, project, None, 9, "U")
    told = client.get(f"/api/taxa/{known['Copepoda']}").json()
    assert [one["name"] for one in told["lineage"]][:2] == ["Copepoda", "Crustacea"]
    assert {one["name"] for one in told["children"]} == {"Calanoida", "Cyclopoida"}
    assert (told["uses"], told["uses_below"]) == (2, 7)
    assert {one["name"] for one in told["synonyms"]} == {"Copepod", "copepods"}
    assert told["aphia_url"].endswith("id=1080")
    with shore.database.read() as connection:
        [crustacea, copepoda] = taxa_tree.branches(
            connection, [known["Crustacea"], known["Copepoda"], 10**8]
        )
        assert (crustacea.nb_objects, crustacea.nb_children_objects) == (0, 9)
        assert copepoda.id_lineage[:2] == [known["Copepoda"], known["Crustacea"]]
        assert copepoda.lineage[-1] == "Biota"
        below = set(taxa_tree.subtree(connection, [known["Copepoda"]]))
        assert known["Calanus"] in below
        assert known["Crustacea"] not in below
    roots = client.get("/api/taxa/roots").json()
    assert next(one["name"] for one in roots) == "Biota"
    assert client.get("/api/taxa/123456789").status_code == 404


def test_changes_are_all_or_nothing_and_are_told(client: httpx.Client) -> None:
    version = client.get("/api/taxa/changes").json()["version"]
    calanus, oithona = find(client, "calanus"), find(client, "oithona")
    wrong = client.patch(f"/api/taxa/{calanus}", json={"name": "Calanella", "aphia_id": 1080})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (409, "taxon_exists")
    assert "'Copepoda' has the AphiaID 1080 already" in wrong.json()["error"]["message"]
    assert client.get("/api/taxa/changes").json()["version"] == version
    done = client.patch(
        f"/api/taxa/{calanus}", json={"name": "Calanella", "parent_id": oithona, "rank": "Subgenus"}
    )
    assert done.json()["path"].endswith("Oithona>Calanella")
    told = client.get("/api/taxa/changes", params={"taxon_id": calanus}).json()
    assert [one["kind"] for one in told["changes"]][:4] == ["edit", "move", "synonym", "rename"]
    assert told["changes"][0]["who"] == "admin@sea.test"
    assert told["names"][str(oithona)] == "Oithona"
    circle = client.patch(f"/api/taxa/{oithona}", json={"parent_id": calanus})
    assert "which is itself under it" in circle.json()["error"]["message"]


def test_other_names_are_added_and_taken_away(client: httpx.Client) -> None:
    calanus = find(client, "calanus")
    added = client.post(f"/api/taxa/{calanus}/synonyms", json={"name": "Calanella"})
    assert added.status_code == 201
    assert (
        client.post(f"/api/taxa/{calanus}/synonyms", json={"name": "CALANELLA"}).status_code == 409
    )
    assert find(client, "calanel") == calanus
    number = added.json()[-1]["synonym_id"]
    assert client.delete(f"/api/taxa/{calanus}/synonyms/{number}").json() == added.json()[:-1]
    assert client.get("/api/taxa/search", params={"q": "calanel"}).json() == []
    assert client.delete(f"/api/taxa/{calanus}/synonyms/{number}").status_code == 404


def test_a_checklist_is_handed_in_checked_and_taken_in(client: httpx.Client) -> None:
    assert client.put("/api/files/tree.tsv", content=ECOTAXA.encode()).status_code == 201
    body: dict[str, Any] = {"file": "tree.tsv"}
    checked = client.post("/api/taxa/import", json={**body, "check": True}).json()
    assert (checked["errors"], checked["written"], checked["entries"]) == (0, None, 7)
    done = client.post("/api/taxa/import", json=body).json()
    assert done["written"]["added"] == 4, "two eggs, two signposts; the others are known"
    assert client.post("/api/taxa/import", json={"file": "../x"}).status_code == 404
    client.put("/api/files/bad.tsv", content=b"id\tparent_id\tname\ttaxotype\nx\t\tA\tP\n")
    refused = client.post("/api/taxa/import", json={"file": "bad.tsv"}).json()
    assert refused["errors"] == 1
    assert refused["problems"][0]["line"] == 2


def test_viewers_look_and_managers_change(
    client: httpx.Client, project: int, shore: Shore, login: Login
) -> None:
    with shore.database.write() as connection:
        for name, role in (("vi", "viewer"), ("an", "annotator"), ("ma", "manager")):
            users.add(
                connection,
                email=f"{name}@sea.test",
                name=name,
                role=role,
                password_hash=hash_password("pass phrase"),
                now_ms=now_ms(),
            )
    calanus = find(client, "calanus")
    tries: list[tuple[str, str, Any]] = [
        ("POST", "/api/taxa", {"name": "Testus"}),
        ("PATCH", f"/api/taxa/{calanus}", {"rank": "Genus"}),
        ("POST", f"/api/taxa/{calanus}/synonyms", {"name": "Calanella"}),
        ("POST", "/api/taxa/carry", {}),
        ("PUT", f"/api/projects/{project}/taxon_list", {"taxon_ids": [calanus]}),
    ]
    for name, allowed in (("vi", False), ("an", False), ("ma", True)):
        person = login(f"{name}@sea.test", "pass phrase")
        assert person.get(f"/api/taxa/{calanus}").status_code == 200
        for method, path, body in tries:
            answer = person.request(method, path, json=body)
            assert (answer.status_code < 300) is allowed, (name, path, answer.text)

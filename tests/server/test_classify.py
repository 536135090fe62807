"""What people say: events, undo and redo, several people, keys that count once."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest

from models.bundle import Bundle
from server.auth.passwords import hash_password
from server.clock import now_ms
from server.db import counts, users
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record

pytestmark = pytest.mark.databases

Login = Callable[[str, str], httpx.Client]


class Desk:
    """A person at work in one project."""

    def __init__(self, http: httpx.Client, project: int) -> None:
        self.http = http
        self.base = f"/api/projects/{project}"

    def act(self, action: str, objids: Sequence[int], **more: Any) -> httpx.Response:
        body = {"action": action, "objids": list(objids), "key": str(uuid.uuid4()), **more}
        return self.http.post(f"{self.base}/classify", json=body)

    def state(self, objid: int) -> tuple[str, str | None]:
        one = self.http.get(f"/api/objects/{objid}").json()
        return one["status"], one["taxon"]

    def turn(self, word: str, **body: Any) -> httpx.Response:
        return self.http.post(f"{self.base}/{word}", json=body)


@pytest.fixture
def objids(
    device: SimulatedDevice, client: httpx.Client, project: int, bundle: Bundle
) -> list[int]:
    records = [make_record(n + 1, make_object(bundle, n)) for n in range(6)]
    bare = make_object(bundle, 9, taxon=None, score=None, top=(), release=None)
    device.ingest([*records, make_record(7, bare)])
    found = client.get(f"/api/projects/{project}/objects?sort=objid").json()["objects"]
    return [one["objid"] for one in found]


@pytest.fixture
def desk(client: httpx.Client, project: int, shore: Shore) -> Any:
    yield Desk(client, project)
    with shore.database.read() as connection:
        assert counts.kept(connection) == counts.recount(connection)


def taxon_of(client: httpx.Client, name: str) -> int:
    found = client.get("/api/taxa/search", params={"q": name}).json()
    return next(t["taxon_id"] for t in found if t["name"] == name)


def test_each_action_does_what_it_says(desk: Desk, objids: list[int], bundle: Bundle) -> None:
    names = [bundle.classes[n] for n in range(5)]
    limacina = taxon_of(desk.http, "Limacina")
    assert desk.act("validate", objids[:1]).json()["changed"] == 1
    desk.act("dubious", objids[1:2])
    desk.act("discard", objids[2:3])
    desk.act("relabel", objids[3:4], taxon_id=limacina)
    assert [desk.state(o) for o in objids[:5]] == [
        ("V", names[0]),
        ("D", names[1]),
        ("X", names[2]),
        ("V", "Limacina"),
        ("P", names[4]),
    ]
    assert desk.act("reset", objids).json()["changed"] == 4
    assert [desk.state(o)[0] for o in objids] == ["P"] * 6 + ["U"]
    assert desk.state(objids[3]) == ("P", names[3])


def test_the_same_key_counts_once_and_for_one_thing(desk: Desk, objids: list[int]) -> None:
    key = str(uuid.uuid4())
    first = desk.act("validate", objids[:3], key=key)
    again = desk.act("validate", objids[:3], key=key)
    assert first.json() == again.json()
    other = desk.act("discard", objids[:3], key=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "key_reused")
    assert len(desk.http.get(f"/api/objects/{objids[0]}").json()["history"]) == 1


def test_undo_and_redo_walk_the_actions(desk: Desk, objids: list[int]) -> None:
    before = [desk.state(o) for o in objids]
    desk.act("validate", objids[:4])
    desk.act("discard", objids[2:6])
    after = [desk.state(o) for o in objids]
    assert desk.turn("undo").json()["action"] == "discard"
    assert desk.turn("undo").json()["action"] == "validate"
    assert [desk.state(o) for o in objids] == before
    assert desk.turn("undo").status_code == 409
    assert [desk.turn("redo").json()["action"] for _ in range(2)] == ["validate", "discard"]
    assert [desk.state(o) for o in objids] == after
    assert desk.turn("redo").status_code == 409


def test_an_action_after_an_undo_ends_redo(desk: Desk, objids: list[int]) -> None:
    desk.act("validate", objids[:1])
    desk.turn("undo")
    desk.act("discard", objids[1:2])
    assert desk.turn("redo").status_code == 409
    assert desk.turn("undo").json()["action"] == "discard"


def test_an_undo_whose_answer_was_lost_counts_once(desk: Desk, objids: list[int]) -> None:
    desk.act("validate", objids[:1])
    desk.act("validate", objids[1:2])
    key = str(uuid.uuid4())
    assert desk.turn("undo", key=key).json() == desk.turn("undo", key=key).json()
    assert [desk.state(o)[0] for o in objids[:2]] == ["V", "P"]


def test_undo_leaves_what_somebody_else_said_since(
    desk: Desk, objids: list[int], shore: Shore, login: Login, project: int
) -> None:
    with shore.database.write() as connection:
        users.add(
            connection,
            email="bo@sea.test",
            name="Bo",
            role="annotator",
            password_hash=hash_password("pass phrase"),
            now_ms=now_ms(),
        )
    other = Desk(login("bo@sea.test", "pass phrase"), project)
    desk.act("validate", objids[:2])
    other.act("dubious", objids[1:2])
    assert desk.turn("undo").json()["changed"] == 1
    assert [desk.state(o)[0] for o in objids[:2]] == ["P", "D"]
    assert other.turn("undo").json()["changed"] == 1
    assert desk.state(objids[1])[0] == "V"
    history = desk.http.get(f"/api/objects/{objids[1]}").json()["history"]
    assert [(e["action"], e["user"], e["undone"]) for e in history] == [
        ("validate", "Administrator", True),
        ("dubious", "Bo", True),
        ("undo", "Bo", False),
    ]


def test_what_cannot_be_done_is_refused_whole(
    desk: Desk, objids: list[int], client: httpx.Client
) -> None:
    elsewhere = client.post("/api/projects", json={"title": "Other"}).json()["project_id"]
    tries = {
        "no_taxon": desk.act("validate", objids),
        "not_found": desk.act("validate", [objids[0], 10**12]),
        "taxon": desk.act("relabel", objids, taxon_id=10**9),
    }
    for code, answer in tries.items():
        assert answer.json()["error"]["code"] == code
    assert desk.act("relabel", objids).json()["error"]["code"] == "taxon"
    assert Desk(client, elsewhere).act("validate", objids[:1]).status_code == 404
    assert desk.act("validate", []).status_code == 422
    assert desk.act("validate", list(range(1, 5002))).status_code == 422
    assert desk.act("bless", objids).status_code == 422
    assert {desk.state(o)[0] for o in objids} == {"P", "U"}


def test_counts_follow(desk: Desk, objids: list[int], project: int) -> None:
    desk.act("validate", objids[:2])
    desk.act("discard", objids[2:3])
    summary = desk.http.get(f"/api/projects/{project}").json()
    words = ("total", "predicted", "validated", "discarded", "dubious", "unclassified")
    assert [summary[word] for word in words] == [7, 3, 2, 1, 0, 1]
    taxa = desk.http.get(f"/api/projects/{project}/taxa").json()
    assert sum(t["total"] for t in taxa) == 7
    assert sum(t["validated"] for t in taxa) == 2


def test_a_key_of_one_action_is_refused_for_another(
    desk: Desk, objids: list[int], client: httpx.Client
) -> None:
    used, undone = str(uuid4()), str(uuid4())
    elsewhere = client.post("/api/projects", json={"title": "Other"}).json()["project_id"]
    desk.act("validate", objids[:1], key=used)
    desk.act("validate", objids[1:2])
    assert desk.turn("undo", key=undone).status_code == 200
    refused = [
        desk.turn("undo", key=used),
        desk.turn("redo", key=used),
        desk.turn("redo", key=undone),
        Desk(client, elsewhere).turn("undo", key=undone),
    ]
    assert [a.json()["error"]["code"] for a in refused] == ["key_reused"] * 4

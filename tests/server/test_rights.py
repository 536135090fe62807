"""Who may what in which project: the rule, members, and that a private project does not exist for
others: not at any address of the application, not in any list."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from models.bundle import Bundle
from server.app import create_app
from server.auth.passwords import hash_password
from server.auth.rights import RIGHTS, right, suffices
from server.auth.roles import ROLES
from server.clock import now_ms
from server.db import jobs, members, releases, users
from server.jobs.worker import run_waiting
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record
from server.web.routes import router

Login = Callable[[str, str], httpx.Client]
Enrol = Callable[[str], SimulatedDevice]
SECRET = "Zweisimmen"
"""In every name of the hidden project, and nowhere else."""


def join(shore: Shore, email: str, role: str) -> int:
    with shore.database.write() as connection:
        return users.add(
            connection, email=email, name=email.partition("@")[0], role=role,
            password_hash=hash_password("pass phrase"), now_ms=now_ms(),
        )  # fmt: skip


def put(client: httpx.Client, project: int, email: str, may: str) -> httpx.Response:
    return client.put(f"/api/projects/{project}/members", json={"email": email, "may": may})


@pytest.mark.parametrize(
    ("role", "access", "member", "expected"),
    [
        ("viewer", "open", None, "view"),
        ("annotator", "public", None, "annotate"),
        ("manager", "open", None, "manage"),
        ("manager", "private", None, None),
        ("viewer", "private", "manage", "manage"),
        ("manager", "open", "view", "view"),
        ("administrator", "private", None, "manage"),
        ("administrator", "private", "view", "manage"),
        ("nobody", "open", None, None),
        ("viewer", "private", "everything", None),
    ],
)
def test_a_right_comes_of_membership_else_of_the_role_unless_private(
    role: str, access: str, member: str | None, expected: str | None
) -> None:
    assert right(role, access, member) == expected


def test_a_token_gives_no_more_than_it_says() -> None:
    for role in ROLES[:3]:
        for most in RIGHTS:
            found = right(role, "private", "annotate", most)
            assert found is not None
            assert RIGHTS.index(found) == min(1, RIGHTS.index(most))
    assert [suffices("annotate", needed) for needed in RIGHTS] == [True, True, False]
    assert not suffices(None, "view")


@pytest.mark.databases
def test_the_creator_manages_and_lets_others_in(
    shore: Shore, client: httpx.Client, login: Login
) -> None:
    join(shore, "mia@sea.test", "manager")
    join(shore, "vic@sea.test", "viewer")
    mia, vic = login("mia@sea.test", "pass phrase"), login("vic@sea.test", "pass phrase")
    project = mia.post("/api/projects", json={"title": "Hers"}).json()["project_id"]
    assert mia.get(f"/api/projects/{project}").json()["right"] == "manage"
    assert vic.get(f"/api/projects/{project}").json()["right"] == "view"
    refused = put(vic, project, "vic@sea.test", "manage")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "right")
    mia.patch(f"/api/projects/{project}/settings", json={"access": "private"})
    assert vic.get(f"/api/projects/{project}").status_code == 404
    assert put(mia, project, "VIC@sea.test ", "annotate").status_code == 200
    assert vic.get(f"/api/projects/{project}").json()["right"] == "annotate"
    turn = vic.post(f"/api/projects/{project}/undo")
    assert turn.json()["error"]["code"] == "nothing_to_undo", "a viewer who may annotate here"
    gone = put(mia, project, "nobody@sea.test", "view")
    assert gone.json()["error"]["code"] == "email"
    found = mia.get(f"/api/projects/{project}/members").json()
    assert [(one["email"], one["may"]) for one in found] == [
        ("mia@sea.test", "manage"),
        ("vic@sea.test", "annotate"),
    ]


@pytest.mark.databases
def test_the_last_manager_cannot_leave_nor_be_lowered(
    shore: Shore, client: httpx.Client, project: int
) -> None:
    bo = join(shore, "bo@sea.test", "annotator")
    path = f"/api/projects/{project}/members"
    for answer in (put(client, project, "admin@sea.test", "view"), client.delete(f"{path}/1")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last_manager")
    assert [one["may"] for one in client.get(path).json()] == ["manage"], "nothing was changed"
    assert put(client, project, "bo@sea.test", "manage").status_code == 200
    client.patch(f"/api/users/{bo}", json={"active": False})
    assert client.delete(f"{path}/1").status_code == 409, "somebody who may not log in is nobody"
    client.patch(f"/api/users/{bo}", json={"active": True})
    assert client.delete(f"{path}/1").status_code == 200
    assert client.delete(f"{path}/1").status_code == 404


@pytest.mark.databases
def test_a_token_for_looking_only_looks(shore: Shore, client: httpx.Client, project: int) -> None:
    token = client.post("/api/tokens", json={"name": "t", "role": "viewer"}).json()["token"]
    with httpx.Client(base_url=client.base_url) as script:
        script.headers["Authorization"] = f"Bearer {token}"
        assert script.get(f"/api/projects/{project}").json()["right"] == "view"
        assert script.post(f"/api/projects/{project}/undo").status_code == 403
        change = script.patch(f"/api/projects/{project}/settings", json={"title": "mine"})
        assert change.json()["error"]["code"] == "right"


@pytest.mark.databases
def test_settings_are_kept_and_what_is_wrong_is_said(client: httpx.Client, project: int) -> None:
    path = f"/api/projects/{project}/settings"
    client.post("/api/projects", json={"title": "Adriatic"})
    wanted = {"title": "North", "description": "Casts\nof May", "licence": "CC BY 4.0",
              "instrument": "UVP6"}  # fmt: skip
    assert wanted.items() <= client.patch(path, json=wanted).json().items()
    assert client.get(path).json()["title"] == "North"
    for body, word in (
        ({"title": "Adriatic"}, "a project 'Adriatic' already"),
        ({"licence": "mine alone"}, "CC BY 4.0"),
        ({"access": "secret"}, "private"),
        ({"shown": ["area"]}, "no free column area"),
        ({"titel": "x"}, "titel"),
        ({"title": "\n"}, "title"),
    ):
        answer = client.patch(path, json=body)
        assert answer.status_code in (409, 422), body
        assert word in answer.json()["error"]["message"]
    assert wanted.items() <= client.get(path).json().items()


# A private project does not exist for a stranger to it


KEY = str(uuid.UUID(int=1))
BODIES: dict[str, Any] = {
    "POST /api/projects/{project_id}/classify": {
        "action": "validate", "objids": ["objid"], "key": KEY,
    },
    "PUT /api/projects/{project_id}/members": {"email": "mia@sea.test", "may": "manage"},
    "POST /api/queue/{job_id}/reply": {"reply": {}},
    "POST /api/projects/{project_id}/imports": {"file": "x.zip"},
    "POST /api/projects/{project_id}/exports": {"kind": "backup"},
    "PUT /api/projects/{project_id}/taxon_list": {"taxon_ids": []},
    "POST /api/devices/{device_id}/commands": {"name": "restart"},
    "POST /api/releases/{release_id}/assign": {"device_ids": "all"},
    "POST /api/claims": {"project_id": "project_id"},
    "PUT /projects/{project_id}": {"projid": "project_id", "title": "x"},
    "POST /file_import/{project_id}": {"source_path": "x.zip"},
    "POST /simple_import/{project_id}": {"source_path": "x", "values": {}},
}  # fmt: skip
"""What a route that is about something hidden must be asked with to be asked at all."""
QUERIES: dict[str, dict[str, Any]] = {
    "POST /object_set/{project_id}/summary": {"only_total": True},
    "POST /object_set/{project_id}/reclassify": {"forced_id": 1, "reason": "x"},
    "PUT /projects/{project_id}/prediction_settings": {"settings": "x"},
    "POST /simple_import/{project_id}": {"dry_run": True},
}
"""The same in the address."""
NOT_OF_PROJECTS = (
    "/v1/",
    "/static/",
    "/api/quarantine",
    "/quarantine",
    "/api/users",
    "/api/tokens",
    "/users/",
)
"""Devices sign for themselves; the quarantine is of managers by their role."""


@pytest.fixture
def hidden(
    shore: Shore, client: httpx.Client, project: int, enrol: Enrol, bundle: Bundle
) -> dict[str, Any]:
    """A private project with a device, an object and a release, all named alike; their ids."""
    device = enrol(f"{SECRET}-1")
    body = make_object(bundle, 1, sample=f"{SECRET}-cast")
    device.ingest([make_record(1, body)])
    with shore.database.write() as connection:
        releases.register(
            connection, release_id="ab" * 32, name=f"{SECRET} release", file="x.bundle",
            network="n", classes=["Copepoda"], figures={}, parent_no=None, project_id=project,
            now_ms=now_ms(),
        )  # fmt: skip
        job_id = jobs.add(
            connection, "export", project_id=project, user_id=1, params={"kind": SECRET},
            now_ms=now_ms(),
        )  # fmt: skip
    body_ = {"access": "private", "title": SECRET}
    assert client.patch(f"/api/projects/{project}/settings", json=body_).status_code == 200
    [row] = client.get(f"/api/projects/{project}/objects").json()["objects"]
    above = client.post("/object_set/parents", json=[row["objid"]]).json()
    return {
        "project_id": project, "objid": row["objid"], "device_id": device.device_id,
        "release_id": "ab" * 32, "user_id": 1, "object_id": row["objid"],
        "sample_id": above["sample_ids"][0], "acquisition_id": above["acquisition_ids"][0],
        "process_id": 1, "job_id": job_id,
    }  # fmt: skip


def filled(what: Any, ids: dict[str, Any]) -> Any:
    """A body with the hidden things' numbers in the place of their names."""
    if isinstance(what, dict):
        return {key: filled(value, ids) for key, value in what.items()}
    if isinstance(what, list):
        return [filled(value, ids) for value in what]
    return ids.get(what, what) if isinstance(what, str) else what


def routes(shore: Shore) -> list[tuple[str, str]]:
    """(method, path) of everything that the application answers to people."""
    described = create_app(shore).openapi()["paths"]
    found = [(method.upper(), path) for path, methods in described.items() for method in methods]
    pages = [route for route in router.routes if isinstance(route, APIRoute)]
    found += [(method, page.path) for page in pages for method in page.methods]
    assert len(found) > 40
    return [(method, path) for method, path in found if not path.startswith(NOT_OF_PROJECTS)]


@pytest.mark.databases
def test_no_address_tells_a_stranger_of_a_private_project(
    shore: Shore, stranger: httpx.Client, login: Login, hidden: dict[str, Any]
) -> None:
    join(shore, "mia@sea.test", "manager")
    mia = login("mia@sea.test", "pass phrase")
    asked = 0
    for method, path in routes(shore):
        names = re.findall(r"{(\w+)}", path)
        if not names or not set(names) <= set(hidden):
            continue
        asked += 1
        body = filled(BODIES.get(f"{method} {path}", {}), hidden)
        query = QUERIES.get(f"{method} {path}")
        answer = mia.request(method, path.format(**hidden), json=body, params=query)
        if answer.status_code == 422:
            pytest.fail(f"BODIES needs a body for {method} {path}: {answer.text}")
        assert answer.status_code in (403, 404), (method, path, answer.text)
        assert SECRET not in answer.text, (method, path)
        nobody = stranger.request(method, path.format(**hidden), json=body)
        assert nobody.status_code in (303, 401, 403, 404), (method, path, nobody.text)
    assert asked > 20
    claim = mia.post("/api/claims", json={"project_id": hidden["project_id"]})
    assert claim.status_code == 404


@pytest.mark.databases
def test_no_list_or_search_has_anything_of_a_private_project(
    shore: Shore,
    stranger: httpx.Client,
    client: httpx.Client,
    login: Login,
    hidden: dict[str, Any],
) -> None:
    join(shore, "mia@sea.test", "manager")
    mia = login("mia@sea.test", "pass phrase")
    seen = set()
    for method, path in routes(shore):
        if method != "GET" or "{" in path or path in ("/api/openapi.json", "/favicon.ico"):
            continue
        answer = mia.get(path)
        assert answer.status_code in (200, 303, 403, 422), (path, answer.text)
        assert SECRET not in answer.text, path
        assert SECRET not in stranger.get(path).text, path
        if SECRET in client.get(path).text:
            seen.add(path)
    assert {"/api/projects", "/api/devices", "/api/releases"} <= seen, "its own people see it"
    answer = mia.get("/api/taxa/search", params={"q": "c", "project_id": hidden["project_id"]})
    assert answer.status_code == 404
    for path, query in (
        ("/samples/search", {"project_ids": hidden["project_id"], "id_pattern": ""}),
        ("/acquisitions/search", {"project_id": hidden["project_id"]}),
        ("/instruments/", {"project_ids": hidden["project_id"]}),
        ("/project_set/taxo_stats", {"ids": hidden["project_id"]}),
        ("/project_set/user_stats", {"ids": hidden["project_id"]}),
        ("/project_set/column_stats", {"ids": hidden["project_id"], "names": "obj.depth_min"}),
        ("/sample_set/taxo_stats", {"sample_ids": hidden["sample_id"]}),
    ):
        assert mia.get(path, params=query).status_code == 404, path
        assert client.get(path, params=query).status_code == 200, path
    one = [hidden["objid"]]
    update = {"target_ids": one, "updates": [{"ucol": "depth_min", "uval": "1"}]}
    for path, body in (
        ("/object_set/parents", one),
        ("/object_set/predictions", one),
        ("/object_set/update", update),
        ("/sample_set/update", {**update, "target_ids": [hidden["sample_id"]]}),
        ("/object_set/classify", {
            "target_ids": one, "classifications": [-1], "wanted_qualification": "V",
        }),
    ):  # fmt: skip
        assert mia.post(path, json=body).status_code == 404, path


@pytest.mark.databases
def test_a_release_is_not_assigned_to_other_peoples_devices(
    shore: Shore, client: httpx.Client, login: Login, hidden: dict[str, Any]
) -> None:
    join(shore, "mia@sea.test", "manager")
    mia = login("mia@sea.test", "pass phrase")
    [factory] = mia.get("/api/releases").json()
    path = f"/api/releases/{factory['release_id']}/assign"
    assert mia.post(path, json={"device_ids": "all"}).json() == []
    one = mia.post(path, json={"device_ids": [hidden["device_id"]]})
    assert one.status_code == 409
    assert put(client, hidden["project_id"], "mia@sea.test", "view").status_code == 200
    assert mia.get(f"/api/devices/{hidden['device_id']}").status_code == 200
    assert mia.post(path, json={"device_ids": [hidden["device_id"]]}).status_code == 409
    assert put(client, hidden["project_id"], "mia@sea.test", "manage").status_code == 200
    assert len(mia.post(path, json={"device_ids": "all"}).json()) == 1


@pytest.mark.databases
def test_rights_to_many_objects_are_by_their_projects(
    shore: Shore, client: httpx.Client, hidden: dict[str, Any]
) -> None:
    join(shore, "mia@sea.test", "manager")
    with shore.database.read() as connection:
        found = users.by_email(connection, "mia@sea.test")
        admin = users.by_email(connection, "admin@sea.test")
        assert found is not None
        assert admin is not None
        objids = [hidden["objid"], 99_999]
        mia = members.rights_to_objects(connection, found[0], objids)
        assert mia == {hidden["project_id"]: None}
        all_ = members.rights_to_objects(connection, admin[0], objids)
        assert all_ == {hidden["project_id"]: "manage"}
        assert members.right_to_object(connection, admin[0], 99_999) == (0, None)


@pytest.mark.databases
def test_a_job_is_seen_by_who_asked_and_by_managers(
    shore: Shore, client: httpx.Client, login: Login, hidden: dict[str, Any]
) -> None:
    join(shore, "mia@sea.test", "annotator")
    mia = login("mia@sea.test", "pass phrase")
    project, path = hidden["project_id"], f"/api/queue/{hidden['job_id']}"
    assert [one["job_id"] for one in client.get("/api/queue").json()] == [hidden["job_id"]]
    put(client, project, "mia@sea.test", "annotate")
    assert mia.get("/api/queue").json() == []
    assert mia.get(path).status_code == 404
    mine = mia.post(f"/api/projects/{project}/exports", json={"kind": "backup"}).json()["job_id"]
    assert [one["job_id"] for one in mia.get("/api/queue").json()] == [mine]
    put(client, project, "mia@sea.test", "manage")
    assert [one["job_id"] for one in mia.get("/api/queue").json()] == [mine, hidden["job_id"]]
    assert mia.post(f"{path}/restart").status_code == 409, "it waits, nothing failed"
    assert mia.post(f"{path}/reply", json={"reply": {}}).status_code == 409
    assert mia.get(f"{path}/lines").json() == {"lines": []}
    assert mia.post(f"{path}/remove").status_code == 200
    client.delete(f"/api/projects/{project}/members/{mia.get('/api/me').json()['id']}")
    assert mia.get("/api/queue").json() == [], "nor one's own, of a project that is hidden since"
    assert mia.get(f"/api/queue/{mine}").status_code == 404
    assert mia.get(f"/jobs/{mine}/").status_code == 404


@pytest.mark.databases
def test_an_archive_of_several_projects_holds_none_that_is_hidden(
    shore: Shore, client: httpx.Client, login: Login, hidden: dict[str, Any]
) -> None:
    join(shore, "mia@sea.test", "manager")
    mia = login("mia@sea.test", "pass phrase")
    mine = mia.post("/api/projects", json={"title": "Hers"}).json()["project_id"]
    asked = {"kind": "dwca", "projects": [hidden["project_id"]], "licence": "CC0"}
    path = f"/api/projects/{mine}/exports"
    number = mia.post(path, json=asked).json()["job_id"]
    client.post(f"/api/queue/{hidden['job_id']}/remove")
    run_waiting(shore)
    job = mia.get(f"/api/queue/{number}").json()
    assert job["state"] == "E"
    assert "none that you may export" in job["errors"][0]
    put(client, hidden["project_id"], "mia@sea.test", "annotate")
    number = mia.post(path, json=asked).json()["job_id"]
    run_waiting(shore)
    assert "may export" not in str(mia.get(f"/api/queue/{number}").json()["errors"])

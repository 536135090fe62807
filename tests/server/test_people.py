"""Who may do what: strangers, roles, cookies, wrong passwords, and what an answer gives away."""

import re
from collections.abc import Callable

import httpx
import pytest

from server.app import ROOMS
from server.auth.attempts import Attempts
from server.auth.passwords import hash_password
from server.auth.roles import ROLES, allows
from server.clock import now_ms
from server.db import users
from server.shore import Shore

Login = Callable[[str, str], httpx.Client]
OPEN = {
    ("GET", "/v1/ping"),
    ("OPTIONS", "/v1/blobs"),
    ("POST", "/v1/enrol"),
    ("POST", "/api/login"),
    ("GET", "/openapi.json"),
    ("GET", "/api/openapi.json"),
}
EMAIL, PASSWORD = "admin@sea.test", "a long password"


def endpoints() -> list[tuple[str, str]]:
    """(method, path with its parameters filled) of every endpoint."""
    return [
        (method, re.sub(r"{[^}]*}", "1", route.path))
        for room in ROOMS
        for route in room.router.routes
        for method in sorted(route.methods)
    ]


def test_a_stranger_is_refused_everywhere(stranger: httpx.Client) -> None:
    closed = [e for e in endpoints() if e not in OPEN]
    assert len(closed) > 20
    for method, path in closed:
        answer = stranger.request(method, path, json={}, headers={"Tus-Resumable": "1.0.0"})
        if path.startswith("/v1/satellite/"):  # its secret is in the address
            assert answer.status_code == 404
            continue
        assert answer.status_code == 401, (method, path, answer.text)
        if method != "HEAD":
            assert answer.json()["error"]["code"] in ("login", "signature")


def test_a_viewer_changes_nothing(shore: Shore, project: int, login: Login) -> None:
    assert project == 1
    viewer = login(*add_user(shore, "viewer"))
    changed = [e for e in endpoints() if e[0] != "GET" and e[1].startswith("/api/")]
    changed = [e for e in changed if e[1] not in OWN and not e[1].startswith("/api/queue/")]
    assert len(changed) >= 9
    for method, path in changed:
        answer = viewer.request(method, path, json=BODIES.get(path, {}))
        assert answer.status_code == 403, (method, path, answer.text)
        assert answer.json()["error"]["code"] in ("role", "right")


OWN = ("/api/login", "/api/logout", "/api/logout/everywhere", "/api/me/password", "/api/tokens",
       "/api/tokens/1")  # fmt: skip
"""What anyone may do to their own account; and to their own jobs."""
KEY = "00000000-0000-4000-8000-000000000000"
BODIES = {
    "/api/projects": {"title": "x"},
    "/api/projects/1/members": {"email": "x@sea.test", "may": "view"},
    "/api/projects/1/exports": {"kind": "backup"},
    "/api/projects/1/taxon_list": {"taxon_ids": []},
    "/api/projects/1/classify": {"action": "validate", "objids": [1], "key": KEY},
    "/api/taxa": {"name": "x", "parent_id": None},
    "/api/claims": {"project_id": 1, "name": "x", "valid_h": 1},
    "/api/releases/1/assign": {"device_ids": "all"},
    "/api/users": {"email": "x@sea.test"},
}


def add_user(shore: Shore, role: str) -> tuple[str, str]:
    with shore.database.write() as connection:
        users.add(
            connection,
            email=f"{role}@sea.test",
            name=role,
            role=role,
            password_hash=hash_password("pass phrase"),
            now_ms=now_ms(),
        )
    return f"{role}@sea.test", "pass phrase"


@pytest.mark.databases
def test_an_annotator_sorts_but_does_not_manage(shore: Shore, project: int, login: Login) -> None:
    annotator = login(*add_user(shore, "annotator"))
    body = {"action": "validate", "objids": [999], "key": KEY}
    assert annotator.post(f"/api/projects/{project}/classify", json=body).status_code == 404
    assert annotator.post(f"/api/projects/{project}/undo").status_code == 409
    assert annotator.post("/api/projects", json={"title": "mine"}).status_code == 403
    assert annotator.post(f"/api/projects/{project}/train").status_code == 403


def test_each_role_may_what_the_one_before_may() -> None:
    for i, role in enumerate(ROLES):
        assert [allows(role, needed) for needed in ROLES] == [j <= i for j in range(len(ROLES))]
    assert not allows("nobody", "viewer")


@pytest.mark.parametrize("email", [EMAIL, EMAIL.upper(), f" {EMAIL} "])
def test_login_gives_a_token_and_a_cookie(stranger: httpx.Client, email: str) -> None:
    answer = stranger.post("/api/login", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["user"]["role"] == "administrator"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert stranger.get("/api/me").json()["email"] == EMAIL


@pytest.mark.databases
def test_a_cookie_writes_only_with_the_header(stranger: httpx.Client) -> None:
    stranger.post("/api/login", json={"email": EMAIL, "password": PASSWORD})
    refused = stranger.post("/api/projects", json={"title": "x"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "csrf")
    marked = stranger.post("/api/projects", json={"title": "x"}, headers={"X-Seadrift": "1"})
    assert marked.status_code == 201


@pytest.mark.databases
def test_logout_ends_the_session_for_good(stranger: httpx.Client) -> None:
    body = {"email": EMAIL, "password": PASSWORD}
    token = stranger.post("/api/login", json=body).json()["token"]
    stranger.cookies.clear()
    bearer = {"Authorization": f"Bearer {token}"}
    assert stranger.get("/api/me", headers=bearer).status_code == 200
    assert stranger.post("/api/logout", headers=bearer).status_code == 200
    assert stranger.get("/api/me", headers=bearer).status_code == 401


@pytest.mark.parametrize("token", ["x", "x" * 5000, "Bearer", "\u00e9"])
def test_a_made_up_token_is_nobody(stranger: httpx.Client, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    assert stranger.get("/api/me", headers=headers).status_code == 401


def test_wrong_passwords_are_slowed_down_and_tell_nothing(stranger: httpx.Client) -> None:
    def attempt(email: str, password: str) -> httpx.Response:
        return stranger.post("/api/login", json={"email": email, "password": password})

    known, unknown = attempt(EMAIL, "wrong"), attempt("nobody@sea.test", "wrong")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    for _ in range(9):
        assert attempt(EMAIL, "wrong").status_code == 401
    slowed = attempt(EMAIL, PASSWORD)
    assert slowed.status_code == 429
    assert int(slowed.headers["Retry-After"]) > 0


def test_attempts_are_forgotten_after_their_window() -> None:
    attempts = Attempts(most=3, window_ms=1000, keys_max=4)
    for now in (0, 100, 200):
        assert attempts.wait_ms("a", now) == 0
        attempts.fail("a", now)
    assert attempts.wait_ms("a", 300) == 700
    assert attempts.wait_ms("b", 300) == 0
    assert attempts.wait_ms("a", 1000) == 0
    for i in range(50):
        attempts.fail(f"flood {i}", 300 + i)
    assert attempts.wait_ms("flood 49", 400) == 0


def test_the_password_is_kept_as_a_hash_alone(shore: Shore) -> None:
    files = [p.read_bytes() for p in shore.settings.data.rglob("*") if p.is_file()]
    assert not any(PASSWORD.encode() in data for data in files)
    assert any(b"$argon2id$" in data for data in files)


def test_errors_are_json_and_give_nothing_away(client: httpx.Client, project: int) -> None:
    tries = [
        client.get("/api/nothing"),
        client.get("/api/projects/999"),
        client.get("/api/projects/99999999999999999999999"),
        client.get("/api/objects/-1"),
        client.get(f"/api/projects/{project}/objects?limit=501"),
        client.get(f"/api/projects/{project}/objects?sort=password"),
        client.get(f"/api/projects/{project}/objects?taxonid=4"),
        client.post("/api/projects", json={"title": ""}),
        client.post("/api/projects", content=b"{"),
        client.post("/api/projects", json={"title": "Baltic"}),
        client.post("/api/taxa", json={"name": "x", "parent_id": 12345}),
        client.post("/api/taxa", json={"name": "Copepoda", "parent_id": 4}),
        client.post("/api/taxa", json={"name": "a>b", "parent_id": 4}),
        client.request("DELETE", "/api/projects"),
    ]
    for answer in tries:
        assert 400 <= answer.status_code < 500, answer.text
        error = answer.json()["error"]
        assert set(error) == {"code", "message"}
        assert "Traceback" not in answer.text
        assert "sqlalchemy" not in answer.text.lower()


def test_answers_carry_the_headers_that_keep_a_browser_safe(client: httpx.Client) -> None:
    for path in ("/api/me", "/api/nothing", "/v1/ping"):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"

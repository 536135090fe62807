"""A person's ways in: logins that end, tokens that are scoped, and who may make and end them."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from server.auth import passwords
from server.auth.passwords import PasswordError, hash_password, outdated
from server.auth.throttle import OF_STRANGERS, Throttle
from server.auth.tokens import token_hash
from server.clock import now_ms
from server.db import sessions, users
from server.db.tables import Session
from server.shore import Shore

Login = Callable[[str, str], httpx.Client]
ADMIN = ("admin@sea.test", "a long password")
HOUR_MS = 3_600_000


def code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


def person(client: httpx.Client, role: str = "annotator", email: str = "") -> dict[str, Any]:
    answer = client.post("/api/users", json={"email": email or f"{role}@sea.test", "role": role})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
def ann(client: httpx.Client, login: Login) -> httpx.Client:
    """An annotator, logged in."""
    made = person(client)
    return login(made["email"], made["password"])


def token(of: httpx.Client, **asked: Any) -> tuple[int, httpx.Client]:
    """A new personal token's number, and a client that shows it."""
    answer = of.post("/api/tokens", json={"name": "script", **asked})
    assert answer.status_code == 201, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    return answer.json()["token_id"], httpx.Client(
        base_url=of.base_url, headers=headers, timeout=60
    )


def test_a_token_may_what_its_role_may_and_no_more(client: httpx.Client) -> None:
    _, looking = token(client, role="viewer")
    with looking:
        assert looking.get("/api/projects").status_code == 200
        assert code(looking.post("/api/projects", json={"title": "x"})) == "role"
        assert code(looking.post("/api/tokens", json={"name": "more"})) == "session"
        assert code(looking.post("/api/me/password", json={"old": "x", "new": "y"})) == "session"


def test_nobody_makes_a_token_above_their_own_role(ann: httpx.Client) -> None:
    assert code(ann.post("/api/tokens", json={"name": "x", "role": "manager"})) == "role"


def test_a_token_falls_with_its_owner(client: httpx.Client, login: Login) -> None:
    made = person(client, "manager")
    _, script = token(login(made["email"], made["password"]), role="manager")
    with script:
        assert script.post("/api/projects", json={"title": "x"}).status_code == 201
        client.patch(f"/api/users/{made['id']}", json={"role": "viewer"})
        assert code(script.post("/api/projects", json={"title": "y"})) == "role"
        client.patch(f"/api/users/{made['id']}", json={"active": False})
        assert script.get("/api/me").status_code == 401
        client.patch(f"/api/users/{made['id']}", json={"active": True})
        assert script.get("/api/me").status_code == 401, "it does not come back"


def test_a_revoked_token_is_nobody_at_once(ann: httpx.Client, client: httpx.Client) -> None:
    number, script = token(ann)
    with script:
        assert script.get("/api/me").status_code == 200
        assert client.delete(f"/api/tokens/{number}").status_code == 404, "another's token"
        assert ann.delete(f"/api/tokens/{number}").status_code == 200
        assert script.get("/api/me").status_code == 401
    listed = ann.get("/api/tokens").json()
    assert listed[0]["revoked_ms"] is not None
    assert not {"token", "token_hash"} & set(listed[0]), "shown once, when it was made"


def test_an_expired_token_is_nobody(ann: httpx.Client) -> None:
    _, script = token(ann, valid_d=1e-9)
    with script:
        assert script.get("/api/me").status_code == 401


def test_a_new_password_ends_the_other_logins(client: httpx.Client, login: Login) -> None:
    made = person(client)
    here, elsewhere = (login(made["email"], made["password"]) for _ in range(2))
    body = {"old": made["password"], "new": "a new long password"}
    assert code(here.post("/api/me/password", json={**body, "old": "wrong"})) == "credentials"
    assert code(here.post("/api/me/password", json={**body, "new": "password1"})) == "password"
    assert here.post("/api/me/password", json=body).json() == {"ended": 1}
    assert here.get("/api/me").status_code == 200
    assert elsewhere.get("/api/me").status_code == 401
    assert login(made["email"], body["new"]).get("/api/me").status_code == 200


def test_logging_out_everywhere_ends_every_login(client: httpx.Client, login: Login) -> None:
    made = person(client)
    both = [login(made["email"], made["password"]) for _ in range(2)]
    assert both[0].post("/api/logout/everywhere").json() == {"ended": 2}
    assert [one.get("/api/me").status_code for one in both] == [401, 401]


def test_a_login_takes_the_place_of_the_one_before(stranger: httpx.Client) -> None:
    body = {"email": ADMIN[0], "password": ADMIN[1]}
    first = stranger.post("/api/login", json=body).json()["token"]
    stranger.post("/api/login", json=body)
    stranger.cookies.clear()
    headers = {"Authorization": f"Bearer {first}"}
    assert stranger.get("/api/me", headers=headers).status_code == 401


def test_a_login_ends_when_it_is_not_used_and_at_the_latest_at_its_end(shore: Shore) -> None:
    hashed, day_ms = token_hash("t"), 24 * HOUR_MS
    with shore.database.write() as connection:
        sessions.begin(connection, hashed, 1, "10.0.0.1", 0, 14 * day_ms)
        for day, good in ((2, True), (4, True), (6.9, True), (9.8, True), (12.9, False)):
            found = sessions.holder(connection, hashed, int(day * day_ms), 3 * day_ms)
            assert (found is not None) == good, day
            if found is not None and found.stale:
                sessions.see(connection, hashed, int(day * day_ms))
        sessions.see(connection, hashed, 13 * day_ms)
        assert sessions.holder(connection, hashed, 14 * day_ms, 3 * day_ms) is None


def test_the_last_administrator_stays(client: httpx.Client) -> None:
    for change in ({"role": "viewer"}, {"active": False}):
        answer = client.patch("/api/users/1", json=change)
        assert (answer.status_code, code(answer)) == (409, "last_administrator")
    person(client, "administrator")
    assert client.patch("/api/users/1", json={"role": "viewer"}).status_code == 200
    assert code(client.get("/api/users")) == "role", "at once, for the login that did it too"


def test_a_password_set_by_another_ends_every_login_and_token(
    client: httpx.Client, login: Login
) -> None:
    made = person(client)
    ann = login(made["email"], made["password"])
    _, script = token(ann)
    with script:
        client.patch(f"/api/users/{made['id']}", json={"password": "set by another"})
        assert ann.get("/api/me").status_code == script.get("/api/me").status_code == 401


@pytest.mark.parametrize(
    "password", ["short", "x" * 201, "Password1", "aaaaaaaaaaaa", "abababababab", "ann@sea.org"]
)
def test_passwords_that_are_guessed_first_are_not_taken(password: str) -> None:
    with pytest.raises(PasswordError):
        hash_password(password, "ann@sea.org")


def test_a_password_is_hashed_again_when_the_parameters_have_changed(
    shore: Shore, login: Login, stranger: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    weak = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with shore.database.write() as connection:
        users.change(connection, 1, password_hash=weak.hash(ADMIN[1]))
    login(*ADMIN)
    with shore.database.read() as connection:
        found = users.credentials(connection, ADMIN[0])
    assert found is not None
    assert not outdated(found[1])
    login(*ADMIN)


def test_a_crowd_of_machines_is_slowed_down_and_the_owner_is_not() -> None:
    throttle, now = Throttle(), 1000
    for n in range(OF_STRANGERS):
        address = f"10.0.{n // 250}.{n % 250}"
        assert not throttle.wait_ms("ann", address, known=False, now_ms=now)
        throttle.fail("ann", address, known=False, now_ms=now)
    assert throttle.wait_ms("ann", "10.9.9.9", known=False, now_ms=now) > 0
    assert throttle.wait_ms("ann", "192.0.2.1", known=True, now_ms=now) == 0
    assert throttle.wait_ms("bob", "10.9.9.9", known=False, now_ms=now) == 0
    assert throttle.wait_ms("ann", "10.9.9.9", known=False, now_ms=now + 400_000) == 0


def test_a_whole_ipv6_network_counts_as_one() -> None:
    throttle = Throttle()
    for n in range(30):
        throttle.fail(f"user {n}", f"2001:db8::{n:x}", known=False, now_ms=n)
    assert throttle.wait_ms("another", "2001:db8::ffff", known=False, now_ms=40) > 0
    assert throttle.wait_ms("another", "2001:db8:1::1", known=False, now_ms=40) == 0


def test_an_address_is_known_by_a_login_from_it(shore: Shore) -> None:
    with shore.database.write() as connection:
        sessions.begin(connection, token_hash("k"), 1, "192.0.2.1", now_ms(), now_ms() + HOUR_MS)
        assert sessions.knows(connection, ADMIN[0], "192.0.2.1", now_ms())
        assert not sessions.knows(connection, ADMIN[0], "192.0.2.2", now_ms())
        later_ms = now_ms() + sessions.KNOWN_MS + 1
        assert not sessions.knows(connection, ADMIN[0], "192.0.2.1", later_ms)
        assert connection.execute(Session.__table__.select()).first() is not None

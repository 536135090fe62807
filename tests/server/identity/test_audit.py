"""The audit log has what was done and what was refused, never a secret, and cannot be changed."""

import contextlib
import json
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from server.cli import main
from server.db import audit
from server.db.tables import AuditEntry
from server.settings import Settings
from server.shore import Shore
from server.simulated import SimulatedDevice
from wire.signing import PrivateKey

Enrol = Callable[[str], SimulatedDevice]
Capture = pytest.CaptureFixture[str]


def entries(client: httpx.Client, **asked: str | int) -> list[dict[str, str]]:
    answer = client.get("/api/audit", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, str]] = answer.json()["entries"]
    return found


def test_what_is_done_and_what_is_refused_is_there(
    client: httpx.Client, stranger: httpx.Client, device: SimulatedDevice
) -> None:
    stranger.post("/api/login", json={"email": "Ann@sea.org\nx", "password": "the secret guess"})
    stranger.post("/v1/enrol", json={"claim": "guess", "public_key": PrivateKey.make().public.text})
    token = client.post("/api/tokens", json={"name": "mine"}).json()["token"]
    user = client.post("/api/users", json={"email": "bo@sea.org"}).json()
    client.patch(f"/api/users/{user['id']}", json={"role": "manager"})
    client.post(f"/api/devices/{device.device_id}/revoke")
    found = {(e["action"], e["outcome"], e["subject"], e["who"]) for e in entries(client)}
    admin = "admin@sea.test"
    assert {
        ("login", "refused", "ann@sea.org\N{REPLACEMENT CHARACTER}x", "stranger"),
        ("device.enrol", "refused", "", "stranger"),
        ("device.claim", "done", "one", admin),
        ("device.enrol", "done", device.device_id, device.device_id),
        ("token", "done", "mine", admin),
        ("user", "done", "bo@sea.org", admin),
        ("device.revoke", "done", device.device_id, admin),
    } <= found
    text = json.dumps(entries(client))
    assert all(secret not in text for secret in ("the secret guess", token, user["password"]))
    assert {e["address"] for e in entries(client)} == {"127.0.0.1"}


def test_the_log_is_read_a_page_at_a_time_by_administrators(
    client: httpx.Client, enrol: Enrol
) -> None:
    for name in "abc":
        enrol(name)
    first = client.get("/api/audit", params={"limit": 2, "action": "device.enrol"}).json()
    rest = client.get(
        "/api/audit", params={"limit": 2, "action": "device.enrol", "before": first["next"]}
    ).json()
    assert len(first["entries"]) == 2
    assert (len(rest["entries"]), rest["next"]) == (1, None)
    numbers = [int(e["id"]) for e in (*first["entries"], *rest["entries"])]
    assert numbers == sorted(numbers, reverse=True)
    token = client.post("/api/tokens", json={"name": "m", "role": "manager"}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{client.base_url}/api/audit", headers=headers).status_code == 403


def test_no_entry_can_be_changed_or_deleted(shore: Shore) -> None:
    with shore.database.write() as connection:
        audit.note(connection, "ann", "login", "", "", now_ms=5)
    for statement in (update(AuditEntry).values(who="bob"), delete(AuditEntry)):
        with contextlib.suppress(DBAPIError), shore.database.write() as connection:
            connection.execute(statement)  # PostgreSQL does nothing, SQLite refuses
    with shore.database.read() as connection:
        [entry] = audit.page(connection, action="login")
    assert entry["who"] == "ann"


def test_the_command_shows_the_log(settings: Settings, capsys: Capture) -> None:
    data = ["--data", str(settings.data)]
    assert main(["user", "add", "ann@sea.org", *data]) == 0
    assert main(["revoke", "d0", *data]) == 3
    capsys.readouterr()
    assert main(["audit", *data, "--action", "user", "--json"]) == 0
    [entry] = json.loads(capsys.readouterr().out)
    assert (entry["subject"], entry["address"]) == ("ann@sea.org", "local")
    assert entry["who"].startswith("command line, ")
    assert main(["audit", *data]) == 0
    assert "user ann@sea.org  made, annotator" in capsys.readouterr().out

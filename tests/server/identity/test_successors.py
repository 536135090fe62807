"""An instrument that was stolen, and comes back: revoked at once, then a device anew."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.cli import main
from models.bundle import Bundle
from server.db import quarantine
from server.demo.processes import command
from server.intake import batch
from server.shore import Shore
from server.simulated import LinkError, SimulatedDevice, make_object, make_record
from wire.codec import encode_batch, encode_record
from wire.commands import check_command
from wire.signing import PrivateKey, PublicKey

Enrol = Callable[[str], SimulatedDevice]
CONFIG = """
[device]
name = "north"
data = "data"

[shore]
url = "{url}"
claim = "{claim}"

[source]
kind = "simulator"

[source.simulator]
width = 200
height = 160

[acquisition]
project = "cast"
sample = "s1"
acquisition = "a1"
process = "p1"
instrument = "test"
pixel_um = 20.0
"""


def claim(client: httpx.Client, project: int, **more: Any) -> str:
    answer = client.post("/api/claims", json={"project_id": project, "name": "north", **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["claim"])


def post_enrol(http: httpx.Client, token: str, key: PrivateKey) -> httpx.Response:
    return http.post("/v1/enrol", json={"claim": token, "public_key": key.public.text})


def devices(client: httpx.Client) -> list[dict[str, Any]]:
    """In the order in which they enrolled."""
    found = client.get("/api/devices").json()
    return sorted(found, key=lambda device: device["enrolled_ms"])


def test_revocation_counts_from_the_next_request_and_keeps_what_comes(
    client: httpx.Client, device: SimulatedDevice, bundle: Bundle, project: int
) -> None:
    device.ingest([make_record(1, make_object(bundle, 1))])
    client.post(f"/api/devices/{device.device_id}/revoke")
    with pytest.raises(LinkError, match="revoked"):
        device.ingest([make_record(2, make_object(bundle, 2))])
    with pytest.raises(LinkError, match="revoked"):
        device.hello()
    assert device.send("GET", "/v1/releases/x").status_code == 403
    assert client.get(f"/api/projects/{project}/objects").json()["total"] == 1
    [kept] = client.get("/api/quarantine", params={"code": "revoked"}).json()
    assert kept["device_id"] == device.device_id
    assert devices(client)[0]["revoked_ms"] is not None


def test_a_thief_cannot_fill_the_disk(
    client: httpx.Client,
    device: SimulatedDevice,
    bundle: Bundle,
    shore: Shore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client.post(f"/api/devices/{device.device_id}/revoke")
    bodies = [encode_batch([encode_record(make_record(n, make_object(bundle, n)))]) for n in (1, 2)]
    monkeypatch.setattr(batch, "REVOKED_MAX", len(bodies[0]))
    for body in bodies:
        assert device.send("POST", "/v1/ingest", body).status_code == 403
    with shore.database.read() as connection:
        assert quarantine.bytes_kept(connection, 1, "revoked") == len(bodies[0])


def test_the_same_instrument_becomes_a_successor(
    client: httpx.Client, stranger: httpx.Client, device: SimulatedDevice, project: int
) -> None:
    assert post_enrol(stranger, claim(client, project), device.key).status_code == 201
    assert devices(client)[1]["predecessor"] == device.device_id
    client.post(f"/api/devices/{device.device_id}/revoke")
    refused = post_enrol(stranger, claim(client, project), device.key)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "old_key")
    token = claim(client, project, successor_of=device.device_id)
    assert post_enrol(stranger, token, PrivateKey.make()).status_code == 201
    assert devices(client)[2]["predecessor"] == device.device_id
    body = {"project_id": project, "successor_of": "dnobody"}
    assert client.post("/api/claims", json=body).status_code == 404


def test_a_recovered_instrument_makes_a_new_key_by_itself(
    client: httpx.Client, stranger: httpx.Client, project: int, tmp_path: Path
) -> None:
    config = tmp_path / "edge.toml"
    run = ["run", "--config", str(config), "--frames", "0", "--once"]

    def configure(token: str) -> None:
        url = str(stranger.base_url).rstrip("/")
        config.write_text(CONFIG.format(url=url, claim=token))

    configure(claim(client, project))
    assert main(run) == 0
    first = devices(client)[0]["device_id"]
    key = (tmp_path / "data" / "identity" / "key").read_bytes()
    client.post(f"/api/devices/{first}/revoke")
    configure(claim(client, project, successor_of=first))
    assert main(run) == 0
    assert [d["status"] for d in devices(client)] == ["revoked", "active"]
    assert devices(client)[1]["predecessor"] == first
    assert (tmp_path / "data" / "identity" / "key").read_bytes() != key


def test_a_stolen_instrument_is_told_to_wipe_itself_and_nothing_else(
    client: httpx.Client, stranger: httpx.Client, project: int, tmp_path: Path
) -> None:
    config = tmp_path / "edge.toml"
    url = str(stranger.base_url).rstrip("/")
    config.write_text(CONFIG.format(url=url, claim=claim(client, project)))
    run = ["run", "--config", str(config), "--frames", "0", "--once"]
    assert main(run) == 0
    stolen, identity = devices(client)[0]["device_id"], tmp_path / "data" / "identity"
    assert (identity / "key").exists()
    assert client.post(f"/api/devices/{stolen}/revoke", json={"wipe": True}).status_code == 200
    wait_until_gone(identity / "key", [command("seadrift-edge"), *run])
    assert not (identity / "enrolment.json").exists()
    [said] = client.get(f"/api/devices/{stolen}/commands").json()
    assert (said["name"], said["state"]) == ("wipe", "sent")


def wait_until_gone(path: Path, argv: list[str]) -> None:
    """Let the thief switch it on: it says hello, and goes on trying."""
    child = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    try:
        deadline_s = time.monotonic() + 60
        while path.exists():
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
    finally:
        child.terminate()
        child.wait(60)


def test_a_revoked_device_hears_its_wipe_alone(
    client: httpx.Client, device: SimulatedDevice, bundle: Bundle
) -> None:
    device.ingest([make_record(1, make_object(bundle, 1))])
    path = f"/api/devices/{device.device_id}"
    client.post(f"{path}/commands", json={"name": "priorities", "argument": {"object": 3}})
    for _ in range(2):  # asked twice, queued once
        client.post(f"{path}/revoke", json={"wipe": True})
    said = device.hello(next_seq=2)
    key = PublicKey.from_text(device.release_key)
    names = [check_command(key, device.device_id, blob).name for blob in said["commands"]]
    assert names == ["wipe"]
    assert said["assignment"] is None
    assert device.send("POST", "/v1/ingest", b"").status_code == 403
    device.counter -= 2  # what was refused has not counted
    with pytest.raises(LinkError, match="counter"):
        device.hello()

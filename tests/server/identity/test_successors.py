"""An instrument that was stolen, and comes back: revoked at once, then a device anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.cli import main
from models.bundle import Bundle
from server.db import quarantine
from server.intake import batch
from server.shore import Shore
from server.simulated import LinkError, SimulatedDevice, make_object, make_record
from wire.codec import encode_batch, encode_record
from wire.signing import PrivateKey

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
    found: list[dict[str, Any]] = client.get("/api/devices").json()
    return found


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

"""A recorded request is refused whenever and wherever it is played again."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models import factory
from models.bundle import Bundle
from server.demo.processes import Shore
from server.demo.story import ADMIN, free_port
from server.simulated import SimulatedDevice, make_object, make_record
from wire.codec import encode_batch, encode_record
from wire.signing import sign_request

PASSWORD = "a password for the replay"


@pytest.fixture
def shores(tmp_path: Path) -> Iterator[list[Shore]]:
    """Two processes on one data folder, as one may run for two networks."""
    both = [Shore(tmp_path / "shore" / "data", free_port(0), PASSWORD) for _ in range(2)]
    for one in both:
        one.start()
    yield both
    for one in both:
        one.kill()


def enrolled(url: str) -> SimulatedDevice:
    with httpx.Client(base_url=url, timeout=60) as http:
        login = http.post("/api/login", json={"email": ADMIN, "password": PASSWORD}).json()
        headers = {"Authorization": f"Bearer {login['token']}"}
        http.cookies.clear()
        project = http.post("/api/projects", json={"title": "x"}, headers=headers).json()
        body = {"project_id": project["project_id"]}
        claim = http.post("/api/claims", json=body, headers=headers).json()["claim"]
        return SimulatedDevice.enrol(http, claim, "north")


def play(url: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    answer = httpx.post(f"{url}{path}", content=body, headers=headers, timeout=60)
    return answer.status_code, "" if answer.status_code == 200 else answer.json()["error"]["code"]


def test_a_request_counts_once_for_every_process_restart_and_endpoint(shores: list[Shore]) -> None:
    here, beside = shores
    device, bundle = enrolled(here.url), Bundle.load(factory.path())
    body = encode_batch([encode_record(make_record(1, make_object(bundle, 1)))])
    headers = sign_request(device.key, device.device_id, 1, "POST", "/v1/ingest", body)
    assert play(here.url, "/v1/ingest", body, headers) == (200, "")
    again = [play(one.url, "/v1/ingest", body, headers) for one in shores]
    assert again == [(401, "counter")] * 2
    here.kill()
    here.start()
    assert play(here.url, "/v1/ingest", body, headers) == (401, "counter")
    others = ("/v1/hello", "/v1/key", "/v1/ingest?x=1", "/v1/certificate")
    elsewhere = [play(one.url, path, body, headers) for one in shores for path in others]
    assert set(elsewhere) == {(401, "signature")}
    later = sign_request(device.key, device.device_id, 2, "POST", "/v1/ingest", body)
    assert play(beside.url, "/v1/ingest", body, later) == (200, "")
    assert play(here.url, "/v1/ingest", body, later) == (401, "counter")

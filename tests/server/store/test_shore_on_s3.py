"""A whole shore whose vignettes lie in a store that speaks S3: takes in, shows, and while the store
does not answer, acknowledges nothing and loses nothing."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from models.bundle import Bundle
from server.bench.swift import Swift
from server.settings import Settings
from server.shore import Admin, Shore, open_shore
from server.simulated import LinkError, SimulatedDevice, make_object, make_record, make_vignette
from server.store import bucket
from server.store.bucket import Patience


@pytest.fixture
def shore(settings: Settings, swift: Swift, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shore]:
    for name, value in swift.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bucket, "PATIENCE", Patience(request_s=2, all_s=4, retries=1))
    there = replace(settings, packs_url="s3://packs/whole", packs_endpoint=swift.endpoint)
    made = open_shore(there, Admin())
    yield made
    made.close()


@pytest.mark.databases
def test_vignettes_go_to_the_store_and_come_back_and_nothing_is_acknowledged_without_it(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle, swift: Swift
) -> None:
    first = [make_record(n, make_object(bundle, n)) for n in range(1, 11)]
    first += [make_record(10 + n, make_vignette(n)) for n in range(1, 11)]
    assert device.ingest(first).upto == 20
    more = [make_record(21, make_object(bundle, 21)), make_record(22, make_vignette(21))]
    swift.pause()
    try:
        with pytest.raises(LinkError):
            device.ingest(more)
    finally:
        swift.resume()
    page = client.get(f"/api/projects/{project}/objects").json()
    assert page["total"] == 10
    for row in page["objects"]:
        image = client.get(row["image"])
        assert image.status_code == 200
        assert image.content.startswith(b"\x89PNG")
    assert device.ingest(more).upto == 22
    assert client.get(f"/api/projects/{project}/objects").json()["total"] == 11

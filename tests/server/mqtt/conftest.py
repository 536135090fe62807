"""Instruments, and workers of the shore, at a real broker."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from edge.config import ShoreConfig
from edge.identity import Identity
from edge.links.https import HttpsLink
from edge.links.mqtt import MqttLink
from server.mqtt.worker import Worker
from server.shore import Shore
from tests.plugins.mosquitto import PATIENCE_S, Mosquitto

Enrol = Callable[[str], Identity]
OpenLink = Callable[..., MqttLink]


@contextmanager
def working(shore: Shore, broker: Mosquitto, *, threads: int = 2) -> Iterator[Worker]:
    """A worker of the shore in a thread, listening."""
    worker, stopped = Worker(shore, broker.workers, threads=threads), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stopped,))
    thread.start()
    try:
        assert worker.ready.wait(PATIENCE_S), "the worker does not reach the broker"
        yield worker
    finally:
        stopped.set()
        thread.join(PATIENCE_S)


@pytest.fixture
def enrolled(
    client: httpx.Client, stranger: httpx.Client, project: int, tmp_path: Path
) -> Iterator[Enrol]:
    """Enrols an instrument over HTTP, as a person would, with the certificate that comes."""
    links = []

    def enter(name: str) -> Identity:
        body = {"project_id": project, "name": name, "valid_h": 1}
        claim = client.post("/api/claims", json=body).json()["claim"]
        identity = Identity.load_or_make(tmp_path / name)
        shore = ShoreConfig(url=str(stranger.base_url))
        links.append(HttpsLink(shore, identity, timeout_s=20))
        answer = links[-1].enrol(claim, name, "desktop", "seadrift")
        identity.enrol(answer.device_id, answer.release_key, claim)
        identity.keep_certificate(answer.certificate)
        return identity

    yield enter
    for link in links:
        link.close()


@pytest.fixture
def open_link(broker: Mosquitto) -> Iterator[OpenLink]:
    """Opens links that end with the test."""
    opened = []

    def enter(identity: Identity, timeout_s: float = 20.0) -> MqttLink:
        opened.append(MqttLink(broker.devices, identity, timeout_s=timeout_s))
        return opened[-1]

    yield enter
    for link in opened:
        link.close()


@pytest.fixture
def north(enrolled: Enrol) -> Identity:
    return enrolled("north")


@pytest.fixture
def worker(shore: Shore, broker: Mosquitto) -> Iterator[Worker]:
    with working(shore, broker) as made:
        yield made

"""Two instruments and a shore: whatever carries their records, also when the carrier changes
half-way, the same frames give the same content on shore."""

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.agent.loop import Agent, Options
from edge.agent.parts import Parts, assemble
from edge.agent.status import read
from edge.config import load
from edge.links import modem as modem_module
from edge.links.bad_network import BadNetwork, Weather
from edge.links.modem import Pace
from edge.links.simulated_gateway import SimulatedGateway
from edge.links.simulated_modem import SimulatedModem
from server.clock import now_ms
from server.mqtt.files import Plan, write
from server.mqtt.worker import Worker
from server.satellite.gateway import hand_over
from server.settings import Settings
from server.shore import Admin, Shore, open_shore
from tests.plugins.mosquitto import PATIENCE_S, Mosquitto, free_port, program

CONFIG = """
[device]
name = "{name}"
data = "{name}"
health_s = 86400.0

[shore]
url = "{url}"
claim = "{claim}"

[source]
kind = "simulator"
interval_s = {interval_s}

[source.simulator]
width = 400
height = 300
density = 6
specks = 20
seed = {seed}

[frames]
keep_every = 3

[acquisition]
project = "cast"
sample = "{name}_1"
acquisition = "{name}_a1"
process = "{name}_p1"
instrument = "test"
pixel_um = 20.0

[link]
carriers = [{carriers}]
leave_after = 2
return_after = 2
return_s = 0.2
retry_max_s = 1.0
hello_s = 0.2
timeout_s = 5.0
batch_kb = 32

[mqtt]
url = "{broker}"

[satellite]
port = "{modem}"
ack_wait_s = 1.0
credits_day = 10000
"""
NAMES = {"north": 5, "south": 6}
FRAMES = 5
HALF = 2
VOLATILE = {"objid", "epoch", "device_id", "received_ms", "history", "mono_ms", "boot", "seq"}
pytestmark = [pytest.mark.xdist_group("carriers"), pytest.mark.timeout(240)]


@dataclass
class Place:
    """A shore of its own, a network before it that can be cut, and what else carries."""

    folder: Path
    shore: Shore
    client: httpx.Client
    network: BadNetwork
    broker: str = ""
    modems: dict[str, SimulatedModem] = field(default_factory=dict)
    project: int = 0

    def instrument(self, name: str, carriers: str, interval_s: float = 0.0) -> Path:
        path = self.folder / f"{name}.toml"
        known = {p.stem: p.read_text() for p in self.folder.glob(f"{name}.claim")}
        if not known:
            body = {"project_id": self.project, "name": name, "valid_h": 1}
            claim = self.client.post("/api/claims", json=body).json()["claim"]
            (self.folder / f"{name}.claim").write_text(claim)
        text = CONFIG.format(
            name=name,
            url=f"http://127.0.0.1:{self.network.port}",
            claim=(self.folder / f"{name}.claim").read_text(),
            seed=NAMES[name],
            carriers=", ".join(f'"{c}"' for c in carriers.split()),
            interval_s=interval_s,
            broker=self.broker or "mqtts://localhost:1",
            modem=self.modems[name].port if name in self.modems else "",
        )
        path.write_text(text)
        return path

    def run(
        self,
        name: str,
        carriers: str,
        frames: int,
        *,
        interval_s: float = 0.0,
        while_it_runs: Callable[[Parts, str], None] = lambda parts, name: None,
    ) -> dict[str, Any]:
        """The agent until so many frames are done and all is sent; its last status."""
        config = load(self.instrument(name, carriers, interval_s))
        with assemble(config) as parts:
            agent = Agent(parts, Options(frames=frames - done(parts), once=True))
            helper = threading.Thread(target=while_it_runs, args=(parts, name))
            helper.start()
            agent.run()
            helper.join()
        status = read(config.data)
        assert status is not None
        return status

    def content(self) -> dict[str, Any]:
        """What a person finds, without what may differ: numbers that the shore gives, times."""
        found: dict[str, Any] = {}
        url = f"/api/projects/{self.project}"
        for row in self.client.get(f"{url}/objects?limit=500&sort=objid").json()["objects"]:
            whole = self.client.get(f"/api/objects/{row['objid']}").json()
            image = self.client.get(f"/api/objects/{row['objid']}/image").content
            key = f"object {whole['orig_id'].partition('_')[2]} {whole['sample']}"
            assert key not in found, f"{key} is there twice"
            kept = {k: v for k, v in whole.items() if k not in VOLATILE}
            kept.pop("orig_id")
            found[key] = (kept, hashlib.sha256(image).hexdigest())
        for row in self.client.get(f"{url}/frames").json():
            key = f"frame {row['frame_index']} {row['device']}"
            assert key not in found, f"{key} is there twice"
            found[key] = (row["objects"],)
        for blob in self.client.get("/api/blobs").json():
            key = f"blob {blob['name']} {blob['device_name']}"
            assert key not in found, f"{key} is there twice"
            found[key] = (blob["sha256"], blob["state"])
        return found


@contextmanager
def placed(folder: Path, first_start: Path, *, broker: bool = False) -> Iterator[Place]:
    """A shore on a free port, with a broker and a worker if asked."""
    from tests.server.conftest import TOKEN, serving

    folder.mkdir()
    settings = Settings(data=Path(shutil.copytree(first_start, folder / "shore")))
    with ExitStack() as opened:
        shore = open_shore(settings, Admin("admin@example.org", "a password that is long"))
        opened.callback(shore.close)
        address = opened.enter_context(serving(shore))
        client = opened.enter_context(
            httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        )
        port = int(address.rpartition(":")[2])
        network = opened.enter_context(BadNetwork(("127.0.0.1", port)))
        place = Place(folder, shore, client, network)
        place.project = client.post("/api/projects", json={"title": "cast"}).json()["project_id"]
        if broker:
            place.broker = opened.enter_context(_broker(shore))
        yield place


@contextmanager
def _broker(shore: Shore) -> Iterator[str]:
    program()
    plan = Plan(("localhost",), free_port(), "127.0.0.1", free_port(), "127.0.0.1")
    folder = shore.settings.broker
    made = Mosquitto(folder, write(shore, plan, folder, now_ms()), plan.port, plan.workers_port)
    made.start()
    worker, stopped = Worker(shore, made.workers, threads=2), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stopped,))
    thread.start()
    try:
        assert worker.ready.wait(PATIENCE_S)
        yield f"mqtts://localhost:{plan.port}"
    finally:
        stopped.set()
        thread.join(PATIENCE_S)
        made.stop()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, first_start: Path) -> dict[str, Any]:
    """The content after both instruments did all frames over HTTPS, undisturbed."""
    with placed(tmp_path_factory.mktemp("expected") / "https", first_start) as place:
        for name in NAMES:
            place.run(name, "https", FRAMES)
        found = place.content()
    kinds = [key.partition(" ")[0] for key in found]
    assert kinds.count("frame") == 2 * FRAMES
    assert kinds.count("object") > 2 * FRAMES
    assert kinds.count("blob") == 2 * 2
    return found


def test_over_a_broker_alone(tmp_path: Path, first_start: Path, expected: dict[str, Any]) -> None:
    """The claim is made over HTTPS, and the whole frames wait for it; the rest goes by MQTT."""
    with placed(tmp_path / "mqtt", first_start, broker=True) as place:
        for name in NAMES:
            place.run(name, "https", 0)
        before = place.network.count.connections
        for name in NAMES:
            status = place.run(name, "mqtt", FRAMES)
            assert [c["state"] for c in status["carriers"]] == ["in use"]
        assert place.network.count.connections == before
        for name in NAMES:
            place.run(name, "https", FRAMES)
        assert same(place.content(), expected)


def test_whole_images_go_by_https_beside_the_broker_in_use(
    tmp_path: Path, first_start: Path, expected: dict[str, Any]
) -> None:
    """The broker is preferred and takes no whole image; HTTPS takes them and is never in use."""
    with placed(tmp_path / "beside", first_start, broker=True) as place:
        for name in NAMES:
            place.run(name, "https", 0)
        for name in NAMES:
            status = place.run(name, "mqtt https", FRAMES)
            assert [c["state"] for c in status["carriers"]] == ["in use", "ready"]
            assert status["blobs"] == 0
        assert same(place.content(), expected)


def test_the_network_fails_half_way_and_the_broker_takes_over(
    tmp_path: Path, first_start: Path, expected: dict[str, Any]
) -> None:
    def cut(parts: Parts, name: str) -> None:
        until(lambda: done(parts) >= HALF)
        place.network.weather = Weather(up=False)
        place.network.drop()
        until(lambda: carrier(parts) == "mqtt" and done(parts) >= FRAMES)
        place.network.weather = Weather()

    with placed(tmp_path / "both", first_start, broker=True) as place:
        for name in NAMES:
            status = place.run(name, "https mqtt", FRAMES, interval_s=0.2, while_it_runs=cut)
            assert {c["name"] for c in status["carriers"]} == {"https", "mqtt"}
        assert same(place.content(), expected)


def test_a_network_that_fails_at_every_step_changes_nothing(
    tmp_path: Path, first_start: Path, expected: dict[str, Any]
) -> None:
    """Lost segments, resets in bodies, answers cut short, requests that arrive twice."""
    with placed(tmp_path / "bad", first_start) as place:
        place.network.weather = Weather(loss=0.1, retransmit_s=0.005, reset=0.02, duplicate=0.8)
        for name in NAMES:
            place.run(name, "https", FRAMES)
        assert place.network.count.resets
        assert place.network.count.duplicates
        place.network.weather = Weather()
        assert same(place.content(), expected)


def test_a_satellite_takes_what_cannot_wait_and_the_network_brings_the_rest(
    tmp_path: Path,
    first_start: Path,
    expected: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pace = Pace(reply_s=0.2, session_s=0.2, step_s=0.001, off_s=0.02)
    monkeypatch.setattr("edge.links.satellite.Pace", lambda: pace)
    assert modem_module.Pace is Pace

    def cut(parts: Parts, name: str) -> None:
        until(lambda: done(parts) >= HALF)
        place.network.weather = Weather(up=False)
        place.network.drop()
        until(lambda: done(parts) >= FRAMES and len(gateways[name].arrived) > 0)
        until(lambda: carrier(parts) == "satellite")
        place.network.weather = Weather()

    gateways: dict[str, SimulatedGateway] = {}
    with placed(tmp_path / "far", first_start) as place, ExitStack() as opened:
        push = (
            f"{str(place.client.base_url).rstrip('/')}/v1/satellite/{place.shore.link_keys.gateway}"
        )
        for number, name in enumerate(NAMES):
            gateway = SimulatedGateway(push, ("127.0.0.1", 0), None, number, retry_s=0.01)
            modem = SimulatedModem(gateway, f"30023401075337{number}", None, number)
            gateway.on_down = lambda imei, modem=modem: modem.ring()  # type: ignore[misc]  # bound now
            gateways[name] = opened.enter_context(gateway)
            place.modems[name] = opened.enter_context(modem)
        opened.enter_context(handing_over(place.shore, [g.url for g in gateways.values()]))
        for name in NAMES:
            place.run(name, "https satellite", FRAMES, interval_s=0.2, while_it_runs=cut)
            assert gateways[name].arrived
        assert same(place.content(), expected)


@contextmanager
def handing_over(shore: Shore, gateways: list[str]) -> Iterator[None]:
    """The shore's messages down, to every gateway that may have the modem."""
    ended = threading.Event()
    downs = [
        replace(shore, settings=replace(shore.settings, satellite_gateway=u)) for u in gateways
    ]

    def rounds() -> None:
        with httpx.Client(timeout=10) as client:
            while not ended.wait(0.05):
                for down in downs:
                    hand_over(down, client)

    thread = threading.Thread(target=rounds)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(20)


def done(parts: Parts) -> int:
    return int(parts.outbox.cursor or 0)


def carrier(parts: Parts) -> str:
    assert parts.sender is not None
    return parts.sender.state.carrier


def same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether both have the same content; shows the first field that differs."""
    assert found.keys() == expected.keys()
    for key, (first, *rest) in expected.items():
        if isinstance(first, dict):
            for name, value in first.items():
                assert found[key][0][name] == value, f"{key}: {name}"
        assert list(found[key][1:]) == rest, key
    return found == expected


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread does. Raises AssertionError after two minutes."""
    waited = threading.Event()
    for _ in range(6000):
        if condition():
            return
        waited.wait(0.02)
    raise AssertionError("it never came to that")

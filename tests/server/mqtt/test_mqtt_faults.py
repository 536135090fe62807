"""Broker and workers killed, answers lost, lines that hang: nothing is lost, and nothing twice."""

import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from edge.identity import Identity
from edge.links import LinkError
from edge.links.broker import Broker, Line
from edge.links.mqtt import MqttLink
from models.bundle import Bundle
from server.db import fleet, watch
from server.demo.processes import Process, command
from server.mqtt.worker import Worker
from server.shore import Shore
from tests.plugins.mosquitto import PATIENCE_S, Mosquitto, free_port
from tests.server.mqtt.conftest import OpenLink
from tests.server.mqtt.test_mqtt_link import batch
from wire.ack import Ack
from wire.mqtt import Address, answer_topic

T = TypeVar("T")
pytestmark = pytest.mark.xdist_group("mqtt")


class WorkerProcess(Process):
    """`seadrift mqtt` at the test's broker."""

    def __init__(self, shore: Shore, broker: Mosquitto, name: str) -> None:
        data = shore.settings.data
        argv = [command("seadrift"), "mqtt", "--data", str(data), "--broker", broker.workers.url]
        super().__init__(name, argv, data.parent / f"{name}.log", {})

    def start(self, *more: str) -> None:
        self._said = self.log.stat().st_size if self.log.exists() else 0
        super().start(*more)

    def listening(self) -> None:
        """Wait until it takes requests since its latest start."""
        deadline = time.monotonic() + 3 * PATIENCE_S
        while b"taking requests" not in self.log.read_bytes()[self._said :]:
            assert time.monotonic() < deadline, self.tail()
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        assert self._child is not None
        self._child.send_signal(number)


def answered(ask: Callable[[], T]) -> T:
    """The answer once there is one; the agent's patience in few lines."""
    deadline = time.monotonic() + 3 * PATIENCE_S
    while True:
        try:
            return ask()
        except LinkError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def objects(client: httpx.Client, project: int) -> int:
    return int(client.get(f"/api/projects/{project}/objects").json()["total"])


def test_a_broker_killed_between_its_acknowledgement_and_the_commit_loses_nothing(
    shore: Shore,
    broker: Mosquitto,
    north: Identity,
    open_link: OpenLink,
    bundle: Bundle,
    client: httpx.Client,
    project: int,
) -> None:
    """The worker stands still, so the broker alone has taken the batch when both are killed."""
    link = open_link(north, timeout_s=2)
    worker = WorkerProcess(shore, broker, "worker")
    worker.start()
    try:
        answered(link.ping)
        worker.signal(signal.SIGSTOP)
        with pytest.raises(LinkError, match="no answer of the shore"):
            link.send(batch(bundle, 1, 20))
        broker.kill()
        worker.kill()
        assert objects(client, project) == 0
        broker.start()
        worker.start()
        ack = answered(lambda: link.send(batch(bundle, 1, 20)))
        assert ack == Ack(7, 20)
        assert objects(client, project) == 20
    finally:
        worker.kill()


def test_an_answer_lost_after_the_commit_is_asked_for_again_and_nothing_is_there_twice(
    shore: Shore,
    broker: Mosquitto,
    worker: Worker,
    north: Identity,
    open_link: OpenLink,
    bundle: Bundle,
    client: httpx.Client,
    project: int,
) -> None:
    """The database is held while the broker dies, so the commit comes when no answer can leave."""
    link = open_link(north)
    link.ping()
    failed: list[Exception] = []

    def send() -> None:
        try:
            link.send(batch(bundle, 1, 20))
        except LinkError as error:
            failed.append(error)

    sending = threading.Thread(target=send)
    with shore.database.write():
        sending.start()
        time.sleep(0.3)  # on its way, or not yet: both are cases
        broker.kill()
        sending.join(PATIENCE_S)
    assert failed
    broker.start()
    assert worker.ready.wait(PATIENCE_S)
    held = answered(lambda: link.hello(7, 21, "seadrift", None, 0)).ack
    assert held in (Ack(7, 20), Ack(7, 0))
    assert link.send(batch(bundle, 1, 20)) == Ack(7, 20)
    assert objects(client, project) == 20


def test_a_late_answer_is_no_answer_to_the_next_request(
    shore: Shore, worker: Worker, north: Identity, open_link: OpenLink, bundle: Bundle
) -> None:
    link = open_link(north, timeout_s=1)
    link.ping()
    with shore.database.write(), pytest.raises(LinkError, match="no answer of the shore in 1 s"):
        link.send(batch(bundle, 1, 20))
    answered(lambda: link.send(batch(bundle, 21, 22)))
    assert link.hello(7, 23, "seadrift", None, 0).ack == Ack(7, 22)


def test_workers_killed_at_any_moment_lose_and_duplicate_nothing(
    shore: Shore,
    broker: Mosquitto,
    north: Identity,
    open_link: OpenLink,
    bundle: Bundle,
    client: httpx.Client,
    project: int,
) -> None:
    link, chance = open_link(north, timeout_s=1), random.Random(4)
    workers = [WorkerProcess(shore, broker, f"worker-{i}") for i in range(2)]
    for worker in workers:
        worker.start()
    killing = threading.Thread(target=_kill_in_turn, args=(workers, KILLS, chance))
    sent = 0
    try:
        answered(link.ping)
        killing.start()
        while killing.is_alive() or sent < 10:
            body = batch(bundle, 3 * sent + 1, 3 * sent + 3)
            answered(lambda body=body: link.send(body))  # type: ignore[misc]  # a default that mypy cannot infer
            sent += 1
    finally:
        killing.join()
        for worker in workers:
            worker.kill()
    held = link_ack(shore, north)
    assert held == (3 * sent, 3 * sent)
    assert objects(client, project) == 3 * sent


KILLS = 6


def _kill_in_turn(workers: list[WorkerProcess], kills: int, chance: random.Random) -> None:
    for turn in range(kills):
        victim = workers[turn % len(workers)]
        victim.listening()
        time.sleep(chance.uniform(0.0, 0.3))  # the moment is what is random here
        victim.kill()
        victim.start()


def link_ack(shore: Shore, identity: Identity) -> tuple[int, int]:
    """The watermark and the number of records that the shore holds of this device."""
    assert identity.enrolment is not None
    with shore.database.read() as connection:
        device = fleet.device(connection, identity.enrolment.device_id)
        assert device is not None
        [epoch] = watch.epochs(connection)[device.pk]
    return epoch.upto, epoch.held


def test_a_session_is_taken_up_again_also_after_the_broker_restarted(
    broker: Mosquitto, worker: Worker, north: Identity
) -> None:
    assert north.enrolment is not None
    device, resumed = north.enrolment.device_id, []
    for after in (None, broker.stop):
        if after is not None:
            after()
            broker.start()
        for _ in range(2):
            line = Line(
                Broker(broker.devices, north.tls(None)),
                device,
                answer_topic(device),
                timeout_s=PATIENCE_S,
            )
            resumed.append(line.resumed)
            line.close()
    assert resumed == [False, True, True, True]


def test_a_broker_that_forgot_the_session_is_subscribed_again(
    broker: Mosquitto, worker: Worker, north: Identity, open_link: OpenLink
) -> None:
    link = open_link(north)
    link.ping()
    broker.kill()
    for kept in (broker.folder / "state").iterdir():
        kept.unlink()
    broker.start()
    assert worker.ready.wait(PATIENCE_S)
    assert answered(link.ping)


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[Address]:
    """A server that does `serve` with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # or it would hide slowness

        def work() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        serve(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield Address("localhost", server.getsockname()[1], tls=True)
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_S)


def _silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def _closing(connection: socket.socket) -> None:
    connection.recv(4096)


def _web(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("serve", [_silent, _closing, _web])
@pytest.mark.parametrize("tls", [True, False])
def test_what_is_no_broker_is_an_error_and_never_a_wait_without_end(
    serve: Callable[[socket.socket], None],
    tls: bool,
    broker: Mosquitto,
    north: Identity,
) -> None:
    with listening(serve) as found:
        address = Address(found.host, found.port, tls)
        link = MqttLink(address, north, timeout_s=0.5)
        with pytest.raises(LinkError, match=f"localhost:{address.port}"):
            link.ping()
        link.close()


def test_nobody_there(broker: Mosquitto, north: Identity) -> None:
    link = MqttLink(Address("localhost", free_port(), True), north, timeout_s=2)
    with pytest.raises(LinkError, match="refused"):
        link.ping()


def _relay(source: socket.socket, sink: socket.socket, bytes_s: float) -> None:
    """Pass on so many bytes a second."""
    try:
        while data := source.recv(max(1, int(bytes_s / 20))):
            time.sleep(len(data) / bytes_s)
            sink.sendall(data)
    except OSError:
        return


def test_a_slow_line_is_given_the_time_it_needs(
    broker: Mosquitto, worker: Worker, north: Identity, bundle: Bundle
) -> None:
    """A batch takes several times the patience for silence; bytes that leave are no silence."""
    chunk = batch(bundle, 1, 150)

    def slowly(connection: socket.socket) -> None:
        address = ("127.0.0.1", broker.devices.port)
        with socket.create_connection(address, PATIENCE_S) as onward:
            back = threading.Thread(target=_relay, args=(onward, connection, 1e6))
            back.start()
            _relay(connection, onward, len(chunk) / 5)
            onward.shutdown(socket.SHUT_RDWR)
            back.join(PATIENCE_S)

    with listening(slowly) as address:
        link = MqttLink(address, north, timeout_s=2)
        assert link.send(chunk).upto == 150
        link.close()


def test_a_link_that_is_closed_leaves_nothing_behind(tmp_path: Path) -> None:
    link = MqttLink(Address("localhost", 1, True), Identity.load_or_make(tmp_path), timeout_s=1)
    with pytest.raises(LinkError, match="not enrolled"):
        link.ping()
    link.close()
    link.close()

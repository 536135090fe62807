"""Who is let in at the broker, and what one device can do to another: nothing."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.identity import Identity
from edge.links import LinkError, RefusedError
from edge.links.broker import Broker, Line
from edge.links.mqtt import MqttLink
from models.bundle import Bundle
from server.auth.authority import Authority
from server.mqtt.worker import Worker
from server.shore import Shore
from tests.plugins.mosquitto import PATIENCE_S, Mosquitto
from tests.server.mqtt.conftest import Enrol, OpenLink
from tests.server.mqtt.test_mqtt_link import batch
from wire.ack import Ack
from wire.mqtt import METHOD, answer_topic, request_topic

pytestmark = pytest.mark.xdist_group("mqtt")


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@contextmanager
def listener(broker: Mosquitto, identity: Identity, *topics: str) -> Iterator[list[MQTTMessage]]:
    """Everything that a device with this identity gets when it subscribes to `topics`."""
    got: list[MQTTMessage] = []
    ready = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(identity.tls(None))
    client.on_subscribe = lambda *_: ready.set()

    def note(_client: Client, _data: Any, message: MQTTMessage) -> None:
        got.append(message)

    client.on_message = note
    client.connect(broker.devices.host, broker.devices.port)
    client.loop_start()
    client.subscribe([(topic, 1) for topic in topics])
    assert ready.wait(PATIENCE_S)
    yield got
    client.disconnect()
    client.loop_stop()


def line_of(broker: Mosquitto, identity: Identity) -> Line:
    assert identity.enrolment is not None
    device = identity.enrolment.device_id
    made = Broker(broker.devices, identity.tls(None))
    return Line(made, device, answer_topic(device), timeout_s=PATIENCE_S)


def test_a_device_cannot_write_where_another_does(
    broker: Mosquitto, worker: Worker, enrolled: Enrol
) -> None:
    north, south = enrolled("north"), enrolled("south")
    assert south.enrolment is not None
    topic = request_topic(south.enrolment.device_id, "hello")
    line = line_of(broker, north)
    with pytest.raises(LinkError, match="Not authorized"):
        line.request(topic, b"", north.sign(METHOD, topic, b""))
    with pytest.raises(LinkError, match="Not authorized"):
        line.request(answer_topic(south.enrolment.device_id), b"", {})
    line.close()
    assert worker.answered == 0


def test_a_device_cannot_listen_to_another_nor_take_requests_away(
    broker: Mosquitto, worker: Worker, enrolled: Enrol, open_link: OpenLink, bundle: Bundle
) -> None:
    north, thief = enrolled("north"), enrolled("thief")
    everything = ("#", "seadrift/v1/+/down/#", "$share/shore/seadrift/v1/+/up/#", "$SYS/#")
    with listener(broker, thief, *everything) as got:
        link = open_link(north)
        for seq in range(1, 11):
            assert link.send(batch(bundle, seq, seq)) == Ack(7, seq)
        assert [message.topic for message in got] == []


def test_a_device_cannot_push_another_off_by_taking_its_name(
    broker: Mosquitto, worker: Worker, enrolled: Enrol, open_link: OpenLink
) -> None:
    north, thief = enrolled("north"), enrolled("thief")
    link = open_link(north)
    link.ping()
    assert north.enrolment is not None
    name = north.enrolment.device_id
    stolen = Line(
        Broker(broker.devices, thief.tls(None)), name, answer_topic(name), timeout_s=PATIENCE_S
    )
    assert link.ping()
    stolen.close()


def test_a_topic_and_a_signature_must_be_of_the_same_device(
    broker: Mosquitto, worker: Worker, enrolled: Enrol
) -> None:
    north, south = enrolled("north"), enrolled("south")
    assert north.enrolment is not None
    topic = request_topic(north.enrolment.device_id, "hello")
    line = line_of(broker, north)
    assert line.request(topic, b"", south.sign(METHOD, topic, b"")).status == 401
    assert line.request(topic, b"", {}).status == 401
    once = north.sign(METHOD, topic, b"\xa0")
    assert line.request(topic, b"\xa0", once).status == 400
    ping = request_topic(north.enrolment.device_id, "nonsense")
    assert line.request(ping, b"", north.sign(METHOD, ping, b"")).status == 404
    line.close()


def test_a_recorded_request_cannot_be_played_again(
    broker: Mosquitto, worker: Worker, north: Identity, bundle: Bundle
) -> None:
    assert north.enrolment is not None
    topic = request_topic(north.enrolment.device_id, "ingest")
    body = batch(bundle, 1, 2)
    headers = north.sign(METHOD, topic, body)
    line = line_of(broker, north)
    assert line.request(topic, body, headers).status == 200
    again = line.request(topic, body, headers)
    assert again.status == 401
    assert b'"counter"' in again.body
    line.close()


def test_a_revoked_device_is_refused_by_the_shore_at_once_and_by_the_broker_after_its_reload(
    broker: Mosquitto,
    worker: Worker,
    enrolled: Enrol,
    open_link: OpenLink,
    client: httpx.Client,
    bundle: Bundle,
) -> None:
    stolen, other = enrolled("stolen"), enrolled("other")
    link = open_link(stolen, timeout_s=2)
    assert link.send(batch(bundle, 1, 2)) == Ack(7, 2)
    assert stolen.enrolment is not None
    path = f"/api/devices/{stolen.enrolment.device_id}/revoke"
    assert client.post(path).status_code == 200
    with pytest.raises(RefusedError, match="403 revoked"):
        link.send(batch(bundle, 3, 4))
    assert [q["code"] for q in client.get("/api/quarantine").json()] == ["revoked"]
    broker.reload()

    def shut_out() -> bool:
        link.close()
        try:
            link.ping()
        except LinkError:
            return True
        return False

    until(shut_out, "a revoked certificate still opens a connection")
    assert open_link(other).ping()


@pytest.mark.parametrize("kind", ["none", "of another authority", "of its own making"])
def test_nobody_is_let_in_without_a_certificate_of_the_shore(
    broker: Mosquitto, shore: Shore, north: Identity, tmp_path: Any, kind: str
) -> None:
    context = ssl.create_default_context(cadata=shore.authority.pem)
    if kind != "none":
        other = Authority.load_or_make(tmp_path / "other.pem")
        pair = tmp_path / "pair.pem"
        name = "shore" if kind == "of its own making" else "d1"
        pair.write_bytes(other.worker(name))
        context.load_cert_chain(pair)
    for address in (broker.devices, broker.workers):
        with pytest.raises(LinkError):
            Line(Broker(address, context), "d1", answer_topic("d1"), timeout_s=PATIENCE_S)


def test_a_broker_that_the_shore_did_not_certify_gets_nothing(
    broker: Mosquitto, north: Identity, tmp_path: Any
) -> None:
    stranger = tmp_path / "stranger.pem"
    stranger.write_text(Authority.load_or_make(tmp_path / "other.pem").pem)
    link = MqttLink(broker.devices, north, timeout_s=PATIENCE_S, ca=stranger)
    with pytest.raises(LinkError, match="not trusted"):
        link.ping()


def test_it_listens_where_it_was_told_and_nowhere_else(broker: Mosquitto) -> None:
    """Some words above the first listener make Mosquitto open 1883 to everybody, without TLS."""
    assert broker.listening() == {broker.devices.port, broker.workers.port}


def test_clear_text_is_not_spoken(broker: Mosquitto) -> None:
    with socket.create_connection(("127.0.0.1", broker.devices.port), PATIENCE_S) as raw:
        raw.settimeout(PATIENCE_S)
        raw.sendall(b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03abc")
        with suppress(OSError):  # reset, or closed
            assert b"\x20" not in raw.recv(100)[:1]

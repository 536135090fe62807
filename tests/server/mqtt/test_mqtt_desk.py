"""Whatever a request holds, it is answered, and the worker goes on. And the files of a broker."""

import re
import subprocess
from pathlib import Path

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes

from server.clock import now_ms
from server.commands.broker import add_parser  # noqa: F401 - the command is there
from server.mqtt import desk
from server.mqtt.files import Plan, write
from server.mqtt.worker import Worker, properties
from server.shore import Shore
from server.simulated import SimulatedDevice
from wire.mqtt import METHOD, Address, request_topic
from wire.signing import COUNTER_HEADER, DEVICE_HEADER, SIGNATURE_HEADER, sign_request

TEXT = st.text(max_size=60)
HEADERS = st.dictionaries(
    st.sampled_from((DEVICE_HEADER, COUNTER_HEADER, SIGNATURE_HEADER)) | TEXT, TEXT, max_size=5
)
TOPICS = st.builds(request_topic, TEXT, st.sampled_from(("hello", "ingest", "release")) | TEXT)
MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@MANY
@given(TOPICS | TEXT, HEADERS, st.binary(max_size=200))
def test_a_stranger_is_told_so_whatever_it_says(
    shore: Shore, topic: str, headers: dict[str, str], body: bytes
) -> None:
    found = desk.answer(shore, topic, headers, body, now_ms())
    assert found.status in ((200,) if topic.endswith("/up/ping") else (401, 413))


COUNTERS = iter(range(1, 1_000_000))


@MANY
@given(st.sampled_from(("hello", "ingest", "release", "other")), st.binary(max_size=200))
def test_a_device_gone_mad_gets_an_answer_below_500(
    shore: Shore, device: SimulatedDevice, kind: str, body: bytes
) -> None:
    topic = request_topic(device.device_id, kind)
    said = sign_request(device.key, device.device_id, next(COUNTERS), METHOD, topic, body)
    assert 400 <= desk.answer(shore, topic, said, body, now_ms()).status < 500


def test_a_full_disk_is_a_request_to_come_back(shore: Shore, device: SimulatedDevice) -> None:
    hello = {"epoch": 1, "next_seq": 1, "software": "s", "release": None, "deploy_seq": 0}
    topic, body = request_topic(device.device_id, "hello"), cbor2.dumps(hello)
    said = sign_request(device.key, device.device_id, 10**6, METHOD, topic, body)
    shore.settings.write_lock.unlink()
    shore.settings.write_lock.mkdir()  # what the shore must open cannot be opened
    found = desk.answer(shore, topic, said, body, now_ms())
    assert (found.status, found.retry_after) == (503, "30")


@pytest.mark.parametrize("topic", ["x", "seadrift/v1/d1/up/hello", "seadrift/v1/d1/down/answer"])
def test_a_message_that_asks_nothing_is_noted_and_left(
    shore: Shore, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(shore, Address("localhost", 1, False), threads=1)
    message = MQTTMessage(1, topic.encode())
    message.payload = b"\xff\x00"
    message.properties = properties(PacketTypes.PUBLISH)
    worker._work(message, 0)
    assert "not a request" in caplog.text
    assert worker.answered == 0


def test_the_brokers_files_stay_the_same_and_its_key_stays_secret(
    shore: Shore, tmp_path: Path
) -> None:
    plan, folder = Plan(("shore.example", "10.0.0.2")), tmp_path / "broker"
    path = write(shore, plan, folder, now_ms())
    before = (folder / "broker.pem").read_bytes()
    assert write(shore, plan, folder, now_ms()) == path
    assert (folder / "broker.pem").read_bytes() == before
    assert (folder / "broker.pem").stat().st_mode & 0o777 == 0o600
    write(shore, Plan(("other.example",)), folder, now_ms())
    assert (folder / "broker.pem").read_bytes() != before
    text = path.read_text()
    assert "$" not in text
    assert re.search(r"^listener 8884 127\.0\.0\.1$", text, re.M)
    assert text.count("require_certificate true") == 2
    assert "allow_anonymous false" in text


def test_the_commands_write_the_files_and_say_what_is_wrong(shore: Shore, tmp_path: Path) -> None:
    data = str(shore.settings.data)

    def seadrift(*words: str) -> subprocess.CompletedProcess[str]:
        from server.demo.processes import command

        return subprocess.run(
            [command("seadrift"), *words, "--data", data],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = seadrift("broker", "--host", "shore.example", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert f"mosquitto -c {tmp_path / 'out' / 'mosquitto.conf'}" in done.stdout
    wrong = seadrift("mqtt", "--broker", "mqtt://shore.example")
    assert wrong.returncode == 3
    assert "use mqtts" in wrong.stderr

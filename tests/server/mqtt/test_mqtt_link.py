"""A device, a real broker with the shipped configuration, a worker, the database."""

import contextlib
import threading

import httpx
import pytest

from edge.identity import Identity
from edge.links import LinkError, RefusedError
from models import factory
from models.bundle import Bundle
from server.mqtt.worker import Worker
from server.shore import Shore
from server.simulated import make_object, make_record, make_vignette
from tests.plugins.mosquitto import Mosquitto
from tests.server.mqtt.conftest import OpenLink, working
from wire.ack import Ack
from wire.codec import BATCH_MAX, encode_batch, encode_record

pytestmark = pytest.mark.xdist_group("mqtt")


def batch(bundle: Bundle, first: int, last: int) -> bytes:
    """Objects from seq `first` to `last`, one batch."""
    seqs = range(first, last + 1)
    return encode_batch([encode_record(make_record(s, make_object(bundle, s))) for s in seqs])


def test_records_come_through_the_broker_into_the_database(
    north: Identity,
    open_link: OpenLink,
    worker: Worker,
    client: httpx.Client,
    project: int,
    bundle: Bundle,
) -> None:
    link = open_link(north)
    assert link.ping() == "0.1.0"
    assert link.hello(7, 1, "seadrift", None, 0).ack == Ack(7, 0)
    assert link.send(batch(bundle, 1, 20)) == Ack(7, 20)
    picture = encode_batch([encode_record(make_record(21, make_vignette(20)))])
    assert link.send(picture) == Ack(7, 21)
    assert link.send(picture) == Ack(7, 21)
    assert link.hello(7, 22, "seadrift", None, 0).ack == Ack(7, 21)
    found = client.get(f"/api/projects/{project}/objects").json()
    assert found["total"] == 20


def test_a_release_comes_in_pieces_and_goes_on_where_it_stopped(
    north: Identity, open_link: OpenLink, worker: Worker, bundle: Bundle
) -> None:
    link, data = open_link(north), factory.path().read_bytes()
    assert b"".join(link.fetch(bundle.release_id, 0)) == data
    assert b"".join(link.fetch(bundle.release_id, 100_001)) == data[100_001:]
    assert b"".join(link.fetch(bundle.release_id, len(data))) == b""
    with pytest.raises(RefusedError, match="404 not_found"):
        next(link.fetch("0" * 64, 0))


def test_a_certificate_is_renewed_through_the_broker_it_opens(
    north: Identity, open_link: OpenLink, worker: Worker
) -> None:
    before = north.certificate
    assert not north.certificate_due(now_ms=1_800_000_000_000)
    assert north.certificate_due(now_ms=2_000_000_000_000)
    north.keep_certificate(open_link(north).certificate())
    assert north.certificate != before
    assert open_link(north).ping()


def test_workers_take_turns_and_one_alone_goes_on(
    shore: Shore, broker: Mosquitto, north: Identity, open_link: OpenLink, bundle: Bundle
) -> None:
    link = open_link(north)
    with working(shore, broker) as one:
        with working(shore, broker) as two:
            for seq in range(1, 21):
                assert link.send(batch(bundle, seq, seq)).upto == seq
            assert min(one.answered, two.answered) >= 5
        assert link.send(batch(bundle, 21, 30)).upto == 30


def test_workers_replaced_one_by_one_leave_nobody_without_an_answer(
    shore: Shore, broker: Mosquitto, north: Identity, open_link: OpenLink, bundle: Bundle
) -> None:
    link, ended, sent = open_link(north), threading.Event(), []

    def keep_sending() -> None:
        while not ended.is_set():
            sent.append(link.send(batch(bundle, len(sent) + 1, len(sent) + 1)).upto)

    sending = threading.Thread(target=keep_sending)
    with contextlib.ExitStack() as present:
        present.enter_context(working(shore, broker))
        sending.start()
        for turn in range(1, 4):
            while len(sent) < 3 * turn and sending.is_alive():
                ended.wait(0.01)
            with contextlib.ExitStack() as former:
                former.push(present.pop_all())
                present.enter_context(working(shore, broker))
        ended.set()
        sending.join()
    assert len(sent) >= 9
    assert sent == list(range(1, len(sent) + 1))


def test_what_is_wrong_is_answered_as_over_http(
    north: Identity, open_link: OpenLink, worker: Worker, bundle: Bundle
) -> None:
    link = open_link(north)
    for body in (b"", b"garbage" * 100, batch(bundle, 1, 2)[:-3]):
        with pytest.raises(RefusedError, match="400 batch"):
            link.send(body)
    with pytest.raises(LinkError, match="over HTTPS"):
        link.enrol("claim", "n", "b", "s")
    assert link.send(batch(bundle, 1, 2)) == Ack(7, 2)


def test_a_batch_that_the_broker_would_not_take_is_refused_before_it_is_sent(
    north: Identity, open_link: OpenLink, worker: Worker, bundle: Bundle
) -> None:
    link = open_link(north)
    with pytest.raises(RefusedError) as refused:
        link.send(bytes(BATCH_MAX + 20_000))
    assert refused.value.status == 413  # the sender halves it
    with pytest.raises(RefusedError, match="400 batch"):
        link.send(bytes(BATCH_MAX))
    assert link.send(batch(bundle, 1, 2)) == Ack(7, 2)


def test_no_shore_behind_the_broker_is_said_at_once(
    broker: Mosquitto, north: Identity, open_link: OpenLink
) -> None:
    with pytest.raises(LinkError, match="no shore listens behind it"):
        open_link(north, timeout_s=120).ping()

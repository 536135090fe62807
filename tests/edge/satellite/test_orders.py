"""The shore's commands are done exactly once, through repeats, overtaking, restarts and forgery."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.agent.orders import Orders
from edge.clock import SystemClock
from edge.config import UpdatesConfig
from edge.identity import Identity, IdentityError
from edge.outbox import Draft, Outbox
from edge.policy import setting
from edge.updates.store import ReleaseStore
from edge.updates.updater import Updater
from models import factory
from models.bundle import Bundle
from models.classifier import Classifier
from wire.codec import decode_record
from wire.commands import Command, sign_command
from wire.records import Answer, BadFrame, Vignette, read_body
from wire.signing import PrivateKey

CLOCK = SystemClock(trust_system=False)
SHORE = PrivateKey.make()


class Device:
    """What orders work on, opened again at will."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open()

    def open(self) -> None:
        self.outbox = Outbox.open(self.folder / "outbox", max_mb=16, reserve_mb=0, clock=CLOCK)
        self.identity = Identity.load_or_make(self.folder / "identity")
        self.updater = Updater(ReleaseStore(self.folder / "releases"), UpdatesConfig(), "auto")
        self.orders = Orders(self.outbox, self.identity, self.updater)

    def restart(self) -> None:
        self.outbox.close()
        self.open()

    def order(self, number: int, name: str, argument: object = None) -> bool:
        return self.orders.take(sign_command(SHORE, "d1", Command(number, name, argument)))

    def answers(self) -> list[Answer]:
        batch = self.outbox.next_batch(10**6)
        records = [] if batch is None else [decode_record(blob) for blob in batch.records]
        bodies = [read_body(record) for record in records]
        return [body for body in bodies if isinstance(body, Answer)]


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    made = Device(tmp_path)
    made.identity.enrol("d1", SHORE.public.text, "claim")
    yield made
    made.outbox.close()


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_each_counts_once_in_any_order_and_the_last_word_stands(
    device: Device, order: tuple[int, ...]
) -> None:
    for number in (*order, *order):
        device.order(number, "policy", {"satellite.credits_day": 10.0 * number})
    device.restart()
    for number in order:
        assert not device.order(number, "policy", {"satellite.credits_day": 10.0 * number})
    assert sorted(answer.number for answer in device.answers()) == [1, 2, 3]
    assert setting(device.outbox, "satellite.credits_day", 60) == 30
    assert next(a for a in device.answers() if a.number == 3).ok


def test_a_command_of_another_key_or_for_another_device_does_nothing(device: Device) -> None:
    for key, name in ((PrivateKey.make(), "d1"), (SHORE, "d2")):
        forged = sign_command(key, name, Command(1, "wipe"))
        assert not device.orders.take(forged)
    assert not device.orders.take(b"\x19" + bytes(100))
    assert device.identity.enrolment is not None
    assert not device.answers()


def test_vignettes_that_are_asked_for_go_first(device: Device) -> None:
    image = Vignette(0, 0, "png", 1, 1, b"x")
    bad = Draft(BadFrame("f", 0, "r"))
    seqs = device.outbox.commit([bad, bad, Draft(image, about=0), Draft(image, about=1)])
    epoch = device.outbox.epoch
    assert device.order(1, "vignettes", [[epoch, seqs[1]]])
    assert device.order(2, "vignettes", [[epoch, seqs[1]], [epoch, 999], [5, 1]])
    first, second = device.answers()
    assert first.ok
    assert not second.ok
    assert "2 of 3 not on board" in second.text
    batch = device.outbox.next_batch(10**6)
    assert batch is not None
    shown = [decode_record(blob).body.get("object_seq") for blob in batch.records]
    assert [seq for seq in shown if seq] == [seqs[1], seqs[0]]


def test_priorities_hold_for_what_waits_and_what_comes(device: Device) -> None:
    image = Vignette(0, 0, "png", 1, 1, b"x")
    bad = Draft(BadFrame("f", 0, "r"))
    device.outbox.commit([bad, Draft(image, about=0)])
    assert device.order(1, "priorities", {"vignette": 2})
    device.restart()
    device.outbox.commit([bad, Draft(image, about=0)])
    [later] = [
        decode_record(blob).priority
        for blob in device.outbox.next_batch(10**6).records  # type: ignore[union-attr]
        if decode_record(blob).kind == "vignette" and decode_record(blob).seq > 3
    ]
    assert later == 2


def test_thresholds_reach_the_classifier_of_their_release_only(device: Device) -> None:
    bundle = Bundle.load(factory.path())
    classifier = Classifier(bundle)
    likely = np.full((1, len(bundle.classes)), 0.001, np.float32)
    likely[0, 0] = 1 - likely[0, 1:].sum()
    node = int(classifier.decide(likely).node[0])
    assert classifier.decide(likely).sure[0]
    strict = dict.fromkeys(range(len(classifier.nodes)), 1.0)
    few = dict(list(strict.items())[:25])
    device.order(1, "thresholds", {"release": "0" * 8, "nodes": few})
    device.orders.apply(classifier)
    assert classifier.decide(likely).sure[0]
    ours = {"release": bundle.release_id[:8], "unknown": 0.3, "nodes": {node: 1.0}}
    device.order(2, "thresholds", ours)
    device.orders.apply(classifier)
    assert int(classifier.decide(likely).node[0]) != node or not classifier.decide(likely).sure[0]
    doubtful = np.array([0.5], np.float32)
    assert not classifier.decide(likely, doubtful).sure[0]


def test_a_release_on_board_is_assigned_by_name(device: Device) -> None:
    here = device.updater.factory
    device.order(1, "assign", [4, "0" * 16])
    device.order(2, "assign", [5, here[:16]])
    device.order(3, "assign", [4, here[:16]])
    assert [answer.ok for answer in device.answers()] == [False, True, False]
    assert (device.updater.state.deploy_seq, device.updater.state.release) == (5, here)


def test_wiped_keys_are_gone_for_good(device: Device) -> None:
    secret = (device.folder / "identity" / "key").read_bytes()
    assert device.order(1, "wipe")
    device.restart()
    left = b"".join(p.read_bytes() for p in (device.folder / "identity").iterdir() if p.is_file())
    assert secret not in left
    with pytest.raises(IdentityError, match="wiped"):
        device.identity.sign("POST", "/v1/hello", b"")
    with pytest.raises(IdentityError, match="wiped"):
        device.identity.needs("claim")
    assert not device.answers()

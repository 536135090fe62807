"""The link's thread, one visit at a time, against a shore in memory on a link that fails."""

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.agent import sender as sender_module
from edge.agent.sender import Sender
from edge.carriers.delivery import ATTEMPTS_MAX
from edge.clock import SystemClock
from edge.identity import Identity
from edge.links import BusyError, LinkError, NotSeadriftError, RefusedError
from edge.links.simulated import SimulatedShore, no_fault
from edge.outbox import Draft, Outbox
from wire.ack import Ack, Rejection
from wire.codec import decode_batch
from wire.records import BadFrame
from wire.release import Assignment, sign_assignment, sign_release

Make = Callable[..., Sender]


def fill(outbox: Outbox, count: int) -> None:
    for index in range(count):
        outbox.commit([Draft(BadFrame(f"f{index}", index, "x" * 200))])


def test_enrols_says_hello_and_sends_everything(
    make: Make, outbox: Outbox, clock: SystemClock, tmp_path: Path
) -> None:
    fill(outbox, 100)
    shore = SimulatedShore()
    sender = make(shore)
    assert clock.utc_ms() is None
    sender.round()
    assert outbox.pending().records == 0
    assert len(shore.records) == 100
    assert sender.state.state == "up"
    assert sender.state.acknowledged == 100
    assert (clock.utc_ms() or 0) >= shore.time_ms
    kept = Identity.load_or_make(tmp_path / "identity")
    assert kept.enrolment is not None
    assert kept.enrolment.device_id == "d1"


def test_a_link_that_fails_at_random_loses_nothing(make: Make, outbox: Outbox) -> None:
    chance = random.Random(3)

    def cut(request: str, moment: str) -> None:
        if chance.random() < 0.4:
            raise LinkError(f"{request} cut {moment}")

    shore = SimulatedShore(fault=cut)
    sender = make(shore, hello_s=1000.0)
    for turn in range(300):
        if turn < 50:
            fill(outbox, 3)
        held = set(shore.records)
        sender.round()
        waiting = outbox.next_batch(2**30)
        here = set() if waiting is None else {(waiting.epoch, seq) for seq in waiting.seqs}
        assert here | set(shore.records) == {(outbox.epoch, s) for s in range(1, outbox.next_seq)}
        assert held <= set(shore.records)
    assert outbox.pending().records == 0
    assert len(shore.records) == 150
    assert shore.repeats == 0  # after a lost answer, the next hello said what had arrived


@pytest.mark.parametrize(
    "error",
    [
        NotSeadriftError("not a shore"),
        RefusedError(401, "signature", "unknown device"),
        RefusedError(403, "revoked", "revoked"),
        RefusedError(500, "internal", "broken"),
        BusyError("busy", 5.0),
    ],
)
def test_no_other_answer_deletes_anything(make: Make, outbox: Outbox, error: LinkError) -> None:
    def cut(request: str, moment: str) -> None:
        if request == "send":
            raise error

    fill(outbox, 5)
    sender = make(SimulatedShore(fault=cut))
    waits = [sender.round() for _ in range(4)]
    assert (outbox.pending().records, outbox.pending().dead) == (5, 0)
    assert sender.state.state == "down"
    assert sender.state.error == str(error)
    assert all(wait > 0.09 for wait in waits)
    if isinstance(error, BusyError):
        assert min(waits) >= 5.0


def test_the_wait_grows_and_is_forgotten_after_an_answer(make: Make, outbox: Outbox) -> None:
    broken = True

    def cut(request: str, moment: str) -> None:
        if broken:
            raise LinkError("down")

    sender = make(SimulatedShore(fault=cut))
    for _ in range(12):
        sender.round()
    assert sender.state.failures == 12
    broken = False
    sender.round()
    assert sender.state.failures == 0


def test_a_record_that_the_shore_refuses_is_kept_aside(make: Make, outbox: Outbox) -> None:
    fill(outbox, 10)
    shore = SimulatedShore(refuse={4, 7})
    make(shore).round()
    pending = outbox.pending()
    assert (pending.records, pending.dead) == (0, 2)
    assert sorted(seq for _, seq in shore.records) == [1, 2, 3, 5, 6, 8, 9, 10]


class Choking(SimulatedShore):
    """Answers 413 to every batch with record 3, which it never takes."""

    def send(self, batch: bytes) -> Ack:
        if any(b'"x"' in blob or b"poison" in blob for blob in decode_batch(batch)):
            raise RefusedError(413, "too_large", "too large")
        return super().send(batch)


def test_a_poisonous_record_blocks_nobody_and_is_set_aside(make: Make, outbox: Outbox) -> None:
    fill(outbox, 20)
    outbox.commit([Draft(BadFrame("poison", 20, "x"))])
    fill(outbox, 20)
    shore = Choking()
    sender = make(shore)
    sender.round()
    assert len(shore.records) == 40
    assert outbox.pending().records == 1
    for _ in range(ATTEMPTS_MAX - 2):
        sender.round()
    assert (outbox.pending().records, outbox.pending().dead) == (1, 0)
    sender.round()
    assert (outbox.pending().records, outbox.pending().dead) == (0, 1)


def test_a_shore_that_refuses_everything_for_a_while_costs_nothing(
    make: Make, outbox: Outbox
) -> None:
    def sick(request: str, moment: str) -> None:
        if request == "send":
            raise RefusedError(400, "batch", "broken")

    fill(outbox, 30)
    shore = SimulatedShore(fault=sick)
    sender = make(shore)
    for _ in range(2 * ATTEMPTS_MAX):
        sender.round()
    assert (outbox.pending().records, outbox.pending().dead) == (30, 0)
    shore.fault = no_fault
    sender.round()
    assert len(shore.records) == 30


def test_a_record_whose_bytes_the_card_flipped_blocks_nobody(make: Make, outbox: Outbox) -> None:
    fill(outbox, 5)
    outbox._db.execute("UPDATE record SET bytes = x'00112233' WHERE seq = 3")
    shore = SimulatedShore()
    sender = make(shore)
    for _ in range(ATTEMPTS_MAX + 1):
        sender.round()
        fill(outbox, 1)
    sender.round()
    assert (outbox.pending().records, outbox.pending().dead) == (0, 1)
    assert 3 not in {seq for _, seq in shore.records}
    assert len(shore.records) == 4 + ATTEMPTS_MAX + 1


class Postponing(SimulatedShore):
    """Takes nothing for now, and says so."""

    def send(self, batch: bytes) -> Ack:
        rejection = Rejection(1, "busy", "later", retry=True)
        return Ack(self.epoch, 0, (), (vars(rejection),))

    epoch = 0


def test_what_the_shore_wants_later_is_never_set_aside(make: Make, outbox: Outbox) -> None:
    fill(outbox, 1)
    shore = Postponing()
    shore.epoch = outbox.epoch
    sender = make(shore)
    for _ in range(3 * ATTEMPTS_MAX):
        sender.round()
    assert (outbox.pending().records, outbox.pending().dead) == (1, 0)


def test_an_answer_about_another_epoch_is_no_leave_to_delete(make: Make, outbox: Outbox) -> None:
    fill(outbox, 3)
    shore = Postponing()
    shore.epoch = outbox.epoch ^ 1
    make(shore).round()
    assert outbox.pending().records == 3


def test_a_restored_card_goes_on_under_new_names(make: Make, outbox: Outbox) -> None:
    """The shore holds records that this outbox, restored from an old copy, has never made."""
    fill(outbox, 3)
    shore = SimulatedShore()
    first = outbox.epoch
    ahead = Ack(first, upto=10)
    shore._ack = lambda epoch, rejected: ahead if epoch == first else Ack(epoch, 0)  # type: ignore[method-assign]  # what a shore would say that knows more
    make(shore).round()
    assert outbox.epoch != first
    assert outbox.next_seq == 1


def test_a_clash_of_names_is_kept_aside_and_ends_the_epoch(make: Make, outbox: Outbox) -> None:
    fill(outbox, 2)
    shore = SimulatedShore()
    shore.hashes[outbox.epoch, 2] = b"other bytes"
    first = outbox.epoch
    make(shore).round()
    assert outbox.pending().dead == 1
    assert outbox.epoch != first


def test_a_wrong_claim_is_said_once_and_tried_again(
    make: Make, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    fill(outbox, 1)
    sender = make(SimulatedShore(), claim="wrong")
    for _ in range(4):
        sender.round()
    assert sender.round() >= 30.0  # it is no use to hurry, and the shore locks out who does
    said = [r for r in caplog.records if "unknown claim" in r.getMessage()]
    assert len(said) == 1
    assert outbox.pending().records == 1


def test_without_a_claim_the_message_says_how_to_get_one(make: Make) -> None:
    sender = make(SimulatedShore(), claim="")
    sender.round()
    assert "make a claim on shore" in sender.state.error


def test_a_counter_that_the_shore_knows_is_left_far_behind(
    make: Make, outbox: Outbox, tmp_path: Path
) -> None:
    def cut(request: str, moment: str) -> None:
        if request == "hello":
            raise RefusedError(401, "counter", "has not risen")

    sender = make(SimulatedShore(fault=cut))
    sender.round()
    identity = Identity.load_or_make(tmp_path / "identity")
    sender._desk.identity.sign("GET", "/", b"")
    number = int(sender._desk.identity.sign("GET", "/", b"")["Seadrift-Counter"])
    assert number > 1_000_000_000_000
    assert identity.enrolment is not None


def test_a_long_wait_does_not_look_like_a_standstill(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "REST_S", 0.01)
    sender = make(SimulatedShore())
    sender.moved_s = before = 0.0
    sender._rest(threading.Event(), 0.05)
    assert sender.moved_s > before
    told = threading.Event()
    told.set()
    sender._rest(told, 1e9)


def test_a_release_that_the_shore_cannot_give_slows_no_record(make: Make, outbox: Outbox) -> None:
    shore = SimulatedShore()
    sender = make(shore)
    sender.round()
    release = "ab" * 32
    signature = sign_release(shore.key, release)
    shore.assignment = sign_assignment(shore.key, Assignment("d1", 1, release, 0, signature))
    fill(outbox, 3)
    wait_s = sender.round()
    assert sender.state.state == "up"
    assert len(shore.records) == 3
    assert wait_s <= 1.0
    fill(outbox, 3)
    sender.round()
    assert len(shore.records) == 6


def test_the_thread_ends_when_told(make: Make, outbox: Outbox) -> None:
    fill(outbox, 3)
    sender = make(SimulatedShore(), hello_s=1000.0)
    sender.start()
    sender.wake()
    sender.stop()
    assert not sender.is_alive()

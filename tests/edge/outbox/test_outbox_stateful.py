"""Whatever order of commits, sendings, lost answers, refusals and reopenings: nothing is lost,
nothing is there twice, and a name never means two things."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.clock import SystemClock
from edge.links import LinkError
from edge.links.simulated import SimulatedShore
from edge.outbox import Draft, Outbox
from wire.ack import Ack
from wire.codec import decode_record, encode_batch
from wire.records import BadFrame, Gap, Health, Vignette, read_body

CLOCK = SystemClock(trust_system=False)


class OutboxMachine(RuleBasedStateMachine):
    """`made` is every record that a commit accepted, by name: what must never get lost."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.shore = SimulatedShore()
        self.made: dict[tuple[int, int], str] = {}
        self.frames = 0
        self.set_aside: set[tuple[int, int]] = set()
        self._open()

    def _open(self) -> None:
        self.outbox = Outbox.open(self.folder, max_mb=2, reserve_mb=0, clock=CLOCK)

    @rule(objects=st.integers(0, 4), size=st.integers(1, 60_000))
    def frame(self, objects: int, size: int) -> None:
        picture = Draft(Vignette(0, 0, "png", 1, 1, b"\0" * size), about=0)
        drafts = [Draft(BadFrame("f", self.frames, "x")), *[picture] * objects]
        seqs = self.outbox.commit(drafts, cursor=str(self.frames + 1))
        self.frames += 1
        for draft, seq in zip(drafts, seqs, strict=True):
            name = (self.outbox.epoch, seq)
            assert name not in self.made
            self.made[name] = type(draft.body).__name__

    @rule()
    def report(self) -> None:
        body = Health(1.0, self.outbox.pending().records, 0, 1.0, None)
        (seq,) = self.outbox.commit([Draft(body)])
        self.made[self.outbox.epoch, seq] = "Health"

    @rule(size=st.integers(1, 200_000), answer_lost=st.booleans())
    def send(self, size: int, answer_lost: bool) -> None:
        batch = self.outbox.next_batch(size)
        if batch is None:
            return
        ack = self.shore.send(encode_batch(batch.records))
        if not answer_lost:
            self.set_aside |= {(batch.epoch, r.seq) for r in ack.rejections}
            self.outbox.acknowledge(ack)

    @rule(epoch=st.integers(1, 2**32 - 1), upto=st.integers(0, 1000))
    def stray_acknowledgement(self, epoch: int, upto: int) -> None:
        if epoch != self.outbox.epoch:
            assert self.outbox.acknowledge(Ack(epoch, upto)) == 0 or epoch in {
                e for e, _ in self.made
            }

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def shore_refuses(self, data: st.DataObject) -> None:
        self.shore.refuse.add(data.draw(st.sampled_from(sorted(seq for _, seq in self.made))))

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def shore_wants(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.made)))
        waiting = self._waiting()
        found = self.outbox.prefer({name})
        shown = {
            (epoch, about)
            for epoch, about in self.outbox._db.execute(
                "SELECT epoch, about FROM record WHERE priority = 3"
            )
        }
        assert found <= shown
        assert self._waiting() == waiting

    @rule(size=st.integers(1, 100_000), priority_max=st.integers(0, 5))
    def send_without_an_answer(self, size: int, priority_max: int) -> None:
        batch = self.outbox.next_batch(size, priority_max=priority_max)
        if batch is None:
            return
        assert batch == self.outbox.next_batch(size, priority_max=priority_max)
        self.shore.send(encode_batch(batch.records))
        self.outbox.mark_sent(batch.epoch, batch.seqs)

    @rule(times=st.integers(1, 5))
    def one_fails_alone(self, times: int) -> None:
        batch = self.outbox.next_batch(1)
        if batch is not None:
            counts = [self.outbox.blame(batch.epoch, batch.seqs[0]) for _ in range(times)]
            assert counts == list(range(counts[0], counts[0] + times))

    @rule()
    def new_names(self) -> None:
        self.outbox.renew_epoch()

    @rule()
    def reopen(self) -> None:
        self.outbox.close()
        self._open()

    @rule()
    def crash(self) -> None:
        """What the disk holds at this moment is all that the next run gets."""
        after = Path(tempfile.mkdtemp())
        shutil.copytree(self.folder, after, dirs_exist_ok=True)
        self.outbox.close()
        shutil.rmtree(self.folder)
        self.folder = after
        self._open()

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        waiting = self._waiting()
        dead = {
            (epoch, seq) for epoch, seq in self.outbox._db.execute("SELECT epoch, seq FROM dead")
        }
        gone, counted = self._given_up()
        for name, kind in self.made.items():
            assert not (name in waiting and name in dead)
            if name not in waiting | dead | gone and name not in self.shore.records:
                assert name[0] != self.outbox.epoch, f"{name} ({kind}) is nowhere"
                counted -= 1  # a gap counts what it gives up of an earlier epoch
                gone.add(name)
            if name in gone:
                assert kind == "Vignette"
        assert counted >= 0
        assert dead <= self.set_aside
        assert self.outbox.cursor == (str(self.frames) if self.frames else None)

    def _waiting(self) -> set[tuple[int, int]]:
        return {(e, s) for e, s in self.outbox._db.execute("SELECT epoch, seq FROM record")}

    def _given_up(self) -> tuple[set[tuple[int, int]], int]:
        """Names in gap records, wherever those are, and how many are counted without a name."""
        here = [decode_record(b) for (b,) in self.outbox._db.execute("SELECT bytes FROM record")]
        names, counted = set(), 0
        for record in {r.key: r for r in (*here, *self.shore.records.values())}.values():
            if record.kind == "gap":
                body = read_body(record)
                assert isinstance(body, Gap)
                counted += 0 if body.ranges else body.count
                for first, last in body.ranges:
                    names |= {(record.epoch, seq) for seq in range(first, last + 1)}
        return names, counted

    def teardown(self) -> None:
        self.shore.refuse.clear()
        self.outbox.close()
        shutil.rmtree(self.folder)


OutboxMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestOutboxStateful = OutboxMachine.TestCase


def test_the_simulated_shore_loses_requests_and_answers_when_told() -> None:
    def cut(request: str, moment: str) -> None:
        if (request, moment) == ("send", "after"):
            raise LinkError("cut")

    shore = SimulatedShore(fault=cut)
    folder = Path(tempfile.mkdtemp())
    with Outbox.open(folder, max_mb=2, reserve_mb=0, clock=CLOCK) as outbox:
        outbox.commit([Draft(BadFrame("f", 0, "x"))])
        batch = outbox.next_batch(1000)
        assert batch is not None
        with pytest.raises(LinkError):
            shore.send(encode_batch(batch.records))
        assert len(shore.records) == 1
    shutil.rmtree(folder)

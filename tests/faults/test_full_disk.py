"""No space left on the device: at each write of each thing that an outbox does, for one write, for
some, and for as long as it takes; and at the writes of a real agent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.outbox import Draft, Outbox, OutboxFullError
from tests.faults.failing import WRITES, FullVfs, injecting
from tests.faults.laboratory import progress, report, slice_or_whole
from tests.faults.recording import can_record
from tests.faults.stage import agent, ashore, run
from wire.ack import Ack
from wire.codec import decode_record
from wire.records import BadFrame, Vignette

pytestmark = pytest.mark.faults
CLOCK = SystemClock(trust_system=False)
LONG = (1, 3, 40)
FRAMES = 12
STEP = 23


@pytest.fixture
def vfs() -> Iterator[FullVfs]:
    made = FullVfs("seadrift-full")
    yield made
    made.unregister()


class Life:
    """An outbox at work; it knows what must be in it. Every step may find the disk full."""

    def __init__(self, folder: Path) -> None:
        self.outbox = Outbox.open(folder, max_mb=8, reserve_mb=1, clock=CLOCK, vfs="seadrift-full")
        self.waiting: set[int] = set()
        self.cursor = 0
        self.full = 0

    def work(self) -> None:
        """Frames, an acknowledgement that leaves a hole, a restart of a batch."""
        for index in range(FRAMES):
            drafts = [Draft(BadFrame("f", index, "x"))]
            drafts += [Draft(Vignette(0, 0, "png", 1, 1, bytes(3000)), about=0)] * (index % 4)
            self._until_it_fits(drafts, str(index + 1))
            if index % 5 == 4:
                self._acknowledge(max(self.waiting) - 2)

    def _until_it_fits(self, drafts: list[Draft], cursor: str) -> None:
        """As the agent does: with the frame in hand."""
        for _ in range(200):
            try:
                self.waiting |= set(self.outbox.commit(drafts, cursor=cursor))
                self.cursor = int(cursor)
                return
            except OutboxFullError:
                self.full += 1
        raise AssertionError("the disk has room again, but the outbox does not go on")

    def _acknowledge(self, upto: int) -> None:
        for _ in range(200):
            try:
                self.outbox.acknowledge(Ack(self.outbox.epoch, upto=upto))
                self.waiting = {seq for seq in self.waiting if seq > upto}
                return
            except OutboxFullError:
                self.full += 1
        raise AssertionError("the disk has room again, but acknowledgements do not go on")

    def toll(self) -> tuple[int, int]:
        """Records lost, records too many."""
        rows = [bytes(blob) for (blob,) in self.outbox._db.execute("SELECT bytes FROM record")]
        records = [decode_record(blob) for blob in rows]
        here = [r.seq for r in records if r.kind != "gap"]
        given_up = {
            seq
            for r in records
            if r.kind == "gap"
            for first, last in r.body["ranges"]
            for seq in range(first, last + 1)
        }
        lost = len(self.waiting - given_up - set(here)) + (self.outbox.cursor != str(self.cursor))
        return lost, len(here) - len(set(here) & self.waiting)


def writes_of(tmp_path: Path, vfs: FullVfs) -> int:
    life = Life(tmp_path / "none")
    before = vfs.writes
    life.work()
    life.outbox.close()
    return vfs.writes - before


@pytest.mark.parametrize("step", slice_or_whole(29, 1))
def test_full_at_each_write_of_the_outbox(tmp_path: Path, vfs: FullVfs, step: int) -> None:
    """Every write fails in turn (in the fast slice: every 29th)."""
    total, times, lost, twice = writes_of(tmp_path, vfs), 0, 0, 0
    assert total > 100
    for first in range(0, total, step):
        for count in LONG:
            life = Life(tmp_path / f"{first}-{count}")
            vfs.full(first, count)
            life.work()
            vfs.full(0, 0)
            gone, more = life.toll()
            life.outbox.close()
            times, lost, twice = times + 1, lost + gone, twice + more
        progress(first, total, "writes of the outbox")
    report(
        "full",
        "no space at the n-th write of the outbox, for 1, 3 and 40 writes",
        times=times,
        lost=lost,
        duplicated=twice,
    )


@pytest.mark.slow_faults
@pytest.mark.skipif(not can_record(), reason="strace is not installed")
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.timeout(600)
def test_full_at_each_write_of_a_running_agent(tmp_path: Path, error: str) -> None:
    """Every 23rd call fails, beginning with another one in each life. A start that meets it may
    end, as long as it says why: the service is started again."""
    lost = twice = 0
    with ashore(tmp_path) as place:
        for first in range(1, STEP + 1):
            config = place.instrument(f"n{first}")
            argv = agent(config, "--frames", "3", "--once")
            done = run(injecting(argv, WRITES, f"error={error}", f"{first}+{STEP}"))
            if done.returncode:
                assert done.returncode == 3, done.stderr
                assert "seadrift-edge run: " in done.stderr
            finish = run(agent(config, "--frames", "2", "--once"))
            assert finish.returncode == 0, finish.stderr
            progress(first, STEP, f"agents with {error}")
        account = place.account()
        lost, twice = account.lost + account.pending, account.duplicated
    report(
        "full",
        f"every {STEP}rd write, sync and truncation of a real agent answers {error}",
        times=STEP,
        lost=lost,
        duplicated=twice,
    )

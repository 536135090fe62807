"""A board whose clock jumps by years at every start, and is right once the shore has spoken."""

import random
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from edge.agent.timekeeper import Timekeeper
from edge.clock import SystemClock
from edge.outbox import Draft, Outbox
from server.db.tables import FrameRow
from server.intake.batch import take
from tests.faults.laboratory import report
from tests.faults.shoreside import NOW_MS, opened
from wire.codec import encode_batch
from wire.records import FrameSummary

pytestmark = pytest.mark.faults
STARTS, FRAMES = 24, 8
YEAR_MS = 365 * 86_400_000
FAR_MS = 2000


def test_a_clock_that_jumps_at_every_start(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, began_ns = random.Random(9), time.monotonic_ns()
    real_ns = time.time_ns

    def truth_ms() -> int:
        return NOW_MS + (time.monotonic_ns() - began_ns) // 1_000_000

    truths: dict[int, int | None] = {}
    for start in range(STARTS):
        jump_ms = chance.choice((-30, -1, 0, 1, 20)) * YEAR_MS + chance.randrange(YEAR_MS)
        monkeypatch.setattr(time, "time_ns", lambda by=jump_ms: real_ns() + by * 1_000_000)
        told_at = chance.randrange(2 * FRAMES)  # in half of the runs the shore is never heard
        clock = SystemClock(trust_system=False, synchronised=disk / "nobody")
        with Outbox.open(disk / "outbox", max_mb=8, reserve_mb=1, clock=clock) as outbox:
            keeper = Timekeeper(outbox, clock)
            for turn in range(FRAMES):
                if turn == told_at:
                    clock.set_from_shore(truth_ms())
                keeper.tick()
                index = FRAMES * start + turn
                outbox.commit([Draft(_frame(index))], cursor=str(index + 1))
                truths[index] = truth_ms() if told_at < FRAMES else None
    monkeypatch.setattr(time, "time_ns", real_ns)
    lost, twice = _ashore(disk, truths)
    what = f"starts of a board whose clock jumps by up to 30 years, {FRAMES} frames each"
    report("clock", what, times=STARTS, lost=lost, duplicated=twice)


def _frame(index: int) -> FrameSummary:
    return FrameSummary(
        f"f{index}", index, "s", "a", "p", width=8, height=8, objects=0, specks=0, dropped=0,
        brightness=1.0, ms={},
    )  # fmt: skip


def _ashore(disk: Path, truths: dict[int, int | None]) -> tuple[int, int]:
    """(lost or wrongly dated, twice or out of order)."""
    clock = SystemClock(trust_system=False, synchronised=disk / "nobody")
    with (
        Outbox.open(disk / "outbox", max_mb=8, reserve_mb=1, clock=clock) as outbox,
        opened(disk / "shore") as (shore, device),
    ):
        counter = 0
        while (batch := outbox.next_batch(20_000)) is not None:
            counter += 1
            ack = take(shore.stores, device, counter, encode_batch(batch.records), NOW_MS)
            assert outbox.acknowledge(ack)
        with shore.database.read() as connection:
            query = select(FrameRow.frame_index, FrameRow.utc_ms, FrameRow.utc_source)
            rows = connection.execute(query.order_by(FrameRow.epoch, FrameRow.seq)).all()
    seen = [index for index, _, _ in rows]
    wrong = sum(not _right(truths[index], utc_ms, source) for index, utc_ms, source in rows)
    return len(set(truths) - set(seen)) + wrong, len(seen) - len(set(seen)) + (seen != sorted(seen))


def _right(truth_ms: int | None, utc_ms: int | None, source: str) -> bool:
    """A run that heard the shore is dated, one that did not stays without a date, and says so."""
    if truth_ms is None:
        return utc_ms is None and source == "unknown"
    return utc_ms is not None and abs(utc_ms - truth_ms) < FAR_MS and source in ("device", "filled")

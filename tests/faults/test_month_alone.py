"""Thirty days without a link at one frame a second, then a link: the outbox fills, gives up what
matters least with a word for each record, and all the rest arrives once.

To scale: every n-th second of the month, into an n-th of the outbox, in sizes as the instrument
makes them, each frame its own durable commit; the clock runs in days, and the board is started
again now and then.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from edge.outbox import Draft, Outbox
from models import factory
from models.bundle import Bundle
from server.bench.material import HEIGHT, WIDTH, images
from server.db.fleet import DeviceInfo
from server.db.ledger import HELD
from server.db.tables import Epoch, FrameRow, GapRange, LedgerEntry
from server.intake.batch import Stores, take
from server.simulated import make_object
from tests.faults.laboratory import progress, report, slice_or_whole
from tests.faults.shoreside import NOW_MS, opened
from wire.codec import encode_batch
from wire.records import FrameSummary, Health, ObjectBody, Vignette

pytestmark = pytest.mark.faults
DAYS, DAY_S = 30, 86_400
OUTBOX_MB = 2000
"""What the whole month is given; summaries alone take 1.1 GB of it."""
OBJECTS = 64


@dataclass
class MonthClock:
    """Counts a month's milliseconds; nobody knows the date."""

    now_ms: int = 0

    def mono_ms(self) -> int:
        return self.now_ms

    def utc_ms(self) -> None:
        return None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scale", slice_or_whole(1000, 100))
def test_a_month_without_a_link(disk: Path, scale: int) -> None:
    clock, frames = MonthClock(), DAYS * DAY_S // scale
    objects = list(_objects())
    made = 0
    for day in range(DAYS):
        with _outbox(disk, clock, scale) as outbox:
            clock.now_ms = 0
            today = range(frames * day // DAYS, frames * (day + 1) // DAYS)
            outbox.commit([Draft(Health(1.0, 0, 0, 1.0, None))])
            for index in today:
                clock.now_ms += 1000 * scale
                outbox.commit(_frame(index, objects[index % OBJECTS]), cursor=str(index + 1))
            made = outbox.next_seq - 1
        progress(day, DAYS, f"days alone, {frames} frames")
    with _outbox(disk, clock, scale) as outbox, opened(disk / "shore") as (shore, device):
        assert outbox.pending().given_up > 0, "the outbox should have been too small"
        _catch_up(outbox, shore.stores, device)
        with shore.database.read() as connection:
            lost, twice = _books(connection, made, frames)
    report(
        "month",
        f"30 days offline at a frame a second, to scale (1:{scale}: {frames:,} frames)",
        times=frames,
        lost=lost,
        duplicated=twice,
    )


def _outbox(folder: Path, clock: MonthClock, scale: int) -> Outbox:
    max_mb = max(2, OUTBOX_MB // scale)
    return Outbox.open(folder / "outbox", max_mb=max_mb, reserve_mb=1, clock=clock)


def _objects() -> Iterator[ObjectBody]:
    bundle = Bundle.load(factory.path())
    for n in range(OBJECTS):
        yield make_object(bundle, n)


def _frame(index: int, body: ObjectBody) -> list[Draft]:
    """One frame with one object, as the instrument makes them: values with the vignette."""
    name = f"f{index:07d}"
    names = {"sample": body.sample, "acquisition": body.acquisition, "process": body.process}
    ms = {"segment": 9.1, "measure": 4.2, "classify": 6.3, "total": 19.6}
    summary = FrameSummary(
        name, index, **names, width=2048, height=1536, objects=1, specks=9, dropped=0,
        brightness=12.5, ms=ms, depth_m=float(index % 200),
    )  # fmt: skip
    brief = replace(
        body, frame=name, frame_index=index, index_in_frame=0, measures=b"", embedding=b"",
        shape=b"", brief=body.brief,
    )  # fmt: skip
    picture = Vignette(
        0, 0, "png", WIDTH, HEIGHT, images()[index % len(images())], body.measures_version,
        body.measures, body.embedding, body.shape,
    )  # fmt: skip
    return [Draft(summary), Draft(brief), Draft(picture, about=1)]


def _catch_up(outbox: Outbox, stores: Stores, device: DeviceInfo) -> None:
    """What the link's thread does, without the link."""
    counter = 0
    while (batch := outbox.next_batch(192 * 1024)) is not None:
        counter += 1
        ack = take(stores, device, counter, encode_batch(batch.records), NOW_MS)
        assert not ack.rejections, ack.rejections[:1]
        assert outbox.acknowledge(ack) > 0


def _books(connection: Connection, made: int, frames: int) -> tuple[int, int]:
    """(lost, twice) by seqs, which leave no hole, and by frames, which are never given up."""
    held = list(
        connection.execute(select(LedgerEntry.seq).where(LedgerEntry.outcome == HELD)).scalars()
    )
    given_up: set[int] = set()
    for first, last in connection.execute(select(GapRange.first, GapRange.last)):
        given_up |= set(range(first, last + 1))
    here = list(connection.execute(select(FrameRow.frame_index)).scalars())
    lost = len(set(range(1, made + 1)) - set(held) - given_up) + len(set(range(frames)) - set(here))
    twice = len(held) - len(set(held)) + len(here) - len(set(here)) + len(set(held) & given_up)
    assert connection.execute(select(Epoch.upto)).scalar_one() >= made
    return lost, twice

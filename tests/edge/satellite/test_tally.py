"""A dive's sums: stored with each frame, so that a kill neither loses nor doubles one."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config_link import SatelliteConfig
from edge.frames import Frame
from edge.outbox import Outbox
from edge.satellite.tally import Tally
from wire.codec import decode_record
from wire.summary import Summary
from wire.summary_bits import decode

GREY = np.zeros((2, 2), np.uint8)
SETTINGS = SatelliteConfig(bin_m=10.0, every_h=1.0, frame_ml=30.0)


class Watch:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.ms = 0
        self.utc: int | None = None

    def mono_ms(self) -> int:
        return self.ms

    def utc_ms(self) -> int | None:
        return self.utc


def frame(index: int, depth_m: float | None) -> Frame:
    return Frame(f"f{index}", index, GREY, depth_m=depth_m, lat_deg=48.0, lon_deg=-4.0)


def summaries(outbox: Outbox) -> list[Summary]:
    batch = outbox.next_batch(10**6)
    records = [] if batch is None else [decode_record(blob) for blob in batch.records]
    return [decode(r.body["data"]) for r in records if r.kind == "summary"]


@given(
    st.lists(st.tuples(st.floats(0, 200), st.booleans(), st.booleans()), min_size=1, max_size=25)
)
@settings(max_examples=15, deadline=None)
def test_killed_anywhere_every_frame_counts_once(
    tmp_path_factory: object, steps: list[tuple[float, bool, bool]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("tally")  # type: ignore[attr-defined]
    watch = Watch()
    outbox = Outbox.open(folder, max_mb=16, reserve_mb=0, clock=watch)
    tally, done = Tally(outbox, SETTINGS, watch), 0
    for depth_m, before, after in steps:
        step = tally.step(frame(done, depth_m), {(1, 2): 3}, "5f1c09aa")
        if before:  # killed before the commit: the frame is done again
            outbox.close()
            outbox = Outbox.open(folder, max_mb=16, reserve_mb=0, clock=watch)
            tally = Tally(outbox, SETTINGS, watch)
            step = tally.step(frame(done, depth_m), {(1, 2): 3}, "5f1c09aa")
        outbox.commit([], cursor=str(done + 1), facts=tally.facts(step))
        done += 1
        if after:  # killed after it
            outbox.close()
            outbox = Outbox.open(folder, max_mb=16, reserve_mb=0, clock=watch)
            tally = Tally(outbox, SETTINGS, watch)
        else:
            tally.took(step)
    summary = tally.summary()
    assert sum(summary.frames) == done
    assert summary.total(1) == 3 * done
    tally.close_dive()
    assert not tally.is_due("5f1c09aa")
    outbox.close()


def test_a_dive_ends_at_the_surface_or_after_its_time(tmp_path: Path) -> None:
    watch = Watch()
    with Outbox.open(tmp_path, max_mb=16, reserve_mb=0, clock=watch) as outbox:
        tally = Tally(outbox, SETTINGS, watch)
        due = []
        for index, depth_m in enumerate([0.0, 15.0, 35.0, 15.0, 1.0]):
            step = tally.step(frame(index, depth_m), {(1, 2): 2, (0, 0): 1}, "5f1c09aa")
            outbox.commit([], facts=tally.facts(step))
            tally.took(step)
            due.append(tally.is_due("5f1c09aa"))
        assert due == [False, False, False, False, True]
        tally.close_dive()
        [dive] = summaries(outbox)
        assert dive.frames == (2, 2, 0, 1)
        assert (dive.bin_m, dive.first_bin, dive.depthless) == (10.0, 0, False)
        assert dive.total(1) == 10
        assert dive.start_s is None
        for minutes in (0, 30, 61):
            watch.ms = minutes * 60_000
            step = tally.step(frame(9, None), {}, "5f1c09aa")
            outbox.commit([], facts=tally.facts(step))
            tally.took(step)
        assert tally.is_due("5f1c09aa")
        assert tally.is_due("another")
        tally.close_dive()
        assert summaries(outbox)[1].depthless

"""Whatever the machine's clock does, dates are believed for a reason and the shore can correct
them."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.agent.loop import Agent, Options
from edge.agent.parts import assemble
from edge.agent.timekeeper import FLOOR, FLOOR_EVERY_MS, TOLD_AGAIN_MS, Timekeeper
from edge.clock import EARLIEST_MS, LATEST_MS, SystemClock
from edge.config import load
from edge.outbox import Outbox
from wire.codec import decode_record
from wire.records import Clock, read_body

CONFIG = """
[device]
name = "north"
clock = "system"
data = "data"

[source]
kind = "simulator"

[source.simulator]
width = 200
height = 160

[acquisition]
project = "cast"
sample = "s1"
acquisition = "a1"
process = "p1"
instrument = "test"
pixel_um = 20.0
"""
YEAR_MS = 365 * 86_400_000
NOW_MS = EARLIEST_MS + YEAR_MS


class Machine:
    """The machine's own clock, set at will."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.utc_ms = NOW_MS
        monkeypatch.setattr(time, "time_ns", lambda: self.utc_ms * 1_000_000)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def open_outbox(folder: Path, clock: SystemClock) -> Outbox:
    return Outbox.open(folder, max_mb=8, reserve_mb=0, clock=clock)


def told(outbox: Outbox) -> list[Clock]:
    batch = outbox.next_batch(2**20)
    bodies = [] if batch is None else [read_body(decode_record(blob)) for blob in batch.records]
    return [body for body in bodies if isinstance(body, Clock)]


def test_the_date_is_told_once_a_run_and_again_when_it_moves(tmp_path: Path) -> None:
    clock = SystemClock(trust_system=False, synchronised=tmp_path / "never")
    with open_outbox(tmp_path / "outbox", clock) as outbox:
        keeper = Timekeeper(outbox, clock)
        assert not keeper.tick()  # nobody knows the date
        clock.set_from_shore(NOW_MS)
        assert keeper.tick()
        clock.set_from_shore((clock.utc_ms() or 0) + TOLD_AGAIN_MS // 2)
        assert not keeper.tick()
        clock.set_from_shore((clock.utc_ms() or 0) + 2 * TOLD_AGAIN_MS)
        assert keeper.tick()
        first, second = told(outbox)
        assert (first.boot, first.source) == (outbox.boot, "shore")
        assert abs(first.utc_ms - first.mono_ms - (NOW_MS - first.mono_ms)) < 60_000
        moved = (second.utc_ms - second.mono_ms) - (first.utc_ms - first.mono_ms)
        assert moved == pytest.approx(2.5 * TOLD_AGAIN_MS, abs=TOLD_AGAIN_MS)
    again = SystemClock(trust_system=False, synchronised=tmp_path / "never")
    with open_outbox(tmp_path / "outbox", again) as outbox:
        keeper = Timekeeper(outbox, again)
        assert not keeper.tick()
        again.set_from_shore(NOW_MS + YEAR_MS)
        assert keeper.tick()
        assert [body.boot for body in told(outbox)] == [1, 1, 2]


@pytest.mark.parametrize(("trust", "source"), [(True, "system"), (False, "network")])
def test_a_machine_clock_that_jumps_by_years_is_told_and_comes_back(
    tmp_path: Path, machine: Machine, trust: bool, source: str
) -> None:
    synchronised = tmp_path / "synchronised"
    synchronised.touch()
    clock = SystemClock(trust_system=trust, synchronised=synchronised)
    with open_outbox(tmp_path / "outbox", clock) as outbox:
        keeper = Timekeeper(outbox, clock)
        assert keeper.tick()
        machine.utc_ms += 20 * YEAR_MS
        assert keeper.tick()
        machine.utc_ms -= 20 * YEAR_MS
        assert keeper.tick()
        machine.utc_ms = 0  # the battery is empty: 1970 is nobody's word
        assert clock.utc_ms() is None
        assert not keeper.tick()
        machine.utc_ms = LATEST_MS
        assert clock.utc_ms() is None
        assert {body.source for body in told(outbox)} == {source}
        assert len(told(outbox)) == 3
        assert clock.floor_ms == EARLIEST_MS  # a machine's clock never raises it


def test_the_shore_is_believed_before_a_network_clock_and_jumps_move_nothing(
    tmp_path: Path, machine: Machine
) -> None:
    (tmp_path / "synchronised").touch()
    clock = SystemClock(trust_system=False, synchronised=tmp_path / "synchronised")
    clock.set_from_shore(NOW_MS)
    for jump in (20 * YEAR_MS, -40 * YEAR_MS):
        machine.utc_ms += jump
        assert NOW_MS <= (clock.utc_ms() or 0) < NOW_MS + 60_000


def test_nothing_before_the_floor_is_believed_also_after_a_restart(
    tmp_path: Path, machine: Machine
) -> None:
    (tmp_path / "synchronised").touch()
    clock = SystemClock(trust_system=False, synchronised=tmp_path / "synchronised")
    with open_outbox(tmp_path / "outbox", clock) as outbox:
        keeper = Timekeeper(outbox, clock)
        clock.set_from_shore(NOW_MS + YEAR_MS)
        keeper.tick()
    clock = SystemClock(trust_system=False, synchronised=tmp_path / "synchronised")
    assert clock.utc_ms() == NOW_MS
    with open_outbox(tmp_path / "outbox", clock) as outbox:
        Timekeeper(outbox, clock)
        assert clock.floor_ms == NOW_MS + YEAR_MS
        assert clock.utc_ms() is None  # the network says a year ago
        clock.set_from_shore(NOW_MS)
        assert clock.utc_ms() is None  # and so does a shore
        clock.set_from_shore(NOW_MS + YEAR_MS + 1)
        assert (clock.utc_ms() or 0) > NOW_MS + YEAR_MS


def test_the_floor_is_written_at_most_once_an_hour(tmp_path: Path) -> None:
    clock = SystemClock(trust_system=False, synchronised=tmp_path / "never")
    with open_outbox(tmp_path / "outbox", clock) as outbox:
        keeper = Timekeeper(outbox, clock)
        clock.set_from_shore(NOW_MS)
        keeper.tick()
        clock.set_from_shore(NOW_MS + FLOOR_EVERY_MS // 2)
        keeper.tick()
        assert outbox.fact(FLOOR) == str(NOW_MS)
        clock.set_from_shore(NOW_MS + FLOOR_EVERY_MS)
        keeper.tick()
        assert outbox.fact(FLOOR) == str(NOW_MS + FLOOR_EVERY_MS)


@given(st.lists(st.tuples(st.booleans(), st.integers(-(10**13), 10**13)), max_size=30))
def test_the_floor_never_goes_back(steps: list[tuple[bool, int]]) -> None:
    clock = SystemClock(trust_system=False, synchronised=Path("/nowhere"))
    floor = clock.floor_ms
    for earlier_run, time_ms in steps:
        (clock.raise_floor if earlier_run else clock.set_from_shore)(time_ms)
        assert floor <= clock.floor_ms < LATEST_MS
        assert clock.utc_ms() is None or (clock.utc_ms() or 0) < LATEST_MS + 60_000
        floor = clock.floor_ms


def test_an_agent_tells_the_date_when_it_learns_it(tmp_path: Path) -> None:
    path = tmp_path / "instrument.toml"
    path.write_text(CONFIG)
    with assemble(load(path)) as parts:
        Agent(parts, Options(frames=1, once=True)).run()
        (body,) = told(parts.outbox)
        assert (body.boot, body.source) == (1, "system")

"""Budgets of 24 hours: never exceeded, whatever the clock does, and P0 never starves."""

from dataclasses import dataclass, field
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from edge.carriers.budgets import RESERVE, Budgets, Tariff
from edge.carriers.window import SLOT_S, Window
from edge.clock import SystemClock
from edge.links import Carriage
from edge.outbox import Outbox

HTTPS = Carriage("https", 256 * 1024, overhead_bytes=900)
DAY_S = 86400.0


@dataclass
class Instrument:
    """Books and clock of a board that starts again now and then, with or without a date."""

    facts: dict[str, str] = field(default_factory=dict)
    boot: int = 1
    real_s: float = 0.0
    began_s: float = 0.0
    off_ms: int = 0
    dated: bool = False

    def fact(self, name: str) -> str | None:
        return self.facts.get(name)

    def note(self, name: str, value: str) -> None:
        self.facts[name] = value

    def mono_ms(self) -> int:
        return int((self.real_s - self.began_s) * 1e3)

    def utc_ms(self) -> int | None:
        return 1_800_000_000_000 + int(self.real_s * 1e3) + self.off_ms if self.dated else None

    def start_again(self) -> None:
        self.boot, self.began_s, self.dated = self.boot + 1, self.real_s, False


def most_in_a_day(spent: list[tuple[float, float]]) -> float:
    """The largest sum of (time, amount) over any 24 hours."""
    return max(
        (sum(a for t, a in spent if start <= t < start + DAY_S) for start, _ in spent), default=0.0
    )


STEPS = st.lists(
    st.tuples(
        st.floats(0, 40_000),
        st.sampled_from(["", "", "", "reboot", "date", "jump"]),
        st.integers(0, 4),
        st.integers(1, 200_000),
    ),
    max_size=120,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_day_costs_more_than_it_may(steps: list[tuple[float, str, int, int]]) -> None:
    here = Instrument()
    tariff = Tariff(bytes_day=1e6, j_per_byte=1e-3, watts=2.0, seconds_max=30.0)
    budgets = Budgets(here, here, {"https": tariff}, joules_day=900.0)
    spent: list[tuple[float, float]] = []
    for later_s, event, priority, size in steps:
        here.real_s += later_s
        if event == "reboot":
            here.start_again()
            budgets = Budgets(here, here, {"https": tariff}, joules_day=900.0)
        elif event == "date":
            here.dated = True
        elif event == "jump":
            here.off_ms -= 365 * 86_400_000
        account = budgets.account(HTTPS)
        if account.left(priority).bytes >= size:
            with account.paying(size):
                here.real_s += 3.0
            spent.append((here.real_s - 3.0, size + HTTPS.overhead_bytes))
    assert most_in_a_day(spent) <= 1e6
    assert most_in_a_day([(t, a * 1e-3 + 2.0 * 3.0) for t, a in spent]) <= 900.0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(60, 30_000), st.integers(1000, 190_000)), max_size=120))
def test_p0_never_starves_while_it_stays_below_its_share(steps: list[tuple[float, int]]) -> None:
    """Objects take all that they get; health of 1.4 kB an hour, overhead included, always goes."""
    here = Instrument()
    budgets = Budgets(here, here, {"https": Tariff(bytes_day=1e6)})
    account = budgets.account(HTTPS)
    next_health_s = 0.0
    for later_s, size in steps:
        until_s = here.real_s + later_s
        while next_health_s <= until_s:
            here.real_s = next_health_s
            assert account.left(0).bytes >= 500
            with account.paying(500):
                next_health_s += 3600.0
        here.real_s = until_s
        if account.left(2).bytes >= size:
            with account.paying(size):
                pass


def test_all_of_a_day_may_go_in_one_hour_and_again_the_next_day_at_that_hour() -> None:
    here = Instrument()
    account = Budgets(here, here, {"https": Tariff(bytes_day=1e6)}).account(HTTPS)
    for day in range(5):
        here.real_s = day * (DAY_S + SLOT_S)
        taken = 0
        while account.left(2).bytes >= 99_100:
            with account.paying(99_100):
                taken += 1
        assert taken == (1 - RESERVE) * 1e6 // 100_000


def test_the_worst_case_is_paid_before_and_a_kill_in_between_gives_nothing_back() -> None:
    here = Instrument()
    tariffs = {"https": Tariff(watts=2.0, seconds_max=30.0)}
    budgets = Budgets(here, here, tariffs, joules_day=1000.0)
    with budgets.account(HTTPS).paying(100):
        assert budgets.spent("joules") == 60.0
        after_a_kill = Budgets(here, here, tariffs, joules_day=1000.0)
        here.real_s += 5.0
    assert budgets.spent("joules") == 10.0
    assert after_a_kill.spent("joules") == 60.0


def test_books_survive_in_an_outbox(tmp_path: Path) -> None:
    clock = SystemClock(trust_system=False, synchronised=Path("/nonexistent"))
    tariffs = {"https": Tariff(bytes_day=1e6)}
    for expected in (0.0, 1900.0):
        with Outbox.open(tmp_path, max_mb=4, reserve_mb=0, clock=clock) as outbox:
            budgets = Budgets(outbox, clock, tariffs)
            assert budgets.spent("https bytes") == expected
            with budgets.account(HTTPS).paying(1000):
                pass


@given(st.lists(st.tuples(st.floats(0, 20_000), st.integers(0, 100)), max_size=60))
def test_what_a_window_says_comes_back_does_come_back(steps: list[tuple[float, float]]) -> None:
    window, now_s = Window(), 0.0
    for later_s, amount in steps:
        now_s += later_s
        window = window.plus(now_s, amount)
    spent, free_s = window.spent(now_s), window.free_s(now_s)
    if spent:
        assert window.spent(now_s + free_s + 1) < spent
        assert 0 < free_s <= DAY_S + SLOT_S
    assert window.spent(now_s + DAY_S + SLOT_S) == pytest.approx(0.0)

"""Which carrier is used, over simulated days: the best that works, and no swaying."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given, settings

from edge.carriers.choice import Choice, Rules, Step

RULES = Rules(leave_after=3, return_after=3, return_s=60.0, ceiling_s=900.0)
Works = Callable[[int, float, bool], bool]
"""Whether a carrier answers at a time; the last argument tells a probe from real work."""


@dataclass
class World:
    """Carriers that work or not by a rule, visited every `hello_s` as the sender does it."""

    works: Works
    count: int = 2
    hello_s: float = 60.0
    now_s: float = 0.0
    used: list[tuple[float, int | None]] = field(default_factory=list)
    asked: list[tuple[float, Step]] = field(default_factory=list)
    done: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.choice = Choice.among(self.count, RULES)

    def run(self, until_s: float) -> "World":
        while self.now_s < until_s:
            self._turn()
            self.now_s = max(self.now_s + 0.1, self.choice.next_due_s())
        return self

    def _turn(self) -> None:
        for step in self.choice.steps(self.now_s):
            before = self.choice.in_use
            self.asked.append((self.now_s, step))
            self._do(step.place, step.probe)
            if self.choice.in_use != before:
                self.used.append((self.now_s, self.choice.in_use))
            if not step.probe and self.choice.serving is not None:
                break

    def _do(self, place: int, probe: bool) -> None:
        if not self.works(place, self.now_s, probe):
            wait_s = min(RULES.ceiling_s, 2.0 ** self.choice.standings[place].failures)
            self.choice = self.choice.failed(place, self.now_s, wait_s)
        elif probe:
            self.choice = self.choice.answered(place, self.now_s)
        else:
            self.choice = self.choice.worked(place, self.now_s, self.hello_s, delivered=True)
            self.done.append((self.now_s, place))


def test_the_first_that_works_is_in_use_and_worse_ones_cost_nothing() -> None:
    world = World(lambda place, now, probe: True, count=3).run(86400)
    assert [place for _, place in world.used] == [0]
    assert {step.place for _, step in world.asked} == {0}


def test_one_failure_or_two_are_no_reason_to_leave() -> None:
    world = World(lambda place, now, probe: place == 1 or not 100 <= now < 123)
    world.run(1000)
    assert [place for _, place in world.used] == [0]


def test_a_dead_carrier_is_left_and_taken_back_when_it_has_proved_itself() -> None:
    world = World(lambda place, now, probe: place == 1 or not 1000 <= now < 5000)
    world.run(10_000)
    (_, first), (left_s, second), (back_s, third) = world.used
    assert (first, second, third) == (0, 1, 0)
    assert 1000 <= left_s < 1000 + 60 + 10
    assert 5000 + RULES.return_s <= back_s <= 5000 + RULES.ceiling_s + 2 * RULES.return_s


def test_a_dead_carrier_costs_less_and_less_to_ask() -> None:
    world = World(lambda place, now, probe: place == 1).run(86400.0)
    pings = [now for now, step in world.asked if step.place == 0 and now > 3600]
    assert len(pings) <= 82800 / 900 + 1


def test_a_carrier_that_sways_does_not_make_the_choice_sway() -> None:
    """Up for 50 s, down for 50 s, for a day: less than the time it must prove itself."""
    world = World(lambda place, now, probe: place == 1 or now % 100 < 50).run(86400)
    after_the_first_hour = [place for now, place in world.used if now > 3600]
    assert len(after_the_first_hour) <= 4


def test_one_that_answers_pings_and_nothing_else_is_trusted_less_each_time() -> None:
    """A path that loses large packets: the ping comes through, the batch never does."""
    world = World(lambda place, now, probe: place == 1 or probe).run(86400)
    back = [now for now, place in world.used if place == 0]
    assert 1 <= len(back) <= 5 + 86400 / 900
    first_hour = [now for now in back if now < 3600]
    assert len(first_hour) <= 6


def test_all_dead_and_any_one_that_wakes_is_used_at_once() -> None:
    world = World(lambda place, now, probe: place == 2 and now >= 5000, count=3).run(7000)
    assert world.used[-1][1] == 2
    assert world.used[-1][0] <= 5000 + 900


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.floats(1, 4000), st.booleans()), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_work_goes_on_whenever_any_carrier_works_for_long_enough(
    days: list[list[tuple[float, bool]]],
) -> None:
    """Whatever comes and goes: while some carrier works, no silence is longer than the longest
    wait and what three failures take."""

    def works(place: int, now: float, probe: bool) -> bool:
        history = days[place]
        at = now % sum(length for length, _ in history)
        for length, up in history:
            if at < length:
                return up
            at -= length
        return True

    steady = [place for place, history in enumerate(days) if all(up for _, up in history)]
    world = World(works, count=len(days)).run(20_000)
    if steady:
        times = [0.0, *(now for now, _ in world.done), 20_000.0]
        gaps = [later - before for before, later in pairwise(times)]
        assert max(gaps) <= world.hello_s + 900 + 10

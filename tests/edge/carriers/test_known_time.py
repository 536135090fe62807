"""Time for budgets: never ahead of the truth, whatever reboots and clocks that jump do."""

import hypothesis.strategies as st
from hypothesis import given

from edge.carriers.known_time import Mark

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.floats(0, 1e6)),
        st.tuples(st.just("stop"), st.floats(0, 1e6)),
        st.tuples(st.just("date"), st.booleans()),
        st.tuples(st.just("jump back"), st.floats(0, 1e9)),
    ),
    max_size=40,
)
EPOCH_MS = 1_800_000_000_000


@given(EVENTS)
def test_known_time_never_runs_ahead_of_real_time_nor_backwards(
    events: list[tuple[str, float]],
) -> None:
    """A clock that is wrong by a jump back, and dates that come and go."""
    real_s, began_s, boot, dated, off_s = 0.0, 0.0, 1, False, 0.0
    mark = Mark().advanced(1, 0, None)
    for what, value in events:
        if what == "run":
            real_s += value
        elif what == "stop":
            real_s, boot, dated = real_s + value, boot + 1, False
            began_s = real_s
        elif what == "date":
            dated = bool(value)
        else:
            off_s -= value
        utc_ms = EPOCH_MS + int((real_s + off_s) * 1e3) if dated else None
        before = mark
        mark = mark.advanced(boot, int((real_s - began_s) * 1e3), utc_ms)
        assert before.known_s <= mark.known_s <= real_s + 0.1 + 0.001 * len(events)


def test_two_dates_say_how_long_the_board_was_off() -> None:
    day_ms = 86_400_000
    mark = Mark().advanced(1, 10_000, EPOCH_MS)
    waking = mark.advanced(2, 5_000, None)
    assert waking.known_s == mark.known_s + 5
    told = waking.advanced(2, 6_000, EPOCH_MS + 3 * day_ms)
    assert told.known_s == mark.known_s + 3 * 86400


def test_a_date_that_jumps_years_while_it_runs_moves_nothing() -> None:
    mark = Mark().advanced(1, 0, EPOCH_MS)
    year_ms = 365 * 86_400_000
    for jump_ms in (5 * year_ms, -9 * year_ms, 20 * year_ms):
        mark = mark.advanced(1, 1000, EPOCH_MS + jump_ms)
    assert mark.known_s == 1.0


def test_a_date_that_comes_late_in_a_first_run_is_no_gift() -> None:
    assert Mark().advanced(1, 1000, None).advanced(1, 2000, EPOCH_MS).known_s == 2.0

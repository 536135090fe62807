"""The wait between attempts: bounded, doubling, spread, reset by an acknowledgement alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.links.backoff import Backoff


def test_the_bound_doubles_up_to_the_ceiling() -> None:
    backoff = Backoff(ceiling_s=60.0)
    bounds = []
    for _ in range(9):
        backoff = backoff.failed()
        bounds.append(backoff.bound_s)
    assert bounds == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert backoff.acknowledged().wait_s() == 0.0


@settings(deadline=None)
@given(
    st.integers(1, 10_000),
    st.floats(0, 1, allow_nan=False),
    st.floats(1, 86400, allow_nan=False),
)
def test_every_wait_is_within_its_bound(failures: int, draw: float, ceiling_s: float) -> None:
    backoff = Backoff(ceiling_s, failures)
    assert 0.1 <= backoff.wait_s(lambda: draw) <= max(0.1, backoff.bound_s)
    assert backoff.bound_s <= ceiling_s


def test_waits_are_spread() -> None:
    backoff = Backoff(900.0, 8)
    waits = {backoff.wait_s() for _ in range(50)}
    assert len(waits) > 40

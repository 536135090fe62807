"""Satellite credits that may still be spent: `per_day` at most, refilled evenly with time.

The balance is stored before it is spent, and time counts only as far as it is known to have passed:
by the date when somebody vouches for it, else by how long the agent has run. So an instrument that
restarts in a loop, or loses its clock, cannot spend a fortune.

Example:
    >>> purse = Purse(outbox, clock, lambda: 60)
    >>> purse.spend(7); purse.left
    53.0
"""

import json
from collections.abc import Callable

from edge.clock import Clock
from edge.links import BusyError
from edge.outbox import Outbox

FACT = "satellite_credits"
DAY_MS = 86_400_000


class Purse:
    """Not for several threads at once."""

    def __init__(self, outbox: Outbox, clock: Clock, per_day: Callable[[], float]) -> None:
        self._outbox, self._clock, self._per_day = outbox, clock, per_day
        self._mono_ms = clock.mono_ms()
        stored = json.loads(outbox.fact(FACT) or "null")
        self._left: float = stored[0] if stored else per_day()
        self._utc_ms: int | None = stored[1] if stored else clock.utc_ms()

    @property
    def left(self) -> float:
        """Credits that may be spent now."""
        utc_ms, mono_ms = self._clock.utc_ms(), self._clock.mono_ms()
        passed_ms = mono_ms - self._mono_ms
        if utc_ms is not None and self._utc_ms is not None and utc_ms >= self._utc_ms:
            passed_ms = utc_ms - self._utc_ms
        self._left = min(self._per_day(), self._left + self._per_day() * passed_ms / DAY_MS)
        self._utc_ms, self._mono_ms = utc_ms or self._utc_ms, mono_ms
        return float(self._left)

    def spend(self, credits: float) -> None:
        """Take the credits, durably. Raises BusyError when there are not so many, with the time
        until there are; nothing is taken then."""
        left = self.left
        if left < credits:
            wait_s = (min(credits, self._per_day()) - left) / self._per_day() * DAY_MS / 1000
            raise BusyError(
                f"satellite credits used up: {left:.1f} left of {self._per_day():g} a day,"
                f" {credits:g} needed ([satellite] credits_day)",
                max(1.0, wait_s),
            )
        self._store(left - credits)

    def give_back(self, credits: float) -> None:
        """What was spent on a session that certainly failed."""
        self._store(min(self._per_day(), self.left + credits))

    def _store(self, left: float) -> None:
        self._left = left
        self._outbox.commit([], facts={FACT: json.dumps([round(left, 4), self._utc_ms])})

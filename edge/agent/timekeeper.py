"""Tells the shore, once a run, what date the counter had, and keeps the clock's floor on disk.

A record made before anybody vouched for the date carries the counter alone; the `clock` record of
the same run lets the shore date it. It is told again when date and counter move apart by more than
TOLD_AGAIN_MS, so a clock that was set wrong, or jumped, does not stay the shore's word.

Example:
    >>> keeper = Timekeeper(outbox, clock)
    >>> keeper.tick()  # between two frames
"""

from edge.clock import Reading, SystemClock
from edge.outbox import Draft, Outbox
from wire.records import Clock

TOLD_AGAIN_MS = 2000
FLOOR = "clock_floor"
FLOOR_EVERY_MS = 3_600_000
"""At most one write an hour: a card wears."""


class Timekeeper:
    """Of one run. Makes the floor of earlier runs the clock's."""

    def __init__(self, outbox: Outbox, clock: SystemClock) -> None:
        self._outbox, self._clock = outbox, clock
        self._told: Reading | None = None
        self._kept_ms = int(outbox.fact(FLOOR) or 0)
        clock.raise_floor(self._kept_ms)

    def tick(self) -> bool:
        """Whether a record was made. Raises OutboxError; the next tick then does it."""
        self._keep_floor()
        now = self._clock.now()
        if now.utc_ms is None or self._drift_ms(now) <= TOLD_AGAIN_MS:
            return False
        body = Clock(
            boot=self._outbox.boot, mono_ms=now.mono_ms, utc_ms=now.utc_ms, source=now.source
        )
        self._outbox.commit([Draft(body)])
        self._told = now
        return True

    def _drift_ms(self, now: Reading) -> float:
        """How far the date is from what was told, by the counter; infinite before the first."""
        told = self._told
        if told is None or told.utc_ms is None or now.utc_ms is None:
            return float("inf")
        return abs((now.utc_ms - told.utc_ms) - (now.mono_ms - told.mono_ms))

    def _keep_floor(self) -> None:
        floor_ms = self._clock.floor_ms
        if floor_ms >= self._kept_ms + FLOOR_EVERY_MS:
            self._outbox.note(FLOOR, str(floor_ms))
            self._kept_ms = floor_ms

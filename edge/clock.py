"""Time at sea: a counter that never goes back, and a date that is believed only with a reason.

A board without a battery clock wakes up in the past, sometimes by months. So records are ordered by
(epoch, seq), dated by milliseconds since the agent started, and carry a UTC date only when somebody
vouches for it: the shore (its time at the last hello), a network time service, or a person who set
`clock = "system"` because the board has a GPS or a battery.

The floor is the latest time that the shore ever said. Nothing before it is believed, whoever says
so, and it never goes back. Only the shore raises it: a machine's clock that once jumps to 2046
would else leave the instrument without a date until then.

Example:
    >>> clock = SystemClock(trust_system=False)
    >>> clock.utc_ms() is None
    True
    >>> clock.set_from_shore(1_780_000_000_000)
    >>> clock.now()
    Reading(mono_ms=2, utc_ms=1780000000000, source='shore')
"""

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

log = logging.getLogger("seadrift.clock")

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes this file once it has set the clock."""
EARLIEST_MS = 1_780_000_000_000
"""No record was made before June 2026: an earlier clock has certainly lost its time."""
LATEST_MS = 4_102_444_800_000
"""The year 2100: a later clock is as wrong."""

LATE_MS = 600_000
"""An answer of the shore may have been so long under way; that is no reason for a warning."""


class Clock(Protocol):
    """What the outbox and the agent ask of time."""

    def mono_ms(self) -> int: ...

    def utc_ms(self) -> int | None: ...


@dataclass(frozen=True)
class Reading:
    """One moment on both clocks; `source` says who vouches for the date: "shore", "network",
    "system" (a person), or "" when nobody does and `utc_ms` is None."""

    mono_ms: int
    utc_ms: int | None
    source: str


class SystemClock:
    """The machine's clocks. The shore's word, once given, is carried on by the counter, so that a
    system clock that jumps moves nothing. For any thread."""

    def __init__(self, *, trust_system: bool, synchronised: Path = SYNCHRONISED) -> None:
        self._trust_system = trust_system
        self._synchronised = synchronised
        self._zero_ms = _counter_ms()
        self._offset_ms: int | None = None
        self._floor_ms = EARLIEST_MS
        self._guard = threading.Lock()

    def mono_ms(self) -> int:
        """Milliseconds since the agent started, those asleep included."""
        return _counter_ms() - self._zero_ms

    def utc_ms(self) -> int | None:
        """Milliseconds since 1970 UTC, or None when nobody vouches for the clock."""
        return self.now().utc_ms

    def now(self) -> Reading:
        """Both clocks at one moment."""
        with self._guard:
            mono_ms, floor_ms = self.mono_ms(), self._floor_ms
            if self._offset_ms is not None:
                return Reading(mono_ms, mono_ms + self._offset_ms, "shore")
        source = self._local_source()
        utc_ms = time.time_ns() // 1_000_000
        if source and floor_ms <= utc_ms < LATEST_MS:
            return Reading(mono_ms, utc_ms, source)
        return Reading(mono_ms, None, "")

    def _local_source(self) -> str:
        if self._trust_system:
            return "system"
        return "network" if self._synchronised.exists() else ""

    @property
    def floor_ms(self) -> int:
        """It is certainly not earlier than this. What must be fresh is judged by the later of this
        and `utc_ms`."""
        with self._guard:
            return self._floor_ms

    def raise_floor(self, time_ms: int) -> None:
        """What an earlier run knew; a lower one changes nothing."""
        with self._guard:
            if time_ms < LATEST_MS:
                self._floor_ms = max(self._floor_ms, time_ms)

    def set_from_shore(self, time_ms: int) -> None:
        """The shore's time. Ignored when it cannot be true; when a person vouches for ours, it
        raises the floor alone."""
        with self._guard:
            if not self._floor_ms <= time_ms < LATEST_MS:
                if abs(time_ms - self._floor_ms) > LATE_MS:
                    log.warning(
                        "the shore says that it is %d ms UTC, expected %d or later: not believed",
                        time_ms,
                        self._floor_ms,
                    )
                return
            self._floor_ms = time_ms
            if not self._trust_system:
                self._offset_ms = time_ms - self.mono_ms()


def _counter_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

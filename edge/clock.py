"""Time at sea: a counter that never goes back, and a date that is believed only with a reason.

A board without a battery clock wakes up in the past, sometimes by months. So records are ordered by
(epoch, seq), dated by milliseconds since boot, and carry a UTC date only when somebody vouches for
it: the shore (its time at the last hello), a network time service, or a person who set
`clock = "system"` because the board has a GPS or a battery.

Example:
    >>> clock = SystemClock(trust_system=False)
    >>> clock.utc_ms() is None
    True
    >>> clock.set_from_shore(1_780_000_000_000)
    >>> clock.utc_ms() >= 1_780_000_000_000
    True
"""

import threading
import time
from pathlib import Path
from typing import Protocol

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes this file once it has set the clock."""
EARLIEST_MS = 1_780_000_000_000
"""No record was made before June 2026: an earlier system clock has certainly lost its time."""


class Clock(Protocol):
    """What the outbox and the agent ask of time."""

    def mono_ms(self) -> int: ...

    def utc_ms(self) -> int | None: ...


class SystemClock:
    """The machine's clocks. The shore's word, once given, is carried on by the monotonic clock, so
    that a system clock that jumps moves nothing."""

    def __init__(self, *, trust_system: bool, synchronised: Path = SYNCHRONISED) -> None:
        self._trust_system = trust_system
        self._synchronised = synchronised
        self._zero_ms = time.monotonic_ns() // 1_000_000
        self._offset_ms: int | None = None
        self._guard = threading.Lock()

    def mono_ms(self) -> int:
        """Milliseconds since the agent started."""
        return time.monotonic_ns() // 1_000_000 - self._zero_ms

    def utc_ms(self) -> int | None:
        """Milliseconds since 1970 UTC, or None when nobody vouches for the clock."""
        with self._guard:
            if self._offset_ms is not None:
                return self.mono_ms() + self._offset_ms
        if self._trust_system or self._synchronised.exists():
            now = time.time_ns() // 1_000_000
            return now if now >= EARLIEST_MS else None
        return None

    def set_from_shore(self, time_ms: int) -> None:
        """The shore's time. Ignored when it cannot be true, or when a person vouches for ours."""
        if time_ms < EARLIEST_MS or self._trust_system:
            return
        with self._guard:
            self._offset_ms = time_ms - self.mono_ms()

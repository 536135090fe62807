"""Time that certainly went by, for counting what a day may cost. It never runs ahead of the truth.

Inside one run of the agent the monotonic clock counts. Across a stop only two dates that somebody
vouched for can say how long it lasted; until then it counts as nothing. A date that jumps inside a
run moves nothing, and one that jumps back gives nothing; one that jumps forward while the board is
off cannot be told from a long sleep and gives a day's budget at most.

Example:
    >>> mark = Mark().advanced(boot=1, mono_ms=5_000, utc_ms=None)
    >>> mark.advanced(boot=1, mono_ms=65_000, utc_ms=None).known_s - mark.known_s
    60.0
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """`known_s` seconds had gone by at `mono_ms` of run `boot`. The latest date seen so far was
    `utc_ms`, at `utc_known_s` of known time; `dated` is the last run in which there was one."""

    known_s: float = 0.0
    boot: int = 0
    mono_ms: int = 0
    utc_ms: int = 0
    utc_known_s: float = 0.0
    dated: int = 0

    def advanced(self, boot: int, mono_ms: int, utc_ms: int | None) -> "Mark":
        """The mark now. `mono_ms` counts from the beginning of run `boot`."""
        since_ms = mono_ms - self.mono_ms if boot == self.boot else mono_ms
        known_s = self.known_s + max(0, since_ms) / 1e3
        utc, utc_known_s, dated = self.utc_ms, self.utc_known_s, self.dated
        if utc_ms is not None:
            if dated not in (0, boot):  # the first date of this run: how long the stop was
                known_s = max(known_s, utc_known_s + (utc_ms - utc) / 1e3)
            dated = boot
            if utc_ms >= utc:
                utc, utc_known_s = utc_ms, known_s
        return Mark(known_s, boot, mono_ms, utc, utc_known_s, dated)

"""What was spent in the last 24 hours, by quarters of an hour.

In no 24 hours is more spent than may be, wherever they begin; and all of it may be spent in the one
hour in which a link works.

Example:
    >>> Window().plus(0.0, 40.0).spent(now_s=3600.0)
    40.0
    >>> Window().plus(0.0, 40.0).spent(now_s=25 * 3600.0)
    0
"""

from dataclasses import dataclass

SLOT_S = 900.0
SLOTS = 96
"""Quarters of an hour in a day."""


@dataclass(frozen=True)
class Window:
    """`slots` holds (quarter, amount), oldest first; quarters are of known time."""

    slots: tuple[tuple[int, float], ...] = ()

    def spent(self, now_s: float) -> float:
        """In the last 24 hours, with the whole of the quarter in which they began."""
        first = _slot(now_s) - SLOTS
        return sum(amount for slot, amount in self.slots if slot >= first)

    def plus(self, now_s: float, amount: float) -> "Window":
        """Spend, or with a negative amount take back what was laid aside in this quarter."""
        now = _slot(now_s)
        kept = {slot: amount for slot, amount in self.slots if slot >= now - SLOTS}
        kept[now] = max(0.0, kept.get(now, 0.0) + amount)
        return Window(tuple(sorted(kept.items())))

    def free_s(self, now_s: float) -> float:
        """How long until the oldest of it comes back; 0 when nothing was spent."""
        first = _slot(now_s) - SLOTS
        slots = [slot for slot, amount in self.slots if slot >= first and amount]
        return (min(slots) + SLOTS + 1) * SLOT_S - now_s if slots else 0.0


def _slot(now_s: float) -> int:
    return int(now_s // SLOT_S)

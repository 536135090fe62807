"""What went by satellite and awaits the shore's word: not sent again before `resend_h` are over.

A modem's "sent" only means that the gateway has the message. Nothing is deleted for it; it is not
paid for twice either, also after a restart, so what was sent is one fact in the outbox.

Example:
    >>> journal = Journal(outbox, clock, resend_h=6.0)
    >>> journal.add(["7:120"]); journal.holds("7:120")
    True
"""

import json
from collections.abc import Iterable

from edge.clock import Clock
from edge.outbox import Outbox

FACT = "satellite_sent"
NAMES_MAX = 2000


class Journal:
    """Names of records ("epoch:seq") and of messages (hex), with when they went."""

    def __init__(self, outbox: Outbox, clock: Clock, resend_h: float) -> None:
        self._outbox, self._clock, self._resend_ms = outbox, clock, resend_h * 3.6e6
        self._sent: dict[str, tuple[int, int, int | None]] = {
            name: tuple(when) for name, when in json.loads(outbox.fact(FACT) or "{}").items()
        }

    def holds(self, name: str) -> bool:
        """Whether it went so lately that the shore's word may still come."""
        when = self._sent.get(name)
        return when is not None and not self._stale(when)

    def add(self, names: Iterable[str]) -> None:
        """They went just now."""
        now = self._outbox.boot, self._clock.mono_ms(), self._clock.utc_ms()
        fresh = {name: when for name, when in self._sent.items() if not self._stale(when)}
        fresh.update(dict.fromkeys(names, now))
        self._store(dict(list(fresh.items())[-NAMES_MAX:]))

    def drop(self, names: Iterable[str]) -> None:
        """The shore has them."""
        gone = set(names) & set(self._sent)
        if gone:
            self._store({n: when for n, when in self._sent.items() if n not in gone})

    def names(self) -> list[str]:
        return list(self._sent)

    def _stale(self, when: tuple[int, int, int | None]) -> bool:
        """Counted by the date if it is known, else from the start of this run at the latest."""
        boot, mono_ms, utc_ms = when
        now_ms, now_utc_ms = self._clock.mono_ms(), self._clock.utc_ms()
        if utc_ms is not None and now_utc_ms is not None and now_utc_ms >= utc_ms:
            return now_utc_ms - utc_ms >= self._resend_ms
        return now_ms - (mono_ms if boot == self._outbox.boot else 0) >= self._resend_ms

    def _store(self, sent: dict[str, tuple[int, int, int | None]]) -> None:
        self._sent = sent
        self._outbox.commit([], facts={FACT: json.dumps(sent, separators=(",", ":"))})

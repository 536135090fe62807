"""How much one may ask: requests a second of an address, a person, a device; requests at a time.

Example:
    >>> limits = Limits.of(requests_per_s=300)
    >>> limits.addresses.take("10.0.0.7", now_s=0.0)
    0.0
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from server.auth.rates import Buckets

AT_ONCE, AT_ONCE_OF_ONE = 400, 100
"""Requests under way at a time: in all, and of one address."""
SECONDS_AT_ONCE = 20
"""A bucket holds what may be asked in so many seconds: pages come in bursts."""


class Crowd:
    """Counts what is under way. Safe for threads."""

    def __init__(self, most: int = AT_ONCE, most_of_one: int = AT_ONCE_OF_ONE) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._inside: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def enter(self, key: str) -> Iterator[bool]:
        """Whether there is room; when there is, it is held until the block ends."""
        with self._lock:
            free = self._inside.total() < self._most and self._inside[key] < self._most_of_one
            self._inside[key] += free
        try:
            yield free
        finally:
            with self._lock:
                self._inside[key] -= free
                if not self._inside[key]:
                    del self._inside[key]


@dataclass(frozen=True)
class Limits:
    addresses: Buckets
    users: Buckets
    devices: Buckets
    crowd: Crowd = field(default_factory=Crowd)

    @classmethod
    def of(cls, requests_per_s: float) -> "Limits":
        """Limits for long of one address, and of one person or device a third of it."""
        each = requests_per_s / 3
        return cls(
            Buckets(requests_per_s, SECONDS_AT_ONCE * requests_per_s),
            Buckets(each, SECONDS_AT_ONCE * each),
            Buckets(each, SECONDS_AT_ONCE * each),
        )

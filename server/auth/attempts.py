"""How often one may fail: a sliding window of failures for each key (an address, an account).

Example:
    >>> attempts = Attempts(most=10, window_ms=300_000)
    >>> attempts.fail("ip 10.0.0.1", now_ms=0)
    >>> attempts.wait_ms("ip 10.0.0.1", now_ms=1)
    0
"""

import threading
from collections import deque


class Attempts:
    """At most `most` failures in `window_ms`; after that one waits. Safe for threads."""

    def __init__(self, most: int, window_ms: int, keys_max: int = 10_000) -> None:
        self._most = most
        self._window_ms = window_ms
        self._keys_max = keys_max
        self._failures: dict[str, deque[int]] = {}
        self._lock = threading.Lock()

    def wait_ms(self, key: str, now_ms: int) -> int:
        """How long until the next try is allowed; 0: now."""
        with self._lock:
            recent = self._recent(key, now_ms)
            if len(recent) < self._most:
                return 0
            return recent[-self._most] + self._window_ms - now_ms

    def fail(self, key: str, now_ms: int) -> None:
        with self._lock:
            if len(self._failures) >= self._keys_max and key not in self._failures:
                self._forget(now_ms)
            recent = self._recent(key, now_ms)
            recent.append(now_ms)
            self._failures[key] = recent

    def succeed(self, key: str) -> None:
        with self._lock:
            self._failures.pop(key, None)

    def _recent(self, key: str, now_ms: int) -> deque[int]:
        recent = self._failures.get(key, deque(maxlen=self._most))
        while recent and recent[0] <= now_ms - self._window_ms:
            recent.popleft()
        return recent

    def _forget(self, now_ms: int) -> None:
        """Drop keys whose failures are all old, or the oldest half if none is."""
        for key in list(self._failures):
            if not self._recent(key, now_ms):
                del self._failures[key]
        if len(self._failures) >= self._keys_max:
            for key in list(self._failures)[: self._keys_max // 2]:
                del self._failures[key]

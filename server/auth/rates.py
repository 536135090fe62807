"""How fast one may ask: a bucket of tokens for each key, refilled at a steady rate.

Memory is bounded: the keys that asked longest ago are forgotten first, and a forgotten key begins
with a full bucket.

Example:
    >>> buckets = Buckets(per_s=10, burst=20)
    >>> buckets.take("10.0.0.7", now_s=0.0)
    0.0
"""

import threading
from collections import OrderedDict


class Buckets:
    """`per_s` requests a second for long, `burst` at once. `per_s` 0: no limit. Safe for
    threads."""

    def __init__(self, per_s: float, burst: float, keys_max: int = 20_000) -> None:
        self.per_s = per_s
        self._burst = burst
        self._keys_max = keys_max
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, now_s: float) -> float:
        """Take a token; 0.0, or how many seconds until there is one. `now_s` is monotonic."""
        if not self.per_s:
            return 0.0
        with self._lock:
            level, then_s = self._levels.pop(key, (self._burst, now_s))
            level = min(self._burst, level + (now_s - then_s) * self.per_s)
            wait_s = 0.0 if level >= 1 else (1 - level) / self.per_s
            self._levels[key] = (level if wait_s else level - 1, now_s)
            if len(self._levels) > self._keys_max:
                self._levels.popitem(last=False)
            return wait_s

    def __len__(self) -> int:
        return len(self._levels)

"""How long to wait before trying again: full jitter, doubling from one second to a ceiling.

Jitter spreads a fleet that lost its shore at the same moment. Only an application acknowledgement
resets the wait: a connection that opens and then fails is not progress.

Example:
    >>> Backoff(ceiling_s=900).failed().bound_s
    1.0
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

FIRST_S = 1.0


@dataclass(frozen=True)
class Backoff:
    """`failures` since the last acknowledgement."""

    ceiling_s: float
    failures: int = 0

    def failed(self) -> "Backoff":
        return Backoff(self.ceiling_s, self.failures + 1)

    def acknowledged(self) -> "Backoff":
        return Backoff(self.ceiling_s)

    @property
    def bound_s(self) -> float:
        """The longest that the next wait may be; 0 before any failure."""
        if not self.failures:
            return 0.0
        return float(min(self.ceiling_s, FIRST_S * 2.0 ** min(self.failures - 1, 40)))

    def wait_s(self, draw: Callable[[], float] = random.random) -> float:
        """The next wait: between a tenth of a second and the bound, drawn evenly."""
        return min(self.ceiling_s, max(0.1, self.bound_s * draw())) if self.failures else 0.0

"""The shore's clock, in the one unit that crosses every seam: milliseconds since 1970, UTC.

Functions that decide by time take `now_ms` as an argument; only the shell calls `now_ms()`.

Example:
    >>> now_ms() > 1_700_000_000_000
    True
"""

import time


def now_ms() -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000

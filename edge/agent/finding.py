"""One thing that a check found, and what to do about it.

Example:
    >>> Finding("disk", "ok", "12 GB free")
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`level` is ok, warn (works, but look at it) or fail; `remedy` says what to do."""

    name: str
    level: str
    text: str
    remedy: str = ""

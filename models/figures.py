"""A figure of the benchmark, and how a person sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure. `target` and `holds` are None where the figure is only there to compare with.

    `value` is None for what could not be measured here; `unit` then says why.
    """

    name: str
    value: float | None
    unit: str
    target: str | None = None
    holds: bool | None = None


def missing(name: str, why: str) -> Row:
    """A figure that is not to be had here: "not installed (pip install ...)" and the like."""
    return Row(name, None, why)


def best_ms(work: Callable[[], object], turns: int) -> float:
    """The least processor time of `turns` runs after one that warms up, milliseconds.

    Of all threads of this process: a library that starts threads of its own gains nothing, and
    other programs on the machine disturb little.
    """
    work()
    times = []
    for _ in range(turns):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times) * 1e3


def table(rows: Sequence[Row]) -> str:
    """The rows for a person, aligned; targets, where there are some, at the end of the line."""
    wide = max((len(row.name) for row in rows), default=0)
    return "\n".join(_line(row, wide) for row in rows)


def _line(row: Row, wide: int) -> str:
    value = f"{row.unit:>12}" if row.value is None else f"{row.value:>12.3f} {row.unit}"
    if row.target is None:
        return f"{row.name:<{wide}}  {value}"
    says = {True: "holds", False: "DOES NOT HOLD", None: "not measured"}[row.holds]
    return f"{row.name:<{wide}}  {value:<34}  to reach: {row.target:<32}  {says}"

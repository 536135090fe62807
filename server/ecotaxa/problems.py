"""What is wrong with an upload, all of it at once: file, line, column, value, and what to do.

An error keeps the upload from being imported; a warning says what will be taken otherwise than it
stands there.

Example:
    >>> found = Problems()
    >>> found.error("expected a number", file="ecotaxa_a.tsv", line=3, column="object_area",
    ...             value="big", remedy="write a number, or leave the cell empty")
    >>> print(found.shown[0])
    ecotaxa_a.tsv line 3, object_area 'big': expected a number; write a number, or leave the cell
    empty
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

SHOWN_MOST = 1000
"""Problems kept with their words; what is beyond is counted."""
_VALUE_MOST = 80


@dataclass(frozen=True)
class Problem:
    """`line` counts from 1 as an editor does; None where the whole file is meant."""

    level: str  # "error" or "warning"
    message: str
    remedy: str
    file: str
    line: int | None = None
    column: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file} line {self.line}"
        what = " ".join(
            part
            for part in (self.column, None if self.value is None else repr(self.value))
            if part is not None
        )
        return f"{where}{', ' + what if what else ''}: {self.message}; {self.remedy}"


@dataclass
class Problems:
    """`shown` in the order found, at most SHOWN_MOST; `errors` and `warnings` count them all."""

    shown: list[Problem] = field(default_factory=list)
    errors: int = 0
    warnings: int = 0

    def error(self, message: str, *, remedy: str, file: str, **where: object) -> None:
        self.errors += 1
        self._keep("error", message, remedy, file, where)

    def warn(self, message: str, *, remedy: str, file: str, **where: object) -> None:
        self.warnings += 1
        self._keep("warning", message, remedy, file, where)

    def _keep(
        self, level: str, message: str, remedy: str, file: str, where: dict[str, object]
    ) -> None:
        if len(self.shown) >= SHOWN_MOST:
            return
        line, column, value = where.get("line"), where.get("column"), where.get("value")
        self.shown.append(
            Problem(
                level,
                message,
                remedy,
                file,
                line if isinstance(line, int) else None,
                None if column is None else str(column),
                None if value is None else str(value)[:_VALUE_MOST],
            )
        )

    def as_data(self) -> dict[str, Any]:
        """As JSON: how many there are, and those shown, each with what is known of its place."""
        shown = [asdict(problem) for problem in self.shown]
        return {"errors": self.errors, "warnings": self.warnings, "shown": shown}

    def lines(self) -> Sequence[str]:
        """One line a problem, and one more if not all are shown."""
        beyond = self.errors + self.warnings - len(self.shown)
        return [str(p) for p in self.shown] + ([f"and {beyond} more"] if beyond else [])

"""What is wrong with an archive: sentences with file, line, term, value and what was expected.

Example:
    >>> findings.error("event.txt", 7, "eventDate", "21/09/2026", "a date of ISO 8601")
    >>> findings.lines()
    ["event.txt, line 7, eventDate: '21/09/2026', expected a date of ISO 8601"]
"""

from collections import Counter
from dataclasses import dataclass, field

SHOWN = {"": 20, "warning: ": 1}
"""Of one kind of errors and of warnings, at most; all are counted."""


@dataclass
class Findings:
    """`errors` keep an archive from being taken, `warnings` do not."""

    errors: int = 0
    warnings: int = 0
    _lines: list[str] = field(default_factory=list)
    _kinds: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)

    def error(self, file: str, line: int, term: str, value: str, expected: str) -> None:
        self.errors += 1
        self._note("", file, line, term, value, expected)

    def warning(self, file: str, line: int, term: str, value: str, expected: str) -> None:
        self.warnings += 1
        self._note("warning: ", file, line, term, value, expected)

    def _note(self, head: str, file: str, line: int, term: str, value: str, expected: str) -> None:
        kind = (head, file, term, expected)
        self._kinds[kind] += 1
        if self._kinds[kind] <= SHOWN[head]:
            where = f"{file}, line {line}" if line else file
            shown = f"'{value:.80}'" if value else "nothing"
            self._lines.append(f"{head}{where}, {term}: {shown}, expected {expected}")

    def lines(self) -> list[str]:
        more = [
            f"{head}{file}, {term}: {n - SHOWN[head]} more of this kind"
            for (head, file, term, _), n in self._kinds.items()
            if n > SHOWN[head]
        ]
        return [*self._lines, *more]

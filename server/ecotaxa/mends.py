"""Values as cells that EcoTaxa keeps as they are; what had to be changed for that is counted.

Example:
    >>> mends = Mends()
    >>> mends.text("two\\nlines", "object_note"), mends.counts
    ('two lines', {'object_note: line breaks, tabs and spaces at the ends were made plain': 1})
"""

import datetime as dt
import math
from collections.abc import Sequence

from wire.ecotaxa import TEXT_LIMIT

_PLAIN = "line breaks, tabs and spaces at the ends were made plain"


class Mends:
    """`counts`: sentence -> how often."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._moments: dict[tuple[int | None, bool], tuple[str, str, bool]] = {}

    def note(self, sentence: str, times: int = 1) -> None:
        """Count that something was changed, in words for a person."""
        self.counts[sentence] = self.counts.get(sentence, 0) + times

    def text(self, value: str, column: str) -> str:
        """The text as a cell: one line, at most 250 characters."""
        plain = value
        if not value.isprintable() or value != value.strip() or "  " in value:
            plain = "".join(c for c in " ".join(value.split()) if c.isprintable() or c == " ")
            plain = plain.strip()
        if plain != value:
            self.note(f"{column}: {_PLAIN}")
        if len(plain) > TEXT_LIMIT:
            self.note(f"{column}: text above {TEXT_LIMIT} characters was cut")
            plain = plain[:TEXT_LIMIT].strip()
        return plain

    def numbers(self, values: Sequence[float | None], column: str) -> list[str]:
        """A column of numbers as cells that read back as the same."""
        cells = ["" if value is None else repr(value) for value in values]
        for at in odd_numbers(values):
            self.note(f"{column}: a number that is not finite was left out")
            cells[at] = ""
        return cells

    def degrees(self, values: Sequence[float | None], most: float, column: str) -> list[str]:
        """Latitudes or longitudes as cells."""
        cells = self.numbers(values, column)
        for at, value in enumerate(values):
            if value is not None and abs(value) > most and cells[at]:
                self.note(f"{column}: a position that is none was left out")
                cells[at] = ""
        return cells

    def moment(self, utc_ms: int | None, *, day_alone: bool, column: str) -> tuple[str, str]:
        """Date and time as EcoTaxa writes them; its times are whole seconds."""
        key = utc_ms, day_alone
        if key not in self._moments:
            self._moments[key] = _moment(utc_ms, day_alone)
        date, time, cut = self._moments[key]
        if cut:
            self.note(f"{column}: a fraction of a second was cut")
        if utc_ms is not None and not date:
            self.note(f"{column}: a date that no calendar has was left out")
        return date, time


def odd_numbers(values: Sequence[float | None]) -> list[int]:
    """Where in a column numbers stand that are not finite."""
    if all(map(math.isfinite, filter(None, values))):
        return []
    return [at for at, v in enumerate(values) if v is not None and not math.isfinite(v)]


def _moment(utc_ms: int | None, day_alone: bool) -> tuple[str, str, bool]:
    if utc_ms is None:
        return "", "", False
    try:
        at = dt.datetime.fromtimestamp(utc_ms // 1000, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return "", "", False
    date = f"{at.year:04}{at.month:02}{at.day:02}"
    if day_alone:
        return date, "", False
    return date, f"{at.hour:02}{at.minute:02}{at.second:02}", bool(utc_ms % 1000)

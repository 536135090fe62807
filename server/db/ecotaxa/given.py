"""The filters of a request as texts: which there are, and reading their values.

EcoTaxa's filters are all texts; numbers are taken for texts too, an empty one is none. One that is
not known or not of its form is refused by name: a set is never silently larger than what was asked.

Example:
    >>> Given({"taxo": "4,5", "depthmin": 10}).numbers("taxo")
    [4, 5]
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from server.db.ecotaxa import dates

KEYS = (
    "taxo", "taxochild", "statusfilter", "MapN", "MapW", "MapE", "MapS", "depthmin", "depthmax",
    "samples", "instrum", "daytime", "month", "fromdate", "todate", "fromtime", "totime",
    "inverttime", "validfromdate", "validtodate", "freenum", "freenumst", "freenumend", "freetxt",
    "freetxtval", "filt_annot", "filt_last_annot",
)  # fmt: skip
_FORMS: dict[Callable[[str], int], str] = {
    dates.read_day: "YYYY-MM-DD",
    dates.read_time: "HH:MM:SS",
    dates.read_moment: "YYYY-MM-DD HH:MM",
}
_LONGEST = 100_000


class FilterError(ValueError):
    """A filter that cannot be used; the message names it, its value and what was expected."""


class Given:
    """What was given. Raises FilterError, when made for a name that is no filter."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        unknown = sorted(set(given) - set(KEYS))
        if unknown:
            raise FilterError(f"'{unknown[0]}' is no filter; there are {', '.join(KEYS)}")
        texts = {key: _text(key, value) for key, value in given.items()}
        self.texts = {key: text for key, text in texts.items() if text}

    def __contains__(self, key: str) -> bool:
        return key in self.texts

    def text(self, key: str) -> str:
        """Empty when it was not given."""
        return self.texts.get(key, "")

    def numbers(self, key: str) -> list[int]:
        """Whole numbers with commas between."""
        words = [word.strip() for word in self.texts[key].split(",")]
        if not all(re.fullmatch(r"\d{1,18}", word) for word in words):
            raise self.wrong(key, "expected whole numbers with commas between")
        return [int(word) for word in words]

    def number(self, key: str) -> float:
        try:
            value = float(self.texts[key])
        except ValueError as error:
            raise self.wrong(key, "expected a number") from error
        if not math.isfinite(value):
            raise self.wrong(key, "expected a finite number")
        return value

    def maybe_number(self, key: str) -> float | None:
        return self.number(key) if key in self.texts else None

    def date(self, key: str, read: Callable[[str], int]) -> int:
        """Milliseconds, read by one of `dates`' readers."""
        try:
            return read(self.texts[key])
        except (ValueError, OverflowError) as error:
            raise self.wrong(key, f"expected {_FORMS[read]}") from error

    def maybe_date(self, key: str, read: Callable[[str], int]) -> int | None:
        return self.date(key, read) if key in self.texts else None

    def column_number(self, key: str) -> int:
        """The number in a column's name; EcoTaxa takes what follows two letters or one: on04, n01,
        st1."""
        found = re.fullmatch(r"[a-z]{1,2}(\d{1,3})", self.texts[key])
        if found is None:
            raise self.wrong(key, "expected a column's number, as on04 or st01")
        return int(found[1])

    def wrong(self, key: str, remedy: str) -> FilterError:
        return FilterError(f"{key}: '{self.texts[key][:80]}': {remedy}")


def _text(key: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FilterError(f"{key}: expected a text")
    text = str(value)
    if len(text) > _LONGEST or "\0" in text:
        raise FilterError(f"{key}: longer than {_LONGEST} characters, or with a NUL in it")
    return text

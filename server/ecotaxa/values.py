"""A cell's text as a value, in every form that EcoTaxa takes; or a sentence on what was expected.

Forms and words are those of EcoTaxa's import (its back end, June 2026) and its user guide.

Example:
    >>> date("2026-01-02"), time("1020"), degrees("43°30.5'S", 90)
    (datetime.date(2026, 1, 2), datetime.time(10, 20), -43.508333)
"""

import datetime as dt
import math
import re

STATUS = {
    "": None,
    "u": None,
    "unclassified": None,
    "unsorted": None,
    "p": "P",
    "predicted": "P",
    "d": "D",
    "dubious": "D",
    "v": "V",
    "validated": "V",
    "x": "X",
    "discarded": "X",
}
_NOTHING = frozenset(("", "na", "nan", "null", "none"))
_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?")
_TIME = re.compile(r"(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,]\d+)?)?Z?")
_ANGLE = re.compile(
    r"([+-]?\d{1,3})\s*°\s*(\d{1,2}(?:[.,]\d+)?)\s*['′]?\s*(?:(\d{1,2}(?:[.,]\d+)?)\s*[\"″]?)?\s*([NSEWO]?)"
)
_HALF = {"S": -1.0, "W": -1.0, "O": -1.0}


class CellError(ValueError):
    """The text is none of the forms; `args` are the message and the remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.message, self.remedy = message, remedy


def nothing(text: str) -> bool:
    """Whether the cell is empty in one of the ways that programs write."""
    return text.strip().lower() in _NOTHING


def number(text: str) -> float:
    """A number; decimal commas are refused, since EcoTaxa refuses them. Raises CellError."""
    try:
        if "_" in text:  # Python's own licence
            raise ValueError
        return float(text)
    except ValueError:
        remedy = "write a number with a decimal point, or leave the cell empty"
        raise CellError("expected a number", remedy) from None


def finite(text: str) -> float:
    """A number that is neither infinite nor none. Raises CellError."""
    value = number(text)
    if not math.isfinite(value):
        raise CellError("expected a finite number", "leave the cell empty if it is not known")
    return value


def whole(text: str, most: int) -> int:
    """A whole number from 0 to `most`; 3.0 is one too. Raises CellError."""
    value = number(text)
    if not (math.isfinite(value) and value == int(value) and 0 <= value <= most):
        raise CellError(f"expected a whole number from 0 to {most}", "correct it")
    return int(value)


def date(text: str) -> dt.date:
    """YYYYMMDD or YYYY-MM-DD; a time behind it is left to the time column. Raises CellError."""
    found = _DATE.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        year, month, day = (int(part) for part in found.groups())
        return dt.date(year, month, day)
    except ValueError:
        raise CellError("expected a date", "write YYYYMMDD or YYYY-MM-DD") from None


def time(text: str) -> dt.time:
    """HHMM, HHMMSS, HH:MM or HH:MM:SS; HMM and HMMSS as spreadsheets leave them when they drop a
    leading zero. Raises CellError."""
    plain = text.strip()
    if plain.isascii() and plain.isdigit() and len(plain) in (3, 5):
        plain = f"0{plain}"
    found = _TIME.fullmatch(plain)
    try:
        if found is None:
            raise ValueError
        hour, minute, second = (int(part or 0) for part in found.groups())
        return dt.time(hour, minute, second)
    except ValueError:
        raise CellError("expected a time", "write HHMMSS or HH:MM:SS (UTC)") from None


def fraction_cut(text: str) -> bool:
    """Whether a time holds a fraction of a second, which EcoTaxa's whole seconds cannot."""
    return re.search(r"\d[.,]\d*[1-9]", text) is not None


def degrees(text: str, most: float) -> float:
    """Decimal degrees, or degrees and minutes (and seconds) as EcoTaxa takes them: 43°30 15,
    43°30.25'N. `most` is 90 or 180. Raises CellError."""
    found = _ANGLE.fullmatch(text.strip().upper())
    if found is None:
        value = number(text)
    else:
        whole, minutes, seconds, half = found.groups()
        minute = float(minutes.replace(",", ".")) + float((seconds or "0").replace(",", ".")) / 60
        sign = -1.0 if whole.startswith("-") else 1.0
        value = round(
            sign * _HALF.get(half, 1.0) * (abs(float(whole)) + minute / 60),
            6,
        )
    if not (math.isfinite(value) and -most <= value <= most):
        raise CellError(
            f"expected {-most:g} to {most:g} degrees",
            "correct the position (latitude and longitude swapped?)",
        )
    return value


def status(text: str) -> str | None:
    """P, D, V, X, or None for unclassified. Raises CellError."""
    try:
        return STATUS[text.strip().lower()]
    except KeyError:
        words = "validated, predicted, dubious, discarded, or nothing"
        raise CellError("no status of EcoTaxa's", f"write {words}") from None

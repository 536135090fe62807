"""What a value of each term must be: one small rule a term.

Example:
    >>> rule_of("decimalLatitude").holds("91"), rule_of("decimalLatitude").expected
    (False, 'a number from -90 to 90')
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit

from server.exports.dwca.terms import WORDS

_MOMENT = re.compile(
    r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?"
)
_LSID = re.compile(r"urn:lsid:[a-z0-9.-]+:[a-z]+:\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """`holds` is asked of what is not empty."""

    expected: str
    holds: Callable[[str], bool]


def rule_of(term: str) -> Rule | None:
    """None where any text will do."""
    if term in WORDS:
        words = WORDS[term]
        return Rule(f"one of {', '.join(sorted(words))}", words.__contains__)
    return _RULES.get(term)


def is_interval(text: str) -> bool:
    """A date of ISO 8601, or two with "/" between, the earlier one first.

    >>> is_interval("2026-09-21/2026-09-20")
    False
    """
    parts = text.split("/")
    if len(parts) > 2 or not all(_is_moment(part) for part in parts):
        return False
    return len(parts) == 1 or parts[0][:10] <= parts[1][:10]


def _is_moment(text: str) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    try:
        if "T" in text:
            datetime.fromisoformat(text)
        elif len(text) == 10:
            date.fromisoformat(text)
        elif len(text) == 7:
            date.fromisoformat(f"{text}-01")
    except ValueError:
        return False
    return True


def number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _between(low: float, high: float) -> Callable[[str], bool]:
    return lambda text: (value := number(text)) is not None and low <= value <= high


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    whole = parts.scheme in ("http", "https") and "." in parts.netloc
    return whole and not re.search(r"[\s<>\"]", text)


_ADDRESS = Rule("a web address", _is_address)
_RULES = {
    "eventDate": Rule("a date or an interval of ISO 8601", is_interval),
    "dateIdentified": Rule("a date of ISO 8601", is_interval),
    "measurementDeterminedDate": Rule("a date of ISO 8601", is_interval),
    "decimalLatitude": Rule("a number from -90 to 90", _between(-90, 90)),
    "decimalLongitude": Rule("a number from -180 to 180", _between(-180, 180)),
    "coordinateUncertaintyInMeters": Rule("metres above 0", _between(1e-9, 2e7)),
    "minimumDepthInMeters": Rule("metres, at most 11000", _between(-100, 11_000)),
    "maximumDepthInMeters": Rule("metres, at most 11000", _between(-100, 11_000)),
    "sampleSizeValue": Rule("a number above 0", _between(1e-300, 1e300)),
    "individualCount": Rule("a whole number, 0 or more", str.isdigit),
    "organismQuantity": Rule("a number, 0 or more", _between(0, 1e300)),
    "scientificNameID": Rule(
        "an LSID, as urn:lsid:marinespecies.org:taxname:1080", lambda t: bool(_LSID.fullmatch(t))
    ),
    "measurementTypeID": _ADDRESS,
    "measurementValueID": _ADDRESS,
    "measurementUnitID": _ADDRESS,
}

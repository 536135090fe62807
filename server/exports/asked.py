"""What somebody asked of an export, read with all that is wrong with it told at once.

Example:
    >>> asked = Asked({"split": "sampel"})
    >>> asked.choice("split", ("none", "sample"), "none")
    'none'
    >>> asked.check()
    AskedError: split: 'sampel', expected one of none, sample
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class AskedError(ValueError):
    """What was asked cannot be done; `errors` are sentences for whoever asked."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = list(errors)


class Asked:
    """Parameters of a job. Each reader gives a value that can be used and notes what was wrong;
    `check` then raises for all of it, names that nobody read among them."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = dict(params)
        self._read: set[str] = set()
        self._errors: list[str] = []

    def choice(self, name: str, options: Sequence[str], default: str) -> str:
        value: str = self._take(name, default)
        return value if value in options else self._wrong(name, value, _one_of(options), default)

    def choices(self, name: str, options: Sequence[str], default: Sequence[str]) -> tuple[str, ...]:
        """One of the options, or a list of some."""
        value = self._take(name, list(default))
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not items or any(i not in options for i in items):
            return self._wrong(name, value, f"{_one_of(options)}, or a list of some", ()) or ()
        return tuple(dict.fromkeys(items))

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._take(name, default)
        return (
            value if isinstance(value, bool) else self._wrong(name, value, "true or false", False)
        )

    def text(self, name: str, default: str = "") -> str:
        value = self._take(name, default)
        return value if isinstance(value, str) else self._wrong(name, value, "a text", default)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A finite number above `low`, at most `high`."""
        value = self._take(name, default)
        if value == default:
            return default
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if good and math.isfinite(value) and low < value <= high:
            return float(value)
        return self._wrong(name, value, f"a number above {low:g}, at most {high:g}", default)

    def texts(self, name: str) -> dict[str, str]:
        """A map of texts; None and empty ones are left out."""
        value = self._take(name, {}) or {}
        if isinstance(value, dict) and all(isinstance(v, str | None) for v in value.values()):
            return {str(key): text for key, text in value.items() if text}
        return self._wrong(name, value, "a map of texts", {})

    def mapping(self, name: str) -> dict[int, int | None]:
        """A map of taxa; None stands for 0 too."""
        value = self._take(name, {}) or {}
        try:
            return {_whole(key): _whole(to or 0) or None for key, to in value.items()}
        except (AttributeError, TypeError, ValueError):
            return self._wrong(name, value, "a map of taxon numbers", {})

    def map(self, name: str) -> dict[str, Any]:
        value = self._take(name, {}) or {}
        return value if isinstance(value, dict) else self._wrong(name, value, "a map", {})

    def numbers(self, name: str) -> list[int]:
        value = self._take(name, []) or []
        if isinstance(value, list | tuple) and all(type(v) is int and v > 0 for v in value):
            return list(value)
        return self._wrong(name, value, "a list of numbers", [])

    def refuse(self, error: str) -> None:
        """Note something else that is wrong."""
        self._errors.append(error)

    def check(self) -> None:
        """Raises AskedError."""
        unknown = sorted(set(self._params) - self._read)
        known = ", ".join(sorted(self._read))
        errors = [f"'{name}' is not known here; there are {known}" for name in unknown]
        if self._errors or errors:
            raise AskedError([*self._errors, *errors])

    def _take(self, name: str, default: Any) -> Any:
        self._read.add(name)
        value = self._params.get(name)
        return default if value is None else value

    def _wrong(self, name: str, value: Any, expected: str, instead: T) -> T:
        self._errors.append(f"{name}: {str(value)[:200]!r}, expected {expected}")
        return instead


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != float(value) or int(value) < 0:
        raise ValueError(value)
    return int(value)


def _one_of(options: Sequence[str]) -> str:
    return f"one of {', '.join(options)}"

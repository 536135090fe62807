"""A line beside a table as the exact object that it tells of, checked field by field.

Example:
    >>> exact_of('["o1","9f86...",[...],...]', frozenset())
    Exact(orig_id='o1', ...)
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from server.db.imported import Exact, ExactEvent
from server.ecotaxa.beside import LINE

_Check: TypeAlias = Callable[[Any], bool]
_STATES = frozenset("UPDVX")
_SOURCES = frozenset(("frame", "device", "filled", "table", "day", "unknown"))


class LineError(ValueError):
    """The line cannot be used."""


def _whole(most: int) -> _Check:
    return lambda v: type(v) is int and -most <= v < most


def _maybe(check: _Check) -> _Check:
    return lambda v: v is None or check(v)


def _text(most: int) -> _Check:
    return lambda v: isinstance(v, str) and len(v) <= most and "\0" not in v


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _bool(value: Any) -> bool:
    return isinstance(value, bool)


def _state(value: Any) -> bool:
    return value in _STATES


_SMALL, _BIG = _whole(2**31), _whole(2**62)
_ID, _NUMBER = _maybe(_SMALL), _maybe(_number)
_OBJECT: tuple[_Check, ...] = (
    _text(250), _BIG, _SMALL, _SMALL, _SMALL, _SMALL, _SMALL, _number, _bool,
    _BIG, _BIG, _maybe(_BIG), lambda v: v in _SOURCES, _NUMBER, _NUMBER, _NUMBER, _NUMBER,
    _NUMBER, _state, _ID, _ID, _number, _ID, _BIG, _BIG,
)  # fmt: skip
_VALUES: tuple[_Check, ...] = (_ID, _text(250), _SMALL, _text(1 << 20), _text(1 << 20))
_EXACT: tuple[_Check, ...] = (_ID, _SMALL, *(_text(1 << 20),) * 3)
_KEPT: tuple[_Check, ...] = (
    _maybe(lambda v: v in ("", "D", "N", "A", "U")),
    _maybe(_text(1 << 20)),
)
_EVENT: tuple[_Check, ...] = (
    _maybe(_BIG), _ID, _ID, _state, _ID, _state, _ID, _number, _bool, _ID, _BIG,
)  # fmt: skip
_REPLACED: tuple[_Check, ...] = (_SMALL, _ID, _ID, _number, _ID, _text(1 << 20))
_IMAGE: tuple[_Check, ...] = (_SMALL, _text(8), _text(250))


def exact_of(line: str, numbers: frozenset[str]) -> Exact:
    """`numbers` names the free columns that are. Raises LineError."""
    try:
        row = json.loads(line)
        if "\\u" in line:  # else the text is sound, for it was decoded as UTF-8
            json.dumps(row, ensure_ascii=False).encode()
        if "\\u0000" in line:
            raise ValueError("a NUL")
        return _exact(row, numbers)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise LineError(f"a line that is none of a backup's: {line[:60]!r}") from error


def _exact(row: Any, numbers: frozenset[str]) -> Exact:
    if not (isinstance(row, list) and len(row) == len(LINE)):
        raise ValueError("another number of parts")
    _, digest, body, values, measured, kept, free, at, events, replaced, images = row
    _check(body, _OBJECT)
    _check(values, _VALUES)
    _check(kept, _KEPT)
    if measured is not None:
        _check(measured, _EXACT)
    told = [_checked(event, _EVENT) for event in events]
    undone = [_checked(one, _REPLACED) for one in replaced]
    shown = [_checked(image, _IMAGE) for image in images]
    places = [at, *(event[9] for event in told), *(one[1] for one in undone)]
    if any(p is not None and not (_SMALL(p) and 0 <= p < len(told)) for p in places):
        raise ValueError("an event that is not there")
    top = json.loads(values[4])
    if not all(_SMALL(taxon) and _number(score) for taxon, score in top):
        raise ValueError("taxa that are none")
    return Exact(
        str(digest),
        body,
        [*values[:3], base64.b64decode(values[3], validate=True), top],
        None if measured is None else [*measured[:2], *(_bytes(part) for part in measured[2:])],
        kept,
        _free(free, numbers),
        at,
        [ExactEvent(*event) for event in told],
        undone,
        shown,
    )


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _free(free: Any, numbers: frozenset[str]) -> dict[str, str | None]:
    """Free values that the table does not hold: texts, and numbers as text."""
    if not isinstance(free, dict):
        raise TypeError("free values that are none")
    if not all(value is None or isinstance(value, str) for value in free.values()):
        raise ValueError("a free value that is none")
    for name in numbers & free.keys():
        float(free[name] or "0")
    return free


def _checked(values: Any, checks: Sequence[_Check]) -> list[Any]:
    _check(values, checks)
    found: list[Any] = values
    return found


def _check(values: Any, checks: Sequence[_Check]) -> None:
    if not (isinstance(values, list) and len(values) == len(checks)):
        raise ValueError("another number of fields")
    for value, check in zip(values, checks, strict=True):
        if not check(value):
            raise ValueError(f"{str(value)[:40]!r} is none of its field's values")

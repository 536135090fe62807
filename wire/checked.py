"""Frozen dataclasses checked at the boundary: what arrives is what the annotations say, or refused.

The link carries CBOR maps written by devices of several versions. `read` turns such a map into a
dataclass, naming the field and what was expected when it cannot; a field that this version does
not know is no error, and `unknown` names it (see docs/adr/0003). The readers of a dataclass are
made once, since the shore reads thousands of records a second.

Example:
    >>> @dataclass(frozen=True)
    ... class Fix:
    ...     lat_deg: float
    >>> read(Fix, {"lat_deg": "north"})
    Traceback (most recent call last):
    ...
    wire.checked.FieldError: Fix.lat_deg: expected float, got str 'north'
"""

import math
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Reader = Callable[[Any, str], Any]
"""Takes a decoded value and the place to name in a message; gives the value, or FieldError."""


class FieldError(ValueError):
    """A map from the link does not fit its dataclass; the message names the field."""


@dataclass(frozen=True)
class _Slot:
    name: str
    where: str
    read: Reader
    required: bool
    optional: bool  # may be None, and then a writer may leave it out


@cache
def _slots(cls: Hashable) -> tuple[_Slot, ...]:
    assert isinstance(cls, type)
    hints = get_type_hints(cls)
    return tuple(
        _Slot(
            f.name,
            f"{cls.__name__}.{f.name}",
            _reader(hints[f.name]),
            f.default is MISSING and f.default_factory is MISSING,
            type(None) in get_args(hints[f.name]),
        )
        for f in fields(cls)
    )


def read(cls: type[T], data: object) -> T:
    """The dataclass `cls` from a decoded CBOR map. Raises FieldError naming the field."""
    if not isinstance(data, Mapping):
        raise FieldError(f"{cls.__name__}: expected a map, got {_shown(data)}")
    values: dict[str, Any] = {}
    for slot in _slots(cast("Hashable", cls)):
        if slot.name in data:
            values[slot.name] = slot.read(data[slot.name], slot.where)
        elif slot.required and not slot.optional:
            raise FieldError(f"{slot.where}: missing")
        elif slot.required:
            values[slot.name] = None
    return cls(**values)


def unknown(cls: type[Any], data: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of `data` that this version of `cls` has no field for."""
    known = {slot.name for slot in _slots(cast("Hashable", cls))}
    return tuple(sorted(str(key) for key in data if key not in known))


def _reader(kind: Any) -> Reader:
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda value, where: value
    if origin in (Union, types.UnionType):
        inner = _reader(next(k for k in args if k is not type(None)))
        return lambda value, where: None if value is None else inner(value, where)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return _list_reader(_reader(args[0]))
    if origin is tuple:
        return _tuple_reader([_reader(k) for k in args])
    if origin is dict:
        return _map_reader(_reader(args[0]), _reader(args[1]))
    return _read_float if kind is float else _plain_reader(kind)


def _read_float(value: Any, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise FieldError(f"{where}: expected float, got {_shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FieldError(f"{where}: expected a finite number, got {value}")
    return number


def _plain_reader(kind: type[Any]) -> Reader:
    def read_plain(value: Any, where: str) -> Any:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise FieldError(f"{where}: expected {kind.__name__}, got {_shown(value)}")
        return value

    return read_plain


def _list_reader(item: Reader) -> Reader:
    def read_list(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise FieldError(f"{where}: expected a list, got {_shown(value)}")
        return tuple([item(v, f"{where}[{i}]") for i, v in enumerate(value)])

    return read_list


def _tuple_reader(items: list[Reader]) -> Reader:
    def read_tuple(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise FieldError(f"{where}: expected a list, got {_shown(value)}")
        if len(value) != len(items):
            raise FieldError(f"{where}: expected {len(items)} items, got {len(value)}")
        pairs = zip(items, value, strict=True)
        return tuple([item(v, f"{where}[{i}]") for i, (item, v) in enumerate(pairs)])

    return read_tuple


def _map_reader(key: Reader, item: Reader) -> Reader:
    def read_map(value: Any, where: str) -> dict[Any, Any]:
        if not isinstance(value, Mapping):
            raise FieldError(f"{where}: expected a map, got {_shown(value)}")
        return {key(k, f"{where} key"): item(v, f"{where}.{k}") for k, v in value.items()}

    return read_map


def _shown(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"

"""Frozen dataclasses checked at the boundary: what arrives is what the annotations say, or refused.

The link carries CBOR maps written by devices of several versions. `read` turns such a map into a
dataclass, naming the field and what was expected when it cannot; a field that this version does
not know is ignored here and kept in the raw record (see docs/adr/0003).

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
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


class FieldError(ValueError):
    """A map from the link does not fit its dataclass; the message names the field."""


@dataclass(frozen=True)
class _Slot:
    name: str
    kind: Any
    required: bool
    optional: bool  # may be None, and then a writer may leave it out


@cache
def _slots(cls: Hashable) -> tuple[_Slot, ...]:
    assert isinstance(cls, type)
    hints = get_type_hints(cls)
    return tuple(
        _Slot(
            f.name,
            hints[f.name],
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
        where = f"{cls.__name__}.{slot.name}"
        if slot.name in data:
            values[slot.name] = _fit(slot.kind, data[slot.name], where)
        elif slot.required and not slot.optional:
            raise FieldError(f"{where}: missing")
        elif slot.required:
            values[slot.name] = None
    return cls(**values)


def _fit(kind: Any, value: object, where: str) -> Any:
    if kind is Any:
        return value
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        inner = next(k for k in get_args(kind) if k is not type(None))
        return _fit(inner, value, where)
    if origin is tuple:
        return _fit_tuple(get_args(kind), value, where)
    if origin is dict:
        return _fit_dict(get_args(kind), value, where)
    return _fit_plain(kind, value, where)


def _fit_plain(kind: type[Any], value: object, where: str) -> Any:
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise FieldError(f"{where}: expected a finite number, got {value}")
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise FieldError(f"{where}: expected {kind.__name__}, got {_shown(value)}")


def _fit_tuple(kinds: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise FieldError(f"{where}: expected a list, got {_shown(value)}")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_fit(kinds[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if len(value) != len(kinds):
        raise FieldError(f"{where}: expected {len(kinds)} items, got {len(value)}")
    pairs = zip(kinds, value, strict=True)
    return tuple(_fit(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(pairs))


def _fit_dict(kinds: tuple[Any, ...], value: object, where: str) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise FieldError(f"{where}: expected a map, got {_shown(value)}")
    key, item = kinds
    return {_fit(key, k, f"{where} key"): _fit(item, v, f"{where}.{k}") for k, v in value.items()}


def _shown(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"

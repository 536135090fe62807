"""Frozen dataclasses checked at the boundary: what arrives is what the annotations say, or refused.

The link carries CBOR maps written by devices of several versions. `read` turns such a map into a
dataclass, naming the field and what was expected when it cannot; a field that this version does
not know is no error, and `unknown` names it (see docs/adr/0003). The readers of a dataclass are
made once, and what they have to do once for each shape of map, since the shore reads thousands of
records a second.

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
from functools import cache, lru_cache
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
    plain: tuple[type[Any], ...]  # a value of such a type is right, whichever it is


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
            _plain(hints[f.name]),
        )
        for f in fields(cls)
    )


def read(cls: type[T], data: object) -> T:
    """The dataclass `cls` from a decoded CBOR map. Raises FieldError naming the field."""
    if not isinstance(data, Mapping):
        raise FieldError(f"{cls.__name__}: expected a map, got {_shown(data)}")
    plan = None
    if len(data) <= _SHAPE_MAX:
        plan = _plan(cast("Hashable", cls), tuple(data), tuple(map(type, data.values())))
    if plan is None:
        return cls(**_read_all(cls, data))
    taken, looked_at, defaults = plan
    values = {**defaults, **{name: data[name] for name in taken}}
    for name, where, reader in looked_at:
        values[name] = reader(data[name], where)
    made = cls.__new__(cls)
    object.__setattr__(made, "__dict__", values)  # what __init__ would set one by one
    return made


def _read_all(cls: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Every field looked at. Raises FieldError."""
    values: dict[str, Any] = {}
    for slot in _slots(cast("Hashable", cls)):
        if slot.name in data:
            values[slot.name] = slot.read(data[slot.name], slot.where)
        elif slot.required and not slot.optional:
            raise FieldError(f"{slot.where}: missing")
        elif slot.required:
            values[slot.name] = None
    return values


_SHAPES, _SHAPE_MAX = 128, 64
"""Shapes that are remembered, and the most keys of one: what is sent on purpose costs no memory."""
_Plan = tuple[tuple[str, ...], tuple[tuple[str, str, Reader], ...], dict[str, Any]]


@lru_cache(maxsize=_SHAPES)
def _plan(cls: Hashable, keys: tuple[Any, ...], kinds: tuple[type[Any], ...]) -> _Plan | None:
    """What is left to do for a map of these keys and types of values: the fields to take as they
    are, those whose value must be looked at, and what is absent. None: read it all.

    Records of a kind have the same few shapes, and a whole number or a text is right by its type
    alone."""
    if hasattr(cls, "__post_init__"):
        return None
    given = dict(zip(keys, kinds, strict=True))
    taken, looked_at, defaults = [], [], {}
    for slot, f in zip(_slots(cls), fields(cast("Any", cls)), strict=True):
        kind = given.get(slot.name)
        if slot.name not in given:
            if f.default_factory is not MISSING or (slot.required and not slot.optional):
                return None
            defaults[slot.name] = None if slot.required else f.default
        elif kind in slot.plain:
            taken.append(slot.name)
        else:
            looked_at.append((slot.name, slot.where, slot.read))
    return tuple(taken), tuple(looked_at), defaults


def unknown(cls: type[Any], data: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of `data` that this version of `cls` has no field for."""
    known = _names(cast("Hashable", cls))
    return () if data.keys() <= known else tuple(sorted(str(k) for k in data if k not in known))


@cache
def _names(cls: Hashable) -> frozenset[str]:
    return frozenset(slot.name for slot in _slots(cls))


def _plain(kind: Any) -> tuple[type[Any], ...]:
    kinds = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return tuple(k for k in kinds if k in (int, str, bytes, bool, type(None)))


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
        return _read_map if args == (str, Any) else _map_reader(_reader(args[0]), _reader(args[1]))
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


def _read_map(value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise FieldError(f"{where}: expected a map, got {_shown(value)}")
    for key in value:
        if type(key) is not str:
            raise FieldError(f"{where} key: expected str, got {_shown(key)}")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"

"""TOML tables into frozen dataclasses: a misspelt key is an error that names the nearest right one.

A silent default is the worst answer to a typing error at sea, so every key must be known and every
value must have its type; the message gives file, table and key.

Example:
    >>> fill(LinkConfig, {"batch_kbb": 64}, "instrument.toml", "link")
    Traceback (most recent call last):
    ...
    edge.tables.ConfigError: instrument.toml: [link] batch_kbb: no such key; did you mean batch_kb?
"""

import dataclasses
import difflib
import math
import types
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class ConfigError(ValueError):
    """The configuration cannot be used; the message names file, table, key and what was meant."""


def bounded(default: float, low: float, high: float | None = None) -> Any:
    """A dataclass field whose value lies within bounds."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high})


def fill(cls: type[T], data: object, file: str, table: str = "") -> T:
    """The dataclass `cls` from a TOML table; fields that are dataclasses are tables below it.

    Raises ConfigError for an unknown key, a missing one, a wrong type or a value out of bounds (a
    field's metadata may hold `low` and `high`)."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{file}: {_place(table)}: expected a table, got {_shown(data)}")
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]  # T is a dataclass by contract
    check_keys(data, known, file, table)
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for name, field in known.items():
        where = f"{table}.{name}" if table else name
        if is_dataclass(hints[name]):
            values[name] = fill(_a_class(hints[name]), data.get(name, {}), file, where)
        elif name in data:
            values[name] = _value(hints[name], field, data[name], f"{file}: {_place(table)} {name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{file}: {_place(table)} {name}: missing")
    return cls(**values)


def check_keys(data: Mapping[str, Any], known: Collection[str], file: str, table: str) -> None:
    """Raises ConfigError naming the first key that is not known, and the nearest that is."""
    for key in data:
        if key in known:
            continue
        near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
        raise ConfigError(f"{file}: {_place(table)} {key}: no such key; {hint}")


def _a_class(hint: Any) -> type[Any]:
    assert isinstance(hint, type)
    return hint


def _place(table: str) -> str:
    return f"[{table}]" if table else "top level"


def _value(kind: Any, field: "Field[Any]", value: object, where: str) -> Any:
    result = _typed(kind, value, where)
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if (low is not None and result < low) or (high is not None and result > high):
        bounds = f"{low} or more" if high is None else f"{low} to {high}"
        raise ConfigError(f"{where}: expected {bounds}, got {result}")
    return result


def _typed(kind: Any, value: object, where: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = next(k for k in get_args(kind) if k is not type(None))
        return _typed(inner, value, where)
    if origin is Literal:
        if value in get_args(kind):
            return value
        choices = ", ".join(f'"{choice}"' for choice in get_args(kind))
        raise ConfigError(f"{where}: expected one of {choices}; got {_shown(value)}")
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
    elif kind in (int, str, bool) and type(value) is kind:
        return value
    elif origin is dict and isinstance(value, Mapping):
        return dict(value)
    elif origin is tuple and isinstance(value, list):
        return tuple(_typed(get_args(kind)[0], item, where) for item in value)
    raise ConfigError(f"{where}: expected {_kind_name(kind)}, got {_shown(value)}")


def _kind_name(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    others = {dict: "a table", tuple: "a list"}
    return names.get(kind) or others.get(get_origin(kind)) or str(kind)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

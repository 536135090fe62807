"""CBOR values as JSON that a person can edit, and back, with every type kept. Pure.

JSON has no byte strings, no NaN, no maps with other keys than text. Those are written as a map of
one key that begins with "$":

    {"$bytes": "00ff"}                     a byte string
    {"$same": "9f86d081…", "length": 812}  a long byte string of the original, left as it is
    {"$float": "nan"}                      a number that JSON has no word for
    {"$map": [[1, "a"]]}                   a map with keys that are not plain text
    {"$cbor": "f7"}                        anything else, encoded

Invariant: `parse(written(value), value) == value` for whatever CBOR can hold.

Example:
    >>> written({"esd_um": -1.0, "shape": b"\\0"})
    '{\\n  "esd_um": -1.0,\\n  "shape": {\\n    "$bytes": "00"\\n  }\\n}'
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import cbor2

from wire.codec import CodecError, loads

LONG = 256
"""Byte strings longer than this are named, not shown."""


class TypedError(ValueError):
    """Text that is not such JSON; the message says where and what was expected."""


def written(value: Any) -> str:
    """The value as JSON text for a person."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def parse(text: str, original: Any) -> Any:
    """The value of a text made by `written` and edited since. A whole number where `original` has
    a float becomes a float. Raises TypedError."""
    try:
        data = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_twice)
        return _retyped(_value(data, dict(_long_bytes(original))), original)
    except (ValueError, TypeError, RecursionError, CodecError) as error:
        raise TypedError(str(error)) from error


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            out: Any = value
        case float():
            out = value if math.isfinite(value) else {"$float": str(value)}
        case bytes() if len(value) > LONG:
            out = {"$same": _name(value), "length": len(value)}
        case bytes():
            out = {"$bytes": value.hex()}
        case list() | tuple():
            out = [_plain(item) for item in value]
        case Mapping():
            out = _plain_map(value)
        case _:
            out = {"$cbor": cbor2.dumps(value).hex()}
    return out


def _plain_map(value: Mapping[Any, Any]) -> dict[str, Any]:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: _plain(item) for key, item in value.items()}
    return {"$map": [[_plain(key), _plain(item)] for key, item in value.items()]}


def _value(data: Any, long: Mapping[str, bytes]) -> Any:
    if isinstance(data, list):
        return [_value(item, long) for item in data]
    if not isinstance(data, dict):
        return data
    special = next((key for key in data if key.startswith("$")), None)
    if special is None:
        return {key: _value(item, long) for key, item in data.items()}
    return _special(special, data[special], long)


def _special(name: str, content: Any, long: Mapping[str, bytes]) -> Any:
    match name:
        case "$bytes":
            out: Any = bytes.fromhex(content)
        case "$float":
            out = float(content)
        case "$same" if content in long:
            out = long[content]
        case "$map":
            out = {_key(_value(key, long)): _value(item, long) for key, item in content}
        case "$cbor":
            out = loads(bytes.fromhex(content))
        case _:
            raise ValueError(f"{name}: {str(content)[:40]!r} is nothing that the original holds")
    return out


def _key(value: Any) -> Any:
    return tuple(_key(item) for item in value) if isinstance(value, list) else value


def _retyped(value: Any, original: Any) -> Any:
    if isinstance(original, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, dict) and isinstance(original, Mapping):
        return {key: _retyped(item, original.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(original, list | tuple):
        padded = [*original, *[None] * len(value)]
        return [_retyped(item, was) for item, was in zip(value, padded, strict=False)]
    return value


def _name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _long_bytes(value: Any) -> Iterator[tuple[str, bytes]]:
    if isinstance(value, bytes) and len(value) > LONG:
        yield _name(value), value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _long_bytes(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _long_bytes(item)


def _no_constant(name: str) -> Any:
    raise ValueError(f'{name} is no JSON: write {{"$float": "{name.lower()}"}}')


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(k for k in keys if keys.count(k) > 1)!r} is there twice")
    return found

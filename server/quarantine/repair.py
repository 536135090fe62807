"""A record put right by hand: the new bytes, checked as intake would. Pure.

Example:
    >>> repaired(kept, text='{"v": 1, "epoch": 7, ...}', drop=())
    b'\\xa8...'
"""

from collections.abc import Sequence
from typing import Any

import cbor2

from server.db.quarantine import Kept
from server.intake.items import read_items
from server.quarantine.typed import TypedError, parse
from wire.codec import CodecError, loads


class RepairError(ValueError):
    """The record is not right yet, or cannot be repaired; the message names the field."""


def repaired(kept: Kept, text: str | None, drop: Sequence[str]) -> bytes:
    """The bytes of the record as `text` has it (None: as it is now) without the fields `drop`,
    given as keys joined by dots. Raises RepairError when intake would refuse it."""
    if kept.code == "revoked":
        raise RepairError("a batch is not repaired: replay it, what is bad in it is set aside")
    before = kept.data if kept.repaired is None else kept.repaired
    value = _edited(before, text)
    for path in drop:
        _drop(value, path.split("."))
    try:
        data = cbor2.dumps(value, canonical=True)
    except (ValueError, TypeError, OverflowError, cbor2.CBORError) as error:
        raise RepairError(f"cannot be encoded: {error}") from error
    [item] = read_items([data])
    if item.refused is not None:
        raise RepairError(str(item.refused))
    if kept.key is not None and item.key != kept.key:
        raise RepairError(f"Record.epoch, Record.seq: expected {kept.key}, got {item.key}")
    return data


def _edited(before: bytes, text: str | None) -> Any:
    try:
        original = loads(before)
    except CodecError as error:
        if text is None:
            raise RepairError(str(error)) from error
        original = None
    if text is None:
        return original
    try:
        return parse(text, original)
    except TypedError as error:
        raise RepairError(str(error)) from error


def _drop(value: Any, path: Sequence[str]) -> None:
    *above, last = path
    for name in above:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, dict) or last not in value:
        raise RepairError(f"{'.'.join(path)}: there is no such field")
    del value[last]

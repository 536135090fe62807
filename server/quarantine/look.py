"""One entry of the quarantine as a person can read it: its items, what is wrong today, its image.
Pure.

Nothing here trusts the bytes: the walk is bounded, an image is shown only when every chunk and
every row of it has been checked.

Example:
    >>> look(data, "schema")["wrong"]
    ['body', 'esd_um']
"""

import re
import struct
from typing import Any

from server.intake.check import RefusedError
from server.intake.items import Item, read_items
from server.intake.png import PngError, check_png
from server.quarantine.tree import hexdump, walk
from server.quarantine.typed import written
from wire.codec import CodecError, decode_batch, loads
from wire.records import BODIES, unknown_fields

RECORDS_SHOWN = 100
_FIELD = re.compile(r"^(\w+)\.(\w+)")
_BODY_NAMES = {cls.__name__ for cls in BODIES.values()}


def look(data: bytes, code: str) -> dict[str, Any]:
    """`problem` in words and `wrong`, the keys that lead to the field, as this shore sees it today
    (None: it would be taken); `lines` of what could be decoded and where that `stopped`; `text` to
    edit, None when it is not CBOR; `image` [width, height]; `records` of a batch; `hex`."""
    if code == "revoked":
        return _batch(data)
    [item] = read_items([data])
    problem = _problem(item)
    wrong = where(problem, item)
    lines, stopped = walk(data)
    return {
        "problem": problem,
        "wrong": wrong,
        "lines": [
            {
                "at": line.at,
                "path": line.path,
                "kind": line.kind,
                "text": line.text,
                "wrong": list(line.path) == wrong,
            }
            for line in lines
        ],
        "stopped": stopped,
        "text": editable(data),
        "image": _image_size(data),
        "records": None,
        "hex": hexdump(data),
    }


def _problem(item: Item) -> str | None:
    if item.refused is not None:
        return str(item.refused)
    extra = () if item.record is None else unknown_fields(item.record)
    return f"this shore has no place for {', '.join(extra)}" if extra else None


def where(problem: str | None, item: Item) -> list[str] | None:
    """The keys that lead to the field that a message is about."""
    if item.record is not None and item.refused is None:
        extra = unknown_fields(item.record)
        return ["body", extra[0]] if extra else None
    found = _FIELD.match(problem or "")
    if found is None or not (found[1] == "Record" or found[1] in _BODY_NAMES):
        return None
    return [found[2]] if found[1] == "Record" else ["body", found[2]]


def editable(data: bytes) -> str | None:
    """The value as JSON with types (`server.quarantine.typed`), or None."""
    try:
        return written(loads(data))
    except (CodecError, RecursionError, ValueError, TypeError):
        return None


def safe_image(data: bytes) -> bytes | None:
    """The record's image when it is a whole PNG that a browser may be given, else None."""
    try:
        image = loads(data)["body"]["data"]
        width, height = struct.unpack_from(">II", image, 16)
        check_png(image, width, height)
    except (CodecError, PngError, KeyError, TypeError, IndexError, struct.error, RecursionError):
        return None
    return bytes(image)


def _image_size(data: bytes) -> list[int] | None:
    image = safe_image(data)
    return None if image is None else list(struct.unpack_from(">II", image, 16))


def _batch(data: bytes) -> dict[str, Any]:
    """A whole batch: what is in it, record by record."""
    empty: dict[str, Any] = {
        "wrong": None,
        "lines": [],
        "text": None,
        "image": None,
        "hex": hexdump(data),
    }
    try:
        items = read_items(decode_batch(data))
    except CodecError as error:
        return {**empty, "problem": str(error), "stopped": str(error), "records": []}
    bad = sum(isinstance(item.refused, RefusedError) for item in items)
    records = [
        {
            "seq": item.key[1] if item.key else None,
            "kind": item.record.kind if item.record else None,
            "problem": _problem(item),
        }
        for item in items[:RECORDS_SHOWN]
    ]
    problem = f"{bad} of its {len(items)} records would be set aside again" if bad else None
    shown = f"{RECORDS_SHOWN} of {len(items)} records shown" if len(items) > len(records) else None
    return {**empty, "problem": problem, "stopped": shown, "records": records}

"""A batch taken apart, before anything is stored: each record good, or with the reason why not.
Pure.

Example:
    >>> items = read_items(decode_batch(body))
    >>> [item.refused for item in items if item.key is None]
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from server.intake.check import SEQ_MAX, RefusedError, check
from wire.checked import FieldError
from wire.codec import RECORD_MAX, CodecError, decode_record, loads, record_hash
from wire.records import Body, Record, read_body


@dataclass(frozen=True)
class Item:
    """One encoded record. `key` (epoch, seq) is None when not even that could be read; `refused`
    says why the record cannot be used, and then `record` and `body` may be None."""

    data: bytes
    hash: bytes
    key: tuple[int, int] | None
    record: Record | None = None
    body: Body | None = None
    refused: RefusedError | None = None


def read_items(blobs: Iterable[bytes]) -> list[Item]:
    """Every record of a batch, in order."""
    return [_read(blob) for blob in blobs]


def _read(blob: bytes) -> Item:
    digest = record_hash(blob)
    if len(blob) > RECORD_MAX:
        detail = f"record of {len(blob)} bytes: expected at most {RECORD_MAX}"
        return Item(blob, digest, _salvage(blob), refused=RefusedError("too_big", detail))
    try:
        record = decode_record(blob)
        body = read_body(record)
        check(record, body)
    except RefusedError as refused:
        return Item(blob, digest, _salvage(blob), refused=refused)
    except (
        CodecError,
        FieldError,
        OverflowError,
        RecursionError,
        TypeError,
        struct.error,
    ) as error:
        return Item(blob, digest, _salvage(blob), refused=RefusedError("schema", str(error)))
    return Item(blob, digest, record.key, record, body)


def _salvage(blob: bytes) -> tuple[int, int] | None:
    """The key of a record that is wrong otherwise, so that it can be named in the answer."""
    try:
        data = loads(blob)
        epoch, seq = data["epoch"], data["seq"]
        if 0 <= epoch < 2**32 and 1 <= seq < SEQ_MAX:
            return int(epoch), int(seq)
    except (CodecError, KeyError, TypeError, IndexError, ValueError, RecursionError):
        return None
    return None

"""Records and batches as bytes: deterministic CBOR, zstd over the batch, bounds on both ways.

A batch gives back the encoded records byte for byte (`wire.columns` says how they are laid out), so
that the shore hashes exactly what the device stored: the same key with another hash is a cloned
card, not a repeat.

Example:
    >>> blob = encode_batch([encode_record(record)])
    >>> decode_batch(blob)[0] == encode_record(record)
    True
"""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import fields
from io import BytesIO
from typing import Any

import cbor2

from wire import VERSION
from wire.checked import FieldError, read
from wire.columns import fold, unfolded
from wire.records import Record
from wire.unfold import FoldError, unfold

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BATCH_MAX = 256 * 1024
"""Largest batch on the link, compressed, in bytes."""
UNPACKED_MAX = 8 * 1024 * 1024
"""Largest batch after decompression: a bomb is refused before it is in memory."""
RECORD_MAX = 192 * 1024
"""Largest encoded record, in bytes; the outbox refuses a larger one when it is made."""
DEPTH_MAX = 32
"""Deepest nesting of CBOR."""
RECORDS_MAX = 2000
"""Most records in a batch."""
ZSTD_LEVEL = 12
"""The batch of a frame's 100 objects costs 0.3 ms more than at level 3 and is 5 % smaller."""


class CodecError(ValueError):
    """Bytes from the link that are not a batch or not a record; the message says why."""


def encode_record(record: Record) -> bytes:
    """Canonical CBOR of the record (RFC 8949 core deterministic encoding)."""
    data: dict[str, Any] = {f.name: getattr(record, f.name) for f in fields(record)}
    return cbor2.dumps({"v": VERSION, **data}, canonical=True)


def decode_record(blob: bytes) -> Record:
    """The record in `blob`. Raises CodecError (not CBOR) or FieldError (a wrong field)."""
    data = loads(blob, text_keys=True)
    if not isinstance(data, dict):
        raise CodecError(f"record: expected a map, got {type(data).__name__}")
    version = data.get("v")
    if not isinstance(version, int) or version > VERSION:
        raise FieldError(f"Record.v: expected at most {VERSION}, got {version!r}")
    record = read(Record, data)
    for name, limit in (("epoch", 2**32), ("seq", 2**63), ("priority", 6), ("boot", 2**32)):
        if not 0 <= getattr(record, name) < limit:
            raise FieldError(f"Record.{name}: expected 0 to {limit - 1}, got {data[name]}")
    return record


def loads(blob: bytes, *, text_keys: bool = False) -> Any:
    """One CBOR item and nothing after it: plain data, without tags (they could stand for a number
    of a billion digits, a pattern, a list that holds itself). `text_keys` refuses maps with other
    keys: whole numbers can be chosen to collide, which takes time with the square of their number.
    Raises CodecError."""
    stream = BytesIO(blob)
    try:
        data = cbor2.load(
            stream,
            max_depth=DEPTH_MAX,
            semantic_decoders=_NO_TAGS,
            tag_hook=_refuse_tag,
            strict_hashable_types=text_keys,
        )
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise CodecError(f"not CBOR: {error}") from error
    if stream.tell() != len(blob):
        raise CodecError(f"{len(blob) - stream.tell()} bytes after the CBOR item")
    return data


def _refuse_tag(*_: object) -> Any:
    raise cbor2.CBORDecodeError("a tag, where plain data was expected")


_NO_TAGS = dict.fromkeys(
    (*range(6), 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799),
    _refuse_tag,
)
"""Every tag that the library would decode by itself."""


def record_hash(blob: bytes) -> bytes:
    """SHA-256 of an encoded record, 32 bytes."""
    return hashlib.sha256(blob).digest()


def encode_batch(records: Sequence[bytes]) -> bytes:
    """Encoded records as one compressed body: side by side, or as they are where that would not
    give back every byte."""
    folded = fold(records)
    try:
        exact = unfold(folded, RECORDS_MAX, UNPACKED_MAX) == list(records)
    except FoldError:
        exact = False
    return compress(folded if exact else unfolded(records), ZSTD_LEVEL)


def decode_batch(blob: bytes) -> list[bytes]:
    """The encoded records in a batch. Raises CodecError for anything else, within UNPACKED_MAX."""
    if len(blob) > BATCH_MAX:
        raise CodecError(f"batch: expected at most {BATCH_MAX} bytes, got {len(blob)}")
    try:
        return unfold(_decompress(blob), RECORDS_MAX, UNPACKED_MAX)
    except FoldError as error:
        raise CodecError(str(error)) from error


def compress(data: bytes, level: int) -> bytes:
    """One zstd frame."""
    return zstd.compress(data, level=level)


def _decompress(blob: bytes) -> bytes:
    unpacker = zstd.ZstdDecompressor()
    try:
        data = unpacker.decompress(blob, max_length=UNPACKED_MAX + 1)
    except zstd.ZstdError as error:
        raise CodecError(f"batch: not zstd: {error}") from error
    if len(data) > UNPACKED_MAX:
        raise CodecError(f"batch: unpacks to more than {UNPACKED_MAX} bytes")
    if not unpacker.eof:
        raise CodecError("batch: zstd stream is cut short")
    return data

"""What short messages hold: a summary record, parts of a batch, a hello, an acknowledgement.

A summary record is named and dated in a few bytes, from which the shore makes the very record again
that waits in the outbox, byte for byte: the two are one to its ledger, whichever comes first.

Example:
    >>> pack_record(record)[:4] == record.epoch.to_bytes(4, "big")
    True
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cbor2

from wire.ack import Ack, encode_ack
from wire.checked import FieldError, read
from wire.codec import CodecError, decode_record, encode_record, loads
from wire.records import PRIORITY, Record
from wire.short import DOWN_MAX, HEAD_BYTES, MAC_BYTES, UP_MAX

BODY_MAX = UP_MAX - HEAD_BYTES - MAC_BYTES
_ID_BYTES = 4
PART_MAX = BODY_MAX - _ID_BYTES - 2
PARTS_MAX = 255
_REASON_MAX = 40


@dataclass(frozen=True)
class Part:
    """Part `number` (from 1) of `of` of the batch whose SHA-256 begins with `batch`."""

    batch: bytes
    number: int
    of: int
    data: bytes


@dataclass(frozen=True)
class Greeting:
    """A device's hello. `number` only rises, so that an old one played again is known."""

    number: int
    said: Mapping[str, Any]


def pack_record(blob: bytes) -> bytes | None:
    """A summary record as the body of a message, or None when it cannot go as one."""
    record = decode_record(blob)
    data = record.body.get("data")
    if record.kind != "summary" or not isinstance(data, bytes):
        return None
    packed = record.epoch.to_bytes(4, "big")
    when = 0 if record.utc_ms is None else record.utc_ms + 1
    for number in (record.seq, record.boot, record.mono_ms, when):
        packed += _varint(max(0, number))
    packed += data
    return packed if len(packed) <= BODY_MAX and unpack_record(packed) == blob else None


def unpack_record(packed: bytes) -> bytes:
    """The encoded summary record. Raises CodecError."""
    place, numbers = 4, []
    for _ in range(4):
        number, place = _read_varint(packed, place)
        numbers.append(number)
    seq, boot, mono_ms, when = numbers
    return encode_record(
        Record(
            epoch=int.from_bytes(packed[:4], "big"),
            seq=seq,
            kind="summary",
            priority=PRIORITY["summary"],
            boot=boot,
            mono_ms=mono_ms,
            utc_ms=when - 1 if when else None,
            body={"data": packed[place:]},
        )
    )


def split(batch: bytes) -> list[bytes]:
    """The batch as bodies of parts. Raises CodecError for more than PARTS_MAX."""
    pieces = [batch[i : i + PART_MAX] for i in range(0, len(batch), PART_MAX)]
    if len(pieces) > PARTS_MAX:
        raise CodecError(f"batch of {len(batch)} bytes: expected at most {PARTS_MAX * PART_MAX}")
    name = batch_id(batch)
    return [name + bytes([i, len(pieces)]) + piece for i, piece in enumerate(pieces, start=1)]


def read_part(body: bytes) -> Part:
    """Raises CodecError."""
    if len(body) <= _ID_BYTES + 2:
        raise CodecError(f"part of a batch: {len(body)} bytes are too few")
    number, of = body[_ID_BYTES], body[_ID_BYTES + 1]
    part = Part(body[:_ID_BYTES], number, of, body[_ID_BYTES + 2 :])
    if not 1 <= part.number <= part.of:
        raise CodecError(f"part {part.number} of {part.of}: no such part")
    return part


def join(parts: Sequence[Part]) -> bytes:
    """The batch of all its parts. Raises CodecError when they are not those of one batch."""
    batch = b"".join(part.data for part in sorted(parts, key=lambda part: part.number))
    if batch_id(batch) != parts[0].batch:
        raise CodecError("parts of a batch do not fit together")
    return batch


def batch_id(batch: bytes) -> bytes:
    return hashlib.sha256(batch).digest()[:_ID_BYTES]


def pack_greeting(number: int, said: Mapping[str, Any]) -> bytes:
    """A hello: the map of HTTP's, the release as bytes."""
    release = said.get("release")
    values = [said["epoch"], said["next_seq"], str(said["software"])[:60]]
    values += [None if release is None else bytes.fromhex(release), said["deploy_seq"]]
    return cbor2.dumps([number, *values])


def read_greeting(body: bytes) -> Greeting:
    """Raises CodecError."""
    data = loads(body)
    if not (isinstance(data, list) and len(data) >= 6 and type(data[0]) is int):
        raise CodecError("hello: expected a list of six")
    number, epoch, next_seq, software, release, deploy_seq = data[:6]
    if not isinstance(release, bytes | None) or not 0 <= number < 2**53:
        raise CodecError("hello: a wrong number or release")
    named = None if release is None else release.hex()
    said = {"epoch": epoch, "next_seq": next_seq, "software": software}
    return Greeting(number, {**said, "release": named, "deploy_seq": deploy_seq})


def pack_ack(ack: Ack) -> bytes:
    """The acknowledgement, with as many ranges and rejections as a message down holds."""
    ranges, rejected = list(ack.sack), [_short(item) for item in ack.rej]
    while True:
        packed = cbor2.dumps([ack.epoch, ack.upto, ranges, rejected])
        if len(packed) <= DOWN_MAX - HEAD_BYTES - MAC_BYTES:
            return packed
        (ranges if len(ranges) > len(rejected) else rejected).pop()


def read_ack(body: bytes) -> Ack:
    """Raises CodecError or FieldError."""
    data = loads(body)
    if not (isinstance(data, list) and len(data) >= 4 and isinstance(data[3], list)):
        raise CodecError("acknowledgement: expected a list of four")
    epoch, upto, ranges, rejected = data[:4]
    keys = ("seq", "code", "detail")
    try:
        rej = [dict(zip(keys, item, strict=True)) for item in rejected]
    except (TypeError, ValueError) as error:
        raise FieldError("acknowledgement: a wrong rejection") from error
    ack = read(Ack, {"epoch": epoch, "upto": upto, "sack": ranges, "rej": rej})
    _ = ack.rejections, encode_ack(ack)
    return ack


def _short(item: Mapping[str, Any]) -> list[Any]:
    return [item["seq"], item["code"], str(item.get("detail", ""))[:_REASON_MAX]]


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first, the top bit set on all but the last (LEB128)."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 64, 7):
        if place >= len(data):
            raise CodecError("summary record: cut short")
        number |= (data[place] & 127) << shift
        place += 1
        if data[place - 1] < 128:
            return number, place
    raise CodecError("summary record: a number of more than 64 bits")

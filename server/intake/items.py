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
from server.intake.png import PIXELS_MAX as IMAGE_MAX
from wire.checked import FieldError
from wire.codec import RECORD_MAX, CodecError, decode_record, loads, record_hash
from wire.records import Body, Record, Vignette, read_body


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


PIXELS_MAX = 32 << 20
"""Pixels that all vignettes of a batch may have together: what is all one grey packs a thousand
times smaller, and checking it takes its whole size."""
SMALL = 1024
"""A record of fewer bytes unpacks to no more than a thousand times as many."""


def read_items(blobs: Iterable[bytes]) -> list[Item]:
    """Every record of a batch, in order; once there are PIXELS_MAX, a vignette is refused."""
    room = _Room(PIXELS_MAX)
    return [_read(blob, room) for blob in blobs]


@dataclass
class _Room:
    """Pixels that may still be looked at."""

    pixels: int

    def take(self, image: Vignette) -> None:
        """Raises RefusedError. An image beyond every limit is refused unseen and takes nothing."""
        claimed = max(0, image.width) * max(0, image.height)
        if claimed > IMAGE_MAX:
            return
        if claimed > self.pixels:
            raise RefusedError("too_big", f"more than {PIXELS_MAX} pixels in one batch")
        self.pixels -= claimed


def _read(blob: bytes, room: _Room) -> Item:
    digest = record_hash(blob)
    if len(blob) > RECORD_MAX:
        detail = f"record of {len(blob)} bytes: expected at most {RECORD_MAX}"
        return Item(blob, digest, _salvage(blob), refused=RefusedError("too_big", detail))
    try:
        record = decode_record(blob)
        body = read_body(record)
        if isinstance(body, Vignette) and len(blob) >= SMALL:
            room.take(body)
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
        data = loads(blob, text_keys=True)
        epoch, seq = data["epoch"], data["seq"]
        if 0 <= epoch < 2**32 and 1 <= seq < SEQ_MAX:
            return int(epoch), int(seq)
    except (CodecError, KeyError, TypeError, IndexError, ValueError, RecursionError):
        return None
    return None

"""Short messages for a satellite modem: at most 340 bytes up and 270 down, each authenticated.

    byte 0     version (4 bits), kind (4 bits)
    bytes 1-3  the device's short id: the first 3 bytes of the SHA-256 of its id
    ...        what the kind holds
    last 8     HMAC-SHA256 under the device's link key, cut to 8 bytes (RFC 2104, section 5)

A command down ends in the shore's ed25519 signature instead (`wire.commands`), so that nobody on
the way can make one, not even who knows the link key. Messages get lost, repeated and overtaken:
each says by itself what it is, and taking one twice does no harm.

Example:
    >>> blob = seal(key, Message(Kind.PART, short_id("d1"), b"..."), UP_MAX)
    >>> opened(key, blob).body
    b'...'
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import IntEnum

from wire.codec import CodecError

UP_MAX, DOWN_MAX = 340, 270
MAC_BYTES = 8
HEAD_BYTES = 4
KEY_BYTES = 32
VERSION = 1


class Kind(IntEnum):
    """What a message is. Kinds from 8 on go down to the device."""

    SUMMARY = 1
    PART = 2
    HELLO = 3
    ACK = 8
    COMMAND = 9


@dataclass(frozen=True)
class Message:
    kind: Kind
    short: bytes
    body: bytes

    @property
    def head(self) -> bytes:
        return bytes([VERSION << 4 | self.kind]) + self.short


class ForgedError(CodecError):
    """The message was not made with this device's key, or was changed on the way."""


def short_id(device_id: str) -> bytes:
    return hashlib.sha256(device_id.encode()).digest()[: HEAD_BYTES - 1]


def seal(key: bytes, message: Message, most: int) -> bytes:
    """The message with its authentication. Raises CodecError when it is longer than `most`."""
    plain = message.head + message.body
    if len(plain) + MAC_BYTES > most:
        raise CodecError(f"short message: {len(plain) + MAC_BYTES} bytes, expected at most {most}")
    return plain + _mac(key, plain)


def peek(blob: bytes) -> Message:
    """The message, not authenticated; the body of a command has its signature, any other none.

    Raises CodecError."""
    if len(blob) < HEAD_BYTES + MAC_BYTES:
        raise CodecError(f"short message: {len(blob)} bytes are too few")
    if blob[0] >> 4 != VERSION:
        raise CodecError(f"short message: version {blob[0] >> 4}, expected {VERSION}")
    try:
        kind = Kind(blob[0] & 15)
    except ValueError as error:
        raise CodecError(f"short message: unknown kind {blob[0] & 15}") from error
    end = len(blob) if kind == Kind.COMMAND else -MAC_BYTES
    return Message(kind, blob[1:HEAD_BYTES], blob[HEAD_BYTES:end])


def opened(key: bytes, blob: bytes) -> Message:
    """The message, made by who has `key`. Raises ForgedError or CodecError."""
    message = peek(blob)
    if not hmac.compare_digest(_mac(key, blob[:-MAC_BYTES]), blob[-MAC_BYTES:]):
        raise ForgedError("short message: not authenticated by this device's link key")
    return message


def credits(length: int, credit_bytes: int = 50) -> int:
    """What a message costs: one credit for each started 50 bytes; an empty one costs one too."""
    return max(1, -(-length // credit_bytes))


def _mac(key: bytes, plain: bytes) -> bytes:
    return hmac.digest(key, b"seadrift-short-1\n" + plain, "sha256")[:MAC_BYTES]

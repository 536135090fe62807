"""Who says so: ed25519 signatures over requests, releases and assignments.

A device signs each request with the key that it made at enrolment. The counter only rises, so a
recorded request cannot be played again; the body's hash binds the content. What the shore signs
(a release, an assignment) carries its own context string, so no signature can stand for another.

Example:
    >>> key = PrivateKey.make()
    >>> headers = sign_request(key, "d1", 5, "POST", "/v1/ingest", b"body")
    >>> verify_request(key.public, headers, "POST", "/v1/ingest", b"body")
    5
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

DEVICE_HEADER = "Seadrift-Device"
COUNTER_HEADER = "Seadrift-Counter"
SIGNATURE_HEADER = "Seadrift-Signature"
_NEXT_KEY = b"seadrift-next-key-1\n"


class SignatureError(ValueError):
    """A signature, a key or a counter that cannot be trusted; the message says which."""


@dataclass(frozen=True)
class PublicKey:
    """An ed25519 public key as 32 raw bytes."""

    raw: bytes

    @property
    def id(self) -> str:
        """Short name of the key: first 16 hex digits of its SHA-256."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    @property
    def text(self) -> str:
        return base64.b64encode(self.raw).decode()

    @classmethod
    def from_text(cls, text: str) -> "PublicKey":
        """Raises SignatureError when `text` is not base64 of 32 bytes."""
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise SignatureError(f"public key: not base64: {error}") from error
        if len(raw) != 32:
            raise SignatureError(f"public key: expected 32 bytes, got {len(raw)}")
        return cls(raw)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises SignatureError."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise SignatureError(f"signature does not fit key {self.id}") from error


@dataclass(frozen=True, repr=False)
class PrivateKey:
    """An ed25519 private key. Never logged: its repr shows the public id alone."""

    raw: bytes

    @classmethod
    def make(cls) -> "PrivateKey":
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def public(self) -> PublicKey:
        key = Ed25519PrivateKey.from_private_bytes(self.raw).public_key()
        return PublicKey(key.public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.raw).sign(message)

    def __repr__(self) -> str:
        return f"PrivateKey(id={self.public.id})"


@dataclass(frozen=True)
class NextKey:
    """What a device says to announce another key: base64 of 32 bytes, and `prove_key`."""

    public_key: str
    proof: bytes


def prove_key(new: PrivateKey, device: str, old: PublicKey) -> bytes:
    """That `device`, whose key is `old`, holds `new` too: a key is announced only with this."""
    return new.sign(_NEXT_KEY + f"{device}\n{old.text}".encode())


def check_key(new: PublicKey, device: str, old: PublicKey, proof: bytes) -> None:
    """Raises SignatureError unless `proof` is what `prove_key` gives."""
    new.verify(proof, _NEXT_KEY + f"{device}\n{old.text}".encode())


def _request(method: str, path: str, device: str, counter: int, body: bytes) -> bytes:
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join(
        ("seadrift-request-1", method.upper(), path, device, str(counter), digest)
    ).encode()


def sign_request(
    key: PrivateKey, device: str, counter: int, method: str, path: str, body: bytes
) -> dict[str, str]:
    """The three headers of a signed request. `path` includes the query string."""
    signature = key.sign(_request(method, path, device, counter, body))
    return {
        DEVICE_HEADER: device,
        COUNTER_HEADER: str(counter),
        SIGNATURE_HEADER: base64.b64encode(signature).decode(),
    }


def verify_request(
    key: PublicKey, headers: Mapping[str, str], method: str, path: str, body: bytes
) -> int:
    """The request's counter; the caller refuses one that has not risen. Raises SignatureError."""
    try:
        device, text = headers[DEVICE_HEADER], headers[COUNTER_HEADER]
        signature = base64.b64decode(headers[SIGNATURE_HEADER], validate=True)
    except KeyError as error:
        raise SignatureError(f"header {error.args[0]} is missing") from error
    except (binascii.Error, ValueError) as error:
        raise SignatureError(f"header {SIGNATURE_HEADER}: not base64") from error
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise SignatureError(f"header {COUNTER_HEADER}: expected a whole number")
    counter = int(text)
    key.verify(signature, _request(method, path, device, counter, body))
    return counter

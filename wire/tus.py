"""What device and shore share of tus 1.0, the protocol for uploads that resume: header names, the
metadata of a blob, and the bytes that a signature covers.

The protocol's own headers say what a chunk means, so the signature covers them beside the body:
nobody on the way can move a chunk to another offset or another object.

Source: tus resumable upload protocol 1.0.0, core and the extensions creation, expiration, checksum,
termination (https://tus.io/protocols/resumable-upload).

Example:
    >>> read_metadata(metadata(BlobMeta(kind="frame", name="a.png", sha256="ab" * 32))).name
    'a.png'
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

VERSION = "1.0.0"
TYPE = "application/offset+octet-stream"
PATH = "/v1/blobs"
EXTENSIONS = "creation,expiration,checksum,termination"
CHECKSUMS = ("sha256", "sha1")
SIZE_MAX = 32 << 20
"""Largest blob in bytes: a frame of 2048 x 1536 needs a tenth of it."""
KINDS = ("vignette", "frame")
_SIGNED = ("upload-length", "upload-metadata", "upload-offset", "upload-checksum")
_TEXT_MAX = 4096
_WORDS = ("kind", "name", "sha256")


@dataclass(frozen=True)
class BlobMeta:
    """What a blob is. A vignette shows the object recorded as (epoch, object_seq) and has so many
    pixels; a frame has a name. `sha256` is that of all its bytes, in hex."""

    kind: str
    name: str
    sha256: str
    epoch: int = 0
    object_seq: int = 0
    width: int = 0
    height: int = 0


def metadata(meta: BlobMeta) -> str:
    """The value of Upload-Metadata: keys, each with its value in base64."""
    values = {name: str(value) for name, value in asdict(meta).items() if value}
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in values.items())


def read_metadata(text: str) -> BlobMeta:
    """Raises ValueError, saying what was expected."""
    if len(text) > _TEXT_MAX:
        raise ValueError(f"Upload-Metadata: expected at most {_TEXT_MAX} characters")
    known = [field.name for field in fields(BlobMeta)]
    values: dict[str, str] = {}
    for pair in text.split(","):
        key, _, value = pair.strip().partition(" ")
        if key not in known or key in values:
            raise ValueError(f"Upload-Metadata: unknown or repeated key {key[:40]!r}")
        try:
            values[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError(f"Upload-Metadata: {key}: expected base64 of text") from error
    words = [values.get(key, "") for key in _WORDS]
    numbers = [_number(key, values.get(key, "0")) for key in known if key not in _WORDS]
    meta = BlobMeta(words[0], words[1], words[2], *numbers)
    if meta.kind not in KINDS:
        raise ValueError(f"Upload-Metadata: kind: expected one of {', '.join(KINDS)}")
    if not re.fullmatch(r"[0-9a-f]{64}", meta.sha256):
        raise ValueError("Upload-Metadata: sha256: expected 64 hex digits")
    if not 0 < len(meta.name) <= 250 or re.search(r"[\x00-\x1f]", meta.name):
        raise ValueError("Upload-Metadata: name: expected 1 to 250 characters on one line")
    return meta


def _number(key: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(f"Upload-Metadata: {key}: expected a whole number")
    return int(text)


def signed_part(headers: Mapping[str, str], body: bytes) -> bytes:
    """What stands for the body in a blob request's signature: the headers that say what the body
    means, then the body."""
    lowered = {name.lower(): value for name, value in headers.items()}
    lines = [f"{name}: {lowered.get(name, '')}\n" for name in _SIGNED]
    return "".join(lines).encode("latin-1", "replace") + b"\n" + body


def checksum(algorithm: str, digest: bytes) -> str:
    """The value of Upload-Checksum."""
    return f"{algorithm} {base64.b64encode(digest).decode()}"

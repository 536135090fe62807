"""Blobs to the shore in pieces that resume: the device's side of tus 1.0.

A piece is taken whole or not at all, so a cut costs at most the piece that was under way; pieces
grow while they arrive and shrink when they do not. Where a blob stands only the shore knows: it is
asked after anything unforeseen. A blob has arrived when the shore's offset is its length; before it
says so it has checked the whole by its SHA-256.

Source: tus resumable upload protocol 1.0.0 (https://tus.io/protocols/resumable-upload).

Example:
    >>> sending = Sending(link)
    >>> while not sending.step(meta, length, read): ...
"""

import hashlib
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from edge.links import LinkError, NotSeadriftError, RefusedError
from wire.tus import PATH, TYPE, BlobMeta, checksum, metadata

PIECE_MIN = 4 * 1024
PIECE_FIRST = 16 * 1024
PIECE_MAX = 192 * 1024
"""Below the most that the shore takes in one request."""

TusAnswer = tuple[int, dict[str, str]]
"""Status and headers."""


@runtime_checkable
class Uploads(Protocol):
    """A link that carries blobs."""

    def tus(self, method: str, path: str, headers: dict[str, str], body: bytes) -> TusAnswer: ...


class Sending:
    """What is known of blobs under way over one link; nothing of it need survive."""

    def __init__(self, link: Uploads) -> None:
        self._link = link
        self._offsets: dict[str, int] = {}
        self._begun: set[str] = set()
        self.piece_bytes = PIECE_FIRST

    def step(
        self, meta: BlobMeta, length: int, read: Callable[[int, int], bytes], most: int = PIECE_MAX
    ) -> bool:
        """One request: ask where the blob stands, or send its next piece of at most `most` bytes;
        True when the shore has it all. `read(offset, size)` gives its bytes. Raises LinkError."""
        key = hashlib.sha256(metadata(meta).encode()).hexdigest()[:32]
        try:
            if key not in self._offsets:
                self._offsets[key] = self._ask(key, meta, length)
            else:
                offset = self._offsets[key]
                data = read(offset, min(self.piece_bytes, most))
                self._offsets[key] = self._send(key, offset, data)
                self.piece_bytes = min(PIECE_MAX, self.piece_bytes * 2)
        except LinkError as error:
            self._offsets.pop(key, None)
            if isinstance(error, RefusedError):
                self._begun.discard(key)
                if error.status in (409, 423, 460):
                    return False  # not where it was thought to be: ask again
            else:
                self.piece_bytes = max(PIECE_MIN, self.piece_bytes // 2)
            raise
        if self._offsets[key] < length:
            return False
        del self._offsets[key]
        self._begun.discard(key)
        return True

    def _ask(self, key: str, meta: BlobMeta, length: int) -> int:
        """Where the blob stands on shore; it is begun there if it was not."""
        if key in self._begun:
            try:
                return _offset(self._link.tus("HEAD", f"{PATH}/{key}", {}, b""), length)
            except NotSeadriftError:
                self._begun.discard(key)  # expired, maybe: an answer to HEAD cannot say why
        wanted = {"Upload-Length": str(length), "Upload-Metadata": metadata(meta)}
        offset = _offset(self._link.tus("POST", PATH, wanted, b""), length)
        self._begun.add(key)
        return offset

    def _send(self, key: str, offset: int, data: bytes) -> int:
        headers = {
            "Content-Type": TYPE,
            "Upload-Offset": str(offset),
            "Upload-Checksum": checksum("sha256", hashlib.sha256(data).digest()),
        }
        answer = self._link.tus("PATCH", f"{PATH}/{key}", headers, data)
        found = _offset(answer, offset + len(data))
        if found != offset + len(data):
            raise NotSeadriftError(f"Upload-Offset: expected {offset + len(data)}, got {found}")
        return found


def _offset(answer: TusAnswer, most: int) -> int:
    """The offset in a shore's answer. Raises NotSeadriftError."""
    headers = {name.lower(): value for name, value in answer[1].items()}
    text = headers.get("upload-offset", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and int(text) <= most):
        raise NotSeadriftError(f"Upload-Offset: expected 0 to {most}, got {text[:40]!r}")
    return int(text)

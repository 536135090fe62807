"""Blobs on disk while they come, and the frames that stay: one file each.

Bytes are written where the database says that they belong and flushed before it says that they are
there; what a crash leaves beyond that place is overwritten.

Example:
    >>> files = BlobFiles(Path("shore/blobs"))
    >>> files.write("3-ab12", offset=0, data=b"...")
"""

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from server.store.packs import sync_folder

PIECE = 1 << 20


class BusyError(OSError):
    """Another request writes this blob now."""


class BlobFiles:
    """The folder. For any thread and process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[int]:
        """The file's handle, for one request at a time. Raises BusyError."""
        path = self._path(name)
        fresh = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if fresh:
                sync_folder(self.folder)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BusyError(f"blob {name}: another request writes it") from error
            yield handle
        finally:
            os.close(handle)

    def read(self, name: str) -> bytes:
        """All of it. Raises OSError."""
        return self._path(name).read_bytes()

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not re.fullmatch(r"\d+-[0-9a-f]{32}", name):
            raise OSError(f"blob {name[:80]}: not a name of ours")
        return self.folder / name


def write(handle: int, offset: int, data: bytes) -> None:
    """Durably put `data` at `offset`, where the file then ends. Raises OSError."""
    view, place = memoryview(data), offset
    while view:
        done = os.pwrite(handle, view, place)
        view, place = view[done:], place + done
    os.ftruncate(handle, place)
    os.fsync(handle)


def digest(handle: int) -> str:
    """SHA-256 of the file, in hex."""
    found, place = hashlib.sha256(), 0
    while piece := os.pread(handle, PIECE, place):
        found.update(piece)
        place += len(piece)
    return found.hexdigest()

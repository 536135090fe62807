"""Vignettes in append-only packs: many small images in one file, named by (pack, offset, length).

A file for each of fifty million vignettes would wear out any file system. A pack is only ever
appended to, by the one process that made it, and is flushed to the disk before the database commits
what points into it: a place that the database knows is always there. What a crash leaves behind the
last known place is unreferenced and harmless.

Example:
    >>> packs = Packs(Path("shore/packs"), roll_bytes=1 << 28)
    >>> [place] = packs.append([b"\\x89PNG..."])
    >>> packs.read(place)
    b'\\x89PNG...'
"""

import os
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"seadrift-pack-1\n"
LENGTH_MAX = 1 << 24


class PackError(OSError):
    """A place that cannot be read: the pack is missing or too short."""


@dataclass(frozen=True)
class Place:
    """Where some bytes lie; `pack` is the file's name in the folder."""

    pack: str
    offset: int
    length: int


class Packs:
    """The folder of packs, written by this process and read by any."""

    def __init__(self, folder: Path, roll_bytes: int) -> None:
        self._folder = folder
        self._roll_bytes = roll_bytes
        self._lock = threading.Lock()
        self._name = ""
        self._handle = -1
        self._end = 0
        self._unflushed: dict[str, int] = {}
        self._lost: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def append(self, items: Sequence[bytes]) -> list[Place]:
        """Write the items and flush them to the disk; their places, in order. Raises OSError."""
        places = self.write(items)
        for name in {place.pack for place in places}:
            self.flush(name)
        return places

    def write(self, items: Sequence[bytes]) -> list[Place]:
        """Write the items into one pack, which is to be flushed; their places, in order. Raises
        OSError."""
        if not items:
            return []
        with self._lock:
            if self._handle < 0 or self._end >= self._roll_bytes:
                self._begin()
            places, offset = [], self._end
            for item in items:
                places.append(Place(self._name, offset, len(item)))
                offset += len(item)
            try:
                _write_all(self._handle, b"".join(items))
            except OSError:
                self._leave()  # its length is unknown now: the next write begins another pack
                raise
            self._end = offset
            self._unflushed[self._name] = self._handle
            return places

    def flush(self, pack: str) -> None:
        """Wait until all that was written into the pack is on the disk. Raises OSError, then and
        whenever this pack is asked for again: who else wrote into it must not believe it."""
        with self._lock:
            if pack in self._lost:
                raise PackError(f"pack {pack}: could not be flushed to the disk")
            handle = self._unflushed.get(pack)
            if handle is None:
                return
            try:
                os.fdatasync(handle)
            except OSError:
                self._lost.add(pack)
                raise
            finally:
                del self._unflushed[pack]
                if pack in self._lost and handle == self._handle:
                    self._handle = -1
                if handle != self._handle:
                    os.close(handle)

    def read(self, place: Place) -> bytes:
        """The bytes at `place`. Raises PackError."""
        if place.length > LENGTH_MAX or Path(place.pack).name != place.pack:
            raise PackError(f"pack {place.pack}: not a place of ours")
        try:
            handle = os.open(self._folder / place.pack, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise PackError(f"pack {place.pack}: {error.strerror}") from error
        try:
            data = os.pread(handle, place.length, place.offset)
        finally:
            os.close(handle)
        if len(data) != place.length:
            raise PackError(f"pack {place.pack}: ends before {place.offset + place.length}")
        return data

    def close(self) -> None:
        with self._lock:
            self._leave()
            for handle in self._unflushed.values():
                os.close(handle)
            self._unflushed.clear()

    def _begin(self) -> None:
        self._leave()
        name = f"{secrets.token_hex(8)}.pack"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._handle = os.open(self._folder / name, flags, 0o600)
        self._name = name
        _write_all(self._handle, MAGIC)
        self._end = len(MAGIC)
        sync_folder(self._folder)

    def _leave(self) -> None:
        """Begin another pack with the next write; what was written into this one stays."""
        if self._handle >= 0 and self._name not in self._unflushed:
            os.close(self._handle)
        self._handle = -1


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Packs as files of a folder: the default.

A pack is only ever appended to, by the one process that made it; `flush` is fdatasync.

Example:
    >>> packs = FolderPacks(Path("shore/packs"), roll_bytes=1 << 28)
    >>> [place] = packs.append([b"\\x89PNG..."])
"""

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from server.store.packs import (
    MAGIC,
    PackError,
    PackInfo,
    Packs,
    Place,
    check_place,
    is_name,
    new_name,
    sync_folder,
)

PIECE = 1 << 20
RUN = 8 << 20
"""Neighbours are read together up to about so many bytes."""


class FolderPacks(Packs):
    """The folder. A pack that has reached `roll_bytes` is closed and the next one begun."""

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

    def write(self, items: Sequence[bytes]) -> list[Place]:
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
        check_place(place)
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

    def read_all(self, places: Sequence[Place]) -> list[bytes | PackError]:
        """Neighbours are read together: what was imported together lies together."""
        found: list[bytes | PackError] = []
        start = 0
        while start < len(places):
            end, size = start + 1, places[start].length
            while end < len(places) and _follows(places[end - 1], places[end]) and size < RUN:
                size += places[end].length
                end += 1
            found += self._run(places[start:end], size)
            start = end
        return found

    def _run(self, places: Sequence[Place], size: int) -> list[bytes | PackError]:
        """The bytes of places that follow one another."""
        first = places[0]
        try:
            for place in places:
                check_place(place)
            handle = os.open(self._folder / first.pack, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return [self._tried(place) for place in places]
        try:
            data = os.pread(handle, size, first.offset)
        finally:
            os.close(handle)
        if len(data) != size:
            return [self._tried(place) for place in places]
        begins = [place.offset - first.offset for place in places]
        return [data[at : at + p.length] for at, p in zip(begins, places, strict=True)]

    def listed(self) -> Iterator[PackInfo]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if is_name(entry.name) and entry.is_file(follow_symlinks=False):
                    yield PackInfo(entry.name, entry.stat().st_size)

    def pieces(self, pack: str, start: int, size: int) -> Iterator[bytes]:
        check_place(Place(pack, start, 0))
        try:
            with (self._folder / pack).open("rb") as stream:
                stream.seek(start)
                while start < size:
                    piece = stream.read(min(PIECE, size - start))
                    if not piece:
                        raise PackError(f"pack {pack}: ends before {size}")
                    start += len(piece)
                    yield piece
        except FileNotFoundError as error:
            raise PackError(f"pack {pack}: {error.strerror}") from error

    def close(self) -> None:
        with self._lock:
            self._leave()
            for handle in self._unflushed.values():
                os.close(handle)
            self._unflushed.clear()

    def _begin(self) -> None:
        self._leave()
        name = new_name()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        handle = os.open(self._folder / name, flags, 0o600)
        try:
            _write_all(handle, MAGIC)
            sync_folder(self._folder)
        except OSError:
            os.close(handle)  # the next write begins yet another one
            raise
        self._handle, self._name, self._end = handle, name, len(MAGIC)

    def _leave(self) -> None:
        """Begin another pack with the next write; what was written into this one stays."""
        if self._handle >= 0 and self._name not in self._unflushed:
            os.close(self._handle)
        self._handle = -1


def _follows(one: Place, other: Place) -> bool:
    return one.pack == other.pack and one.offset + one.length == other.offset


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]

"""Vignettes in append-only packs: many small images in one file, named by (pack, offset, length).

A file for each of fifty million vignettes would wear out any file system. Packs lie in a folder
(`server.store.folder_packs`) or in a bucket of S3 (`server.store.object_packs`), byte for byte the
same. Invariant of both: what was written is durable once `flush` has returned, and the database
commits what points into a pack only then: a place that the database knows is always there. What a
crash leaves behind the last known place is unreferenced and harmless.

Example:
    >>> packs = open_packs(settings)               # server.store.opened
    >>> [place] = packs.append([b"\\x89PNG..."])
    >>> packs.read(place)
    b'\\x89PNG...'
"""

import os
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"seadrift-pack-1\n"
LENGTH_MAX = 1 << 24
_NAME = re.compile(r"[0-9a-f]{16,64}\.pack")


class PackError(OSError):
    """A place that cannot be read, or bytes that could not be made durable."""


@dataclass(frozen=True)
class Place:
    """Where some bytes lie; `pack` is the file's or the object's name."""

    pack: str
    offset: int
    length: int


@dataclass(frozen=True)
class PackInfo:
    """A pack as it lies in its store."""

    name: str
    size: int


class Packs(ABC):
    """The packs of a shore, written by this process and read by any."""

    far = False
    """Whether a read is a request over a network, so that `expect` is worth a look-up."""

    def append(self, items: Sequence[bytes]) -> list[Place]:
        """Write the items and make them durable; their places, in order. Raises OSError."""
        places = self.write(items)
        for name in {place.pack for place in places}:
            self.flush(name)
        return places

    @abstractmethod
    def write(self, items: Sequence[bytes]) -> list[Place]:
        """Write the items into one pack, which is to be flushed; their places, in order. Raises
        OSError."""

    @abstractmethod
    def flush(self, pack: str) -> None:
        """Wait until all that was written into the pack is durable. Raises OSError, then and
        whenever this pack is asked for again: who else wrote into it must not believe it."""

    @abstractmethod
    def read(self, place: Place) -> bytes:
        """The bytes at `place`. Raises PackError."""

    def read_all(self, places: Sequence[Place]) -> list[bytes | PackError]:
        """The bytes at each place, or why they cannot be read."""
        self.expect(places)
        return [self._tried(place) for place in places]

    def _tried(self, place: Place) -> bytes | PackError:
        try:
            return self.read(place)
        except PackError as error:
            return error

    def expect(self, places: Sequence[Place]) -> None:
        """Say what will be read soon, so that it can be fetched together. Never raises."""
        return

    @abstractmethod
    def listed(self) -> Iterator[PackInfo]:
        """Every pack of the store, and how long it is now. Raises OSError."""

    @abstractmethod
    def pieces(self, pack: str, start: int, size: int) -> Iterator[bytes]:
        """The pack's bytes from `start` up to `size`, piece by piece. Raises PackError."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is open; nothing that was flushed needs it."""


def new_name() -> str:
    """A name that no other process has drawn."""
    return f"{secrets.token_hex(8)}.pack"


def check_place(place: Place) -> None:
    """Raises PackError for what cannot be a place of ours."""
    sound = place.offset >= 0 and 0 <= place.length <= LENGTH_MAX
    if not (sound and is_name(place.pack)):
        raise PackError(f"pack {place.pack[:80]}: not a place of ours")


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

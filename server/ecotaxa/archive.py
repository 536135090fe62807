"""A zip's members by position: each read is one look at the file, whichever thread asks.

Python's own reader takes a lock and several small reads for each member; an import reads tens of
thousands of small ones, twice. A zip inside the zip is a range of the same file where it is stored
as it is, and lies in a temporary file where it is packed, so neither is held in memory.

Invariant: what is returned has the length and the checksum that the zip's list of members says.

Source: APPNOTE.TXT, .ZIP File Format Specification, PKWARE, sections 4.3 and 4.4.

Example:
    >>> with Archive.open(path) as archive:
    ...     archive.read(archive.members()[0])
"""

import io
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_HEAD = struct.Struct("<4s22xHH")
_SPARE = 64
"""A local header is often a little longer than the list says: read so many bytes more."""


class Archive:
    """`start` is where the zip begins in the file, for one that lies inside another."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file = file
        self._handle = file.fileno()
        self._start = start
        self._zip = zipfile.ZipFile(_Window(self._handle, start, size))
        self._size = size

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["Archive"]:
        """Raises OSError, BadZipFile."""
        with path.open("rb") as file:
            yield cls(file, 0, os.fstat(file.fileno()).st_size)

    def members(self) -> list[zipfile.ZipInfo]:
        return self._zip.infolist()

    def overlaps(self) -> bool:
        """Whether members share bytes, as in bombs that are small and unpack to more each time."""
        return sum(info.compress_size for info in self._zip.infolist()) > self._size

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """Raises BadZipFile, zlib.error, OSError."""
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            with self._zip.open(info) as stream:
                return _whole(info, stream.read(info.file_size + 1))
        packed = self._packed(info)
        if info.compress_type == zipfile.ZIP_DEFLATED:
            packed = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, info.file_size + 1)
        data = _whole(info, packed)
        if zlib.crc32(data) != info.CRC:
            raise zipfile.BadZipFile("its checksum is another")
        return data

    def inside(self, info: zipfile.ZipInfo, opened: list[Any]) -> "Archive":
        """The zip that a member is; `opened` is given what has to be closed. Raises BadZipFile,
        zlib.error, OSError."""
        if info.compress_type == zipfile.ZIP_STORED:
            return Archive(self._file, self._start + self._data_start(info), info.file_size)
        spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who opened the upload
        opened.append(spool)
        with self._zip.open(info) as stream:
            shutil.copyfileobj(stream, spool, 1 << 20)
        spool.flush()
        return Archive(spool, 0, spool.tell())

    def _packed(self, info: zipfile.ZipInfo) -> bytes:
        guess = _HEAD.size + len(info.filename.encode()) + len(info.extra) + _SPARE
        at = self._start + info.header_offset
        piece = os.pread(self._handle, guess + info.compress_size, at)
        begin = _data_offset(piece)
        missing = begin + info.compress_size - len(piece)
        if missing > 0:
            piece += os.pread(self._handle, missing, at + len(piece))
        return piece[begin : begin + info.compress_size]

    def _data_start(self, info: zipfile.ZipInfo) -> int:
        head = os.pread(self._handle, _HEAD.size, self._start + info.header_offset)
        return info.header_offset + _data_offset(head)


def _data_offset(piece: bytes) -> int:
    """Where a member's data begins, counted from its local header."""
    if len(piece) < _HEAD.size:
        raise zipfile.BadZipFile("cut off")
    signature, name, extra = _HEAD.unpack_from(piece)
    if signature != b"PK\x03\x04":
        raise zipfile.BadZipFile("no member where the list of members says")
    return _HEAD.size + int(name) + int(extra)


def _whole(info: zipfile.ZipInfo, data: bytes) -> bytes:
    if len(data) != info.file_size:
        raise zipfile.BadZipFile(f"expected {info.file_size} bytes, found others")
    return data


class _Window(io.RawIOBase):
    """A range of a file as a file of its own, for the reader of the list of members."""

    def __init__(self, handle: int, start: int, size: int) -> None:
        self._handle, self._start, self._size, self._at = handle, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, self._size)[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        length = max(0, min(len(view), self._size - self._at))
        data = os.pread(self._handle, length, self._start + self._at)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

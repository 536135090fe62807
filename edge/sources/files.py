"""Frames from files: a folder and all below it, or a zip read in place.

The order is the one a person expects (``frame_2`` before ``frame_10``), an index counts pictures
good and bad, and files that are no pictures by their name are left alone and counted. At the top, a
``cast.csv`` gives place, time and depth of the frames (``edge/sources/cast.py``).

Example::

    with open_source(Path("cast_07.zip")) as source:
        for item in source:
            ...
"""

from __future__ import annotations

import os
import shutil
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from edge.frames import BadFrame, Frame
from edge.sources.cast import CAST_NAME, CastError, Moment, read_cast
from models.decode import (
    MAX_BYTES,
    MAX_PIXELS,
    SUFFIXES,
    UnreadableError,
    decode,
    is_picture,
    natural,
)


class SourceError(ValueError):
    """There is nothing to read frames from; the message names the path and what was expected."""


class FileSource(ABC):
    """Frames from named files.

    ``names`` are in natural order, ``ignored`` counts other files, ``label`` names the whole.
    """

    def __init__(self, path: Path, every: list[str], start: int, max_pixels: int) -> None:
        self.path = path
        self.label = path.resolve().stem
        self.names = sorted((name for name in every if is_picture(name)), key=natural)
        self.ignored = len(every) - len(self.names) - (CAST_NAME in every)
        self.start = start
        self._max_pixels = max_pixels
        self._cast = self._read_cast() if CAST_NAME in every else {}

    def __len__(self) -> int:
        """How many frames are still to come from ``start`` on, good and bad."""
        return max(0, len(self.names) - self.start)

    def __iter__(self) -> Iterator[Frame | BadFrame]:
        for index in range(self.start, len(self.names)):
            name = self.names[index]
            try:
                grey = decode(self._read(name), self._max_pixels)
                yield Frame(name, index, grey, **asdict(self._cast.get(name, Moment())))
            except UnreadableError as error:
                yield BadFrame(name, index, str(error), self._path_of(name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - a folder holds nothing open
        """Let go of what is open."""

    def copy_original(self, name: str, target: Path) -> None:
        """Copy a file as it is. Raises UnreadableError if it cannot be read, OSError on writing."""
        size = self.size_of(name)
        if size > MAX_BYTES:
            raise UnreadableError(f"{size} bytes, more than are kept")
        with self._open(name) as original, target.open("wb") as copy:
            shutil.copyfileobj(original, copy)

    @property
    def has_place(self) -> bool:
        """Whether a ``cast.csv`` says where or when any of the frames was taken."""
        return any(self._cast.get(name, Moment()) != Moment() for name in self.names)

    def _read_cast(self) -> Mapping[str, Moment]:
        """Raises SourceError: places that cannot be read are worse than none."""
        try:
            return read_cast(self._read(CAST_NAME))
        except (CastError, UnreadableError) as error:
            raise SourceError(f"{self.path / CAST_NAME}: {error}") from error

    def _read(self, name: str) -> bytes:
        try:
            size = self.size_of(name)
            if size > MAX_BYTES:
                raise UnreadableError(f"{size} bytes, expected at most {MAX_BYTES}")
            with self._open(name) as file:
                data = file.read(MAX_BYTES + 1)
        except UnreadableError:
            raise
        except Exception as error:  # zip members fail in as many ways as there are methods
            what = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UnreadableError(f"cannot be read: {what}") from error
        if len(data) > MAX_BYTES:
            raise UnreadableError(f"more than {MAX_BYTES} bytes")
        return data

    @abstractmethod
    def _open(self, name: str) -> BinaryIO: ...

    @abstractmethod
    def size_of(self, name: str) -> int:
        """Bytes of a file, as the folder or the zip states it; 0 if it has gone."""

    @abstractmethod
    def _path_of(self, name: str) -> Path: ...


class FolderSource(FileSource):
    """The pictures of a folder and of the folders below it; a frame's name is its path there."""

    def __init__(self, path: Path, start: int = 0, max_pixels: int = MAX_PIXELS) -> None:
        """Raises SourceError if there is no such folder."""
        if not path.is_dir():
            raise SourceError(f"{path}: no such folder")
        every = [
            (Path(folder) / name).relative_to(path).as_posix()
            for folder, _, names in os.walk(path)
            for name in names
        ]
        super().__init__(path, every, start, max_pixels)

    def _open(self, name: str) -> BinaryIO:
        path = self._path_of(name)
        if path.exists() and not path.is_file():  # a pipe would keep us waiting for ever
            raise UnreadableError("not a regular file")
        return path.open("rb")

    def size_of(self, name: str) -> int:
        path = self._path_of(name)
        return path.stat().st_size if path.exists() else 0

    def _path_of(self, name: str) -> Path:
        return self.path / name


class PictureSource(FolderSource):
    """A single picture."""

    def __init__(self, path: Path, start: int = 0, max_pixels: int = MAX_PIXELS) -> None:
        FileSource.__init__(self, path.parent, [path.name], start, max_pixels)
        self.label = path.stem


class ZipSource(FileSource):
    """The pictures of a zip, which is not unpacked."""

    def __init__(self, path: Path, start: int = 0, max_pixels: int = MAX_PIXELS) -> None:
        """Raises SourceError if the file is missing or no zip."""
        try:
            self._zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise SourceError(f"{path}: not a zip, or cut short ({error})") from error
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror or error}") from error
        self._members = {i.filename: i for i in self._zip.infolist() if not i.is_dir()}
        super().__init__(path, list(self._members), start, max_pixels)

    def close(self) -> None:
        self._zip.close()

    def _open(self, name: str) -> BinaryIO:
        member = self._zip.open(self._members[name])
        assert isinstance(member, zipfile.ZipExtFile)
        return member  # type: ignore[return-value]  # an IO[bytes], which typeshed tells apart

    def size_of(self, name: str) -> int:
        return self._members[name].file_size

    def _path_of(self, name: str) -> Path:
        return self.path


def open_source(path: Path, start: int = 0, max_pixels: int = MAX_PIXELS) -> FileSource:
    """The source that a path stands for: a folder, a zip, or a single picture.

    Raises SourceError if it is none of these.
    """
    if path.is_dir():
        return FolderSource(path, start, max_pixels)
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder")
    if is_picture(path.name):
        return PictureSource(path, start, max_pixels)
    if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
        return ZipSource(path, start, max_pixels)
    raise SourceError(f"{path}: expected a folder, a zip or a picture ({' '.join(SUFFIXES)})")

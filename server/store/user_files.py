"""Files that a person hands in: a folder for each, filled piece by piece, within bounds.

Invariant: a file has its name only when all of it is on the disk; what breaks off leaves nothing. A
name that a person gives never leads out of their own folder: its parts are plain, and nothing here
is a link. Files that together are longer than the quota are refused while they come in.

Example:
    >>> files = UserFiles(Path("shore/user_files"), file_most=8 << 30, person_most=50 << 30)
    >>> with files.receiving(user_id=3, name="casts/cast1.zip") as draft:
    ...     draft.write(piece)
    >>> files.path(3, "casts/cast1.zip")
    PosixPath('shore/user_files/3/casts/cast1.zip')
"""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.store.packs import sync_folder

DEPTH_MOST = 8
PART_MOST = 200
"""Longest name of a file or folder, bytes: file systems take 255."""
_DRAFTS = ".incoming"
_STALE_S = 24 * 3600
"""A draft of a process that died is swept away after so long."""


class FileNameError(ValueError):
    """The name cannot be one of a file here; the message says what was expected."""


class QuotaError(ValueError):
    """There is no room for the file: the message names the limit."""


@dataclass(frozen=True)
class Entry:
    """What stands in a folder; `size` is 0 for a folder."""

    name: str
    is_folder: bool
    size: int
    modified_ms: int


class Draft:
    """A file on its way in."""

    def __init__(self, handle: int, room: int, limit: str) -> None:
        self._handle = handle
        self._room = room
        self._limit = limit
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Raises QuotaError, OSError."""
        self.size += len(piece)
        if self.size > self._room:
            raise QuotaError(self._limit)
        view = memoryview(piece)
        while view:
            view = view[os.write(self._handle, view) :]


class UserFiles:
    """The folder of all people's. For any thread and process."""

    def __init__(self, folder: Path, file_most: int, person_most: int) -> None:
        self._folder = folder
        self.file_most = file_most
        self.person_most = person_most

    def path(self, user_id: int, name: str) -> Path:
        """Where the file or folder of this name is, or would be. Raises FileNameError."""
        return self._home(user_id).joinpath(*_parts(name))

    def listing(self, user_id: int, under: str = "") -> list[Entry]:
        """What stands in the folder, by name. Raises FileNameError, FileNotFoundError."""
        folder = self._home(user_id) if under in ("", "/") else self.path(user_id, under)
        if not folder.exists() and folder == self._home(user_id):
            return []
        found = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink() or entry.name == _DRAFTS:
                    continue
                told, deep = entry.stat(follow_symlinks=False), entry.is_dir()
                size = 0 if deep else told.st_size
                found.append(Entry(entry.name, deep, size, told.st_mtime_ns // 1_000_000))
        return sorted(found, key=lambda entry: entry.name)

    @contextmanager
    def receiving(self, user_id: int, name: str) -> Iterator[Draft]:
        """A file that has its name when the block ends, in the place of one that had it before;
        nothing is left when the block raises. Raises FileNameError, QuotaError, OSError."""
        target = self.path(user_id, name)
        if target.is_dir():
            raise FileNameError(f"{name}: there is a folder of this name")
        drafts = self._home(user_id) / _DRAFTS
        drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sweep(drafts)
        draft = drafts / secrets.token_hex(8)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            yield Draft(handle, *self._room(user_id))
            os.fsync(handle)
            _make_folder(target.parent, name)
            os.replace(draft, target)
            sync_folder(target.parent)
        finally:
            os.close(handle)
            draft.unlink(missing_ok=True)

    def remove(self, user_id: int, name: str) -> None:
        """Delete a file, or a folder with all in it. Raises FileNameError, FileNotFoundError."""
        target = self.path(user_id, name)
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()

    def move(self, user_id: int, name: str, to: str) -> None:
        """Give a file or folder another name, which nothing has. Raises FileNameError,
        FileNotFoundError, FileExistsError."""
        source, target = self.path(user_id, name), self.path(user_id, to)
        if source == target or source in target.parents:
            raise FileNameError(f"{to[:80]}: lies in {name[:80]} itself")
        if not source.exists():
            raise FileNotFoundError(name)
        if target.exists():
            raise FileExistsError(to)
        _make_folder(target.parent, to)
        os.rename(source, target)
        sync_folder(target.parent)

    def make_folder(self, user_id: int, name: str) -> None:
        """A new folder; one that is there stays as it is. Raises FileNameError."""
        _make_folder(self.path(user_id, name), name)

    def used(self, user_id: int) -> int:
        """Bytes of all the person's files, those on their way in included."""
        return _size(self._home(user_id))

    def _room(self, user_id: int) -> tuple[int, str]:
        """How long a file may be, and the sentence for a longer one."""
        left = self.person_most - self.used(user_id)
        if left < self.file_most:
            return left, f"your files may have {self.person_most} bytes together: remove some"
        return self.file_most, f"a file may have {self.file_most} bytes: hand it in in parts"

    def _home(self, user_id: int) -> Path:
        return self._folder / str(int(user_id))


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part]
    for part in parts:
        plain = part.isprintable() and not part.startswith(".") and "\\" not in part
        if not plain or len(part.encode(errors="replace")) > PART_MOST:
            raise FileNameError(
                f"{name[:80]!r}: expected names of up to {PART_MOST} bytes without a leading dot, "
                "backslash or control character"
            )
    if not 1 <= len(parts) <= DEPTH_MOST:
        raise FileNameError(f"{name[:80]!r}: expected a name with at most {DEPTH_MOST} parts")
    return parts


def _make_folder(folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError) as error:
        raise FileNameError(f"{name}: there is a file where a folder of it would be") from error


def _size(folder: Path) -> int:
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += _size(Path(entry.path))
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # taken away meanwhile, or never there
        return total
    return total


def _sweep(drafts: Path) -> None:
    """Remove what a process that died left: nothing comes so slowly."""
    before_s = time.time() - _STALE_S
    for draft in drafts.iterdir():
        if draft.stat().st_mtime < before_s:
            draft.unlink(missing_ok=True)

"""What lies where in a backup folder, and what a backup says of itself.

    packs/NAME.pack           vignettes, shared by all backups: packs only ever grow
    packs/NAME.pieces         a line for each piece of it that is on the disk, with its SHA-256
    backups/TIME/database     one state of the database
    backups/TIME/files/...    keys, releases, frames and the rest of the data folder
    backups/TIME/manifest     sizes and hashes of all that belongs to it; written last

Invariant: a folder of `backups` that has its `manifest` is a whole backup for ever; one without is
what a backup that was cut short left behind, and the next one clears it away.

Example:
    >>> newest(Path("/mnt/backup")).name
    '2026-11-30T19-44-05Z'
"""

import datetime as dt
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from server.store.packs import sync_folder

FORMAT = 1
PIECE = 1 << 20


class BackupError(Exception):
    """It cannot be backed up or restored; the message says what to do."""


@dataclass(frozen=True)
class FileEntry:
    """`path` is relative to `files`."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class PackEntry:
    """The first `size` bytes of a pack; `sha256` is that of its pieces' hashes in a row."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """`kind` is "sqlite" or "postgresql"; `missing` are sentences on vignettes that the shore
    itself had lost."""

    kind: str
    made: str
    database: FileEntry
    files: tuple[FileEntry, ...]
    packs: tuple[PackEntry, ...]
    missing: tuple[str, ...]
    format: int = FORMAT

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Raises BackupError for one that cannot be read."""
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            if said["format"] != FORMAT:
                raise BackupError(f"{path}: format {said['format']}; this program reads {FORMAT}")
            return cls(
                said["kind"],
                said["made"],
                FileEntry(**said["database"]),
                tuple(FileEntry(**one) for one in said["files"]),
                tuple(PackEntry(**one) for one in said["packs"]),
                tuple(said["missing"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BackupError(f"{path}: not a backup's manifest ({error})") from error

    def write(self, path: Path) -> None:
        """Durably, whole or not at all."""
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with draft.open("w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
        sync_folder(path.parent)


def packs_of(folder: Path) -> Path:
    return folder / "packs"


def backups_of(folder: Path) -> Path:
    return folder / "backups"


def whole(folder: Path) -> list[Path]:
    """The whole backups of a folder, oldest first."""
    there = backups_of(folder)
    found = there.iterdir() if there.is_dir() else iter(())
    return sorted(path for path in found if (path / "manifest").is_file())


def newest(folder: Path) -> Path:
    """Raises BackupError where there is none."""
    found = whole(folder)
    if not found:
        raise BackupError(f"{folder}: no whole backup here; `seadrift backup` makes one")
    return found[-1]


def new_name(folder: Path) -> Path:
    """A backup's folder that sorts behind the others."""
    now = dt.datetime.now(dt.UTC)
    last = max((path.name for path in whole(folder)), default="")
    while (name := now.strftime("%Y-%m-%dT%H-%M-%SZ")) <= last:
        now += dt.timedelta(seconds=1)
    return backups_of(folder) / name


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One backup or restore at a time. Raises BackupError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise BackupError(f"{folder}: another backup or restore is at work there") from error
    finally:
        os.close(handle)


def copy_file(source: Path, target: Path) -> FileEntry:
    """Copy durably, whole or not at all; what it is then, by its own name."""
    digest, size = hashlib.sha256(), 0
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{target.name}.part")
    with source.open("rb") as coming, private(draft) as stream:
        while piece := coming.read(PIECE):
            stream.write(piece)
            digest.update(piece)
            size += len(piece)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(target)
    sync_folder(target.parent)
    return FileEntry(target.name, size, digest.hexdigest())


def private(path: Path) -> BinaryIO:
    """The file, empty, for its owner alone: keys are among what is copied."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

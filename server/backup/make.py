"""Makes a backup of a shore while it runs: the database's state first, then what it names.

Vignettes are flushed before the database commits what points to them and packs only grow, so
whatever a state of the database names is in the packs when they are copied after it. The manifest
is written last: a backup that was cut short is none, the earlier ones are as they were, and a rerun
does not copy vignettes again.

Example:
    >>> made = back_up(settings, shore_packs, Path("/mnt/backup"), print)
    >>> made.vignette_bytes, made.missing
    (400000000, ())
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from server.backup.folder import (
    FileEntry,
    Manifest,
    PackEntry,
    alone,
    backups_of,
    copy_file,
    digest_of,
    new_name,
    packs_of,
    whole,
)
from server.backup.packs import copy_pack
from server.db.snapshot import kind_of, snapshot
from server.settings import Settings
from server.store.packs import PackError, Packs, sync_folder

Say = Callable[[str], None]
_DERIVED = ("packs", "similar")
_DATABASE = ("seadrift.db", "seadrift.db-wal", "seadrift.db-shm", "write.lock", "packs.place")


@dataclass(frozen=True)
class Made:
    folder: Path
    files: int
    packs: int
    vignette_bytes: int
    missing: tuple[str, ...]


def back_up(settings: Settings, packs: Packs, folder: Path, say: Say) -> Made:
    """Raises BackupError, SnapshotError, OSError; an earlier backup stays whatever happens."""
    with alone(folder):
        _clear(folder)
        target = new_name(folder)
        target.mkdir(parents=True, mode=0o700)
        early = _files(settings.data, target / "files", {})  # frames that may go meanwhile
        say("the database")
        with snapshot(settings.database_url, target / "database") as needs:
            entry = _entry(target / "database")
            say(f"vignettes of {len(needs)} packs")
            copied, missing = _packs(packs, needs, packs_of(folder))
        say("files")
        files = _files(settings.data, target / "files", early)
        sync_folder(target)
        manifest = Manifest(
            kind_of(settings.database_url),
            target.name,
            entry,
            tuple(sorted(files.values(), key=lambda one: one.path)),
            tuple(copied),
            tuple(missing),
        )
        manifest.write(target / "manifest")
        sync_folder(backups_of(folder))
    size = sum(one.size for one in copied)
    return Made(target, len(files), len(copied), size, manifest.missing)


def _clear(folder: Path) -> None:
    """Take away what backups that were cut short left."""
    there = backups_of(folder)
    there.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in set(there.iterdir()) - set(whole(folder)):
        shutil.rmtree(path)


def _packs(
    packs: Packs, needs: Mapping[str, int], folder: Path
) -> tuple[list[PackEntry], list[str]]:
    """Copies of the packs that the database names; sentences on those that are not all there."""
    copied, missing, seen = [], [], set()
    for info in packs.listed():
        if info.name not in needs:
            continue
        seen.add(info.name)
        if info.size < needs[info.name]:
            missing.append(f"pack {info.name}: ends at {info.size}, before {needs[info.name]}")
        try:
            copied.append(copy_pack(packs, info, folder))
        except PackError as error:
            missing.append(str(error))
    missing += [f"pack {name}: is not in the store" for name in sorted(needs.keys() - seen)]
    return sorted(copied, key=lambda one: one.name), missing


def _files(data: Path, target: Path, known: Mapping[str, FileEntry]) -> dict[str, FileEntry]:
    """Copies of the data folder's files; what went away meanwhile stays as it was copied."""
    found = dict(known)
    for path in _wanted(data):
        relative = path.relative_to(data).as_posix()
        copy = target / relative
        try:
            then = path.stat()  # what is written from now on makes the copy another's
            if not _same(then, copy):
                found[relative] = replace(copy_file(path, copy), path=relative)
                os.utime(copy, ns=(then.st_atime_ns, then.st_mtime_ns))
        except FileNotFoundError:
            continue
    return found


def _same(then: os.stat_result, copy: Path) -> bool:
    """Whether nothing was written into the file since its copy was made."""
    if not copy.exists():
        return False
    other = copy.stat()
    return (then.st_size, then.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _wanted(data: Path) -> Iterator[Path]:
    """Everything but the database, the packs, what is derived and what is half written."""
    for folder, folders, names in os.walk(data):
        top = Path(folder) == data
        folders[:] = [n for n in folders if not n.startswith(".") and not (top and n in _DERIVED)]
        for name in names:
            path = Path(folder) / name
            if name.startswith(".") or (top and name in _DATABASE) or path.is_symlink():
                continue
            if path.is_file():
                yield path


def _entry(path: Path) -> FileEntry:
    return FileEntry(path.name, path.stat().st_size, digest_of(path))

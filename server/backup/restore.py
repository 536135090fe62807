"""Brings a backup back: into an empty data folder, an empty database and a place for vignettes.

A note in the data folder says that it is being restored; a shore with it is not opened. It goes
when everything is there, so a restore that was cut short is simply run again: what is there and
right stays. Every byte is compared with the hash that the backup has of it.

Example:
    >>> restore(Path("/mnt/backup"), None, Settings(data=Path("shore")), print)
"""

import os
from collections.abc import Iterator
from pathlib import Path

from server.backup.folder import (
    BackupError,
    FileEntry,
    Manifest,
    PackEntry,
    alone,
    backups_of,
    copy_file,
    digest_of,
    newest,
    packs_of,
    private,
)
from server.backup.make import Say
from server.backup.packs import restore_pack
from server.db.snapshot import kind_of, restore_postgresql, sqlite_path, tables
from server.settings import Settings
from server.store.opened import bucket_of, remember
from server.store.packs import sync_folder


def restore(folder: Path, name: str | None, settings: Settings, say: Say) -> Manifest:
    """Restore the backup `name`, or the newest, to where `settings` say. Raises BackupError,
    SnapshotError, OSError, DBAPIError."""
    with alone(folder):
        source = newest(folder) if name is None else backups_of(folder) / name
        manifest = Manifest.read(source / "manifest")
        _check_kind(manifest, settings)
        _begin(settings, source)
        say(f"{len(manifest.files)} files")
        for entry in manifest.files:
            _file(entry, source / "files" / entry.path, settings.data / entry.path)
        say(f"{len(manifest.packs)} packs of vignettes")
        for pack in manifest.packs:
            _pack(pack, packs_of(folder), settings)
        remember(settings)
        say("the database")
        _database(manifest, source / "database", settings)
        settings.restoring.unlink()
        sync_folder(settings.data)
    return manifest


def _check_kind(manifest: Manifest, settings: Settings) -> None:
    wanted = kind_of(settings.database_url)
    if manifest.kind != wanted:
        raise BackupError(
            f"the backup is of {manifest.kind} and cannot be restored into {wanted}: "
            + ("give --database postgresql+psycopg://..." if wanted == "sqlite" else
               "leave --database out")
        )  # fmt: skip


def _begin(settings: Settings, source: Path) -> None:
    """Note what is restored here. Raises BackupError where something else is."""
    note = settings.restoring
    said = str(source.resolve())
    if note.is_file():
        if (found := note.read_text().strip()) != said:
            raise BackupError(
                f"{settings.data}: half of another backup ({found}) is here: go on with that one, "
                "or delete the folder and begin again"
            )
        return
    draft = note.with_name(f".{note.name}")
    if settings.data.exists() and any(path != draft for path in settings.data.iterdir()):
        raise BackupError(f"{settings.data}: is not empty; restore into a new folder")
    _check_empty(settings.database_url)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft.write_text(said)
    draft.replace(note)
    sync_folder(settings.data)


def _check_empty(url: str) -> None:
    """Raises BackupError."""
    if kind_of(url) == "sqlite":
        if sqlite_path(url).exists():
            raise BackupError(f"{sqlite_path(url)}: is there already")
    elif there := tables(url):
        raise BackupError(f"the database has {len(there)} tables already: give an empty one")


def _file(entry: FileEntry, source: Path, target: Path) -> None:
    """Copy one file, unless it is there and right."""
    if target.is_file() and target.stat().st_size == entry.size and _right(target, entry):
        return
    if not source.is_file():
        raise BackupError(f"{source}: is missing from the backup")
    if copy_file(source, target).sha256 != entry.sha256:
        target.unlink()
        raise BackupError(f"{source}: is not what was backed up: the backup's disk has spoilt it")


def _right(path: Path, entry: FileEntry) -> bool:
    return digest_of(path) == entry.sha256


def _pack(entry: PackEntry, folder: Path, settings: Settings) -> None:
    if settings.packs_url:
        data = b"".join(restore_pack(entry, folder))
        bucket_of(settings).put_new(entry.name, data)
        return
    settings.packs.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = settings.packs / entry.name
    if not target.exists():
        _write(target, restore_pack(entry, folder))


def _write(target: Path, pieces: Iterator[bytes]) -> None:
    """Durably, under its name only when it is whole."""
    draft = target.with_name(f".{target.name}.part")
    with private(draft) as stream:
        for piece in pieces:
            stream.write(piece)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(target)
    sync_folder(target.parent)


def _database(manifest: Manifest, source: Path, settings: Settings) -> None:
    """All of it or nothing."""
    if manifest.kind == "sqlite":
        _file(manifest.database, source, sqlite_path(settings.database_url))
    elif not tables(settings.database_url):
        if digest_of(source) != manifest.database.sha256:
            raise BackupError(f"{source}: is not what was backed up")
        restore_postgresql(settings.database_url, source)

"""Vignettes into a backup folder and back, each byte once.

A pack is copied piece by piece; a piece counts when its bytes and then its line in NAME.pieces are
on the disk. What a copy that was cut short left behind the last line is overwritten, so a rerun
goes on where the other ended, and a backup of a grown pack copies only what it grew by.

Example:
    >>> copy_pack(shore.packs, PackInfo("ab12.pack", 4_000_000), Path("/mnt/backup/packs"))
    PackEntry(name='ab12.pack', size=4000000, sha256='...')
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from server.backup.folder import BackupError, PackEntry
from server.store.packs import PackInfo, Packs, sync_folder

PIECE = 64 << 20


@dataclass(frozen=True)
class Piece:
    offset: int
    length: int
    sha256: str


def copy_pack(packs: Packs, info: PackInfo, folder: Path) -> PackEntry:
    """Copy what the folder lacks of the pack. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = folder / f"{info.name}.pieces"
    done = read_pieces(lines)
    at = done[-1].offset + done[-1].length if done else 0
    handle = os.open(folder / info.name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for piece in _gathered(packs.pieces(info.name, at, info.size)):
            _write_at(handle, at, piece)
            done.append(Piece(at, len(piece), hashlib.sha256(piece).hexdigest()))
            _append(lines, done)
            at += len(piece)
    finally:
        os.close(handle)
    sync_folder(folder)
    return PackEntry(info.name, at, _whole(done))


def restore_pack(entry: PackEntry, folder: Path) -> Iterator[bytes]:
    """The pack's bytes as the backup has them, piece by piece, each compared with its hash. Raises
    BackupError."""
    pieces, size = [], 0
    for piece in read_pieces(folder / f"{entry.name}.pieces"):
        if size < entry.size:
            pieces.append(piece)
            size += piece.length
    if size != entry.size or _whole(pieces) != entry.sha256:
        raise BackupError(f"{folder / entry.name}: its list of pieces is not the backup's")
    with (folder / entry.name).open("rb") as stream:
        for piece in pieces:
            data = stream.read(piece.length)
            if hashlib.sha256(data).hexdigest() != piece.sha256:
                raise BackupError(
                    f"{folder / entry.name}: bytes {piece.offset} to "
                    f"{piece.offset + piece.length} are not those that were backed up: the "
                    "backup's disk has spoilt them"
                )
            yield data


def read_pieces(lines: Path) -> list[Piece]:
    """The pieces that are whole; a torn last line is no piece."""
    found: list[Piece] = []
    for line in lines.read_text(encoding="utf-8").splitlines() if lines.exists() else ():
        try:
            found.append(Piece(**json.loads(line)))
        except (ValueError, TypeError):
            break
    return found


def _append(lines: Path, done: list[Piece]) -> None:
    """Write the list with its new last line, whole or as it was."""
    draft = lines.with_name(f".{lines.name}")
    with draft.open("w", encoding="utf-8") as stream:
        for piece in done:
            stream.write(json.dumps(piece.__dict__) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(lines)


def _gathered(coming: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces of PIECE bytes, the last one shorter."""
    held, size = [], 0
    for data in coming:
        held.append(data)
        size += len(data)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _write_at(handle: int, at: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(handle, view, at)
        view, at = view[done:], at + done
    os.fdatasync(handle)


def _whole(pieces: list[Piece]) -> str:
    return hashlib.sha256("".join(piece.sha256 for piece in pieces).encode()).hexdigest()

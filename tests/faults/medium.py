"""A medium that loses its power: what a recording leaves on it.

The rules, after what disks and journalling file systems promise and no more: data is durable once
its file was synced, a name once its folder was; of data that was not, each sector of 512 bytes is
there or not, at random; of names that were not, those up to some moment are. A medium that lies
calls every sync done, and holds the last writes back all the same.

Example:
    >>> medium = Medium(recording.notes)
    >>> medium.advance(140)
    >>> medium.cut(random.Random(1))["outbox/outbox.sqlite"][:15]
    b'SQLite format 3'
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.recording import Note

SECTOR = 512
HELD_BACK = 48
"""Writes that a lying medium has in its cache at most."""


@dataclass
class File:
    """What is durable, and what floats above it, oldest first."""

    data: bytearray = field(default_factory=bytearray)
    floating: deque[Note] = field(default_factory=deque)

    def settle(self, most: int | None = None) -> None:
        """What floats is durable now; or the `most` oldest changes of it."""
        for _ in range(len(self.floating) if most is None else most):
            apply(self.data, self.floating.popleft())

    def torn(self, chance: random.Random, survival: float) -> bytes:
        found = bytearray(self.data)
        for note in self.floating:
            if note.what == "truncate":
                if chance.random() < survival:
                    apply(found, note)
                continue
            for start in range(0, len(note.data), SECTOR):
                if chance.random() < survival:
                    piece = note.data[start : start + SECTOR]
                    apply(found, Note("write", place=note.place + start, data=piece))
        return bytes(found)


def apply(data: bytearray, note: Note) -> None:
    """One write or truncation."""
    end = note.place + len(note.data)
    if note.what == "truncate":
        end = note.place
        del data[end:]
    data.extend(bytes(max(0, end - len(data))))
    data[note.place : note.place + len(note.data)] = note.data


Names = dict[str, File | None]
"""Every path and its file; a folder has None."""


class Medium:
    """The notes so far, in the page cache and on the medium."""

    def __init__(self, notes: Sequence[Note], *, honest: bool = True) -> None:
        self._notes = notes
        self._honest = honest
        self._held_back: deque[File] = deque()
        self._at = 0
        self._now: Names = {}
        self._durable: Names = {}
        self._renamings: list[Note] = []
        self._files: dict[int, File] = {}

    def advance(self, to: int) -> None:
        """Replay up to the note number `to`."""
        while self._at < to:
            self._take(self._at, self._notes[self._at])
            self._at += 1

    def _take(self, number: int, note: Note) -> None:
        if note.what in ("write", "truncate"):
            file = self._now[note.path]
            assert file is not None
            file.floating.append(note)
            if not self._honest:
                self._hold_back(file)
        elif note.what == "sync":
            file = self._now[note.path]
            if file is not None and self._honest:
                file.settle()
        elif note.what == "settle":
            self._settle(note.path)
        else:
            if note.what == "create":
                self._files[number] = File()
                note = Note("create", note.path, place=number)
            self._name(self._now, note)
            self._renamings.append(note)

    def _hold_back(self, file: File) -> None:
        """A lying medium's cache: what is pushed out of it is durable."""
        self._held_back.append(file)
        if len(self._held_back) > HELD_BACK:
            self._held_back.popleft().settle(1)

    def _name(self, names: Names, note: Note) -> None:
        """Apply a change of names."""
        if note.what == "create":
            names[note.path] = self._files[note.place]
        elif note.what == "mkdir":
            names[note.path] = None
        elif note.what == "unlink":
            names.pop(note.path, None)
        elif note.path in names:
            file = names[note.path] if note.what == "link" else names.pop(note.path)
            names[note.other] = file

    def _settle(self, folder: str) -> None:
        """The folder was synced: the changes of its names are durable, and those before them."""
        last = [i for i, note in enumerate(self._renamings) if folder in _folders(note)]
        for note in self._renamings[: last[-1] + 1 if last else 0]:
            self._name(self._durable, note)
        del self._renamings[: last[-1] + 1 if last else 0]

    def cut(self, chance: random.Random) -> dict[str, bytes | None]:
        """What is on the medium when the power comes back: files, and None for folders."""
        names = dict(self._durable)
        for note in self._renamings[: chance.randint(0, len(self._renamings))]:
            self._name(names, note)
        survival = chance.choice((0.0, 0.5, 0.5, 0.9, 1.0))
        return {
            path: None if file is None else file.torn(chance, survival)
            for path, file in names.items()
        }

    def killed(self) -> dict[str, bytes | None]:
        """The same after a SIGKILL: the system goes on, and nothing that was written is lost."""
        return {
            path: None if file is None else file.torn(random.Random(0), 1.0)
            for path, file in self._now.items()
        }


def _folders(note: Note) -> set[str]:
    return {path.rpartition("/")[0] for path in (note.path, note.other) if path}


def lay_out(files: dict[str, bytes | None], folder: Path) -> Path:
    """Write what a cut left into `folder`; SQLite's shared memory does not survive one."""
    folder.mkdir(parents=True)
    for path, data in sorted(files.items()):
        if path and not path.endswith("-shm") and data is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        elif path and data is None:
            (folder / path).mkdir(parents=True, exist_ok=True)
    return folder

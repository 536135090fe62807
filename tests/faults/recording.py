"""What a real, unmodified process does to its files, system call by system call, as strace saw it.

Every change under one folder becomes a `Note`: bytes written, a length cut, a sync, a name given or
taken away. What the process writes to its standard output becomes a note too: there a driver says
what it has promised, at the moment when it promised it. `tests.faults.medium` replays notes up to
a power cut.

Example:
    >>> recorded = record([sys.executable, "driver.py", "life"], Path("life"))
    >>> [note.what for note in recorded.notes][:4]
    ['mkdir', 'create', 'write', 'sync']
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "openat,write,pwrite64,lseek,ftruncate,fallocate,fsync,fdatasync,"
    "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat"
)
LINE = re.compile(r"^(\d+) +(.*)$")
UNFINISHED, RESUMED = re.compile(r" <unfinished \.\.\.>$"), re.compile(r"^<\.\.\. \w+ resumed>")
CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
HANDLE = re.compile(r"^(\d+)<((?:\\x[0-9a-f]{2})*)>")


@dataclass(frozen=True)
class Note:
    """`what` is create, write, truncate, sync (a file), settle (a folder), rename, unlink, link,
    mkdir or say. `path` is relative to the folder; `other` is the second path of a rename."""

    what: str
    path: str = ""
    place: int = 0
    data: bytes = b""
    other: str = ""


@dataclass(frozen=True)
class Recording:
    notes: list[Note]
    said: list[tuple[int, str]]
    """Lines of standard output, each with the number of notes before it."""


def can_record() -> bool:
    return shutil.which("strace") is not None


def record(argv: Sequence[str], folder: Path, env: dict[str, str] | None = None) -> Recording:
    """Run the command to its end. Raises CalledProcessError when it fails."""
    log = folder.parent / f"{folder.name}.strace"
    options = ["-f", "--seccomp-bpf", "-qq", "-xx", "-y", "-s", "16777216", "-e", f"trace={CALLS}"]
    subprocess.run(
        ["strace", *options, "-e", "status=successful", "-o", str(log), *argv],
        check=True,
        stdout=subprocess.DEVNULL,
        env=env,
    )
    with log.open() as lines:
        found = _collect(_whole(lines), str(folder.resolve()))
    log.unlink()
    return found


def _whole(lines: Iterator[str]) -> Iterator[str]:
    """Calls without thread ids; those that another thread interrupted are put together again."""
    begun: dict[str, str] = {}
    for line in lines:
        match = LINE.match(line.rstrip("\n"))
        if match is None:
            continue
        thread, text = match.groups()
        if UNFINISHED.search(text):
            begun[thread] = UNFINISHED.sub("", text)
        elif RESUMED.match(text):
            yield begun.pop(thread, "") + RESUMED.sub("", text)
        else:
            yield text


def _collect(calls: Iterator[str], root: str) -> Recording:
    reader, notes, said = Reader(root), [], []
    for text in calls:
        match = CALL.match(text)
        if match is None:
            continue
        for note in reader.read(match[1], match[2], int(match[3])):
            if note.what == "say":
                lines = note.data.decode().splitlines()
                said += [(len(notes), line) for line in lines]
            else:
                notes.append(note)
    return Recording(notes, said)


class Reader:
    """Keeps what a call does not say: which files exist, and where each handle stands."""

    def __init__(self, root: str) -> None:
        self._root = root + "/"
        self._known: set[str] = set()
        self._place: dict[int, int] = {}
        self._size: dict[str, int] = {}
        self._append: set[int] = set()

    def read(self, call: str, text: str, result: int) -> Iterator[Note]:
        """The notes of one call."""
        if call == "openat":
            yield from self._open(text, result)
        elif call in ("write", "pwrite64", "lseek", "ftruncate", "fallocate", "fsync", "fdatasync"):
            yield from self._on_handle(call, text, result)
        else:
            yield from self._on_names(call, text)

    def _open(self, text: str, handle: int) -> Iterator[Note]:
        path = self._inside(_text(STRING.findall(text)[0]))
        self._place[handle] = 0
        self._append.discard(handle)
        if path is None:
            return
        if "O_APPEND" in text:
            self._append.add(handle)
        if "O_CREAT" in text and path not in self._known:
            self._known.add(path)
            self._size[path] = 0
            yield Note("create", path)
        elif "O_TRUNC" in text:
            self._size[path] = 0
            yield Note("truncate", path)

    def _on_handle(self, call: str, text: str, result: int) -> Iterator[Note]:
        match = HANDLE.match(text)
        if match is None:
            return
        handle, path = int(match[1]), self._inside(_text(match[2]))
        if call == "lseek":
            self._place[handle] = result
        elif handle == 1 and call == "write" and path is None:
            yield Note("say", data=_bytes(STRING.findall(text)[0]))
        elif path is None:
            return
        elif call in ("write", "pwrite64"):
            data = _bytes(STRING.findall(text)[0])[:result]
            yield Note("write", path, self._where(call, handle, path, text, len(data)), data)
        elif call == "ftruncate":
            self._size[path] = int(text.rsplit(",", 1)[1])
            yield Note("truncate", path, self._size[path])
        elif call in ("fsync", "fdatasync"):
            yield Note("sync" if path in self._known else "settle", path)

    def _where(self, call: str, handle: int, path: str, text: str, length: int) -> int:
        if call == "pwrite64":
            place = int(text.rsplit(",", 1)[1])
        else:
            standing = self._place.get(handle, 0)
            place = self._size.get(path, 0) if handle in self._append else standing
            self._place[handle] = place + length
        self._size[path] = max(self._size.get(path, 0), place + length)
        return place

    def _on_names(self, call: str, text: str) -> Iterator[Note]:
        paths = [self._inside(_text(found)) for found in STRING.findall(text)]
        if not paths or paths[0] is None:
            return
        first, second = paths[0], paths[1] if len(paths) > 1 else None
        if call.startswith("mkdir"):
            yield Note("mkdir", first)
        elif call.startswith("unlink"):
            self._known.discard(first)
            yield Note("unlink", first)
        elif second is not None:
            self._known.add(second)
            self._size[second] = self._size.get(first, 0)
            if call.startswith("rename"):
                self._known.discard(first)
            yield Note("rename" if call.startswith("rename") else "link", first, other=second)

    def _inside(self, path: str) -> str | None:
        path = path.removesuffix(" (deleted)")
        if path + "/" == self._root:
            return ""
        return path.removeprefix(self._root) if path.startswith(self._root) else None


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _text(text: str) -> str:
    return _bytes(text).decode()

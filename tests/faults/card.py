"""A card of our own: a small ext4 in a file, which can lose its power, be taken out, fill up or be
locked, as the real ones do. Needs root.

Cutting tells the file system to stop where it is, cache and open journal thrown away, as if the
power had gone (FS_IOC_SHUTDOWN): from then on everything answers "Input/output error".

Example:
    >>> with Card(tmp_path, megabytes=64) as card:
    ...     card.cut()
    ...     card.put_back()
"""

import fcntl
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path
from types import TracebackType

SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


def can_mount(folder: Path) -> bool:
    """Whether this machine lets us have such a card."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        return False
    try:
        with Card(folder / "trial", megabytes=8) as card:
            card.cut()
        return True
    except (subprocess.CalledProcessError, OSError):
        return False


class Card:
    """Mounted at `at` while it is in."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.at = folder / "card"
        self.at.mkdir()
        self._image = folder / "card.img"
        with self._image.open("wb") as file:
            file.truncate(megabytes << 20)
        _do("mkfs.ext4", "-q", "-F", "-m", "0", "-e", "remount-ro", str(self._image))
        self._mount()

    def _mount(self) -> None:
        """A copy, on a device of its own: who still holds the old one holds a dead file system."""
        fresh = self._image.with_suffix(f".{time.monotonic_ns()}")
        _do("cp", "--sparse=always", str(self._image), str(fresh))
        self._image.unlink()
        self._image = fresh
        device = _do("losetup", "--find", "--show", str(fresh)).strip()
        _do("blockdev", "--setrw", device)  # a lock outlives the card that had the device
        _do("mount", "-o", "noatime", device, str(self.at))
        _do("losetup", "--detach", device)  # once nobody has a file of it open

    def cut(self) -> None:
        """The power goes."""
        handle = os.open(self.at, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(handle)

    def lock(self) -> None:
        """The file system meets an error and becomes read-only, as it does on a worn-out card."""
        _do("mount", "-o", "remount,abort", str(self.at))

    def take_out(self) -> None:
        """Away from where it was, whoever still has files of it open."""
        _do("umount", "--lazy", str(self.at))

    def put_back(self) -> None:
        """In again, with power; what the journal has is replayed."""
        if os.path.ismount(self.at):
            self.take_out()
        self._mount()

    def __enter__(self) -> "Card":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if os.path.ismount(self.at):
            self.take_out()


def _do(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

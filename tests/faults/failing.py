"""Making the n-th system call of a real, unmodified process fail, or be its last.

Example:
    >>> subprocess.run(injecting(agent(config), "pwrite64", "error=ENOSPC", "7+40"))
"""

from collections.abc import Sequence
from pathlib import Path

import apsw

WRITES = "pwrite64,ftruncate,fallocate,fsync,fdatasync"
"""All but plain writes, which are log lines too; a file written so is synced at once."""
STEPS = f"{WRITES},write,rename,unlink,sendto"
"""Every call by which a commit or an answer comes nearer."""


def injecting(
    argv: Sequence[str], calls: str, what: str, when: str, log: Path = Path("/dev/null")
) -> list[str]:
    """The command under strace. `what` is "error=ENOSPC" or "signal=KILL"; `when` is "n" (once),
    "n+" (from then on) or "n+k" (every k-th from there)."""
    strace = ["strace", "-f", "-qq", "-e", f"trace={calls}"]
    return [*strace, "-e", f"inject={calls}:{what}:when={when}", "-o", str(log), *argv]


class FullVfs(apsw.VFS):
    """SQLite's file layer on a disk that is full between the writes `full_from` and `full_to`."""

    def __init__(self, name: str) -> None:
        self.writes = 0
        self.full_from = self.full_to = 0
        super().__init__(name, "", maxpathname=512)

    def full(self, first: int, count: int) -> None:
        """From the next but `first` write on, `count` writes fail."""
        self.full_from = self.writes + first
        self.full_to = self.full_from + count

    def write(self) -> None:
        """Raises FullError while the disk is full."""
        self.writes += 1
        if self.full_from <= self.writes - 1 < self.full_to:
            raise apsw.FullError("injected: no space left on device")

    def xOpen(self, name: object, flags: list[int]) -> "FullFile":  # noqa: N802 - SQLite's name
        return FullFile(self, name, flags)


class FullFile(apsw.VFSFile):
    def __init__(self, vfs: FullVfs, name: object, flags: list[int]) -> None:
        self._vfs = vfs
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._vfs.write()
        super().xWrite(data, offset)

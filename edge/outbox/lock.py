"""One process at a time in an outbox's folder.

Example:
    >>> lock = take_lock(Path("data/outbox"))
    >>> release_lock(lock)
"""

import fcntl
import os
import time
from pathlib import Path

from edge.outbox.database import OutboxBusyError

LOCK = "lock"


def take_lock(folder: Path, patience_s: float = 0.0) -> int:
    """An exclusive lock on the folder until the process ends. Raises OutboxBusyError after
    `patience_s`, in which a `status` that looks at the folder is done with it."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline_s = time.monotonic() + patience_s
    while not _locked(handle):
        if time.monotonic() < deadline_s:
            time.sleep(0.05)
            continue
        owner = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        raise OutboxBusyError(
            f"{folder}: another agent (process {owner}) uses this data folder; stop it, or give"
            " this one its own [device] data"
        )
    os.truncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def release_lock(handle: int) -> None:
    os.close(handle)

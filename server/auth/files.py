"""Secrets as files: made once, whoever is first, readable by their owner alone, flushed to disk.

Example:
    >>> made_once(Path("shore/keys/release.key"), new_key)
"""

import os
from collections.abc import Callable
from pathlib import Path

from server.store.packs import sync_folder


def made_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """What is in `path`, made at the first call. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(make())
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)  # fails if another process was first: then its secret is it
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        sync_folder(path.parent)
    return path.read_bytes()

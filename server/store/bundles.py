"""Release bundles as files named by their id, written once and never changed.

Example:
    >>> save(Path("shore/releases"), release_id, data)
    'ab12...cd.seadrift'
"""

import os
import re
from pathlib import Path

from server.store.packs import sync_folder

_ID = re.compile(r"[0-9a-f]{64}")


def save(folder: Path, release_id: str, data: bytes) -> str:
    """Write the bundle durably unless it is there; its file name. Raises ValueError for a wrong
    id."""
    if not _ID.fullmatch(release_id):
        raise ValueError(f"release id: expected 64 hex digits, got {release_id[:80]!r}")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{release_id}.seadrift"
    target = folder / name
    if target.is_file() and target.stat().st_size == len(data):
        return name
    draft = folder / f".{name}.{os.getpid()}"
    with draft.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(target)
    sync_folder(folder)
    return name


def load(folder: Path, name: str) -> bytes:
    """The bundle's bytes. Raises OSError."""
    return (folder / Path(name).name).read_bytes()

"""What the agent says of itself, in one small file that others may read while it works.

The agent replaces `status.json` whole, at most once a second; nobody else opens its database while
it runs. The file is for people and scripts, not for recovery: nothing is read back from it.

Example:
    >>> read(Path("data"))["frames_done"]
    1240
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "status.json"


@dataclass(frozen=True)
class Status:
    """Times are UTC milliseconds by the machine's own clock, for comparing ages only.

    `frames_done` counts frames from the first one on, over all runs, good and bad."""

    name: str
    state: str
    frames_done: int
    frames: int
    objects: int
    bad_frames: int
    pending: int
    pending_bytes: int
    pending_by_kind: dict[str, int]
    dead: int
    given_up: int
    oldest_pending_ms: int | None
    epoch: int
    device_id: str | None
    wiped: bool
    shore: str
    link: str
    link_error: str
    last_ack_ms: int | None
    carriers: list[dict[str, Any]]
    blobs: int
    release: str | None
    runtime: str | None
    active_slot: str
    slots: dict[str, str]
    deployment: dict[str, Any]
    ms_per_frame: float | None
    board: str
    energy: dict[str, Any]
    disk_free_mb: float
    written_ms: int
    pid: int = field(default_factory=os.getpid)

    def write(self, folder: Path) -> None:
        """Replaces the file; not synced to disk, since it is out of date at once."""
        temporary = folder / f".{FILE}.tmp"
        temporary.write_text(json.dumps(asdict(self), indent=1))
        os.replace(temporary, folder / FILE)


def read(folder: Path) -> dict[str, Any] | None:
    """The last status that an agent wrote in its data folder, or None."""
    try:
        data = json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None

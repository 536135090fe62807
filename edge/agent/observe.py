"""An instrument seen from outside: the running agent's own report, or what its files say.

The outbox is opened only when no agent holds its lock, and the lock is held meanwhile: SQLite's
write-ahead log is safe with one process at a time here.

Example:
    >>> observe(load(Path("instrument.toml")))["pending"]
    0
"""

import json
from typing import Any

from edge.agent import status
from edge.config import Config
from edge.outbox.database import FILE, Database, OutboxBusyError
from edge.outbox.lock import release_lock, take_lock
from edge.outbox.outbox import GIVEN_UP


def observe(config: Config) -> dict[str, Any] | None:
    """The status with `running`, or None when this instrument has never run.

    Raises OutboxError when its outbox cannot be read."""
    found = status.read(config.data)
    folder = config.data / "outbox"
    if found is None or not (folder / FILE).exists():
        return None
    try:
        lock = take_lock(folder)
    except OutboxBusyError:
        return {**found, "running": True}
    try:
        return {**found, **_counts(config), "running": False}
    finally:
        release_lock(lock)


def _counts(config: Config) -> dict[str, Any]:
    """What a killed agent could not write any more, from the outbox."""
    database = Database.open(config.data / "outbox", config.outbox.max_mb, config.outbox.reserve_mb)
    try:
        rows = list(database.execute("SELECT kind, COUNT(*), SUM(size) FROM record GROUP BY kind"))
        return {
            "frames_done": int(database.fact("cursor") or 0),
            "pending": sum(count for _, count, _ in rows),
            "pending_bytes": sum(size for _, _, size in rows),
            "pending_by_kind": {kind: count for kind, count, _ in rows},
            "given_up": int(database.fact(GIVEN_UP) or 0),
            "dead": int(database.value("SELECT COUNT(*) FROM dead")),
            **json.loads(database.fact("counters") or "{}"),
        }
    finally:
        database.close()

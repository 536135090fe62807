"""The rows of waiting records: put in, taken out, moved to the dead, and what an attempt did.

Every function runs inside the caller's transaction.

Example:
    >>> store(database.connection, records, blobs)
    >>> delete(database, epoch=7, low=1, high=20)
    20
"""

from collections.abc import Iterable, Sequence
from typing import Any

from edge.outbox.database import Database
from wire.ack import Rejection
from wire.records import Record

ROW_BYTES = 180
"""What a row costs beside its bytes: three indices, a header and partly filled pages, measured."""
DELETE_ROWS = 256
"""Rows deleted in one transaction, which a full disk must have room for in SQLite's log."""
SURE = 0.9
"""The score from which on an object's vignette teaches least: it is given up first."""


def store(
    connection: Any, records: Sequence[Record], blobs: Sequence[bytes], priority: int = 5
) -> int:
    """Add records with their bytes, at `priority` where that is more urgent than their own;
    returns how many were not there yet. `connection` is SQLite's."""
    before = int(connection.total_changes())
    sure = {r.seq for r in records if r.kind == "object" and (r.body.get("score") or 0) >= SURE}
    for record, blob in zip(records, blobs, strict=True):
        about = record.body.get("object_seq") if record.kind == "vignette" else None
        connection.execute(
            "INSERT OR IGNORE INTO record"
            " (epoch, seq, priority, kind, about, sure, made_ms, size, bytes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.epoch,
                record.seq,
                min(priority, record.priority),
                record.kind,
                about,
                about in sure,
                record.utc_ms,
                len(blob),
                blob,
            ),
        )
    return int(connection.total_changes()) - before


def delete(database: Database, epoch: int, low: int, high: int) -> int:
    """Delete some of the records from `low` to `high`; how many, 0 when none is left."""
    database.execute(
        "DELETE FROM record WHERE id IN (SELECT id FROM record WHERE epoch = ?"
        " AND seq BETWEEN ? AND ? LIMIT ?)",
        (epoch, low, high, DELETE_ROWS),
    )
    return int(database.connection.changes())


def bury(database: Database, epoch: int, rejection: Rejection) -> int:
    """Move a record to the dead; whether it was there."""
    database.execute(
        "INSERT OR IGNORE INTO dead SELECT epoch, seq, kind, ?, ?, bytes FROM record"
        " WHERE epoch = ? AND seq = ?",
        (rejection.code, rejection.detail[:500], epoch, rejection.seq),
    )
    database.execute("DELETE FROM record WHERE epoch = ? AND seq = ?", (epoch, rejection.seq))
    return int(database.connection.changes())


def blame(database: Database, epoch: int, seq: int) -> int:
    """Count a failed attempt; how many there were, 0 when the record is gone."""
    return int(
        database.value(
            "UPDATE record SET failures = failures + 1 WHERE epoch = ? AND seq = ?"
            " RETURNING failures",
            (epoch, seq),
        )
        or 0
    )


def mark_sent(database: Database, epoch: int, seqs: Iterable[int]) -> None:
    """Count that they went without an answer yet."""
    for seq in seqs:
        database.execute(
            "UPDATE record SET sent = sent + 1 WHERE epoch = ? AND seq = ?", (epoch, seq)
        )

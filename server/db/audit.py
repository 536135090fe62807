"""The audit log: who did what, on what, from where, and whether it was let through.

Invariant: an entry is written in the transaction of what it tells of, so that neither exists
without the other; a refusal has a transaction of its own.

Example:
    >>> add(connection, Entry("ann@sea.org", "10.0.0.7", "revoke", "d7b1c2"), now_ms=now)
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from server.db.tables import AuditEntry

_LENGTHS = {"who": 250, "address": 64, "action": 40, "target": 250, "detail": 1000}


@dataclass(frozen=True)
class Entry:
    """`outcome` is "done" or "refused"."""

    who: str
    address: str
    action: str
    target: str = ""
    outcome: str = "done"
    detail: str = ""


def add(connection: Connection, entry: Entry, now_ms: int) -> None:
    """Append; what a stranger wrote is cut and freed from control characters."""
    row: dict[str, Any] = {"at_ms": now_ms, "outcome": entry.outcome}
    for name, most in _LENGTHS.items():
        row[name] = _plain(getattr(entry, name))[:most]
    connection.execute(insert(AuditEntry).values(row))


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def page(
    connection: Connection,
    *,
    before: int | None = None,
    action: str | None = None,
    who: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Entries, newest first; `before` is the id where the page before ended."""
    query = select(AuditEntry.__table__).order_by(AuditEntry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if action is not None:
        query = query.where(AuditEntry.action == action)
    if who is not None:
        query = query.where(AuditEntry.who == who)
    return [dict(row._mapping) for row in connection.execute(query)]

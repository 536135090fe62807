"""The audit log: who did what, on what, from where, and whether it was let through.

Invariant: an entry is written in the transaction of what it tells of, so that neither exists
without the other; a refusal has a transaction of its own.

Example:
    >>> note(connection, "ann@sea.org", "device.revoke", "d12ab", "stolen", now_ms=now)
"""

from typing import Any

from sqlalchemy import Connection, insert, select

from server.db.tables import AuditEntry

_LENGTHS = {"who": 250, "address": 64, "action": 60, "subject": 250, "detail": 1000}


def note(
    connection: Connection,
    who: str,
    action: str,
    subject: str,
    detail: str,
    now_ms: int,
    *,
    address: str = "",
    outcome: str = "done",
) -> None:
    """Append one act; the log has it if and only if the act is committed. What a stranger wrote is
    cut and freed from control characters. `outcome`: "done" or "refused"."""
    said = {"who": who, "address": address, "action": action, "subject": subject, "detail": detail}
    row: dict[str, Any] = {name: _plain(text)[: _LENGTHS[name]] for name, text in said.items()}
    connection.execute(insert(AuditEntry).values(at_ms=now_ms, outcome=outcome, **row))


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

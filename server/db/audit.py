"""The audit log: who did what, in the transaction that did it.

Example:
    >>> note(connection, "ann@sea.org", "device.revoke", "d12ab", "stolen", now_ms=now)
"""

from sqlalchemy import Connection, insert

from server.db.tables import AuditEntry


def note(
    connection: Connection, who: str, action: str, subject: str, detail: str, now_ms: int
) -> None:
    """Append one act; the log has it if and only if the act is committed."""
    row = {"at_ms": now_ms, "who": who, "action": action, "subject": subject, "detail": detail}
    connection.execute(insert(AuditEntry).values(row))

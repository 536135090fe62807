"""Who decides about an entry: a person through the API, or one at the command line.

Example:
    >>> Actor("ann@sea.org", "10.0.0.7").note(connection, "discard", 3, "a test", now_ms=now)
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from server.db import audit


@dataclass(frozen=True)
class Actor:
    who: str
    address: str

    def note(
        self, connection: Connection, act: str, entry_id: int, detail: str, now_ms: int
    ) -> None:
        """Enter the act into the audit log, in the transaction that does it."""
        action, subject = f"quarantine.{act}", f"entry {entry_id}"
        audit.note(connection, self.who, action, subject, detail, now_ms, address=self.address)

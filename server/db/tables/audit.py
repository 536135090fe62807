"""Who did what: a table that only grows. The database itself refuses to change or delete a row.

Example:
    >>> select(AuditEntry).order_by(AuditEntry.id.desc()).limit(20)
"""

from typing import Any

from sqlalchemy import DDL, String, event
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Id, Millis, Name


class AuditEntry(Base):
    """`who` is a person's address, a device's id, "command line" or "stranger"; `outcome` is "done"
    or "refused"; `detail` never holds a secret."""

    __tablename__ = "audit"

    id: Mapped[Id]
    at_ms: Mapped[Millis] = mapped_column(index=True)
    who: Mapped[Name]
    address: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(60), index=True)
    subject: Mapped[Name]
    outcome: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(String(1000))


_SQLITE = """
CREATE TRIGGER audit_keeps_{verb} BEFORE {verb} ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END
"""
_POSTGRES = "CREATE RULE audit_keeps_{verb} AS ON {verb} TO audit DO INSTEAD NOTHING"

for _verb in ("UPDATE", "DELETE"):
    for _dialect, _text in (("sqlite", _SQLITE), ("postgresql", _POSTGRES)):
        _ddl: Any = DDL(_text.format(verb=_verb))  # type: ignore[no-untyped-call]
        _ddl = _ddl.execute_if(dialect=_dialect)
        event.listen(AuditEntry.__table__, "after_create", _ddl)

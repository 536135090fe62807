"""Who did what that others may have to account for."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Id, Millis, Name


class AuditEntry(Base):
    """One act of a person; append-only."""

    __tablename__ = "audit"

    id: Mapped[Id]
    at_ms: Mapped[Millis]
    who: Mapped[Name]
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[Name]
    detail: Mapped[str]

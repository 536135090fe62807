"""Personal tokens: a person's keys for scripts."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Hash, Id, MaybeMillis, Millis, Name


class PersonalToken(Base):
    """Kept as its SHA-256. It may do what its `role` may, and never more than its owner may now."""

    __tablename__ = "personal_tokens"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[Hash] = mapped_column(unique=True)
    name: Mapped[Name]
    role: Mapped[str] = mapped_column(String(16))
    created_ms: Mapped[Millis]
    expires_ms: Mapped[Millis]
    used_ms: Mapped[MaybeMillis]
    revoked_ms: Mapped[MaybeMillis]

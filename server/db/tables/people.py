"""Who works here: users, their sessions, projects."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Hash, Id, MaybeMillis, Millis, Name


class User(Base):
    """`role` is one of `server.auth.roles.ROLES`; `password_hash` is argon2id."""

    __tablename__ = "users"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(250), unique=True)
    name: Mapped[Name]
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(250))
    active: Mapped[bool]
    created_ms: Mapped[Millis]


class Session(Base):
    """A login; the token itself is known to its owner alone, the table keeps its SHA-256. It ends
    at `expires_ms`, or when it was not used for long after `seen_ms`. Rows stay a while after the
    end: an address from which a person logged in before is not a stranger's."""

    __tablename__ = "sessions"

    token_hash: Mapped[Hash] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    address: Mapped[str] = mapped_column(String(64))
    created_ms: Mapped[Millis]
    seen_ms: Mapped[Millis]
    expires_ms: Mapped[Millis]
    ended_ms: Mapped[MaybeMillis]


class Project(Base):
    __tablename__ = "projects"

    id: Mapped[Id]
    title: Mapped[str] = mapped_column(String(250), unique=True)
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_ms: Mapped[Millis]

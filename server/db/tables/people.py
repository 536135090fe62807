"""Who works here: users, their sessions, projects, and who may what in which."""

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
    organisation: Mapped[Name] = mapped_column(server_default="")
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
    """`access`: "open" to everybody who works here as far as their role goes, "private" to its
    members, "public" to strangers' eyes too. `settings` is JSON by EcoTaxa's names (comments,
    status, formulae, ...): what is kept as it was given."""

    __tablename__ = "projects"

    id: Mapped[Id]
    title: Mapped[str] = mapped_column(String(250), unique=True)
    access: Mapped[str] = mapped_column(String(8), server_default="open")
    licence: Mapped[str] = mapped_column(String(32), server_default="")
    instrument: Mapped[str] = mapped_column(String(32), server_default="")
    description: Mapped[str] = mapped_column(server_default="")
    settings: Mapped[str] = mapped_column(server_default="{}")
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_ms: Mapped[Millis]


class Member(Base):
    """What a person may in a project: `may` is "view", "annotate" or "manage"."""

    __tablename__ = "members"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    may: Mapped[str] = mapped_column(String(8))
    added_ms: Mapped[Millis]

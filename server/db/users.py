"""Users and their sessions.

Example:
    >>> user_id = add(connection, email="ann@sea.org", name="Ann", role="annotator",
    ...               password_hash=hashed, now_ms=now)
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.db.tables import Session, User


@dataclass(frozen=True)
class UserInfo:
    """A user as the rest of the shore knows one: never with the password's hash."""

    id: int
    email: str
    name: str
    role: str


class EmailTakenError(ValueError):
    """There is a user with this address."""


def add(
    connection: Connection, *, email: str, name: str, role: str, password_hash: str, now_ms: int
) -> int:
    """A new user's id. Raises EmailTakenError."""
    values = {
        "email": email.strip().lower(),
        "name": name,
        "role": role,
        "password_hash": password_hash,
        "active": True,
        "created_ms": now_ms,
    }
    try:
        return int(connection.execute(insert(User).values(values).returning(User.id)).scalar_one())
    except IntegrityError as error:
        raise EmailTakenError(f"there is a user {values['email']} already") from error


def all_users(connection: Connection) -> list[tuple[UserInfo, bool]]:
    """Every user and whether active, by number."""
    query = select(User.id, User.email, User.name, User.role, User.active).order_by(User.id)
    return [(UserInfo(i, e, n, r), active) for i, e, n, r, active in connection.execute(query)]


def credentials(connection: Connection, email: str) -> tuple[UserInfo, str] | None:
    """The active user with this address, and the hash of the password."""
    query = select(User.id, User.email, User.name, User.role, User.password_hash).where(
        User.email == email.strip().lower(), User.active
    )
    row = connection.execute(query).first()
    return None if row is None else (UserInfo(row[0], row[1], row[2], row[3]), row[4])


def begin_session(
    connection: Connection, token_hash: bytes, user_id: int, now_ms: int, expires_ms: int
) -> None:
    """Enter a login, and forget those that ended by themselves."""
    connection.execute(delete(Session).where(Session.expires_ms < now_ms))
    connection.execute(
        insert(Session).values(
            token_hash=token_hash, user_id=user_id, created_ms=now_ms, expires_ms=expires_ms
        )
    )


def end_session(connection: Connection, token_hash: bytes, now_ms: int) -> None:
    connection.execute(
        update(Session)
        .where(Session.token_hash == token_hash, Session.ended_ms.is_(None))
        .values(ended_ms=now_ms)
    )


def session_user(connection: Connection, token_hash: bytes, now_ms: int) -> UserInfo | None:
    """Who holds this session, when it is still good."""
    query = (
        select(User.id, User.email, User.name, User.role)
        .join(Session, Session.user_id == User.id)
        .where(
            Session.token_hash == token_hash,
            Session.ended_ms.is_(None),
            Session.expires_ms > now_ms,
            User.active,
        )
    )
    row = connection.execute(query).first()
    return None if row is None else UserInfo(row[0], row[1], row[2], row[3])

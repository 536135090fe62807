"""Logins: begun with a new token each time, ended by their owner, by a new password, or by time.

Example:
    >>> begin(connection, token_hash(token), user_id=3, address="10.0.0.7", now_ms=now,
    ...       expires_ms=now + 14 * DAY_MS)
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from server.db.tables import Session, User
from server.db.users import UserInfo

SEEN_STEP_MS = 300_000
"""`seen_ms` is noted once in five minutes: reading must not become writing."""
KNOWN_MS = 90 * 86_400_000
"""How long a login makes its address one that the account knows."""


@dataclass(frozen=True)
class SessionHolder:
    """Whose login it is; `stale` when `seen_ms` should be noted again."""

    user: UserInfo
    stale: bool


def begin(
    connection: Connection,
    token_hash: bytes,
    user_id: int,
    address: str,
    now_ms: int,
    expires_ms: int,
) -> None:
    """Enter a login, and forget those that ended long ago."""
    connection.execute(delete(Session).where(Session.expires_ms < now_ms - KNOWN_MS))
    connection.execute(
        insert(Session).values(
            token_hash=token_hash,
            user_id=user_id,
            address=address,
            created_ms=now_ms,
            seen_ms=now_ms,
            expires_ms=expires_ms,
        )
    )


def end(connection: Connection, token_hash: bytes, now_ms: int) -> None:
    """End one login."""
    connection.execute(
        update(Session)
        .where(Session.token_hash == token_hash, Session.ended_ms.is_(None))
        .values(ended_ms=now_ms)
    )


def end_all(connection: Connection, user_id: int, now_ms: int, but: bytes | None = None) -> int:
    """End a person's logins everywhere, `but` one; how many there were."""
    mine = (Session.user_id == user_id) & Session.ended_ms.is_(None) & (Session.expires_ms > now_ms)
    if but is not None:
        mine &= Session.token_hash != but
    return connection.execute(update(Session).where(mine).values(ended_ms=now_ms)).rowcount


def holder(
    connection: Connection, token_hash: bytes, now_ms: int, idle_ms: int
) -> SessionHolder | None:
    """Who holds this session, while it is good: not ended, not expired, not idle for `idle_ms`."""
    query = (
        select(User.id, User.email, User.name, User.role, Session.seen_ms)
        .join(Session, Session.user_id == User.id)
        .where(
            Session.token_hash == token_hash,
            Session.ended_ms.is_(None),
            Session.expires_ms > now_ms,
            Session.seen_ms > now_ms - idle_ms,
            User.active,
        )
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return SessionHolder(UserInfo(*row[:4]), row[4] < now_ms - SEEN_STEP_MS)


def see(connection: Connection, token_hash: bytes, now_ms: int) -> None:
    """Note that a session is in use."""
    connection.execute(
        update(Session).where(Session.token_hash == token_hash).values(seen_ms=now_ms)
    )


def knows(connection: Connection, email: str, address: str, now_ms: int) -> bool:
    """Whether the account's owner logged in from this address in the last KNOWN_MS."""
    query = (
        select(Session.user_id)
        .join(User, User.id == Session.user_id)
        .where(
            User.email == email,
            Session.address == address,
            Session.created_ms > now_ms - KNOWN_MS,
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None

"""Personal tokens: made once, shown once, looked up by their hash.

Example:
    >>> add(connection, user_id=3, token_hash=hashed, name="exports", role="viewer",
    ...     now_ms=now, expires_ms=now + YEAR_MS)
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.db.tables import PersonalToken, User
from server.db.users import UserInfo

_USED_STEP_MS = 3_600_000
"""`used_ms` is noted once an hour: reading must not become writing."""


class TokenNameError(ValueError):
    """The person has a token of this name."""


@dataclass(frozen=True)
class TokenHolder:
    """Whose token it is, and the most that it may do."""

    user: UserInfo
    token_id: int
    name: str
    role: str
    stale: bool  # `used_ms` should be noted again


def add(
    connection: Connection,
    *,
    user_id: int,
    token_hash: bytes,
    name: str,
    role: str,
    now_ms: int,
    expires_ms: int,
) -> int:
    """A new token's id. Raises TokenNameError."""
    values = {
        "user_id": user_id,
        "token_hash": token_hash,
        "name": name,
        "role": role,
        "created_ms": now_ms,
        "expires_ms": expires_ms,
    }
    statement = insert(PersonalToken).values(values).returning(PersonalToken.id)
    try:
        return int(connection.execute(statement).scalar_one())
    except IntegrityError as error:
        raise TokenNameError(f"you have a token '{name}' already") from error


def of_user(connection: Connection, user_id: int) -> list[dict[str, Any]]:
    """A person's tokens, newest first, without what could open anything."""
    query = (
        select(
            PersonalToken.id.label("token_id"),
            PersonalToken.name,
            PersonalToken.role,
            PersonalToken.created_ms,
            PersonalToken.expires_ms,
            PersonalToken.used_ms,
            PersonalToken.revoked_ms,
        )
        .where(PersonalToken.user_id == user_id)
        .order_by(PersonalToken.id.desc())
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def revoke(connection: Connection, user_id: int, token_id: int, now_ms: int) -> str | None:
    """End a person's token at once; its name, or None when there is no such token."""
    mine = (PersonalToken.id == token_id) & (PersonalToken.user_id == user_id)
    statement = update(PersonalToken).where(mine, PersonalToken.revoked_ms.is_(None))
    connection.execute(statement.values(revoked_ms=now_ms))
    name: str | None = connection.execute(select(PersonalToken.name).where(mine)).scalar()
    return name


def revoke_all(connection: Connection, user_id: int, now_ms: int) -> None:
    """End every token of a person."""
    connection.execute(
        update(PersonalToken)
        .where(PersonalToken.user_id == user_id, PersonalToken.revoked_ms.is_(None))
        .values(revoked_ms=now_ms)
    )


def holder(connection: Connection, token_hash: bytes, now_ms: int) -> TokenHolder | None:
    """Whose token this is, while it is good."""
    query = (
        select(
            User.id, User.email, User.name, User.role,
            PersonalToken.id, PersonalToken.name, PersonalToken.role, PersonalToken.used_ms,
        )
        .join(PersonalToken, PersonalToken.user_id == User.id)
        .where(
            PersonalToken.token_hash == token_hash,
            PersonalToken.revoked_ms.is_(None),
            PersonalToken.expires_ms > now_ms,
            User.active,
        )
    )  # fmt: skip
    row = connection.execute(query).first()
    if row is None:
        return None
    stale = row[7] is None or row[7] < now_ms - _USED_STEP_MS
    return TokenHolder(UserInfo(*row[:4]), row[4], row[5], row[6], stale)


def use(connection: Connection, token_id: int, now_ms: int) -> None:
    """Note that a token is in use."""
    statement = update(PersonalToken).where(PersonalToken.id == token_id)
    connection.execute(statement.values(used_ms=now_ms))

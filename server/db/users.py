"""People who may work here.

Example:
    >>> user_id = add(connection, email="ann@sea.org", name="Ann", role="annotator",
    ...               password_hash=hashed, now_ms=now)
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.auth.rights import Right
from server.db.tables import User


@dataclass(frozen=True)
class UserInfo:
    """A user as the rest of the shore knows one: never with the password's hash."""

    id: int
    email: str
    name: str
    role: str
    most: Right = "manage"
    """What they may in a project at most: a personal token may less than its owner."""


class EmailTakenError(ValueError):
    """There is a user with this address."""


class LastAdministratorError(ValueError):
    """Nobody could administer the shore afterwards."""


def add(
    connection: Connection, *, email: str, name: str, role: str, password_hash: str, now_ms: int
) -> int:
    """A new user's id. Raises EmailTakenError."""
    values = {
        "email": folded(email),
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


def make_absent(connection: Connection, name: str, email: str, now_ms: int) -> int:
    """The user of this address, made where there is none: somebody whom a table names, who cannot
    log in until an administrator says so."""
    address = folded(email) or f"{hashlib.sha256(name.encode()).hexdigest()[:16]}@nowhere.invalid"
    found = connection.execute(select(User.id).where(User.email == address)).scalar()
    if found is not None:
        return found
    values = {
        "email": address,
        "name": name[:250],
        "role": "viewer",
        "password_hash": "!",  # no password has this hash
        "active": False,
        "created_ms": now_ms,
    }
    return int(connection.execute(insert(User).values(values).returning(User.id)).scalar_one())


def folded(email: str) -> str:
    """An address as it is kept and compared."""
    return email.strip().lower()


def all_users(connection: Connection) -> list[tuple[UserInfo, bool]]:
    """Every user and whether active, by number."""
    query = select(User.id, User.email, User.name, User.role, User.active).order_by(User.id)
    return [(UserInfo(i, e, n, r), active) for i, e, n, r, active in connection.execute(query)]


def get(connection: Connection, user_id: int) -> tuple[UserInfo, bool] | None:
    """A user and whether active."""
    query = select(User.id, User.email, User.name, User.role, User.active).where(User.id == user_id)
    row = connection.execute(query).first()
    return None if row is None else (UserInfo(*row[:4]), row[4])


def by_email(connection: Connection, email: str) -> tuple[UserInfo, bool] | None:
    """A user and whether active, by address."""
    query = select(User.id).where(User.email == folded(email))
    user_id = connection.execute(query).scalar()
    return None if user_id is None else get(connection, user_id)


def credentials(connection: Connection, email: str) -> tuple[UserInfo, str] | None:
    """The active user with this address, and the hash of the password."""
    query = select(User.id, User.email, User.name, User.role, User.password_hash).where(
        User.email == folded(email), User.active
    )
    row = connection.execute(query).first()
    return None if row is None else (UserInfo(row[0], row[1], row[2], row[3]), row[4])


def change(connection: Connection, user_id: int, **values: Any) -> None:
    """Set `name`, `role`, `active` or `password_hash`. Raises LastAdministratorError."""
    connection.execute(update(User).where(User.id == user_id).values(values))
    administrators = select(func.count()).where(User.role == "administrator", User.active)
    if not connection.execute(administrators).scalar_one():
        raise LastAdministratorError("this is the last active administrator: make another first")

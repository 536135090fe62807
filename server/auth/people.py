"""A change to a person, and what it ends: for the page and the command line alike.

Example:
    >>> apply_change(connection, 3, Change(active=False), now_ms=now)
    'active: no; 2 logins ended'
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from server.db import sessions, tokens, users


@dataclass(frozen=True)
class Change:
    """What is None stays. `password_hash` is the hash of a new password."""

    name: str | None = None
    role: str | None = None
    active: bool | None = None
    password_hash: str | None = None


def apply_change(connection: Connection, user_id: int, change: Change, now_ms: int) -> str:
    """Make it, and say so for the audit log. A password set by another, and a door that is shut,
    end every login and token. Raises LastAdministratorError."""
    wanted = {name: value for name, value in vars(change).items() if value is not None}
    if not wanted:
        return "nothing"
    users.change(connection, user_id, **wanted)
    said = [
        f"{name}: {'yes' if value is True else 'no' if value is False else value}"
        for name, value in wanted.items()
        if name != "password_hash"
    ]
    if change.password_hash is not None:
        said.append("new password")
    if change.password_hash is not None or change.active is False:
        ended = sessions.end_all(connection, user_id, now_ms)
        tokens.revoke_all(connection, user_id, now_ms)
        said.append(f"{ended} logins ended")
    return "; ".join(said)

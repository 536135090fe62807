"""What endpoints are given: the shore, and who asks. Named once, used as annotations.

A person is known by `Authorization: Bearer TOKEN` (a login or a personal token) or by the session
cookie. A browser sends cookies by itself, so a write with a cookie must also carry the header
`X-Seadrift: 1`, which another site cannot add.

Example:
    >>> @router.get("/api/projects")
    ... def projects(shore: ShoreDep, user: Viewer) -> list[...]: ...
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection

from server.auth.rights import of_role
from server.auth.roles import allows, lower
from server.auth.tokens import PERSONAL, token_hash
from server.clock import now_ms
from server.db import audit, sessions, tokens
from server.db.users import UserInfo
from server.errors import ApiError, too_many
from server.shore import Shore

COOKIE = "seadrift_session"
COOKIE_TLS = "__Host-seadrift"
"""Over TLS the name makes browsers refuse the cookie from any other host or path, or in clear."""
WRITE_HEADER = "X-Seadrift"
_SAFE = ("GET", "HEAD", "OPTIONS")


def get_shore(request: Request) -> Shore:
    shore: Shore = request.app.state.shore
    return shore


async def _shore(request: Request) -> Shore:
    """Not a thread's work, as a plain function would be: that is two changes of threads."""
    return get_shore(request)


ShoreDep = Annotated[Shore, Depends(_shore)]


@dataclass(frozen=True)
class Login:
    """A person who asks; `user.role` is what this request may, at most. `token` is what they
    showed; `scope` names the personal token it is, "" for a login."""

    user: UserInfo
    token: str
    scope: str = ""


def cookie_name(request: Request) -> str:
    return COOKIE_TLS if request.scope["scheme"] == "https" else COOKIE


def optional_login(request: Request, shore: ShoreDep) -> Login | None:
    """Who asks, or None. Pages use it to send strangers to the login page."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    by_header = scheme.lower() == "bearer" and bool(bearer)
    token = bearer.strip() if by_header else request.cookies.get(cookie_name(request), "")
    if not token or len(token) > 200:
        return None
    personal = by_header and token.startswith(PERSONAL)
    login = _by_personal_token(shore, token) if personal else _by_session(shore, token)
    if login is None:
        return None
    if not by_header and request.method not in _SAFE and WRITE_HEADER not in request.headers:
        raise ApiError(
            403, "csrf", f"A change asked for with a cookie needs the header {WRITE_HEADER}: 1."
        )
    wait_s = shore.limits.users.take(f"user {login.user.id}", time.monotonic())
    if wait_s:
        raise too_many("You ask faster than the shore answers one person.", wait_s)
    return login


def _by_session(shore: Shore, token: str) -> Login | None:
    hashed, now = token_hash(token), now_ms()
    with shore.database.read() as connection:
        found = sessions.holder(connection, hashed, now, shore.settings.idle_h * 3_600_000)
    if found is None:
        return None
    if found.stale:
        with shore.database.write() as connection:
            sessions.see(connection, hashed, now)
    return Login(found.user, token)


def _by_personal_token(shore: Shore, token: str) -> Login | None:
    now = now_ms()
    with shore.database.read() as connection:
        found = tokens.holder(connection, token_hash(token), now)
    if found is None:
        return None
    if found.stale:
        with shore.database.write() as connection:
            tokens.use(connection, found.token_id, now)
    role = lower(found.role, found.user.role)
    user = replace(found.user, role=role, most=of_role(role))
    return Login(user, token, found.name)


OptionalLogin = Annotated[Login | None, Depends(optional_login)]


def require_login(login: OptionalLogin) -> Login:
    """Who asks; 401 for a stranger."""
    if login is None:
        raise ApiError(401, "login", "Log in first.", {"WWW-Authenticate": "Bearer"})
    return login


LoginDep = Annotated[Login, Depends(require_login)]


def require_session(login: LoginDep) -> Login:
    """A person who logged in: what makes or ends ways in is not for a personal token, which may
    lie in a script."""
    if login.scope:
        raise ApiError(403, "session", "A personal token may not do this: log in with a password.")
    return login


SessionDep = Annotated[Login, Depends(require_session)]


def _requires(role: str) -> Callable[[Login], UserInfo]:
    def check(login: LoginDep) -> UserInfo:
        if not allows(login.user.role, role):
            raise ApiError(403, "role", f"This needs the role {role}; you are {login.user.role}.")
        return login.user

    return check


Viewer = Annotated[UserInfo, Depends(_requires("viewer"))]
Annotator = Annotated[UserInfo, Depends(_requires("annotator"))]
Manager = Annotated[UserInfo, Depends(_requires("manager"))]
Administrator = Annotated[UserInfo, Depends(_requires("administrator"))]


def client_address(request: Request) -> str:
    """Where a request comes from, as limits and the audit log have it."""
    return request.client.host if request.client else "unknown"


@dataclass(frozen=True)
class Witness:
    """Enters what a request did into the audit log, in the transaction that does it."""

    who: str
    address: str

    def note(
        self,
        connection: Connection,
        action: str,
        subject: str = "",
        *,
        outcome: str = "done",
        detail: str = "",
    ) -> None:
        audit.note(
            connection,
            self.who,
            action,
            subject,
            detail,
            now_ms(),
            address=self.address,
            outcome=outcome,
        )


def witness(request: Request, login: OptionalLogin) -> Witness:
    who = "stranger" if login is None else login.user.email
    if login is not None and login.scope:
        who = f"{who} by token {login.scope}"
    return Witness(who, client_address(request))


WitnessDep = Annotated[Witness, Depends(witness)]

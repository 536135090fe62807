"""What endpoints are given: the shore, and who asks. Named once, used as annotations.

A person is known by `Authorization: Bearer TOKEN` or by the session cookie. A browser sends cookies
by itself, so a write with a cookie must also carry the header `X-Seadrift: 1`, which another site
cannot add.

Example:
    >>> @router.get("/api/projects")
    ... def projects(shore: ShoreDep, user: Viewer) -> list[...]: ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from server.auth.roles import allows
from server.auth.tokens import token_hash
from server.clock import now_ms
from server.db import users
from server.db.users import UserInfo
from server.errors import ApiError
from server.shore import Shore

COOKIE = "seadrift_session"
WRITE_HEADER = "X-Seadrift"
_SAFE = ("GET", "HEAD", "OPTIONS")


def get_shore(request: Request) -> Shore:
    shore: Shore = request.app.state.shore
    return shore


ShoreDep = Annotated[Shore, Depends(get_shore)]


@dataclass(frozen=True)
class Login:
    """A person's login; `token` is what they showed."""

    user: UserInfo
    token: str


def optional_login(request: Request, shore: ShoreDep) -> Login | None:
    """Who asks, or None. Pages use it to send strangers to the login page."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    by_header = scheme.lower() == "bearer" and bool(bearer)
    token = bearer.strip() if by_header else request.cookies.get(COOKIE, "")
    if not token or len(token) > 200:
        return None
    with shore.database.read() as connection:
        user = users.session_user(connection, token_hash(token), now_ms())
    if user is None:
        return None
    if not by_header and request.method not in _SAFE and WRITE_HEADER not in request.headers:
        raise ApiError(
            403, "csrf", f"A change asked for with a cookie needs the header {WRITE_HEADER}: 1."
        )
    return Login(user, token)


OptionalLogin = Annotated[Login | None, Depends(optional_login)]


def require_login(login: OptionalLogin) -> Login:
    """Who asks; 401 for a stranger."""
    if login is None:
        raise ApiError(401, "login", "Log in first.", {"WWW-Authenticate": "Bearer"})
    return login


LoginDep = Annotated[Login, Depends(require_login)]


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
    """The address that a limit on tries is counted by."""
    return request.client.host if request.client else "unknown"

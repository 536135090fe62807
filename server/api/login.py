"""Logging in and out."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from server.api.deps import COOKIE, LoginDep, ShoreDep, client_address
from server.auth.passwords import fits
from server.auth.tokens import new_token, token_hash
from server.clock import now_ms
from server.db import users
from server.db.users import UserInfo
from server.errors import ApiError

router = APIRouter(prefix="/api", tags=["login"])


class Credentials(BaseModel):
    email: str = Field(max_length=250)
    password: str = Field(max_length=1000)


@router.post("/login")
def login(
    request: Request, response: Response, shore: ShoreDep, body: Credentials
) -> dict[str, Any]:
    now = now_ms()
    keys = (f"ip {client_address(request)}", f"account {body.email.strip().lower()}")
    wait = max(shore.logins.wait_ms(key, now) for key in keys)
    if wait:
        after = {"Retry-After": str(max(1, -(-wait // 1000)))}
        raise ApiError(429, "too_many", "Too many wrong tries; wait a little.", after)
    with shore.database.read() as connection:
        found = users.credentials(connection, body.email)
    if not fits(found[1] if found else None, body.password) or found is None:
        for key in keys:
            shore.logins.fail(key, now)
        raise ApiError(401, "credentials", "No user has this address and password.")
    shore.logins.succeed(keys[1])
    token, user = new_token(), found[0]
    lifetime_s = shore.settings.session_h * 3600
    with shore.database.write() as connection:
        users.begin_session(connection, token_hash(token), user.id, now, now + 1000 * lifetime_s)
    response.set_cookie(
        COOKIE,
        token,
        max_age=lifetime_s,
        httponly=True,
        secure=_over_tls(request),
        samesite="strict",
    )
    return {"token": token, "user": shown(user)}


def _over_tls(request: Request) -> bool:
    """Whether the browser came by TLS, to us or to a proxy before us. A header that lies here only
    makes the liar's own cookie stricter."""
    return "https" in (request.url.scheme, request.headers.get("X-Forwarded-Proto", ""))


@router.post("/logout")
def logout(response: Response, shore: ShoreDep, login: LoginDep) -> dict[str, Any]:
    with shore.database.write() as connection:
        users.end_session(connection, token_hash(login.token), now_ms())
    response.delete_cookie(COOKIE)
    return {}


@router.get("/me")
def me(login: LoginDep) -> dict[str, Any]:
    return shown(login.user)


def shown(user: UserInfo) -> dict[str, Any]:
    return {"id": user.id, "email": user.email, "name": user.name, "role": user.role}

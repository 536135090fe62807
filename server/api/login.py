"""Logging in and out, and one's own password."""

from typing import Any, Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, model_validator

from server.api.deps import (
    LoginDep,
    SessionDep,
    ShoreDep,
    Witness,
    WitnessDep,
    client_address,
    cookie_name,
)
from server.auth.addresses import counted_as
from server.auth.passwords import PasswordError, TooManyError, fits, hash_password, outdated
from server.auth.tokens import new_token, token_hash
from server.clock import now_ms
from server.db import sessions, users
from server.db.users import UserInfo
from server.errors import ApiError, too_many
from server.shore import Shore

router = APIRouter(prefix="/api", tags=["login"])


class Credentials(BaseModel):
    """The address as `email`, or as EcoTaxa's clients call it, `username`."""

    email: str | None = Field(default=None, max_length=250)
    username: str | None = Field(default=None, max_length=250)
    password: str = Field(max_length=1000)

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.email is None) == (self.username is None):
            raise ValueError("expected either email or username")
        return self


class NewPassword(BaseModel):
    old: str = Field(max_length=1000)
    new: str = Field(max_length=1000)


@router.post("/login")
def login(
    request: Request, response: Response, shore: ShoreDep, body: Credentials
) -> dict[str, Any] | str:
    """Whoever gives an `email` hears their token and who they are; whoever gives a `username`, as
    EcoTaxa's clients do at this very address, hears the token alone."""
    now, address = now_ms(), client_address(request)
    given = body.email if body.email is not None else body.username or ""
    user = _checked(shore, users.folded(given), body.password, address, now)
    token = new_token()
    lifetime_s = shore.settings.session_h * 3600
    before = request.cookies.get(cookie_name(request), "")[:200]
    with shore.database.write() as connection:
        if before:  # a login takes the place of the one before in this browser
            sessions.end(connection, token_hash(before), now)
        sessions.begin(
            connection,
            token_hash(token),
            user.id,
            counted_as(address),
            now,
            now + 1000 * lifetime_s,
        )
        Witness(user.email, address).note(connection, "login")
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=lifetime_s,
        path="/",
        httponly=True,
        secure=request.scope["scheme"] == "https",
        samesite="strict",
    )
    return token if body.email is None else {"token": token, "user": shown(user)}


def _checked(shore: Shore, email: str, password: str, address: str, now: int) -> UserInfo:
    """The user whose password this is. Raises ApiError."""
    with shore.database.read() as connection:
        known = sessions.knows(connection, email, counted_as(address), now)
        found = users.credentials(connection, email)
    wait_ms = shore.logins.wait_ms(email, address, known=known, now_ms=now)
    if wait_ms:
        raise too_many("Too many wrong tries; wait a little.", wait_ms / 1000)
    try:
        right = fits(found[1] if found else None, password)
    except TooManyError as error:
        raise too_many("Too many people log in at this moment; try again.", 2) from error
    if not right or found is None:
        shore.logins.fail(email, address, known=known, now_ms=now)
        with shore.database.write() as connection:
            Witness("stranger", address).note(connection, "login", email, outcome="refused")
        raise ApiError(401, "credentials", "No user has this address and password.")
    shore.logins.succeed(email, address)
    if outdated(found[1]):
        _hash_again(shore, found[0], password)
    return found[0]


def _hash_again(shore: Shore, user: UserInfo, password: str) -> None:
    """Keep a right password with today's parameters; an old one that is too weak by today's rules
    stays as it is."""
    try:
        hashed = hash_password(password)
    except (PasswordError, TooManyError):
        return
    with shore.database.write() as connection:
        users.change(connection, user.id, password_hash=hashed)


@router.post("/logout")
def logout(
    request: Request, response: Response, shore: ShoreDep, login: LoginDep, witness: WitnessDep
) -> dict[str, Any]:
    with shore.database.write() as connection:
        sessions.end(connection, token_hash(login.token), now_ms())
        witness.note(connection, "logout")
    _forget_cookie(request, response)
    return {}


@router.post("/logout/everywhere")
def logout_everywhere(
    request: Request, response: Response, shore: ShoreDep, login: SessionDep, witness: WitnessDep
) -> dict[str, Any]:
    with shore.database.write() as connection:
        ended = sessions.end_all(connection, login.user.id, now_ms())
        witness.note(connection, "logout", "everywhere", detail=f"{ended} logins ended")
    _forget_cookie(request, response)
    return {"ended": ended}


def _forget_cookie(request: Request, response: Response) -> None:
    secure = request.scope["scheme"] == "https"
    response.delete_cookie(cookie_name(request), secure=secure, httponly=True, samesite="strict")


@router.get("/me")
def me(login: LoginDep) -> dict[str, Any]:
    return shown(login.user)


@router.post("/me/password")
def change_password(
    request: Request, shore: ShoreDep, login: SessionDep, witness: WitnessDep, body: NewPassword
) -> dict[str, Any]:
    """A new password ends every other login of this person."""
    user = _checked(shore, login.user.email, body.old, client_address(request), now_ms())
    hashed = new_hash(body.new, user.email)
    with shore.database.write() as connection:
        users.change(connection, user.id, password_hash=hashed)
        ended = sessions.end_all(connection, user.id, now_ms(), but=token_hash(login.token))
        witness.note(connection, "password", user.email, detail=f"{ended} other logins ended")
    return {"ended": ended}


def new_hash(password: str, email: str) -> str:
    """The hash of a password that may be taken. Raises ApiError."""
    try:
        return hash_password(password, email)
    except PasswordError as error:
        raise ApiError(422, "password", f"Not taken: {error}.") from error
    except TooManyError as error:
        raise too_many("Too many people log in at this moment; try again.", 2) from error


def shown(user: UserInfo) -> dict[str, Any]:
    return {"id": user.id, "email": user.email, "name": user.name, "role": user.role}

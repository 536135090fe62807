"""People: who may work here, and as what. For administrators."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from server.api.deps import Administrator, SessionDep, ShoreDep, WitnessDep
from server.api.login import new_hash, shown
from server.api.objects import ID_MAX
from server.api.tokens import PlainName, Role
from server.auth.people import Change, apply_change
from server.clock import now_ms
from server.db import users
from server.db.users import EmailTakenError, LastAdministratorError
from server.errors import ApiError, not_found

router = APIRouter(prefix="/api/users", tags=["users"])
Email = Annotated[str, Field(min_length=3, max_length=250, pattern=r"^[^\s@]+@[^\s@]+$")]
Password = Annotated[str, Field(max_length=1000)]


class NewUser(BaseModel):
    """Without `password` one is made up and shown once."""

    email: Email
    name: PlainName | None = None
    role: Role = "annotator"
    password: Password | None = None


class UserChange(BaseModel):
    """What is not given stays. A new role, a new password and `active` false end what it must."""

    name: PlainName | None = None
    role: Role | None = None
    active: bool | None = None
    password: Password | None = None


@router.get("")
def all_users(shore: ShoreDep, user: Administrator) -> list[dict[str, Any]]:
    with shore.database.read() as connection:
        found = users.all_users(connection)
    return [{**shown(one), "active": active} for one, active in found]


@router.post("", status_code=201)
def create(
    shore: ShoreDep, user: Administrator, _: SessionDep, witness: WitnessDep, body: NewUser
) -> dict[str, Any]:
    password = body.password or secrets.token_urlsafe(12)
    hashed = new_hash(password, body.email)
    try:
        with shore.database.write() as connection:
            user_id = users.add(
                connection,
                email=body.email,
                name=body.name or body.email,
                role=body.role,
                password_hash=hashed,
                now_ms=now_ms(),
            )
            witness.note(connection, "user", users.folded(body.email), detail=f"made, {body.role}")
    except EmailTakenError as error:
        raise ApiError(409, "email", f"Not made: {error}.") from error
    made_up = {} if body.password else {"password": password}
    return {"id": user_id, "email": users.folded(body.email), "role": body.role, **made_up}


@router.patch("/{user_id}")
def change(
    shore: ShoreDep,
    user: Administrator,
    _: SessionDep,
    witness: WitnessDep,
    user_id: int,
    body: UserChange,
) -> dict[str, Any]:
    if not 0 < user_id < ID_MAX:
        raise not_found(f"user {user_id}")
    with shore.database.read() as connection:
        found = users.get(connection, user_id)
    if found is None:
        raise not_found(f"user {user_id}")
    hashed = None if body.password is None else new_hash(body.password, found[0].email)
    wanted = Change(body.name, body.role, body.active, hashed)
    try:
        with shore.database.write() as connection:
            said = apply_change(connection, user_id, wanted, now_ms())
            witness.note(connection, "user", found[0].email, detail=said)
            now = users.get(connection, user_id)
    except LastAdministratorError as error:
        raise ApiError(409, "last_administrator", f"Not changed: {error}.") from error
    assert now is not None
    return {**shown(now[0]), "active": now[1]}

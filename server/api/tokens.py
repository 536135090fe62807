"""Personal tokens: one's own keys for scripts, named, scoped, expiring, ended at once."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from server.api.deps import SessionDep, ShoreDep, WitnessDep
from server.api.objects import ID_MAX
from server.auth.roles import allows
from server.auth.tokens import new_personal_token, token_hash
from server.clock import now_ms
from server.db import tokens
from server.db.tokens import TokenNameError
from server.errors import ApiError, not_found

router = APIRouter(prefix="/api/tokens", tags=["tokens"])
DAY_MS = 86_400_000
Role = Literal["viewer", "annotator", "manager", "administrator"]
PlainName = Annotated[
    str, Field(min_length=1, max_length=250, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")
]


class NewToken(BaseModel):
    name: PlainName
    role: Role = "viewer"
    valid_d: float = Field(default=90, gt=0, le=366)


@router.get("")
def mine(shore: ShoreDep, login: SessionDep) -> list[dict[str, Any]]:
    with shore.database.read() as connection:
        return tokens.of_user(connection, login.user.id)


@router.post("", status_code=201)
def create(
    shore: ShoreDep, login: SessionDep, witness: WitnessDep, body: NewToken
) -> dict[str, Any]:
    """The token is in this answer and nowhere else."""
    if not allows(login.user.role, body.role):
        raise ApiError(403, "role", f"You are {login.user.role}: a token cannot be {body.role}.")
    token, now = new_personal_token(), now_ms()
    expires_ms = now + int(body.valid_d * DAY_MS)
    try:
        with shore.database.write() as connection:
            token_id = tokens.add(
                connection,
                user_id=login.user.id,
                token_hash=token_hash(token),
                name=body.name.strip(),
                role=body.role,
                now_ms=now,
                expires_ms=expires_ms,
            )
            witness.note(connection, "token", body.name, detail=f"made, {body.role}")
    except TokenNameError as error:
        raise ApiError(409, "name", f"Not made: {error}.") from error
    return {"token": token, "token_id": token_id, "role": body.role, "expires_ms": expires_ms}


@router.delete("/{token_id}")
def revoke(
    shore: ShoreDep, login: SessionDep, witness: WitnessDep, token_id: int
) -> dict[str, Any]:
    with shore.database.write() as connection:
        name = None
        if 0 < token_id < ID_MAX:
            name = tokens.revoke(connection, login.user.id, token_id, now_ms())
        if name is None:
            raise not_found(f"token {token_id}")
        witness.note(connection, "token", name, detail="revoked")
    return {"token_id": token_id, "name": name}

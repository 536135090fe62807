"""Instruments: claims for new ones, the state of each, revoking."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from server.api.deps import Manager, ShoreDep, Viewer, WitnessDep
from server.api.objects import ID_MAX
from server.api.rights import need, need_device
from server.auth.tokens import new_token, token_hash
from server.clock import now_ms
from server.db import fleet, health, members
from server.errors import not_found
from server.fleet import certificates, farewell
from server.fleet.states import details, states

router = APIRouter(prefix="/api", tags=["devices"])
HOUR_MS = 3_600_000


class NewClaim(BaseModel):
    project_id: Annotated[int, Field(ge=1, lt=ID_MAX)]
    name: str = Field(default="", max_length=250)
    valid_h: float = Field(default=24 * 7, gt=0, le=24 * 366)
    successor_of: Annotated[str, Field(max_length=40)] | None = None


class Revocation(BaseModel):
    """`wipe`: its keys are to be destroyed at its next hello."""

    wipe: bool = False


@router.get("/devices")
def devices(shore: ShoreDep, user: Viewer) -> list[dict[str, Any]]:
    """Every device, the one that needs a person most first."""
    with shore.database.read() as connection:
        mine = members.projects_of(connection, user)
        return [row for row in states(connection, now_ms()) if row["project_id"] in mine]


@router.get("/devices/{device_id}")
def one(shore: ShoreDep, user: Viewer, device_id: str) -> dict[str, Any]:
    """One device with everything that explains its state."""
    with shore.database.read() as connection:
        need_device(connection, user, device_id)
        found = details(connection, device_id, now_ms())
    if found is None:
        raise not_found(f"device {device_id[:40]}")
    return found


@router.get("/devices/{device_id}/health")
def health_history(
    shore: ShoreDep,
    user: Viewer,
    device_id: str,
    days: Annotated[float, Query(gt=0, le=3660)] = 7,
) -> list[dict[str, Any]]:
    """Health records, oldest first: all of the last 48 h, before that the last of each hour."""
    with shore.database.read() as connection:
        device = need_device(connection, user, device_id)
        return health.history(connection, device.pk, now_ms() - int(days * 24 * HOUR_MS))


@router.post("/claims", status_code=201)
def claim(shore: ShoreDep, user: Manager, witness: WitnessDep, body: NewClaim) -> dict[str, Any]:
    token, now = new_token(), now_ms()
    expires_ms = now + int(body.valid_h * HOUR_MS)
    with shore.database.write() as connection:
        need(connection, user, body.project_id, "manage")
        before = None
        if body.successor_of is not None:
            before = need_device(connection, user, body.successor_of, "manage")
        fleet.add_claim(
            connection,
            token_hash=token_hash(token),
            project_id=body.project_id,
            name=body.name.strip(),
            user_id=user.id,
            now_ms=now,
            expires_ms=expires_ms,
            successor_of=None if before is None else before.pk,
        )
        detail = f"project {body.project_id}, {body.valid_h:g} h"
        witness.note(connection, "device.claim", body.name.strip(), detail=detail)
    return {"claim": token, "expires_ms": expires_ms}


@router.post("/devices/{device_id}/revoke")
def revoke(
    shore: ShoreDep,
    user: Manager,
    witness: WitnessDep,
    device_id: str,
    body: Revocation | None = None,
) -> dict[str, Any]:
    wipe = body is not None and body.wipe
    with shore.database.write() as connection:
        need_device(connection, user, device_id, "manage")
        found = farewell.revoke(
            connection,
            shore.release_key,
            device_id,
            wipe=wipe,
            user_id=user.id,
            now_ms=now_ms(),
        )
        if not found:
            raise not_found(f"device {device_id[:40]}")
        witness.note(connection, "device.revoke", device_id, detail="wipe" if wipe else "")
    certificates.write_revoked(shore.database, shore.authority, shore.settings.broker, now_ms())
    return {"device_id": device_id, "status": "revoked"}

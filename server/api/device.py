"""The device API, /v1: ping, enrol, hello, ingest, releases. What a person does is elsewhere.

Every request but ping and enrol is signed; `server.fleet.desk` says what each is answered.

Example:
    $ curl http://127.0.0.1:8765/v1/ping
    {"service": "seadrift", "api": 1, "version": "0.1.0"}
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from server import API, VERSION
from server.api.deps import ShoreDep, Witness, client_address
from server.api.ranges import ranged
from server.auth.addresses import counted_as
from server.auth.tokens import token_hash
from server.clock import now_ms
from server.db import fleet
from server.db.keys import ClaimRefusedError, OldKeyError
from server.errors import ApiError, too_many
from server.fleet import certificates, desk
from server.fleet.desk import Signed
from wire.signing import PublicKey, SignatureError

router = APIRouter(prefix="/v1", tags=["device"])
_CBOR = "application/cbor"
_PEM = "application/x-pem-file"
_REFUSED = "Not enrolled: this claim is unknown, expired, or was used already."
"""The same for each, so that guessing tells nothing; the audit log has the reason."""


class Enrolment(BaseModel):
    """What an instrument says of itself, once."""

    claim: str = Field(min_length=1, max_length=200)
    name: str = Field(default="", max_length=250)
    public_key: str = Field(min_length=1, max_length=100)
    board: str = Field(default="", max_length=250)
    software: str = Field(default="", max_length=250)


@dataclass(frozen=True)
class Asked:
    """A request that is here as a whole; nobody has looked at its signature yet."""

    headers: Mapping[str, str]
    method: str
    path: str
    body: bytes


async def asked(request: Request) -> Asked:
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope["path"] + (f"?{query}" if query else "")
    return Asked(request.headers, request.method, path, await request.body())


AskedDep = Annotated[Asked, Depends(asked)]


def signed(shore: ShoreDep, one: AskedDep) -> Signed:
    """Check the signature. Raises 401."""
    return desk.verify(shore.database, one.headers, one.method, one.path, one.body)


SignedDep = Annotated[Signed, Depends(signed)]


@router.get("/ping")
def ping() -> dict[str, Any]:
    return {"service": "seadrift", "api": API, "version": VERSION}


@router.post("/enrol", status_code=201)
def enrol(request: Request, shore: ShoreDep, body: Enrolment) -> dict[str, Any]:
    now, address = now_ms(), client_address(request)
    who = counted_as(address)
    wait_ms = shore.enrolments.wait_ms(who, now)
    if wait_ms:
        raise too_many("Too many wrong claims.", wait_ms / 1000)
    try:
        key = PublicKey.from_text(body.public_key)
        with shore.database.write() as connection:
            device_id = fleet.enrol(
                connection,
                token_hash=token_hash(body.claim),
                device_id=f"d{secrets.token_hex(8)}",
                public_key=key.raw,
                name=body.name or "instrument",
                board=body.board,
                software=body.software,
                now_ms=now,
            )
            Witness(device_id, address).note(connection, "device.enrol", device_id, detail=key.id)
            certificate = certificates.issue(connection, shore.authority, device_id, now)
    except SignatureError as error:
        raise ApiError(400, "public_key", str(error)) from error
    except OldKeyError as error:
        raise ApiError(409, "old_key", f"Not enrolled: {error}; make a new one.") from error
    except ClaimRefusedError as error:
        shore.enrolments.fail(who, now)
        with shore.database.write() as connection:
            stranger = Witness("stranger", address)
            stranger.note(connection, "device.enrol", outcome="refused", detail=str(error))
        raise ApiError(403, "claim", _REFUSED) from error
    return {
        "device_id": device_id,
        "release_key": shore.release_key.public.text,
        "time_ms": now,
        "certificate": certificate,
        "link_key": base64.b64encode(shore.link_keys.of(device_id)).decode(),
    }


@router.post("/hello")
def hello(shore: ShoreDep, request: SignedDep) -> Response:
    return Response(desk.hello(shore, request, now_ms()), media_type=_CBOR)


@router.post("/key")
def key(shore: ShoreDep, request: SignedDep) -> Response:
    return Response(desk.next_key(shore, request, now_ms()), media_type=_CBOR)


@router.post("/ingest")
def ingest(shore: ShoreDep, one: AskedDep) -> Response:
    """Checked and taken in one go: each change of threads costs a good part of what a batch may."""
    return Response(desk.ingest(shore, signed(shore, one), now_ms()), media_type=_CBOR)


@router.post("/certificate")
def certificate(shore: ShoreDep, request: SignedDep) -> Response:
    return Response(desk.certificate(shore, request, now_ms()), media_type=_PEM)


@router.get("/releases/{release_id}")
def release(shore: ShoreDep, request: SignedDep, http: Request, release_id: str) -> Response:
    data = desk.release(shore, request, release_id, now_ms())
    return ranged(data, http.headers.get("Range"), etag=release_id)

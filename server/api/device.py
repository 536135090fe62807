"""The device API, /v1: ping, enrol, hello, ingest, releases. What a person does is elsewhere.

Every request but ping and enrol is signed (`wire.signing`), with a counter that only rises. A
signature that does not fit and an unknown device get the same answer.

Example:
    $ curl http://127.0.0.1:8765/v1/ping
    {"service": "seadrift", "api": 1, "version": "0.1.0"}
"""

import secrets
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from server import API, VERSION
from server.api.deps import ShoreDep, client_address
from server.api.ranges import ranged
from server.auth.tokens import token_hash
from server.clock import now_ms
from server.db import fleet, releases
from server.db.fleet import ClaimRefusedError, DeviceInfo
from server.errors import ApiError, not_found
from server.intake.batch import ReplayedError, hold_revoked, take
from server.intake.greeting import greet
from server.shore import Shore
from server.store import bundles
from wire.ack import encode_ack
from wire.checked import FieldError
from wire.codec import CodecError
from wire.signing import DEVICE_HEADER, PublicKey, SignatureError, verify_request

router = APIRouter(prefix="/v1", tags=["device"])
_CBOR = "application/cbor"


class Enrolment(BaseModel):
    """What an instrument says of itself, once."""

    claim: str = Field(min_length=1, max_length=200)
    name: str = Field(default="", max_length=250)
    public_key: str = Field(min_length=1, max_length=100)
    board: str = Field(default="", max_length=250)
    software: str = Field(default="", max_length=250)


@dataclass(frozen=True)
class Signed:
    """A request whose signature fits; its counter is still to be taken."""

    device: DeviceInfo
    counter: int
    body: bytes


async def signed(request: Request, shore: ShoreDep) -> Signed:
    """Check the signature. Raises 401."""
    body = await request.body()
    return await run_in_threadpool(_verify, request, shore, body)


def _verify(request: Request, shore: Shore, body: bytes) -> Signed:
    with shore.database.read() as connection:
        device = fleet.device(connection, request.headers.get(DEVICE_HEADER, "")[:80])
    query = request.url.query
    path = request.url.path + (f"?{query}" if query else "")
    try:
        if device is None:
            raise SignatureError("unknown device")
        key = PublicKey(device.public_key)
        counter = verify_request(key, request.headers, request.method, path, body)
    except SignatureError as error:
        raise ApiError(401, "signature", "The request is not signed by a known device.") from error
    if counter <= device.counter:
        raise _replayed()
    return Signed(device, counter, body)


SignedDep = Annotated[Signed, Depends(signed)]


def _replayed() -> ApiError:
    return ApiError(401, "counter", "The request's counter has not risen: it was used before.")


def _revoked() -> ApiError:
    return ApiError(403, "revoked", "This device was revoked; what it sends is kept aside.")


@router.get("/ping")
def ping() -> dict[str, Any]:
    return {"service": "seadrift", "api": API, "version": VERSION}


@router.post("/enrol", status_code=201)
def enrol(request: Request, shore: ShoreDep, body: Enrolment) -> dict[str, Any]:
    now, who = now_ms(), f"ip {client_address(request)}"
    wait = shore.enrolments.wait_ms(who, now)
    if wait:
        raise ApiError(429, "too_many", "Too many wrong claims.", _after(wait))
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
    except SignatureError as error:
        raise ApiError(400, "public_key", str(error)) from error
    except ClaimRefusedError as error:
        shore.enrolments.fail(who, now)
        raise ApiError(403, "claim", f"Not enrolled: {error}.") from error
    return {
        "device_id": device_id,
        "release_key": shore.release_key.public.text,
        "time_ms": now,
    }


@router.post("/hello")
def hello(shore: ShoreDep, request: SignedDep) -> Response:
    if request.device.status != "active":
        raise _revoked()
    try:
        answer = greet(shore.stores, request.device, request.counter, request.body, now_ms())
    except (CodecError, FieldError) as error:
        raise ApiError(400, "hello", str(error)) from error
    except ReplayedError as error:
        raise _replayed() from error
    return Response(answer, media_type=_CBOR)


@router.post("/ingest")
def ingest(shore: ShoreDep, request: SignedDep) -> Response:
    now = now_ms()
    if request.device.status != "active":
        hold_revoked(shore.stores, request.device, request.body, now)
        raise _revoked()
    try:
        ack = take(shore.stores, request.device, request.counter, request.body, now)
    except CodecError as error:
        raise ApiError(400, "batch", str(error)) from error
    except ReplayedError as error:
        raise _replayed() from error
    return Response(encode_ack(ack), media_type=_CBOR)


@router.get("/releases/{release_id}")
def release(shore: ShoreDep, request: SignedDep, http: Request, release_id: str) -> Response:
    if request.device.status != "active":
        raise _revoked()
    with shore.database.write() as connection:
        if not fleet.raise_counter(connection, request.device.pk, request.counter, now_ms()):
            raise _replayed()
        found = releases.get(connection, release_id)
    if found is None or found.file is None or found.signature is None:
        raise not_found(f"release {release_id[:64]}")
    data = bundles.load(shore.settings.releases, found.file)
    return ranged(data, http.headers.get("Range"), etag=found.release_id)


def _after(wait_ms: int) -> dict[str, str]:
    return {"Retry-After": str(max(1, -(-wait_ms // 1000)))}

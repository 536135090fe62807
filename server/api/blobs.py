"""Blobs over tus 1.0: a device sends what is too large for a record in pieces that resume.

Core, creation, expiration, checksum and termination as the protocol has them; creation answers 201
for an upload that is there already, with its offset, so that a lost answer costs nothing. Every
request is signed, the protocol's headers included (`wire.tus.signed_part`). People list and fetch
the frames that came.

Source: tus resumable upload protocol 1.0.0.

Example:
    $ curl -X OPTIONS -i http://127.0.0.1:8765/v1/blobs
    HTTP/1.1 204 No Content
    tus-version: 1.0.0
"""

import base64
import binascii
import hashlib
import hmac
from email.utils import formatdate
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from server.api.deps import ShoreDep, Viewer
from server.api.objects import ID_MAX
from server.api.rights import need_device
from server.clock import now_ms
from server.db import blobs, members
from server.db.blobs import Upload
from server.errors import ApiError, not_found
from server.fleet import desk
from server.fleet.desk import Signed
from server.intake import uploads
from wire.tus import CHECKSUMS, EXTENSIONS, PATH, SIZE_MAX, TYPE, VERSION, signed_part

router = APIRouter(tags=["blobs"])
_TUS = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
_ABLE = {
    "Tus-Version": VERSION,
    "Tus-Extension": EXTENSIONS,
    "Tus-Max-Size": str(SIZE_MAX),
    "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
}


async def signed(request: Request, shore: ShoreDep) -> Signed:
    """Check protocol and signature. Raises ApiError."""
    if request.headers.get("Tus-Resumable") != VERSION:
        raise ApiError(412, "tus", f"Tus-Resumable: expected {VERSION}.", {**_TUS, **_ABLE})
    body = await request.body()
    part = signed_part(request.headers, body)
    who = await run_in_threadpool(
        desk.verify, shore.database, request.headers, request.method, request.scope["path"], part
    )
    desk.not_too_fast(shore, who)
    return Signed(who.device, who.counter, body)


SignedDep = Annotated[Signed, Depends(signed)]


@router.options(PATH)
def able() -> Response:
    return Response(status_code=204, headers=_ABLE)


@router.post(PATH)
def create(shore: ShoreDep, request: SignedDep, http: Request) -> Response:
    length = _whole(http, "Upload-Length")
    text = http.headers.get("Upload-Metadata", "")
    upload = uploads.begin(shore, request, text, length, now_ms())
    location = {"Location": f"{http.scope['path'].rstrip('/')}/{upload.key}"}
    return _answer(201, upload, location)


@router.head(PATH + "/{key}")
def head(shore: ShoreDep, request: SignedDep, key: str) -> Response:
    upload = uploads.look(shore, request, key, now_ms())
    return _answer(200, upload, {"Upload-Length": str(upload.length)})


@router.patch(PATH + "/{key}")
def patch(shore: ShoreDep, request: SignedDep, http: Request, key: str) -> Response:
    if http.headers.get("Content-Type") != TYPE:
        raise ApiError(415, "content_type", f"Content-Type: expected {TYPE}.", _TUS)
    offset = _whole(http, "Upload-Offset")
    _check(http.headers.get("Upload-Checksum"), request.body)
    return _answer(204, uploads.extend(shore, request, key, offset, request.body, now_ms()))


@router.delete(PATH + "/{key}")
def delete(shore: ShoreDep, request: SignedDep, key: str) -> Response:
    uploads.end(shore, request, key, now_ms())
    return Response(status_code=204, headers=_TUS)


@router.get("/api/blobs")
def kept(
    shore: ShoreDep,
    user: Viewer,
    kind: Annotated[str, Query(pattern="^(frame|vignette)$")] = "frame",
    before: Annotated[int, Query(ge=1, lt=ID_MAX)] = ID_MAX - 1,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[dict[str, Any]]:
    with shore.database.read() as connection:
        mine = members.projects_of(connection, user)
        return list(blobs.kept(connection, kind, before, limit, mine))


@router.get("/api/blobs/{blob_id}")
def fetch(shore: ShoreDep, user: Viewer, blob_id: int) -> Response:
    """The bytes as they came, never shown in place: nobody looked into them."""
    with shore.database.read() as connection:
        upload = blobs.by_id(connection, min(max(blob_id, 0), ID_MAX))
        if upload is not None:
            need_device(connection, user, blobs.device_of(connection, upload))
    whole = upload is not None and upload.state != "open"
    if upload is None or not whole or (upload.kind, upload.state) == ("vignette", "done"):
        raise not_found(f"blob {blob_id}")
    headers = {"Content-Disposition": f'attachment; filename="blob-{upload.id}"'}
    data = shore.blobs.read(upload.file)
    return Response(data, media_type="application/octet-stream", headers=headers)


def _answer(status: int, upload: Upload, more: dict[str, str] | None = None) -> Response:
    headers = {**_TUS, "Upload-Offset": str(upload.offset), **(more or {})}
    if upload.state == "open":
        headers["Upload-Expires"] = formatdate(upload.expires_ms / 1e3, usegmt=True)
    return Response(status_code=status, headers=headers)


def _whole(http: Request, name: str) -> int:
    text = http.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise ApiError(400, "header", f"{name}: expected a whole number.", _TUS)
    return int(text)


def _check(said: str | None, body: bytes) -> None:
    """The chunk's own checksum, when there is one."""
    if said is None:
        return
    algorithm, _, text = said.partition(" ")
    if algorithm not in CHECKSUMS:
        wanted = " or ".join(CHECKSUMS)
        raise ApiError(400, "checksum", f"Upload-Checksum: expected {wanted}.", {**_TUS, **_ABLE})
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ApiError(400, "checksum", "Upload-Checksum: expected base64.", _TUS) from error
    if not hmac.compare_digest(hashlib.new(algorithm, body).digest(), digest):
        raise ApiError(460, "checksum", "The chunk is not what its checksum says.", _TUS)

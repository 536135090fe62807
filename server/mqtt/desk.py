"""What a request that came through a broker is answered; the broker itself is elsewhere.

The answer goes to the topic of the device that the request's topic names, never where the request
would like it; that device must also be the one that signed. Nothing that a device sends raises.

Example:
    >>> answer(shore, "seadrift/v1/d7/up/hello", headers, body, now_ms())
    Answer(status=200, body=b'...', retry_after='')
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from server import API, VERSION
from server.errors import ApiError
from server.fleet import desk
from server.shore import Shore
from wire.checked import FieldError, read
from wire.codec import CodecError, loads
from wire.mqtt import CHUNK_MAX, METHOD, read_request
from wire.signing import DEVICE_HEADER


@dataclass(frozen=True)
class Answer:
    """Status, body and Retry-After as HTTP would have them."""

    status: int
    body: bytes
    retry_after: str = ""


@dataclass(frozen=True)
class _Piece:
    """Which bytes of a release are asked for."""

    release: str
    offset: int
    length: int


def answer(
    shore: Shore, topic: str, headers: Mapping[str, str], body: bytes, now_ms: int
) -> Answer:
    """The answer to one request, when what it asked for is committed."""
    try:
        return Answer(200, _do(shore, topic, headers, body, now_ms))
    except Exception as error:
        said = desk.refusal(error)
        text = {"error": {"code": said.code, "message": said.message}}
        retry_after = said.headers.get("Retry-After", "")
        return Answer(said.status, json.dumps(text).encode(), retry_after)


def _do(shore: Shore, topic: str, headers: Mapping[str, str], body: bytes, now_ms: int) -> bytes:
    device, kind = read_request(topic) or ("", "")
    if kind == "ping":
        return json.dumps({"service": "seadrift", "api": API, "version": VERSION}).encode()
    if headers.get(DEVICE_HEADER) != device:
        raise ApiError(401, "signature", "The request is not signed by a known device.")
    if len(body) > shore.settings.batch_max:
        raise ApiError(413, "too_large", f"More than {shore.settings.batch_max} bytes.")
    request = desk.verify(shore.database, headers, METHOD, topic, body)
    request = replace(request, device=replace(request.device, carrier="mqtt"))
    if kind == "hello":
        return desk.hello(shore, request, now_ms)
    if kind == "ingest":
        return desk.ingest(shore, request, now_ms)
    if kind == "release":
        return _piece(shore, request, now_ms)
    if kind == "certificate":
        return desk.certificate(shore, request, now_ms)
    raise ApiError(404, "not_found", f"There is no request '{kind[:40]}'.")


def _piece(shore: Shore, request: desk.Signed, now_ms: int) -> bytes:
    try:
        wanted = read(_Piece, loads(request.body))
    except (CodecError, FieldError) as error:
        raise ApiError(400, "release", str(error)) from error
    if wanted.offset < 0 or not 0 < wanted.length <= CHUNK_MAX:
        raise ApiError(400, "release", f"length: expected 1 to {CHUNK_MAX}; offset: at least 0")
    data = desk.release(shore, request, wanted.release, now_ms)
    return data[wanted.offset : wanted.offset + wanted.length]

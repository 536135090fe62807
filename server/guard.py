"""Two layers around every request: how big a body may be and how slowly it may come, and what a
browser may do with the answer.

The size is counted while the body comes in, so a body without an honest Content-Length stops at the
limit; a body that does not come ends the request, so that nobody holds a place by sending nothing.

Example:
    >>> app.add_middleware(BodyLimit, people=1 << 20, devices=256 << 10, uploads=8 << 30)
"""

import asyncio
import time

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"origin-agent-cluster", b"?1"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
        b"magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    ),
)
_CLOSE = {"Connection": "close"}
"""What is still on its way is not waited for."""
_STRICT = (b"strict-transport-security", b"max-age=31536000")
PIECE_S = 60.0
"""The next piece of a body must come within so many seconds."""
SLOWEST_BYTES_S = 100
"""A whole body may take PIECE_S and a second for each so many bytes: a satellite modem's speed."""
TAKING_S = 120.0
"""Whoever does not take the answer within so many seconds gets no more of it."""
UPLOADS = tuple(
    f"{root}/{name}" for root in ("", "/api") for name in ("files/", "user_files/", "my_files/")
)
"""Where people hand files in: these handlers take a body piece by piece, after they know whose."""


class BodyLimit:
    """413 for a body above the limit: `devices` bytes under /v1, `uploads` bytes (and a form's
    frame around them) where files are handed in, `people` bytes elsewhere; 408 for one that does
    not come."""

    def __init__(
        self, app: ASGIApp, people: int, devices: int, uploads: int, piece_s: float = PIECE_S
    ) -> None:
        self._app = app
        self._people = people
        self._devices = devices
        self._uploads = uploads + people
        self._piece_s = piece_s

    def _limit(self, scope: Scope) -> int:
        if scope["path"].startswith("/v1/"):
            return self._devices
        writes = scope["method"] in ("POST", "PUT")
        return self._uploads if writes and scope["path"].startswith(UPLOADS) else self._people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        body = _Body(receive, limit, self._piece_s)

        async def in_time(message: Message) -> None:
            async with asyncio.timeout(TAKING_S):
                await send(message)

        await self._app(scope, body.receive, in_time)


class _Body:
    """A body on its way in, counted and timed. After its end a wait is for the client to leave,
    and that may be long."""

    def __init__(self, receive: Receive, limit: int, piece_s: float) -> None:
        self._receive = receive
        self._limit = limit
        self._piece_s = piece_s
        self._until_s = time.monotonic() + piece_s + limit / SLOWEST_BYTES_S
        self._seen = 0
        self._whole = False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        left_s = min(self._piece_s, self._until_s - time.monotonic())
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, "The body does not come.", headers=_CLOSE) from error
        self._seen += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._seen > self._limit:
            raise HTTPException(413, _message(self._limit), headers=_CLOSE)
        return message


def _message(limit: int) -> str:
    return f"The body is larger than {limit} bytes."


def _too_large(limit: int) -> JSONResponse:
    error = {"code": "too_large", "message": _message(limit)}
    return JSONResponse({"error": error}, status_code=413, headers=_CLOSE)


class SecurityHeaders:
    """Headers that keep a page to its own scripts and out of frames, and API answers out of
    caches; over TLS, to us or to a proxy before us, browsers are told to stay with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = (*_HEADERS, _STRICT) if scope["scheme"] == "https" else _HEADERS

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message["headers"])
                names = {name.lower() for name, _ in given}
                given += [(name, value) for name, value in extra if name not in names]
                if b"cache-control" not in names and not scope["path"].startswith("/static/"):
                    given.append((b"cache-control", b"no-store"))
                message["headers"] = given
            await send(message)

        await self._app(scope, receive, with_headers)

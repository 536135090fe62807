"""Two layers around every request: how big a body may be, and what a browser may do with the
answer.

The size is counted while the body comes in, so a body without an honest Content-Length stops at the
limit.

Example:
    >>> app.add_middleware(BodyLimit, people=1 << 20, devices=256 << 10)
"""

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        b"form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_CLOSE = {"Connection": "close"}
"""What is still on its way is not waited for."""
_STRICT = (b"strict-transport-security", b"max-age=31536000")


class BodyLimit:
    """413 for a body above the limit: `devices` bytes under /v1, `people` bytes elsewhere."""

    def __init__(self, app: ASGIApp, people: int, devices: int) -> None:
        self._app = app
        self._people = people
        self._devices = devices

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._devices if scope["path"].startswith("/v1/") else self._people
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, _message(limit), headers=_CLOSE)
            return message

        await self._app(scope, counted, send)


def _message(limit: int) -> str:
    return f"The body is larger than {limit} bytes."


def _too_large(limit: int) -> JSONResponse:
    error = {"code": "too_large", "message": _message(limit)}
    return JSONResponse({"error": error}, status_code=413, headers=_CLOSE)


class SecurityHeaders:
    """Headers that keep a page to its own scripts and out of frames, and API answers out of
    caches."""

    def __init__(self, app: ASGIApp, tls: bool) -> None:
        self._app = app
        self._extra = (*_HEADERS, _STRICT) if tls else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message["headers"])
                names = {name.lower() for name, _ in given}
                given += [(name, value) for name, value in self._extra if name not in names]
                if b"cache-control" not in names and not scope["path"].startswith("/static/"):
                    given.append((b"cache-control", b"no-store"))
                message["headers"] = given
            await send(message)

        await self._app(scope, receive, with_headers)

"""What is turned away before anything looks at it: too fast, too many at once, from another site.

A page of another site can make a browser send requests here, and can point its own name at this
machine. So a change must not come from another site (Fetch Metadata, Origin), and a shore that
serves its own machine alone answers pages only under that machine's names. Devices sign what they
send and are asked neither.

Sources: W3C Fetch Metadata Request Headers; RFC 9112, section 6.3, on bodies with two lengths.

Example:
    >>> app.add_middleware(Gate, limits=shore.limits, local=True)
"""

import math
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from server.auth.addresses import counted_as
from server.limits import Limits
from server.settings import is_loopback

_SAFE = ("GET", "HEAD", "OPTIONS")
_CLOSE = {"Connection": "close"}


class Gate:
    """`local`: the shore serves its own machine alone, and no proxy stands before it."""

    def __init__(self, app: ASGIApp, limits: Limits, local: bool) -> None:
        self._app = app
        self._limits = limits
        self._local = local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        address = counted_as(client[0] if client else "unknown")
        refused = self._too_fast(address) or self._wrong(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        with self._limits.crowd.enter(address) as free:
            answer = self._app if free else _refusal(429, "too_many", "Too much at once.", 1)
            await answer(scope, receive, send)

    def _too_fast(self, address: str) -> JSONResponse | None:
        wait_s = self._limits.addresses.take(address, time.monotonic())
        if not wait_s:
            return None
        return _refusal(429, "too_many", "You ask faster than the shore answers.", wait_s)

    def _wrong(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if "content-length" in headers and "transfer-encoding" in headers:
            return _refusal(400, "length", "The request says its length in two ways.")
        if scope["path"].startswith("/v1/"):
            return None
        if self._local and not _is_local(headers.get("host", "")):
            words = "This shore serves its own machine; behind a proxy, start it with --proxy."
            return _refusal(421, "host", words)
        if scope["method"] not in _SAFE and _from_elsewhere(headers):
            return _refusal(403, "origin", "A change cannot be asked for from another site.")
        return None


def _is_local(host: str) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False


def _from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that a page of another site asks."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    except ValueError:
        return True


def _refusal(status: int, code: str, message: str, wait_s: float = 0.0) -> JSONResponse:
    after = {"Retry-After": str(max(1, math.ceil(wait_s)))} if wait_s else _CLOSE
    error = {"error": {"code": code, "message": message}}
    return JSONResponse(error, status_code=status, headers=after)

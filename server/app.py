"""The web application: middle layers, routers, and what an error looks like.

Invariant: whatever happens, a client gets JSON with a code and a sentence, never a stack trace; the
trace goes to the log. Nothing but ping, enrol, login, the login page and static files answers a
stranger.

Example:
    >>> app = create_app(shore)
"""

import importlib.util
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server import VERSION
from server.api import (
    audit,
    blobs,
    classify,
    commands,
    device,
    devices,
    exports,
    files,
    frames,
    imports,
    jobs,
    login,
    members,
    objects,
    openapi,
    predictions,
    projects,
    quarantine,
    releases,
    satellite,
    settings,
    similar,
    statistics,
    taxa,
    tokens,
    users,
)
from server.ecotaxa.api.entered import enter as enter_ecotaxa
from server.errors import ApiError
from server.fleet.desk import refusal
from server.gate import Gate
from server.guard import BodyLimit, SecurityHeaders
from server.satellite.gateway import running
from server.shore import Shore

LOG = logging.getLogger("seadrift")
ROOMS = (
    login,
    tokens,
    users,
    projects,
    exports,
    jobs,
    predictions,
    settings,
    members,
    statistics,
    files,
    imports,
    frames,
    objects,
    similar,
    classify,
    taxa,
    devices,
    releases,
    quarantine,
    audit,
    openapi,
    commands,
    satellite,
    blobs,
)


def create_app(shore: Shore) -> FastAPI:
    """The application over an open shore; it closes the shore when it ends."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with running(shore):
            yield
        shore.close()

    app = FastAPI(
        title="Seadrift shore",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.shore = shore
    app.include_router(device.router)  # first: a route is looked for in order, for each batch anew
    enter_ecotaxa(app)
    for module in ROOMS:
        app.include_router(module.router)
    _add_pages(app)
    _add_errors(app)
    app.add_middleware(
        BodyLimit,
        people=shore.settings.body_max,
        devices=shore.settings.batch_max,
        uploads=shore.settings.upload_max,
    )
    app.add_middleware(Gate, limits=shore.limits, local=shore.settings.local)
    app.add_middleware(SecurityHeaders)
    if shore.settings.proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(shore.settings.proxies))
    return app


def _add_pages(app: FastAPI) -> None:
    """The pages, when they are installed: the API stands without them."""
    if importlib.util.find_spec("server.web.routes") is not None:
        app.include_router(importlib.import_module("server.web.routes").router)


def _answer(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    body = {"error": {"code": code, "message": message}, "detail": message}
    return JSONResponse(body, status_code=status, headers=headers)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    def refused(_request: Request, error: ApiError) -> Response:
        return _answer(error.status, error.code, error.message, error.headers)

    @app.exception_handler(ClientDisconnect)
    def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # to nobody: the link broke in the middle of a body

    @app.exception_handler(HTTPException)
    def plain(_request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method", 413: "too_large"}.get(error.status_code, "http")
        return _answer(error.status_code, code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> Response:
        return _answer(422, "invalid", _sentence(error.errors()))

    @app.exception_handler(DataError)
    @app.exception_handler(OperationalError)
    @app.exception_handler(OSError)
    def expected(_request: Request, error: Exception) -> Response:
        said = refusal(error)
        return _answer(said.status, said.code, said.message, said.headers)

    @app.exception_handler(Exception)
    def unforeseen(request: Request, error: Exception) -> Response:
        LOG.error("%s %s", request.method, request.scope["path"], exc_info=error)
        return _answer(500, "internal", "The shore made a mistake; it is in its log.")


def _sentence(problems: Any) -> str:
    """The first problems of a body as one line: where, and what was expected. Never the values."""
    lines = [f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in problems[:3]]
    return "; ".join(lines)

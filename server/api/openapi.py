"""The description of this API, for scripts and for tests of it."""

from typing import Any

from fastapi import APIRouter, Request

from server.api.deps import Viewer

router = APIRouter(prefix="/api", tags=["openapi"])


@router.get("/openapi.json")
def document(request: Request, user: Viewer) -> dict[str, Any]:
    described: dict[str, Any] = request.app.openapi()
    return described

"""The description of this API, for scripts and for tests of it.

EcoTaxa's clients read it before they log in, and look at its version: a stranger is told EcoTaxa's
part of it, at EcoTaxa's version. Who is logged in is told everything.

Example:
    $ curl http://127.0.0.1:8765/api/openapi.json
"""

from typing import Any

from fastapi import APIRouter, Request

from server import VERSION
from server.api.deps import OptionalLogin
from server.ecotaxa.api.routes import API_VERSION

router = APIRouter(tags=["openapi"])


@router.get("/openapi.json", include_in_schema=False)
@router.get("/api/openapi.json")
def document(request: Request, login: OptionalLogin) -> dict[str, Any]:
    described: dict[str, Any] = request.app.openapi()
    about = {
        "title": "Seadrift shore",
        "version": API_VERSION,
        "description": f"EcoTaxa's API {API_VERSION} and that of Seadrift {VERSION}.",
    }
    found = {**described, "info": about}
    if login is None:
        found["paths"] = {
            path: methods for path, methods in described["paths"].items() if _is_ecotaxa(methods)
        }
    return found


def _is_ecotaxa(methods: dict[str, Any]) -> bool:
    return any(tag.startswith("EcoTaxa") for one in methods.values() for tag in one.get("tags", ()))

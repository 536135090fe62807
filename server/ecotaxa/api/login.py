"""Logging in as EcoTaxa's clients do where no proxy puts `/api` before the address.

Example:
    $ curl -H "Content-Type: application/json" -d '{"username": "ann@sea.org", "password": "..."}' \
        http://127.0.0.1:8765/login
    "kq3..."
"""

from typing import Any

from fastapi import Request, Response

from server.api.deps import ShoreDep
from server.api.login import Credentials
from server.api.login import login as enter
from server.ecotaxa.api.routes import eco_router

router = eco_router("login")


@router.post("/login")
def login(
    request: Request, response: Response, shore: ShoreDep, body: Credentials
) -> dict[str, Any] | str:
    return enter(request, response, shore, body)

"""How EcoTaxa's routes are entered: under two prefixes, with or without a slash at the end.

Its clients write `/jobs/` and `/jobs` alike, and EcoTaxa's proxy puts `/api` before everything.
Where a page of ours has the address of a route of EcoTaxa's, a browser gets the page.

Example:
    >>> router = eco_router("projects")
    >>> @router.get("/projects/search")
    ... def search(...): ...
"""

import json
import math
import re
from typing import Any

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

API_VERSION = "0.0.45"
"""The version of EcoTaxa's API that this one follows; its clients look at it."""


class EcoRoute(APIRoute):
    """One route of EcoTaxa's."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or _is_browser(scope):
            return Match.NONE, {}
        found = super().matches(scope)
        if found[0] is Match.NONE and scope["path"] != "/":
            path = scope["path"]
            other = path[:-1] if path.endswith("/") else f"{path}/"
            found = super().matches({**scope, "path": other})
        return found


def _is_browser(scope: Scope) -> bool:
    """Whether a person looks, who wants a page."""
    accept = Headers(scope=scope).get("accept", "")
    return scope["method"] == "GET" and accept.startswith("text/html")


def eco_router(noun: str) -> APIRouter:
    return APIRouter(tags=[f"EcoTaxa: {noun}"], route_class=EcoRoute)


def numbers_in(text: str, most: int = 5000) -> list[int]:
    """The numbers of a text, whatever stands between them, as EcoTaxa reads its lists.

    >>> numbers_in("12+14,15")
    [12, 14, 15]
    """
    found = re.findall(r"\d{1,18}", text[:100_000])[:most]
    return list(dict.fromkeys(int(word) for word in found))


def json_answer(value: Any) -> Response:
    """An answer that is written without a look at each value: lists of a million numbers. What is
    not finite is null, as in EcoTaxa: JSON has no word for it."""
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    except ValueError:
        text = json.dumps(_finite(value), separators=(",", ":"), ensure_ascii=False)
    return Response(text.encode(), media_type="application/json")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return value

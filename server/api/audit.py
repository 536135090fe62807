"""The audit log, for administrators: newest first, a page at a time."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from server.api.deps import Administrator, ShoreDep
from server.api.objects import ID_MAX
from server.db import audit

router = APIRouter(prefix="/api/audit", tags=["audit"])


@router.get("")
def entries(
    shore: ShoreDep,
    user: Administrator,
    before: Annotated[int | None, Query(ge=1, lt=ID_MAX)] = None,
    action: Annotated[str | None, Query(max_length=40)] = None,
    who: Annotated[str | None, Query(max_length=250)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """`next` is the `before` of the next page, None at the end."""
    with shore.database.read() as connection:
        rows = audit.page(connection, before=before, action=action, who=who, limit=limit)
    return {"entries": rows, "next": rows[-1]["id"] if len(rows) == limit else None}

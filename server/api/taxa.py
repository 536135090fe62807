"""Taxa: search as one types, and new ones."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from server.api.deps import Manager, ShoreDep, Viewer
from server.api.objects import ID_MAX
from server.api.rights import need
from server.clock import now_ms
from server.db import taxa
from server.db.taxa import TaxonExistsError, TaxonInfo
from server.errors import ApiError, not_found

router = APIRouter(prefix="/api/taxa", tags=["taxa"])


class NewTaxon(BaseModel):
    name: str = Field(
        min_length=1, max_length=120, pattern=r"^[^<>\x00-\x1f]*[^\s_<>][^<>\x00-\x1f]*$"
    )
    parent_id: Annotated[int, Field(ge=1, lt=ID_MAX)] | None = None


@router.get("/search")
def search(
    shore: ShoreDep,
    user: Viewer,
    q: Annotated[str, Query(max_length=120)] = "",
    project_id: Annotated[int | None, Query(ge=1, lt=ID_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> list[dict[str, Any]]:
    with shore.database.read() as connection:
        if project_id is not None:
            need(connection, user, project_id)
        found = taxa.search(connection, q, project_id, limit)
    return [{**_shown(info), "uses": uses} for info, uses in found]


@router.post("", status_code=201)
def create(shore: ShoreDep, user: Manager, body: NewTaxon) -> dict[str, Any]:
    try:
        with shore.database.write() as connection:
            taxon_id = taxa.add(connection, body.name, body.parent_id, now_ms())
            info = taxa.by_id(connection, [taxon_id])[taxon_id]
    except TaxonExistsError as error:
        raise ApiError(409, "taxon_exists", f"Not added: {error}.") from error
    except LookupError as error:
        raise not_found(f"taxon {body.parent_id}") from error
    return _shown(info)


def _shown(info: TaxonInfo) -> dict[str, Any]:
    return {
        "taxon_id": info.taxon_id,
        "name": info.name,
        "display_name": info.display_name,
        "path": info.path,
    }

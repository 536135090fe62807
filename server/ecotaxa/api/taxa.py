"""Taxa, as EcoTaxa's API finds and shows them. Their numbers are this shore's own.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" "http://127.0.0.1:8765/taxon_set/search?query=cope"
"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from server.api.deps import OptionalLogin, ShoreDep, Viewer
from server.api.rights import need
from server.db import counts, members, taxa_log, taxa_tree
from server.db.ecotaxa import dates, projects
from server.db.taxa_search import search
from server.db.taxa_tree import Branch
from server.ecotaxa.api.answers import (
    TaxaSearchRsp,
    TaxonModel,
    TaxonomyTreeStatus,
    TaxonUsageModel,
)
from server.ecotaxa.api.routes import eco_router, numbers_in
from server.errors import not_found
from server.shore import Shore

router = eco_router("taxonomy")
_MOST = 200
_ID_MOST = 2**31


@router.get("/taxa")
def query_root_taxa(shore: ShoreDep, login: OptionalLogin) -> list[TaxonModel]:
    """The taxa that have no parent. EcoTaxa's clients ask without a token; how many objects there
    are is not for strangers."""
    with shore.database.read() as connection:
        found = _shown(taxa_tree.branches(connection, taxa_tree.roots(connection)))
    if login is not None:
        return found
    return [one.model_copy(update={"nb_objects": 0, "nb_children_objects": 0}) for one in found]


@router.get("/taxa/status")
def taxa_tree_status(shore: ShoreDep, user: Viewer) -> TaxonomyTreeStatus:
    """When the tree was last changed."""
    with shore.database.read() as connection:
        changed_ms = taxa_log.changed_ms(connection)
    return TaxonomyTreeStatus(last_refresh=dates.moment(changed_ms))


@router.get("/taxon/{taxon_id:int}")
def query_taxa(shore: ShoreDep, user: Viewer, taxon_id: int) -> TaxonModel:
    found = _branches(shore, [taxon_id])
    if not found:
        raise not_found(f"taxon {taxon_id}")
    return found[0]


@router.get("/taxon/{taxon_id:int}/usage")
def query_taxa_usage(shore: ShoreDep, user: Viewer, taxon_id: int) -> list[TaxonUsageModel]:
    """The projects in which objects are validated as this taxon, of those that one may see."""
    if not _branches(shore, [taxon_id]):
        raise not_found(f"taxon {taxon_id}")
    with shore.database.read() as connection:
        titles = {
            row.project_id: row.title
            for row in projects.rows(connection, members.projects_of(connection, user))
        }
        found = [(project, counts.total(connection, project, taxon_id, "V")) for project in titles]
    found.sort(key=lambda one: -one[1])
    return [
        TaxonUsageModel(projid=project, title=titles[project], nb_validated=n)
        for project, n in found
        if n
    ]


@router.get("/taxon_set/search")
def search_taxa(
    shore: ShoreDep,
    user: Viewer,
    query: Annotated[str, Query(max_length=250)],
    project_id: Annotated[int | None, Query(ge=0, lt=_ID_MOST)] = None,
) -> list[TaxaSearchRsp]:
    """Taxa by the beginnings of their words; those of the project's own list first."""
    with shore.database.read() as connection:
        if project_id is not None:
            need(connection, user, project_id)
        found = search(connection, query.strip("%"), project_id, _MOST)
    return [
        TaxaSearchRsp(
            id=one.info.taxon_id, text=one.info.display_name, pr=int(one.place is not None)
        )
        for one in found
    ]


@router.get("/taxon_set/query")
def query_taxa_set(shore: ShoreDep, user: Viewer, ids: Annotated[str, Query()]) -> list[TaxonModel]:
    return _branches(shore, numbers_in(ids))


def _branches(shore: Shore, taxon_ids: Sequence[int]) -> list[TaxonModel]:
    with shore.database.read() as connection:
        known = [number for number in taxon_ids if 0 < number < _ID_MOST]
        return _shown(taxa_tree.branches(connection, known))


def _shown(found: list[Branch]) -> list[TaxonModel]:
    return [
        TaxonModel(
            id=one.row.taxon_id,
            renm_id=one.row.rename_to,
            name=one.row.name,
            type=one.row.kind,
            nb_objects=one.nb_objects,
            nb_children_objects=one.nb_children_objects,
            display_name=one.row.display_name,
            lineage=one.lineage,
            id_lineage=one.id_lineage,
            children=one.children,
        )
        for one in found
    ]

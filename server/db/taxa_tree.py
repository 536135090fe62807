"""The tree of taxa as it is walked: children, lineages, subtrees, with the objects of each.

Example:
    >>> branches(connection, [17])[0].lineage
    ['egg', 'Copepoda', 'Crustacea', 'Arthropoda', 'Animalia', 'Biota']
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import aliased

from server.db.dialect import chunks
from server.db.tables import Count, Taxon, TaxonSynonym
from server.db.taxa_read import TaxonRow, rows
from server.db.taxa_search import uses
from server.taxonomy.tree import DEEPEST

_SUBTREE_MOST = 1_000_000


@dataclass(frozen=True)
class Branch:
    """A taxon as EcoTaxa's API tells of it: `lineage` and `id_lineage` go from the taxon itself
    upwards, `children` are numbers, `nb_children_objects` counts those below it."""

    row: TaxonRow
    lineage: list[str]
    id_lineage: list[int]
    children: list[int]
    nb_objects: int
    nb_children_objects: int


def branches(connection: Connection, taxon_ids: Iterable[int]) -> list[Branch]:
    """These taxa, in this order; numbers that are no taxa are left out."""
    asked = list(dict.fromkeys(taxon_ids))
    found = rows(connection, asked)
    above = lineages(connection, found)
    below = children(connection, found)
    own = uses(connection, found, None)
    under = _uses_below(connection, found)
    return [
        Branch(
            found[taxon],
            [name for _, name in above[taxon]],
            [number for number, _ in above[taxon]],
            below[taxon],
            own.get(taxon, 0),
            under.get(taxon, 0),
        )
        for taxon in asked
        if taxon in found
    ]


def roots(connection: Connection) -> list[int]:
    """The taxa that are under nothing."""
    query = select(Taxon.id).where(Taxon.parent_id.is_(None), Taxon.rename_to.is_(None))
    return list(connection.execute(query.order_by(Taxon.id)).scalars())


def children(connection: Connection, taxon_ids: Iterable[int]) -> dict[int, list[int]]:
    """The taxa in use right below each."""
    found: dict[int, list[int]] = {taxon: [] for taxon in taxon_ids}
    query = select(Taxon.parent_id, Taxon.id).where(Taxon.rename_to.is_(None))
    for some in chunks(sorted(found)):
        rows = connection.execute(query.where(Taxon.parent_id.in_(some)).order_by(Taxon.name_key))
        for parent, taxon in rows:
            assert parent is not None
            found[parent].append(taxon)
    return found


def lineages(connection: Connection, taxon_ids: Iterable[int]) -> dict[int, list[tuple[int, str]]]:
    """(taxon, name) from each upwards."""
    wanted = sorted(set(taxon_ids))
    known: dict[int, tuple[str, int | None]] = {}
    missing = wanted
    for _ in range(DEEPEST):
        query = select(Taxon.id, Taxon.name, Taxon.parent_id)
        for some in chunks(missing):
            for taxon, name, parent in connection.execute(query.where(Taxon.id.in_(some))):
                known[taxon] = name, parent
        parents = {known[taxon][1] for taxon in missing if taxon in known}
        missing = sorted(p for p in parents if p is not None and p not in known)
        if not missing:
            break
    return {taxon: _upwards(known, taxon) for taxon in wanted if taxon in known}


def _upwards(known: dict[int, tuple[str, int | None]], taxon_id: int) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    at: int | None = taxon_id
    while at is not None and at in known and len(found) <= DEEPEST:
        found.append((at, known[at][0]))
        at = known[at][1]
    return found


def subtree(connection: Connection, taxon_ids: Iterable[int]) -> list[int]:
    """These taxa and everything below them, merged ones too: what "taxochild" means. Objects that
    a large merge has yet to move are thus found as well."""
    return list(connection.execute(_below(taxon_ids)).scalars())


def _below(taxon_ids: Iterable[int]) -> Any:
    asked = sorted(set(taxon_ids))
    start = select(Taxon.id).where(Taxon.id.in_(asked) | Taxon.rename_to.in_(asked))
    below = start.cte("below", recursive=True)
    child = aliased(Taxon)
    step = select(child.id).where((child.parent_id == below.c.id) | (child.rename_to == below.c.id))
    return select(below.union(step).c.id).limit(_SUBTREE_MOST)


def _uses_below(connection: Connection, taxon_ids: Iterable[int]) -> dict[int, int]:
    """Objects of the taxa below each, going up from those that have any: they are few."""
    used = select(Count.taxon_id).where(Count.taxon_id > 0).distinct().subquery()
    start = select(used.c.taxon_id.label("of"), Taxon.parent_id.label("at")).join(
        Taxon, Taxon.id == used.c.taxon_id
    )
    above = start.cte("above", recursive=True)
    parent = aliased(Taxon)
    above = above.union(select(above.c.of, parent.parent_id).join(parent, parent.id == above.c.at))
    query = (
        select(above.c.at, func.sum(Count.n))
        .join(Count, Count.taxon_id == above.c.of)
        .where(above.c.at.in_(sorted(taxon_ids)))
        .group_by(above.c.at)
    )
    return {taxon: int(n) for taxon, n in connection.execute(query)}


@dataclass(frozen=True)
class SynonymRow:
    synonym_id: int
    name: str
    aphia_id: int | None


def synonyms(connection: Connection, taxon_id: int) -> list[SynonymRow]:
    """The other names of a taxon."""
    query = select(TaxonSynonym.id, TaxonSynonym.name, TaxonSynonym.aphia_id).where(
        TaxonSynonym.taxon_id == taxon_id
    )
    return [SynonymRow(*row) for row in connection.execute(query.order_by(TaxonSynonym.id))]


def merged_into(connection: Connection, taxon_id: int) -> list[int]:
    """The taxa that this one has taken in."""
    query = select(Taxon.id).where(Taxon.rename_to == taxon_id).order_by(Taxon.id)
    return list(connection.execute(query).scalars())

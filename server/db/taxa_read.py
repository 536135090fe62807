"""Taxa looked up by number: ours, EcoTaxa's, WoRMS's.

A number that a taxon ever had means the taxon that it is now: a merged taxon's leads to the one
that it became. `get` and `rows` alone give taxa as they are kept.

Example:
    >>> by_ecotaxa_id(connection, [45072])
    {45072: 17}
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import aliased

from server.db.dialect import chunks
from server.db.tables import Taxon, TaxonSynonym


@dataclass(frozen=True)
class TaxonInfo:
    """A taxon as lists show it."""

    taxon_id: int
    name: str
    display_name: str
    path: str


@dataclass(frozen=True)
class TaxonRow:
    """A taxon as it is kept; of a merged one, as it was when it was merged."""

    taxon_id: int
    name: str
    name_key: str
    display_name: str
    path: str
    parent_id: int | None
    kind: str
    rank: str | None
    status: str
    rename_to: int | None
    aphia_id: int | None
    ecotaxa_id: int | None
    created_ms: int


def by_id(connection: Connection, taxon_ids: Iterable[int]) -> dict[int, TaxonInfo]:
    """What these numbers mean; a merged taxon's is the one that it became."""
    now = aliased(Taxon)
    query = select(Taxon.id, now.id, now.name, now.display_name, now.path).join(
        now, now.id == func.coalesce(Taxon.rename_to, Taxon.id)
    )
    found = {}
    for some in chunks(sorted(set(taxon_ids))):
        for row in connection.execute(query.where(Taxon.id.in_(some))):
            found[row[0]] = TaxonInfo(row[1], row[2], row[3], row[4])
    return found


def get(connection: Connection, taxon_id: int) -> TaxonRow | None:
    """One taxon as it is kept."""
    return rows(connection, [taxon_id]).get(taxon_id)


def rows(connection: Connection, taxon_ids: Iterable[int]) -> dict[int, TaxonRow]:
    """Taxa as they are kept, by number."""
    columns = [Taxon.id, *(getattr(Taxon, name) for name in list(TaxonRow.__annotations__)[1:])]
    found = {}
    for some in chunks(sorted(set(taxon_ids))):
        for row in connection.execute(select(*columns).where(Taxon.id.in_(some))):
            found[row[0]] = TaxonRow(*row)
    return found


def current(connection: Connection, taxon_ids: Iterable[int | None]) -> dict[int, int]:
    """The taxon that each number means now; unknown numbers are left out."""
    query = select(Taxon.id, func.coalesce(Taxon.rename_to, Taxon.id))
    found: dict[int, int] = {}
    for some in chunks(sorted({taxon for taxon in taxon_ids if taxon is not None})):
        found.update(_numbers(connection, query.where(Taxon.id.in_(some))))
    return found


def by_ecotaxa_id(connection: Connection, ecotaxa_ids: Iterable[int]) -> dict[int, int]:
    """The taxon that each of EcoTaxa's numbers (its classif_id) means; unknown ones are left
    out."""
    query = select(Taxon.ecotaxa_id, func.coalesce(Taxon.rename_to, Taxon.id))
    found: dict[int, int] = {}
    for some in chunks(sorted(set(ecotaxa_ids))):
        found.update(_numbers(connection, query.where(Taxon.ecotaxa_id.in_(some))))
    return found


def by_aphia_id(connection: Connection, aphia_ids: Iterable[int]) -> dict[int, int]:
    """The taxon that each of WoRMS's numbers means, its synonyms' too; unknown ones are left
    out."""
    synonyms = select(TaxonSynonym.aphia_id, TaxonSynonym.taxon_id)
    merged = select(Taxon.aphia_id, Taxon.rename_to).where(Taxon.rename_to.is_not(None))
    present = select(Taxon.aphia_id, Taxon.id).where(Taxon.rename_to.is_(None))
    found: dict[int, int] = {}
    for some in chunks(sorted(set(aphia_ids))):
        for query, column in ((synonyms, TaxonSynonym.aphia_id), (merged, Taxon.aphia_id)):
            found.update(_numbers(connection, query.where(column.in_(some))))
        found.update(_numbers(connection, present.where(Taxon.aphia_id.in_(some))))
    return found


def _numbers(connection: Connection, query: Any) -> dict[int, int]:
    return dict(connection.execute(query).all())


def is_empty(connection: Connection) -> bool:
    return connection.execute(select(Taxon.id).limit(1)).first() is None

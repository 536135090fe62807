"""Changes of taxa by people and imports: another name, another place, other numbers, synonyms.

Invariant: each is entered into the history with the fields before and after; a renamed taxon keeps
its old name as a synonym, so that whoever says it still finds it.

Example:
    >>> rename(connection, 7, "Calanus finmarchicus", By(2, "ann@sea.org"), now_ms=now)
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.orm import aliased

from server.db import taxa_derived
from server.db.tables import Taxon, TaxonSynonym
from server.db.taxa_add import TaxonRefusedError, add_synonym, check_free
from server.db.taxa_log import By, alone, log
from server.db.taxa_read import TaxonRow, get
from server.db.taxa_resolve import UNPLACED
from server.taxonomy.names import NAME_MOST, clean, fold
from server.taxonomy.tree import DEEPEST

EDITABLE = ("kind", "rank", "status", "aphia_id", "ecotaxa_id")


def rename(connection: Connection, taxon_id: int, name: str, by: By, now_ms: int) -> None:
    """Another name. Raises TaxonRefusedError, TaxonExistsError, LookupError."""
    alone(connection)
    row = changeable(connection, taxon_id)
    neat, key = clean(name)[:NAME_MOST], fold(name)[:NAME_MOST]
    if neat == row.name:
        return
    if not key:
        raise TaxonRefusedError("a taxon needs a name")
    check_free(connection, key, row.parent_id, taxon_id=taxon_id)
    _set(connection, row, "rename", {"name": neat}, by, now_ms, derived={"name_key": key})
    same = TaxonSynonym.taxon_id == taxon_id, TaxonSynonym.name_key == key
    for synonym_id in connection.execute(select(TaxonSynonym.id).where(*same)).scalars().all():
        remove_synonym(connection, taxon_id, synonym_id, by, now_ms)
    if key != row.name_key:
        add_synonym(connection, row.name, taxon_id, now_ms, by=by)
    taxa_derived.refresh(connection, [taxon_id], [key, row.name_key], [taxon_id])


def move(connection: Connection, taxon_id: int, parent_id: int | None, by: By, now_ms: int) -> None:
    """Another parent; what was not reviewed is then. Raises TaxonRefusedError, TaxonExistsError,
    LookupError."""
    alone(connection)
    row = changeable(connection, taxon_id)
    if parent_id is not None:
        parent = changeable(connection, parent_id, as_parent=True)
        if taxon_id in lineage(connection, parent.taxon_id):
            raise TaxonRefusedError(
                f"'{row.display_name}' cannot be under '{parent.display_name}', which is itself "
                "under it"
            )
    if parent_id == row.parent_id:
        return
    check_free(connection, row.name_key, parent_id, taxon_id=taxon_id)
    wanted: dict[str, Any] = {"parent_id": parent_id}
    if row.status == "N":
        wanted["status"] = "A"
    _set(connection, row, "move", wanted, by, now_ms)
    taxa_derived.refresh(connection, [taxon_id], [row.name_key], [])


def edit(
    connection: Connection, taxon_id: int, fields: Mapping[str, Any], by: By, now_ms: int
) -> None:
    """Set fields of EDITABLE. Raises TaxonRefusedError, TaxonExistsError, LookupError."""
    alone(connection)
    row = changeable(connection, taxon_id)
    wanted = {name: fields[name] for name in EDITABLE if name in fields}
    wanted = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not wanted:
        return
    check_free(
        connection,
        "",
        None,
        taxon_id=taxon_id,
        aphia_id=wanted.get("aphia_id"),
        ecotaxa_id=wanted.get("ecotaxa_id"),
    )
    _set(connection, row, "edit", wanted, by, now_ms)
    if "status" in wanted:
        taxa_derived.refresh(connection, [], [row.name_key], [])


def remove_synonym(
    connection: Connection, taxon_id: int, synonym_id: int, by: By, now_ms: int
) -> None:
    """Take a synonym away. Raises LookupError."""
    alone(connection)
    where = TaxonSynonym.id == synonym_id, TaxonSynonym.taxon_id == taxon_id
    query = select(TaxonSynonym.name, TaxonSynonym.aphia_id).where(*where)
    found = connection.execute(query).first()
    if found is None:
        raise LookupError(f"taxon {taxon_id} has no synonym {synonym_id}")
    connection.execute(delete(TaxonSynonym).where(*where))
    said = {"synonym": found.name, "aphia_id": found.aphia_id}
    log(connection, by, [(taxon_id, "synonym", said, {})], now_ms)
    taxa_derived.index(connection, [taxon_id])


def changeable(connection: Connection, taxon_id: int, *, as_parent: bool = False) -> TaxonRow:
    """The taxon, if it may be changed or be a parent. Raises TaxonRefusedError, LookupError."""
    row = get(connection, taxon_id)
    if row is None:
        raise LookupError(f"there is no taxon {taxon_id}")
    if row.rename_to is not None:
        raise TaxonRefusedError(
            f"'{row.display_name}' was merged into taxon {row.rename_to}: change that one"
        )
    if not as_parent and row.parent_id is None and row.name_key == fold(UNPLACED):
        raise TaxonRefusedError(f"'{UNPLACED}' holds what comes in unknown, and stays as it is")
    return row


def lineage(connection: Connection, taxon_id: int) -> list[int]:
    """The taxon and what is above it, nearest first."""
    start = select(Taxon.id, Taxon.parent_id).where(Taxon.id == taxon_id)
    above = start.cte("above", recursive=True)
    parent = aliased(Taxon)
    step = select(parent.id, parent.parent_id).join(above, parent.id == above.c.parent_id)
    query = select(above.union_all(step)).limit(DEEPEST + 2)
    return [row[0] for row in connection.execute(query)]


def _set(
    connection: Connection,
    row: TaxonRow,
    kind: str,
    wanted: Mapping[str, Any],
    by: By,
    now_ms: int,
    derived: Mapping[str, Any] | None = None,
) -> None:
    values = {**wanted, **(derived or {})}
    connection.execute(update(Taxon).where(Taxon.id == row.taxon_id).values(values))
    before = {name: getattr(row, name) for name in wanted}
    log(connection, by, [(row.taxon_id, kind, before, wanted)], now_ms)

"""Merging one taxon into another: its names, its children, its objects become the other's.

The merged taxon stays as a signpost ("deprecated", `rename_to`): its number, its names and the
events of its objects lead to the other one. Objects follow in portions, each with its counts in one
transaction; the first portion comes with the merge itself, so only merges of more objects than
PORTION need `carry` again, and those may be cut anywhere: what is left is found by the counts.

Example:
    >>> merge(connection, 9, into=4, by=By(2, "ann@sea.org"), now_ms=now)
    Merged(moved=812, left=0)
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, delete, func, select, update

from server.db import taxa_derived
from server.db.counts import Delta
from server.db.ecotaxa.lists import among
from server.db.tables import Count, Object, ProjectTaxon, Taxon, TaxonAlias, TaxonSynonym
from server.db.taxa_add import TaxonRefusedError, add_synonym
from server.db.taxa_edit import changeable, lineage, move
from server.db.taxa_log import By, Entry, alone, log
from server.db.taxa_read import TaxonRow

PORTION = 50_000


@dataclass(frozen=True)
class Merged:
    """Objects that were moved, and those that `carry` has yet to move."""

    moved: int
    left: int


def merge(connection: Connection, taxon_id: int, *, into: int, by: By, now_ms: int) -> Merged:
    """Make one taxon part of another. Raises TaxonRefusedError, LookupError."""
    alone(connection)
    _join(connection, taxon_id, into, By(by.user_id, by.who, by.cause or "merge"), now_ms)
    return carry(connection)


def is_behind(connection: Connection) -> bool:
    """Whether merged taxa have objects."""
    return connection.execute(_left().limit(1)).first() is not None


def _left() -> Any:
    """(project, merged taxon, what it became, objects)"""
    n = func.sum(Count.n)
    return (
        select(Count.project_id, Count.taxon_id, Taxon.rename_to, n)
        .join(Taxon, Taxon.id == Count.taxon_id)
        .where(Taxon.rename_to.is_not(None))
        .group_by(Count.project_id, Count.taxon_id, Taxon.rename_to)
        .having(n > 0)
    )


def carry(connection: Connection, most: int = PORTION) -> Merged:
    """Move at most so many objects of merged taxa to those that they became."""
    moved = left = 0
    for project, old, new, there in connection.execute(_left()).all():
        done = _move_objects(connection, project, old, new, min(most - moved, int(there)))
        moved += done
        left += int(there) - done
    return Merged(moved, left)


def _move_objects(connection: Connection, project: int, old: int, new: int, most: int) -> int:
    if most <= 0:
        return 0
    here = Object.project_id == project, Object.taxon_id == old
    chosen = list(connection.execute(select(Object.objid).where(*here).limit(most)).scalars())
    predicted = case((Object.pred_taxon_id == old, new), else_=Object.pred_taxon_id)
    statement = (
        update(Object)
        .where(*here, among(connection, Object.objid, chosen))
        .values(taxon_id=new, pred_taxon_id=predicted)
        .returning(Object.status)
    )
    statuses = Counter(connection.execute(statement).scalars())
    delta = Delta()
    for status, n in statuses.items():
        delta.add(project, (old, status), -n)
        delta.add(project, (new, status), n)
    delta.save(connection)
    return statuses.total()


def _join(connection: Connection, old_id: int, new_id: int, by: By, now_ms: int) -> None:
    """The merge of the taxa themselves, and of children that bear the same name."""
    old, new = changeable(connection, old_id), changeable(connection, new_id)
    if old_id in lineage(connection, new_id):
        raise TaxonRefusedError(
            f"'{old.display_name}' cannot be merged into "
            + ("itself" if old_id == new_id else f"'{new.display_name}', which is under it")
            + ("" if old_id == new_id else ": move that one first")
        )
    children = dict(_children(connection, old_id))
    theirs = {key: taxon for taxon, key in _children(connection, new_id)}
    for child, key in children.items():
        if key in theirs:
            _join(connection, child, theirs[key], by, now_ms)
        else:
            move(connection, child, new_id, by, now_ms)
    _sign(connection, old, new_id, by, now_ms)
    _hand_over(connection, old, new_id, by, now_ms)
    taxa_derived.refresh(connection, [], [old.name_key, new.name_key], [old_id, new_id])


def _children(connection: Connection, taxon_id: int) -> list[tuple[int, str]]:
    query = select(Taxon.id, Taxon.name_key).where(
        Taxon.parent_id == taxon_id, Taxon.rename_to.is_(None)
    )
    return [(taxon, key) for taxon, key in connection.execute(query)]


def _sign(connection: Connection, old: TaxonRow, new_id: int, by: By, now_ms: int) -> None:
    """Put up the signpost, and turn those that led to the merged taxon."""
    led = select(Taxon.id).where(Taxon.rename_to == old.taxon_id)
    entries = [
        (taxon, "merge", {"rename_to": old.taxon_id}, {"rename_to": new_id})
        for taxon in connection.execute(led.order_by(Taxon.id)).scalars()
    ]
    connection.execute(
        update(Taxon).where(Taxon.rename_to == old.taxon_id).values(rename_to=new_id)
    )
    mine = {"status": "D", "rename_to": new_id}
    connection.execute(update(Taxon).where(Taxon.id == old.taxon_id).values(mine))
    before = {"status": old.status, "rename_to": None}
    log(connection, by, [*entries, (old.taxon_id, "merge", before, mine)], now_ms)


def _hand_over(connection: Connection, old: TaxonRow, new_id: int, by: By, now_ms: int) -> None:
    """Give the other taxon the names, aliases and places in lists."""
    here = TaxonSynonym.taxon_id == old.taxon_id
    query = select(TaxonSynonym.name, TaxonSynonym.aphia_id).where(here).order_by(TaxonSynonym.id)
    synonyms = connection.execute(query).all()
    connection.execute(delete(TaxonSynonym).where(here))
    gone: list[Entry] = [
        (old.taxon_id, "synonym", {"synonym": name, "aphia_id": aphia}, {})
        for name, aphia in synonyms
    ]
    log(connection, by, gone, now_ms)
    for name, aphia in [(old.name, old.aphia_id), *synonyms]:
        add_synonym(connection, name, new_id, now_ms, aphia, by)
    mine = TaxonAlias.taxon_id == old.taxon_id
    connection.execute(update(TaxonAlias).where(mine).values(taxon_id=new_id))
    listed = select(ProjectTaxon.project_id).where(ProjectTaxon.taxon_id == new_id)
    both = ProjectTaxon.taxon_id == old.taxon_id, ProjectTaxon.project_id.in_(listed)
    connection.execute(delete(ProjectTaxon).where(*both))
    turned = update(ProjectTaxon).where(ProjectTaxon.taxon_id == old.taxon_id)
    connection.execute(turned.values(taxon_id=new_id))

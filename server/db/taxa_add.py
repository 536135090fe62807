"""New taxa and other names of taxa, each entered into the history.

Example:
    >>> egg = add(connection, "egg", parent_id=copepoda, now_ms=now)
    >>> add_synonym(connection, "ovum", egg, now)
    True
"""

from sqlalchemy import ColumnElement, Connection, insert, select

from server.db import taxa_derived
from server.db.dialect import insert_new
from server.db.tables import Taxon, TaxonAlias, TaxonSynonym
from server.db.taxa_log import SHORE, By, log
from server.db.taxa_read import get
from server.taxonomy.names import NAME_MOST, clean, fold


class TaxonRefusedError(ValueError):
    """The tree cannot be changed so; `code` is for programs, the message for people."""

    code = "taxon_refused"


class TaxonExistsError(TaxonRefusedError):
    """The parent has a child of this name, or another taxon has this number."""

    code = "taxon_exists"


def add(
    connection: Connection,
    name: str,
    parent_id: int | None,
    now_ms: int,
    aphia_id: int | None = None,
    *,
    ecotaxa_id: int | None = None,
    rank: str | None = None,
    kind: str | None = None,
    status: str = "A",
    by: By = SHORE,
) -> int:
    """A new taxon's id. `kind` None: morphological ones begin with a small letter, as in EcoTaxa.
    Raises TaxonExistsError, or LookupError when there is no such parent."""
    neat, key = clean(name)[:NAME_MOST], fold(name)[:NAME_MOST]
    parent = get(connection, parent_id) if parent_id is not None else None
    if parent is not None and parent.rename_to is not None:
        parent_id, parent = parent.rename_to, get(connection, parent.rename_to)
    if parent_id is not None and parent is None:
        raise LookupError(f"there is no taxon {parent_id}")
    check_free(connection, key, parent_id, aphia_id=aphia_id, ecotaxa_id=ecotaxa_id)
    values = {
        "parent_id": parent_id,
        "name": neat,
        "kind": kind or ("M" if neat[:1].islower() else "P"),
        "rank": rank,
        "status": status,
        "rename_to": None,
        "aphia_id": aphia_id,
        "ecotaxa_id": ecotaxa_id,
    }
    derived = {"name_key": key, "display_name": neat, "created_ms": now_ms}
    derived["path"] = f"{parent.path}>{neat}" if parent else neat
    statement = insert(Taxon).values(values | derived).returning(Taxon.id)
    taxon_id = int(connection.execute(statement).scalar_one())
    log(connection, by, [(taxon_id, "add", {}, values)], now_ms)
    taxa_derived.refresh(connection, (), [key], [])
    taxa_derived.add_words(connection, [(taxon_id, 0, neat)])
    return taxon_id


def check_free(
    connection: Connection,
    key: str,
    parent_id: int | None,
    *,
    taxon_id: int | None = None,
    aphia_id: int | None = None,
    ecotaxa_id: int | None = None,
) -> None:
    """That no other taxon has this name under this parent, nor these numbers. Raises
    TaxonExistsError."""
    other = select(Taxon.display_name).where(Taxon.id != (taxon_id or 0))
    here = Taxon.parent_id.is_(None) if parent_id is None else Taxon.parent_id == parent_id
    present = Taxon.rename_to.is_(None)
    conditions: list[tuple[ColumnElement[bool], str]] = [
        ((Taxon.name_key == key) & here & present, "is there already under this parent")
    ]
    if aphia_id is not None:
        mine = (Taxon.aphia_id == aphia_id) & present
        conditions.append((mine, f"has the AphiaID {aphia_id} already"))
    if ecotaxa_id is not None:
        number = Taxon.ecotaxa_id == ecotaxa_id
        conditions.append((number, f"has the EcoTaxa number {ecotaxa_id} already"))
    for condition, what in conditions:
        found = connection.execute(other.where(condition)).scalar()
        if found is not None:
            raise TaxonExistsError(f"'{found}' {what}")


def add_alias(connection: Connection, alias: str, taxon_id: int, now_ms: int) -> None:
    """A class name of a release that means this taxon; people find it by that name too."""
    insert_new(connection, TaxonAlias, [{"key": fold(alias), "taxon_id": taxon_id}], ("key",))
    add_synonym(connection, alias, taxon_id, now_ms)


def add_synonym(
    connection: Connection,
    name: str,
    taxon_id: int,
    now_ms: int,
    aphia_id: int | None = None,
    by: By = SHORE,
) -> bool:
    """Another name of a taxon; False when it has it already."""
    neat, key = clean(name)[:NAME_MOST], fold(name)[:NAME_MOST]
    same = select(TaxonSynonym.id).where(
        TaxonSynonym.taxon_id == taxon_id, TaxonSynonym.name_key == key
    )
    own = select(Taxon.id).where(Taxon.id == taxon_id, Taxon.name_key == key)
    if connection.execute(same.union_all(own)).first() is not None:
        return False
    values = {"taxon_id": taxon_id, "name": neat, "name_key": key, "aphia_id": aphia_id}
    statement = insert(TaxonSynonym).values(values).returning(TaxonSynonym.id)
    synonym_id = int(connection.execute(statement).scalar_one())
    said = {"synonym": neat, "aphia_id": aphia_id}
    log(connection, by, [(taxon_id, "synonym", {}, said)], now_ms)
    taxa_derived.add_words(connection, [(taxon_id, synonym_id, neat)])
    return True

"""Taxa: search as one types, the tree, new ones, and changes of it with their history.

Example:
    >>> client.get("/api/taxa/search", params={"q": "egg<cop", "project_id": 1}).json()[0]
    {'taxon_id': 71, 'name': 'egg', 'display_name': 'egg<Copepoda', ...}
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from server.api.deps import Manager, ShoreDep, Viewer, WitnessDep
from server.api.objects import ID_MAX
from server.api.rights import need
from server.clock import now_ms
from server.db import taxa, taxa_edit, taxa_lists, taxa_log, taxa_merge, taxa_search, taxa_tree
from server.db.taxa import TaxonInfo, TaxonRefusedError, TaxonRow
from server.db.taxa_log import By
from server.db.taxa_search import Found
from server.db.users import UserInfo
from server.errors import ApiError, not_found
from server.store.user_files import FileNameError
from server.taxonomy.importing import import_checklist, read_bounded, told
from server.taxonomy.plan import Options

router = APIRouter(prefix="/api", tags=["taxa"])

WORMS = "https://www.marinespecies.org/aphia.php?p=taxdetails&id="

TaxonId = Annotated[int, Field(ge=1, lt=ID_MAX)]
TaxonName = Annotated[
    str,
    Field(min_length=1, max_length=120, pattern=r"^[^<>\x00-\x1f]*[^\s_<>][^<>\x00-\x1f]*$"),
]
Rank = Annotated[str, Field(max_length=32, pattern=r"^[^\x00-\x1f]*$")]
Number = Annotated[int, Field(ge=1, lt=2**31)]


class NewTaxon(BaseModel):
    name: TaxonName
    parent_id: TaxonId | None = None
    kind: Annotated[str, Field(pattern="^[PM]$")] | None = None
    rank: Rank | None = None
    aphia_id: Number | None = None
    ecotaxa_id: Number | None = None


class Changed(BaseModel):
    """What is to be otherwise; what is not there stays."""

    name: TaxonName | None = None
    parent_id: TaxonId | None = None
    kind: Annotated[str, Field(pattern="^[PM]$")] | None = None
    rank: Rank | None = None
    status: Annotated[str, Field(pattern="^[AND]$")] | None = None
    aphia_id: Number | None = None
    ecotaxa_id: Number | None = None


class Into(BaseModel):
    into: TaxonId


class NewSynonym(BaseModel):
    name: TaxonName
    aphia_id: Number | None = None


class Import(BaseModel):
    """`file` is one that the person has handed in at /api/files; `check`: write nothing."""

    file: Annotated[str, Field(min_length=1, max_length=1000)]
    check: bool = False
    under: TaxonId | None = None
    merge: bool = False


class ListOfTaxa(BaseModel):
    taxon_ids: Annotated[list[TaxonId], Field(max_length=taxa_lists.MOST)]


@router.get("/taxa/search")
def search(
    shore: ShoreDep,
    user: Viewer,
    q: Annotated[str, Query(max_length=120)] = "",
    project_id: Annotated[int | None, Query(ge=1, lt=ID_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> list[dict[str, Any]]:
    """Taxa as one types: prefixes of their words, or "egg<cop"."""
    with shore.database.read() as connection:
        if project_id is not None:
            need(connection, user, project_id)
        return [_found(one) for one in taxa_search.search(connection, q, project_id, limit)]


@router.get("/taxa/changes")
def changes(
    shore: ShoreDep,
    user: Viewer,
    taxon_id: Annotated[int | None, Query(ge=1, lt=ID_MAX)] = None,
    before: Annotated[int | None, Query(ge=1, lt=ID_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """What was changed in the tree, newest first, and its present version."""
    with shore.database.read() as connection:
        wanted = None if taxon_id is None else [taxon_id]
        told = taxa_log.history(connection, wanted, before, limit)
        named = {change["taxon_id"] for change in told} | {
            change[side].get(field)
            for change in told
            for side in ("before", "after")
            for field in ("parent_id", "rename_to")
        }
        infos = taxa.rows(connection, named - {None})
        names = {str(number): row.display_name for number, row in infos.items()}
        return {"version": taxa_log.version(connection), "names": names, "changes": told}


@router.get("/taxa/roots")
def roots(shore: ShoreDep, user: Viewer) -> list[dict[str, Any]]:
    """The taxa that are under nothing."""
    with shore.database.read() as connection:
        return _listed(connection, taxa_tree.roots(connection))


@router.get("/taxa/{taxon_id}")
def taxon(shore: ShoreDep, user: Viewer, taxon_id: int) -> dict[str, Any]:
    """One taxon with what is above and right below it and its other names; a merged one says what
    it became."""
    with shore.database.read() as connection:
        _existing(connection, taxon_id)
        [branch] = taxa_tree.branches(connection, [taxon_id])
        row = branch.row
        return {
            **_row(row),
            "lineage": [
                {"taxon_id": number, "name": name}
                for number, name in zip(branch.id_lineage, branch.lineage, strict=True)
            ],
            "uses": branch.nb_objects,
            "uses_below": branch.nb_children_objects,
            "children": _listed(connection, branch.children),
            "synonyms": _synonyms(connection, taxon_id),
            "merged": _listed(connection, taxa_tree.merged_into(connection, taxon_id)),
            "rename_to": None
            if row.rename_to is None
            else _row(_existing(connection, row.rename_to)),
        }


@router.post("/taxa", status_code=201)
def create(shore: ShoreDep, user: Manager, body: NewTaxon, witness: WitnessDep) -> dict[str, Any]:
    with _changing("Not added"), shore.database.write() as connection:
        taxa_log.alone(connection)
        taxon_id = taxa.add(
            connection,
            body.name,
            body.parent_id,
            now_ms(),
            body.aphia_id,
            ecotaxa_id=body.ecotaxa_id,
            rank=body.rank,
            kind=body.kind,
            by=_by(user),
        )
        witness.note(connection, "taxon", str(taxon_id), detail=f"added {body.name}")
        return _row(_existing(connection, taxon_id))


@router.patch("/taxa/{taxon_id}")
def change(
    shore: ShoreDep, user: Manager, taxon_id: int, body: Changed, witness: WitnessDep
) -> dict[str, Any]:
    """Rename, move, set numbers, rank, kind or status: all of it or nothing."""
    given = body.model_dump(exclude_unset=True)
    for name in ("name", "kind", "status"):
        if name in given and given[name] is None:
            raise ApiError(422, "invalid", f"body.{name}: cannot be taken away.")
    with _changing("Not changed"), shore.database.write() as connection:
        _existing(connection, taxon_id)
        if "name" in given:
            taxa_edit.rename(connection, taxon_id, given["name"], _by(user), now_ms())
        if "parent_id" in given:
            taxa_edit.move(connection, taxon_id, given["parent_id"], _by(user), now_ms())
        taxa_edit.edit(connection, taxon_id, given, _by(user), now_ms())
        witness.note(connection, "taxon", str(taxon_id), detail=f"changed {', '.join(given)}")
        return _row(_existing(connection, taxon_id))


@router.post("/taxa/{taxon_id}/merge")
def merge(
    shore: ShoreDep, user: Manager, taxon_id: int, body: Into, witness: WitnessDep
) -> dict[str, Any]:
    """Make it part of another: its names, children and objects become the other's. `left` objects
    are still to be moved: POST /api/taxa/carry until it is 0."""
    with _changing("Not merged"), shore.database.write() as connection:
        _existing(connection, taxon_id)
        done = taxa_merge.merge(connection, taxon_id, into=body.into, by=_by(user), now_ms=now_ms())
        witness.note(connection, "taxon", str(taxon_id), detail=f"merged into {body.into}")
        return {
            **_row(_existing(connection, body.into)),
            "moved": done.moved,
            "left": done.left,
        }


@router.post("/taxa/carry")
def carry(shore: ShoreDep, user: Manager) -> dict[str, Any]:
    """Move the next objects of merged taxa; how many are left."""
    with shore.database.write() as connection:
        done = taxa_merge.carry(connection)
    return {"moved": done.moved, "left": done.left}


@router.post("/taxa/import")
def import_file(
    shore: ShoreDep, user: Manager, body: Import, witness: WitnessDep
) -> dict[str, Any]:
    """Take a checklist in: Darwin Core, EcoTaxa's tree or WoRMS's matched names. Nothing is written
    if there is an error."""
    try:
        data = read_bounded(shore.user_files.path(user.id, body.file))
    except (FileNameError, OSError) as error:
        raise not_found(f"file {body.file}") from error
    with shore.database.read() as connection:
        if body.under is not None:
            _existing(connection, body.under)
    options = Options(body.under, body.merge)
    name = body.file.rpartition("/")[2]
    with _changing("Not imported"):
        outcome = import_checklist(
            shore.database, name, data, _by(user), now_ms(), options, dry=body.check
        )
    if outcome.written is not None:
        with shore.database.write() as connection:
            witness.note(connection, "taxa", name, detail="imported")
    return told(outcome)


@router.post("/taxa/{taxon_id}/synonyms", status_code=201)
def add_synonym(
    shore: ShoreDep, user: Manager, taxon_id: int, body: NewSynonym
) -> list[dict[str, Any]]:
    with _changing("Not added"), shore.database.write() as connection:
        taxa_log.alone(connection)
        row = taxa_edit.changeable(connection, taxon_id)
        if not taxa.add_synonym(
            connection, body.name, taxon_id, now_ms(), body.aphia_id, _by(user)
        ):
            raise ApiError(409, "taxon_exists", f"'{row.display_name}' has this name already.")
        return _synonyms(connection, taxon_id)


@router.delete("/taxa/{taxon_id}/synonyms/{synonym_id}")
def remove_synonym(
    shore: ShoreDep, user: Manager, taxon_id: int, synonym_id: int
) -> list[dict[str, Any]]:
    with _changing("Not removed"), shore.database.write() as connection:
        _existing(connection, taxon_id)
        if not 0 < synonym_id < ID_MAX:
            raise not_found(f"synonym {synonym_id}")
        taxa_edit.remove_synonym(connection, taxon_id, synonym_id, _by(user), now_ms())
        return _synonyms(connection, taxon_id)


@router.get("/projects/{project_id}/taxon_list")
def taxon_list(shore: ShoreDep, user: Viewer, project_id: int) -> list[dict[str, Any]]:
    """The project's own list of taxa, in its order."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        return _listed(connection, taxa_lists.list_of(connection, project_id))


@router.put("/projects/{project_id}/taxon_list")
def set_taxon_list(
    shore: ShoreDep, user: Viewer, project_id: int, body: ListOfTaxa, witness: WitnessDep
) -> list[dict[str, Any]]:
    """Replace the project's own list of taxa."""
    with _changing("Not set"), shore.database.write() as connection:
        need(connection, user, project_id, "manage")
        listed = taxa_lists.set_list(connection, project_id, body.taxon_ids)
        witness.note(connection, "taxon_list", str(project_id), detail=f"{len(listed)} taxa")
        return _listed(connection, listed)


@contextmanager
def _changing(refused: str) -> Iterator[None]:
    """What the tree refuses, as an answer."""
    try:
        yield
    except TaxonRefusedError as error:
        raise ApiError(409, error.code, f"{refused}: {error}.") from error
    except LookupError as error:
        raise ApiError(404, "not_found", f"{refused}: {error.args[0]}.") from error


def _existing(connection: Connection, taxon_id: int) -> TaxonRow:
    found = taxa.get(connection, taxon_id) if 0 < taxon_id < ID_MAX else None
    if found is None:
        raise not_found(f"taxon {taxon_id}")
    return found


def _by(user: UserInfo) -> By:
    return By(user.id, user.email)


def _listed(connection: Connection, taxon_ids: list[int]) -> list[dict[str, Any]]:
    """Taxa with their uses, and how many are right below each."""
    rows = taxa.rows(connection, taxon_ids)
    below = taxa_tree.children(connection, taxon_ids)
    uses = taxa_search.uses(connection, taxon_ids, None)
    return [
        {**_row(rows[taxon]), "n_children": len(below[taxon]), "uses": uses.get(taxon, 0)}
        for taxon in taxon_ids
    ]


def _synonyms(connection: Connection, taxon_id: int) -> list[dict[str, Any]]:
    return [
        {
            "synonym_id": one.synonym_id,
            "name": one.name,
            "aphia_id": one.aphia_id,
            "aphia_url": _at_worms(one.aphia_id),
        }
        for one in taxa_tree.synonyms(connection, taxon_id)
    ]


def _at_worms(aphia_id: int | None) -> str | None:
    """The taxon's page at the World Register of Marine Species."""
    return None if aphia_id is None else f"{WORMS}{aphia_id}"


def _row(row: TaxonRow) -> dict[str, Any]:
    info = TaxonInfo(row.taxon_id, row.name, row.display_name, row.path)
    return {
        **_shown(info),
        "parent_id": row.parent_id,
        "kind": row.kind,
        "rank": row.rank,
        "status": row.status,
        "aphia_id": row.aphia_id,
        "aphia_url": _at_worms(row.aphia_id),
        "ecotaxa_id": row.ecotaxa_id,
    }


def _found(one: Found) -> dict[str, Any]:
    return {
        **_shown(one.info),
        "uses": one.uses,
        "synonym": one.synonym,
        "listed": one.place is not None,
        "kind": one.kind,
        "status": one.status,
        "aphia_id": one.aphia_id,
    }


def _shown(info: TaxonInfo) -> dict[str, Any]:
    return {
        "taxon_id": info.taxon_id,
        "name": info.name,
        "display_name": info.display_name,
        "path": info.path,
    }

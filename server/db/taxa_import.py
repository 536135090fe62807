"""Writes a planned tree: everything in one transaction, by the thousand, with its history.

Example:
    >>> plan = make_plan(present(connection), checklist, problems)
    >>> apply(connection, plan, By(2, "ann@sea.org", "worms.zip"), now_ms=now).added
    812
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from server.db import taxa_derived, taxa_merge
from server.db.bulk import insert_rows, next_ids
from server.db.tables import Taxon, TaxonSynonym
from server.db.taxa_log import By, Entry, log
from server.taxonomy.names import fold
from server.taxonomy.plan import Plan, changed
from server.taxonomy.tree import FIELDS, Node, Synonym, Tree

_MANY = 1000
"""So many new taxa make PostgreSQL's idea of the tables wrong, and its plans with it."""


@dataclass(frozen=True)
class Written:
    """How many taxa were added, changed in each way, and merged; synonyms added and removed."""

    added: int
    renamed: int
    moved: int
    edited: int
    merged: int
    synonyms: int


def present(connection: Connection) -> Tree:
    """The tree as it is."""
    tree = Tree()
    columns = [getattr(Taxon, one.name) for one in fields(Node)]
    for taxon, *row in connection.execute(select(Taxon.id, *columns)):
        tree.nodes[taxon] = Node(*row)
    query = select(TaxonSynonym.taxon_id, TaxonSynonym.name, TaxonSynonym.aphia_id)
    for taxon, name, aphia in connection.execute(query):
        tree.synonyms[taxon].add((name, aphia))
    return tree


def apply(connection: Connection, plan: Plan, by: By, now_ms: int) -> Written:
    """Write the plan, which must have been made of the tree as it is."""
    after = _numbered(connection, plan)
    touched = changed(plan)
    entries = _add(connection, plan, after, now_ms)
    added = len(entries)
    differing = [_difference(taxon, plan.before.nodes, after.nodes) for taxon in touched]
    _update(connection, after, touched)
    entries += differing
    entries += _synonyms(connection, plan.before, after)
    log(connection, by, entries, now_ms)
    _derive(connection, plan.before, after, touched)
    if added >= _MANY and connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE taxa, taxon_synonyms, taxon_words")
    for taxon, into in plan.merges:
        taxa_merge.merge(connection, taxon, into=into, by=by, now_ms=now_ms)
    kinds = [kind for _, kind, _, _ in differing]
    return Written(
        added,
        kinds.count("rename"),
        kinds.count("move"),
        kinds.count("edit"),
        len(plan.merges),
        sum(kind == "synonym" for _, kind, _, _ in entries),
    )


def _numbered(connection: Connection, plan: Plan) -> Tree:
    """The planned tree with real numbers for new taxa."""
    new = [taxon for taxon in plan.after.nodes if taxon < 0]
    real: dict[int | None, int] = dict(zip(new, next_ids(connection, Taxon, len(new)), strict=True))
    after = Tree()
    for taxon, node in plan.after.nodes.items():
        after.nodes[real.get(taxon, taxon)] = replace(
            node,
            parent_id=real.get(node.parent_id, node.parent_id),
            rename_to=real.get(node.rename_to, node.rename_to),
        )
    for taxon, names in plan.after.synonyms.items():
        after.synonyms[real.get(taxon, taxon)] = names
    plan.merges = [(real.get(a, a), real.get(b, b)) for a, b in plan.merges]
    return after


def _add(connection: Connection, plan: Plan, after: Tree, now_ms: int) -> list[Entry]:
    """Insert the new taxa, parents first and signposts last."""
    paths, shown = after.paths(), after.shown()
    new = [taxon for taxon in after.nodes if taxon not in plan.before.nodes]
    nodes = after.nodes
    new.sort(key=lambda t: (nodes[t].rename_to is not None, paths[t].count(">"), t))
    columns = ("id", *FIELDS, "name_key", "display_name", "path", "created_ms")
    rows = [
        (
            taxon,
            *(getattr(nodes[taxon], name) for name in FIELDS),
            fold(nodes[taxon].name),
            shown[taxon],
            paths[taxon],
            now_ms,
        )
        for taxon in new
    ]
    insert_rows(connection, Taxon, columns, rows)
    taxa_derived.add_words(
        connection,
        [(taxon, 0, nodes[taxon].name) for taxon in new if nodes[taxon].rename_to is None],
    )
    return [(t, "add", {}, {name: getattr(nodes[t], name) for name in FIELDS}) for t in new]


def _difference(taxon: int, before: Mapping[int, Node], after: Mapping[int, Node]) -> Entry:
    old, new = before[taxon], after[taxon]
    differing = [name for name in FIELDS if getattr(old, name) != getattr(new, name)]
    kinds = {"name": "rename", "parent_id": "move"}
    kind = next((kinds[name] for name in ("name", "parent_id") if name in differing), "edit")
    said = [{name: getattr(node, name) for name in differing} for node in (old, new)]
    return taxon, kind, said[0], said[1]


def _update(connection: Connection, after: Tree, touched: Iterable[int]) -> None:
    """Names go by way of one that nobody has: two taxa may have swapped theirs."""
    rows = [
        {
            "at": taxon,
            "k": fold(after.nodes[taxon].name),
            "free": f"\x01{taxon}",
            **{f"f_{name}": getattr(after.nodes[taxon], name) for name in FIELDS},
        }
        for taxon in touched
    ]
    if not rows:
        return
    here = update(Taxon).where(Taxon.id == bindparam("at"))
    cleared: dict[str, Any] = {"name_key": bindparam("free"), "aphia_id": None, "ecotaxa_id": None}
    connection.execute(here.values(cleared), [{"at": r["at"], "free": r["free"]} for r in rows])
    values: dict[str, Any] = {name: bindparam(f"f_{name}") for name in FIELDS}
    for row in rows:
        del row["free"]
    connection.execute(here.values({**values, "name_key": bindparam("k")}), rows)


def _synonyms(connection: Connection, before: Tree, after: Tree) -> list[Entry]:
    """Write the synonyms that differ."""
    entries: list[Entry] = []
    more: list[tuple[int, Synonym]] = []
    for taxon in list(before.synonyms.keys() | after.synonyms.keys()):
        old, new = before.synonyms.get(taxon, set()), after.synonyms.get(taxon, set())
        for one in sorted(old - new, key=str):
            same = TaxonSynonym.taxon_id == taxon, TaxonSynonym.name_key == fold(one[0])
            connection.execute(delete(TaxonSynonym).where(*same))
            entries.append((taxon, "synonym", _said(one), {}))
        for one in sorted(new - old, key=str):
            more.append((taxon, one))
            entries.append((taxon, "synonym", {}, _said(one)))
    numbers = next_ids(connection, TaxonSynonym, len(more))
    columns = ("id", "taxon_id", "name", "name_key", "aphia_id")
    rows = [
        (number, taxon, name, fold(name), aphia)
        for number, (taxon, (name, aphia)) in zip(numbers, more, strict=True)
    ]
    insert_rows(connection, TaxonSynonym, columns, rows)
    taxa_derived.add_words(connection, [(row[1], row[0], row[2]) for row in rows])
    return entries


def _said(synonym: Synonym) -> dict[str, Any]:
    return {"synonym": synonym[0], "aphia_id": synonym[1]}


def _derive(connection: Connection, before: Tree, after: Tree, touched: Iterable[int]) -> None:
    """Paths and display names that are not what they were, and the words of renamed taxa."""
    wanted = defaultdict[int, dict[str, str]](dict)
    paths, shown = after.paths(), after.shown()
    for taxon, path, display_name in connection.execute(
        select(Taxon.id, Taxon.path, Taxon.display_name)
    ):
        if (path, display_name) != (paths[taxon], shown[taxon]):
            wanted[taxon] = {"p": paths[taxon], "d": shown[taxon]}
    if wanted:
        here = update(Taxon).where(Taxon.id == bindparam("at"))
        connection.execute(
            here.values(path=bindparam("p"), display_name=bindparam("d")),
            [{"at": taxon, **row} for taxon, row in wanted.items()],
        )
    gone = {taxon for taxon, names in before.synonyms.items() if names - after.synonyms[taxon]}
    taxa_derived.index(connection, sorted(gone | set(touched)))

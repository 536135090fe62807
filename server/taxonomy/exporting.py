"""The tree as a Darwin Core table that any checklist reader, and any shore, takes in.

Invariant: importing it into an empty tree gives the same taxa, kinds, numbers, synonyms and merged
taxa. A version or moment gives the tree as it was.

Example:
    >>> print(next(iter(table(tree))))
    taxonID	scientificNameID	parentNameUsageID	...
"""

from collections.abc import Iterator

from server.taxonomy.tree import Node, Tree

HEAD = (
    "taxonID", "scientificNameID", "parentNameUsageID", "acceptedNameUsageID", "scientificName",
    "taxonRank", "taxonomicStatus", "kind", "ecotaxaID", "displayName", "higherClassification",
)  # fmt: skip
_STATUS = {"A": "accepted", "N": "unassessed", "D": "deprecated"}
_LSID = "urn:lsid:marinespecies.org:taxname:"


def table(tree: Tree) -> Iterator[str]:
    """The lines: a head, the taxa with parents first, then their other names."""
    yield "\t".join(HEAD)
    paths, shown = tree.paths(), tree.shown()
    for taxon in sorted(tree.nodes, key=lambda t: (paths[t].count(">"), t)):
        node = tree.nodes[taxon]
        above = paths[taxon].rpartition(">")[0].replace(">", "|")
        yield "\t".join((*_cells(taxon, node), shown[taxon], above))
    for taxon in sorted(tree.synonyms):
        for n, (name, aphia) in enumerate(sorted(tree.synonyms[taxon], key=str), start=1):
            key = f"{taxon}-synonym-{n}"
            yield "\t".join((key, _lsid(aphia), "", str(taxon), name, "", "synonym", *[""] * 4))


def _cells(taxon: int, node: Node) -> tuple[str, ...]:
    return (
        str(taxon),
        _lsid(node.aphia_id),
        _text(node.parent_id),
        _text(node.rename_to),
        node.name,
        node.rank or "",
        _STATUS[node.status],
        node.kind,
        _text(node.ecotaxa_id),
    )


def _lsid(aphia: int | None) -> str:
    return "" if aphia is None else f"{_LSID}{aphia}"


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def as_json(tree: Tree) -> list[dict[str, object]]:
    """The taxa as plain data, for scripts."""
    paths, shown = tree.paths(), tree.shown()
    return [
        {
            "taxon_id": taxon,
            "name": node.name,
            "display_name": shown[taxon],
            "path": paths[taxon],
            "parent_id": node.parent_id,
            "kind": node.kind,
            "rank": node.rank,
            "status": node.status,
            "rename_to": node.rename_to,
            "aphia_id": node.aphia_id,
            "ecotaxa_id": node.ecotaxa_id,
            "synonyms": sorted(name for name, _ in tree.synonyms.get(taxon, ())),
        }
        for taxon, node in sorted(tree.nodes.items())
    ]

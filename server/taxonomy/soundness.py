"""Whether a tree that is planned would hold: no two of a name under one parent, none under itself.

Example:
    >>> check(tree, checklist, lines={-1: 7}, problems=problems)
"""

from collections.abc import Iterator, Mapping

from server.ecotaxa.problems import Problems
from server.taxonomy.entries import Checklist
from server.taxonomy.names import fold
from server.taxonomy.tree import Node, Tree

Key = tuple[str, object, object]
"""(what must be there once, where, its value)"""


def check(tree: Tree, checklist: Checklist, lines: Mapping[int, int], problems: Problems) -> None:
    """Tell what would not hold; `lines` gives the lines that taxa come from."""
    seen: dict[Key, int] = {}
    for taxon, node in tree.nodes.items():
        for key in _keys(node):
            first = seen.setdefault(key, taxon)
            if first != taxon:
                _twice(tree, checklist, lines, problems, key, first, taxon)
    try:
        tree.paths()
    except (ValueError, KeyError) as error:
        problems.error(
            f"the tree would not hold: {error}",
            remedy="compare the parents in the file with those here",
            file=checklist.file,
        )


def _keys(node: Node) -> Iterator[Key]:
    if node.rename_to is None:
        yield "name", node.parent_id, fold(node.name)
        if node.aphia_id is not None:
            yield "AphiaID", None, node.aphia_id
    if node.ecotaxa_id is not None:
        yield "EcoTaxa number", None, node.ecotaxa_id


def _twice(
    tree: Tree,
    checklist: Checklist,
    lines: Mapping[int, int],
    problems: Problems,
    key: Key,
    one: int,
    other: int,
) -> None:
    known = [lines[taxon] for taxon in (one, other) if taxon in lines]
    also = f"line {known[0]}" if len(known) > 1 else f"taxon {one} here"
    named = key[0] == "name"
    what = "this name under this parent" if named else f"this {key[0]}"
    problems.error(
        f"{what} is there twice: see {also}",
        remedy="remove one of them, or give it another name",
        file=checklist.file,
        line=known[-1] if known else None,
        column=checklist.columns["name"] if named else key[0],
        value=tree.nodes[other].name if named else key[2],
    )

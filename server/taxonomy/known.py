"""Finds the taxon that an entry of a checklist is, among those of a tree that is being changed.

Example:
    >>> Known(tree).by_name("Copepoda", parent=7)
    12
"""

from collections import defaultdict

from server.taxonomy.names import fold
from server.taxonomy.tree import Node, Tree

NUMBERS = ("ecotaxa_id", "aphia_id")


class Known:
    """The tree's taxa by number, and by name; `set` changes the tree and keeps them right."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.children = tree.children()
        self.named: dict[str, list[int]] = defaultdict(list)
        self.numbers: dict[str, dict[int, int]] = {name: {} for name in NUMBERS}
        for taxon, node in tree.nodes.items():
            self._enter(taxon, node)

    def _enter(self, taxon: int, node: Node) -> None:
        if node.rename_to is None:
            self.named[fold(node.name)].append(taxon)
            self.children.setdefault((node.parent_id, fold(node.name)), taxon)
        for name, found in self.numbers.items():
            number = getattr(node, name)
            if number is not None:
                there = self.tree.nodes.get(found.get(number, 0))
                if there is None or there.rename_to is not None:
                    found[number] = taxon

    def set(self, taxon: int, node: Node) -> None:
        """Put the taxon into the tree, or change it there."""
        old = self.tree.nodes.get(taxon)
        if old is not None:
            key = old.parent_id, fold(old.name)
            if self.children.get(key) == taxon:
                del self.children[key]
        self.tree.nodes[taxon] = node
        self._enter(taxon, node)

    def by_number(self, name: str, number: int | None) -> int | None:
        """The taxon that has this number; a merged one only if no other has it."""
        return None if number is None else self.numbers[name].get(number)

    def by_name(self, name: str, parent: int | None, *, anywhere: bool = False) -> int | None:
        """The taxon of this name right under the parent; `anywhere` below it if there is only
        one."""
        key = fold(name)
        there = self.children.get((parent, key))
        if there is not None or not anywhere:
            return there
        fitting = {
            taxon
            for taxon in self.named.get(key, ())
            if self._is_named(taxon, key)
            and (parent is None or parent in self.tree.lineage(taxon)[1:])
        }
        return fitting.pop() if len(fitting) == 1 else None

    def _is_named(self, taxon: int, key: str) -> bool:
        node = self.tree.nodes[taxon]
        return node.rename_to is None and fold(node.name) == key

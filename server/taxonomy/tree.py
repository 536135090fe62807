"""The tree of taxa as plain data, and how it is built anew from what was changed.

Each change says which fields of one taxon it set, or which synonym it gave or took away, so the
tree at any version is the changes up to that one, laid over each other in order. Display names and
paths follow from names and parents.

Example:
    >>> tree = replay(changes, version=120)
    >>> tree.shown()[7]
    'egg<Copepoda'
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from server.taxonomy.names import CHAIN_MOST, Homonym, fold, shown_names

FIELDS = ("parent_id", "name", "kind", "rank", "status", "rename_to", "aphia_id", "ecotaxa_id")
KINDS = {"P": "phylogenetic", "M": "morphological"}
STATUSES = {"A": "active", "N": "not reviewed", "D": "deprecated"}
DEEPEST = 100
"""Levels below a root; more can only be a mistake."""


@dataclass(frozen=True)
class Node:
    """A taxon: what it is called, what it is under, its numbers elsewhere."""

    name: str
    parent_id: int | None = None
    kind: str = "P"
    rank: str | None = None
    status: str = "A"
    rename_to: int | None = None
    aphia_id: int | None = None
    ecotaxa_id: int | None = None


@dataclass(frozen=True)
class Change:
    """One change of one taxon; `version` is the tree's after it."""

    version: int
    taxon_id: int
    kind: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


Synonym = tuple[str, int | None]
"""A name and its AphiaID."""


@dataclass
class Tree:
    nodes: dict[int, Node] = field(default_factory=dict)
    synonyms: dict[int, set[Synonym]] = field(default_factory=lambda: defaultdict(set))

    def apply(self, change: Change) -> None:
        """Lay one change over the tree."""
        if change.kind == "synonym":
            mine = self.synonyms[change.taxon_id]
            mine -= {_synonym(change.before)} if change.before else set()
            mine |= {_synonym(change.after)} if change.after else set()
            return
        known = self.nodes.get(change.taxon_id, Node(""))
        self.nodes[change.taxon_id] = replace(known, **change.after)

    def lineage(self, taxon_id: int) -> list[int]:
        """The taxon and what is above it, nearest first. Raises ValueError for a cycle."""
        found: list[int] = []
        at: int | None = taxon_id
        while at is not None:
            if len(found) > DEEPEST:
                raise ValueError(f"taxon {taxon_id} is under itself, or deeper than {DEEPEST}")
            found.append(at)
            at = self.nodes[at].parent_id
        return found

    def path(self, taxon_id: int) -> str:
        return ">".join(self.nodes[i].name for i in reversed(self.lineage(taxon_id)))

    def paths(self) -> dict[int, str]:
        """The path of every taxon, each made once. Raises ValueError for a cycle."""
        found: dict[int, str] = {}
        for taxon_id in self.nodes:
            above = []
            at: int | None = taxon_id
            while at is not None and at not in found:
                above.append(at)
                if len(above) > DEEPEST:
                    raise ValueError(f"taxon {taxon_id} is under itself, or deeper than {DEEPEST}")
                at = self.nodes[at].parent_id
            for one in reversed(above):
                parent = self.nodes[one].parent_id
                name = self.nodes[one].name
                found[one] = name if parent is None else f"{found[parent]}>{name}"
        return found

    def shown(self) -> dict[int, str]:
        """The display name of every taxon; chains are made for names that two bear."""
        keys = {taxon_id: fold(node.name) for taxon_id, node in self.nodes.items()}
        bearers = Counter(keys.values())
        shared = (self.homonym(taxon_id) for taxon_id in keys if bearers[keys[taxon_id]] > 1)
        alone = (Homonym(t, (self.nodes[t].name,), self.nodes[t].status == "D") for t in keys)
        return shown_names(one for one in alone if bearers[keys[one.taxon_id]] == 1) | shown_names(
            shared
        )

    def homonym(self, taxon_id: int) -> Homonym:
        node = self.nodes[taxon_id]
        chain: list[str] = []
        at: int | None = taxon_id
        while at is not None and len(chain) < CHAIN_MOST:
            chain.append(self.nodes[at].name)
            at = self.nodes[at].parent_id
        return Homonym(taxon_id, chain, node.status == "D")

    def children(self) -> dict[tuple[int | None, str], int]:
        """The taxa in use by parent and folded name."""
        return {
            (node.parent_id, fold(node.name)): taxon_id
            for taxon_id, node in self.nodes.items()
            if node.rename_to is None
        }


def _synonym(said: Mapping[str, Any]) -> Synonym:
    return said["synonym"], said.get("aphia_id")


def replay(changes: Iterable[Change], version: int | None = None) -> Tree:
    """The tree as these changes, in order, leave it; up to `version` if given."""
    tree = Tree()
    for change in changes:
        if version is not None and change.version > version:
            break
        tree.apply(change)
    return tree

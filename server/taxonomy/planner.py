"""The tree changed entry by entry, as a checklist says.

An entry is found among the taxa that there are by EcoTaxa's number, then by its AphiaID, then by
its name under the same parent; else it is new, with a number below 0 until it is written.

Example:
    >>> planner = Planner(tree, checklist, problems, Options(), link(checklist, problems))
    >>> for entry in planner.links.ordered: planner.take(entry)
"""

from collections import defaultdict
from copy import copy
from dataclasses import dataclass, replace

from server.ecotaxa.problems import Problems
from server.taxonomy.entries import Checklist, Entry
from server.taxonomy.known import NUMBERS, Known
from server.taxonomy.names import fold
from server.taxonomy.ordering import Links
from server.taxonomy.tree import Node, Tree

STAYS = "leave it so, or change it here on the taxonomy page"


@dataclass(frozen=True)
class Options:
    """`under`: the taxon below which roots of the checklist are put. `merge`: taxa that the
    checklist says are synonyms of others are merged into them, with their objects."""

    under: int | None = None
    merge: bool = False


class Planner:
    """The tree as it is changed entry by entry."""

    def __init__(
        self,
        tree: Tree,
        checklist: Checklist,
        problems: Problems,
        options: Options,
        links: Links,
    ) -> None:
        self.checklist, self.problems = checklist, problems
        self.options, self.links = options, links
        synonyms = defaultdict(set, {taxon: set(s) for taxon, s in tree.synonyms.items()})
        self.after = Tree(copy(tree.nodes), synonyms)
        self.known = Known(self.after)
        self.merges: list[tuple[int, int]] = []
        self.ids: dict[str, int] = {}
        self.lines: dict[int, int] = {}
        self.new = 0

    # taxa

    def take(self, entry: Entry) -> None:
        """A taxon of the checklist."""
        parent = self._parent(entry)
        taxon, by_number = self._find(entry, parent)
        if taxon is not None and taxon in self.lines:
            column = "key" if by_number else "name"
            self._error(entry, column, f"the same taxon as line {self.lines[taxon]}", "remove one")
            self.ids[entry.key] = taxon
            return
        if taxon is None:
            taxon = self._add(entry, parent)
        elif self.after.nodes[taxon].rename_to is not None:
            self._merged_here(entry, taxon)
            taxon = self.after.nodes[taxon].rename_to or taxon
        else:
            self._update(entry, taxon, parent)
        self.ids[entry.key] = taxon
        self.lines.setdefault(taxon, entry.line)

    def _parent(self, entry: Entry) -> int | None:
        if entry.parent is None:
            return self.options.under
        key = self.links.meant(entry.parent)
        if key in self.ids:
            return self.ids[key]
        outside = self._outside(key)
        if outside is None and entry.parent not in self.links.by_key:
            if self.options.under is None:
                self._error(
                    entry,
                    "parent",
                    "its parent is neither in the file nor among the taxa here",
                    "add it to the file, or say below which taxon such are to be put",
                    entry.parent,
                )
            return self.options.under
        return outside

    def _outside(self, key: str) -> int | None:
        """The taxon here that a key which is not in the file means."""
        digits = key.rpartition(":")[2]
        if not self.checklist.numbers or not digits.isdigit() or len(digits) > 10:
            return None
        taxon = self.known.by_number(self.checklist.numbers, int(digits))
        return None if taxon is None else self.after.nodes[taxon].rename_to or taxon

    def _find(self, entry: Entry, parent: int | None) -> tuple[int | None, bool]:
        """The taxon here that the entry is, and whether a number says so."""
        found = {
            name: taxon
            for name in NUMBERS
            if (taxon := self.known.by_number(name, getattr(entry, name))) is not None
        }
        if len(set(found.values())) > 1:
            shown = " and ".join(f"{self.after.path(t)} ({name})" for name, t in found.items())
            self._error(
                entry, "key", f"its numbers belong to two taxa here: {shown}", "merge those first"
            )
        if found:
            taxon = next(iter(found.values()))
            self._check_number(entry, taxon)
            return taxon, True
        anywhere = entry.loose or (entry.parent is None and not entry.name[:1].islower())
        there = self.known.by_name(entry.name, parent, anywhere=anywhere)
        if there is not None and self._is_another(entry, self.after.nodes[there]):
            there = None
        return there, False

    def _check_number(self, entry: Entry, taxon: int) -> None:
        """EcoTaxa's number of a taxon is never given to another by its AphiaID."""
        number = self.after.nodes[taxon].ecotaxa_id
        if entry.ecotaxa_id not in (None, number) and number is not None:
            self._error(
                entry,
                "key",
                f"its AphiaID is that of {self.after.path(taxon)}, which is EcoTaxa's {number}",
                "correct one of them, or say that it is renamed to the other",
            )

    def _is_another(self, entry: Entry, node: Node) -> bool:
        """Whether a taxon of this name has another number: then it is a homonym."""
        pairs = ((entry.aphia_id, node.aphia_id), (entry.ecotaxa_id, node.ecotaxa_id))
        return any(None not in pair and pair[0] != pair[1] for pair in pairs)

    def _add(self, entry: Entry, parent: int | None) -> int:
        self.new -= 1
        small = entry.name[:1].islower()
        node = Node(
            entry.name,
            parent,
            entry.kind or ("M" if small else "P"),
            entry.rank,
            entry.status or "A",
            None,
            entry.aphia_id,
            entry.ecotaxa_id,
        )
        self.known.set(self.new, node)
        return self.new

    def _update(self, entry: Entry, taxon: int, parent: int | None) -> None:
        old = self.after.nodes[taxon]
        node = replace(
            old,
            rank=entry.rank or old.rank,
            kind=entry.kind or old.kind,
            aphia_id=entry.aphia_id or old.aphia_id,
            ecotaxa_id=entry.ecotaxa_id or old.ecotaxa_id,
        )
        if entry.status is not None and (entry.signpost or old.status == "N"):
            node = replace(node, status=entry.status)
        if old.name != entry.name:
            node = replace(node, name=entry.name)
            self._also(taxon, old.name, None, instead=entry.name)
        if not entry.loose and entry.parent is not None and parent != old.parent_id:
            node = replace(node, parent_id=self._parent_for(entry, taxon, parent))
        if node != old:
            self.known.set(taxon, node)

    def _parent_for(self, entry: Entry, taxon: int, parent: int | None) -> int | None:
        """The new parent, unless it is under the taxon itself."""
        if parent is None or taxon not in self.after.lineage(parent):
            return parent
        self._error(
            entry,
            "parent",
            f"{self.after.path(parent)} is itself under {self.after.path(taxon)} here",
            "move that one first, or correct the line",
            entry.parent,
        )
        return self.after.nodes[taxon].parent_id

    def _merged_here(self, entry: Entry, taxon: int) -> None:
        target = self.after.nodes[taxon].rename_to
        assert target is not None
        shown = self.after.path(target)
        self._warn(entry, f"was merged into {shown} here, and stays so", STAYS)

    # other names

    def take_other(self, entry: Entry) -> None:
        """A synonym, or a deprecated taxon that became another."""
        assert entry.accepted is not None
        key = self.links.meant(entry.accepted)
        target = self.ids.get(key) or self._outside(key)
        if target is None:
            self._error(
                entry,
                "accepted",
                "the taxon that it is said to be is neither in the file nor here",
                "add it to the file, or leave the cell empty",
                entry.accepted,
            )
            return
        self.ids.setdefault(entry.key, target)
        here = self._number(entry)
        if here is not None and self.after.nodes[here].rename_to is None and here != target:
            self._is_taxon_here(entry, here, target)
            return
        if entry.signpost and here is None:
            self._sign(entry, target)
        self._also(target, entry.name, entry.aphia_id)

    def _number(self, entry: Entry) -> int | None:
        found = (self.known.by_number(name, getattr(entry, name)) for name in NUMBERS)
        return next((taxon for taxon in found if taxon is not None), None)

    def _is_taxon_here(self, entry: Entry, here: int, target: int) -> None:
        """Merge it, if that was asked for and can be done."""
        into = self.after.path(target)
        if not self.options.merge:
            self._warn(
                entry,
                f"a taxon here, in the file another name of {into}",
                "merge them on the taxonomy page, or import with --merge",
            )
            return
        if here in self.lines:
            self._error(
                entry, "key", f"line {self.lines[here]} is this taxon", "correct one of them"
            )
        elif here in self.after.lineage(target):
            self._error(
                entry,
                "accepted",
                f"cannot be merged into {into}, which is under it",
                "move that one first",
            )
        else:
            self.merges.append((here, target))
            self._also(target, entry.name, entry.aphia_id)
        self.lines.setdefault(here, entry.line)

    def _sign(self, entry: Entry, target: int) -> None:
        parent = self._parent(entry) if entry.parent is not None else None
        taxon = self._add(entry, parent)
        node = replace(self.after.nodes[taxon], status="D", rename_to=target)
        self.known.set(taxon, node)

    def _also(self, taxon: int, name: str, aphia: int | None, instead: str | None = None) -> None:
        """Another name of a taxon, once."""
        mine = self.after.synonyms[taxon]
        own = {fold(instead or self.after.nodes[taxon].name)}
        if instead is not None:
            mine -= {one for one in mine if fold(one[0]) in own}
        if fold(name) not in own | {fold(one) for one, _ in mine}:
            mine.add((name, aphia))

    def _error(
        self, entry: Entry, column: str, message: str, remedy: str, value: str | None = None
    ) -> None:
        self.problems.error(
            message,
            remedy=remedy,
            file=self.checklist.file,
            line=entry.line,
            column=self.checklist.columns[column],
            value=entry.name if value is None else value,
        )

    def _warn(self, entry: Entry, message: str, remedy: str) -> None:
        self.problems.warn(
            message,
            remedy=remedy,
            file=self.checklist.file,
            line=entry.line,
            column=self.checklist.columns["name"],
            value=entry.name,
        )

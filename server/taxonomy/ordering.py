"""A checklist's entries in an order in which parents come first; cycles and doubles are named.

Example:
    >>> [entry.name for entry in link(checklist, problems).ordered]
    ['Copepoda', 'Calanoida']
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.ecotaxa.problems import Problems
from server.taxonomy.entries import Checklist, Entry

_SHOWN_MOST = 8


@dataclass
class Links:
    """`ordered` are taxa, `others` synonyms and signposts."""

    by_key: dict[str, Entry] = field(default_factory=dict)
    ordered: list[Entry] = field(default_factory=list)
    others: list[Entry] = field(default_factory=list)

    def meant(self, key: str) -> str:
        """The key of the taxon that a key means in the end: a synonym means its accepted one."""
        for _ in range(len(self.by_key)):
            entry = self.by_key.get(key)
            if entry is None or entry.accepted is None:
                break
            key = entry.accepted
        return key


def link(checklist: Checklist, problems: Problems) -> Links:
    """The entries by key and in order."""
    links = Links()
    for entry in checklist.entries:
        first = links.by_key.setdefault(entry.key, entry)
        if first is not entry:
            problems.error(
                f"line {first.line} has this identifier already",
                remedy="give each taxon its own",
                file=checklist.file,
                line=entry.line,
                column=checklist.columns["key"],
                value=entry.key,
            )
    entries = list(links.by_key.values())
    circling = _cycles(checklist, problems, links, "accepted", lambda entry: entry.accepted)
    links.others = [e for e in entries if e.accepted is not None and e.key not in circling]
    taxa = [entry for entry in entries if entry.accepted is None]
    circling = _cycles(checklist, problems, links, "parent", lambda entry: _above(links, entry))
    links.ordered = _ordered(links, taxa, circling)
    return links


def _above(links: Links, entry: Entry) -> str | None:
    return None if entry.parent is None else links.meant(entry.parent)


def _cycles(
    checklist: Checklist,
    problems: Problems,
    links: Links,
    column: str,
    following: Callable[[Entry], str | None],
) -> set[str]:
    """The keys on cycles; each cycle is named once."""
    done: set[str] = set()
    circling: set[str] = set()
    for start in links.by_key:
        walked: list[str] = []
        place: dict[str, int] = {}
        key: str | None = start
        while key is not None and key in links.by_key and key not in done and key not in place:
            place[key] = len(walked)
            walked.append(key)
            key = following(links.by_key[key])
        if key is not None and key in place:
            cycle = walked[place[key] :]
            circling.update(cycle)
            _name_cycle(checklist, problems, links, column, cycle)
        done.update(walked)
    return circling


def _name_cycle(
    checklist: Checklist, problems: Problems, links: Links, column: str, cycle: list[str]
) -> None:
    names = [links.by_key[key].name for key in [*cycle[:_SHOWN_MOST], cycle[0]]]
    more = " > ..." if len(cycle) > _SHOWN_MOST else ""
    problems.error(
        f"goes round in a circle: {' > '.join(names[:-1])}{more} > {names[-1]}",
        remedy="correct one of these lines",
        file=checklist.file,
        line=links.by_key[cycle[0]].line,
        column=checklist.columns[column],
        value=links.by_key[cycle[0]].name,
    )


def _ordered(links: Links, taxa: list[Entry], circling: set[str]) -> list[Entry]:
    """Parents before children, otherwise as they come, without those on cycles."""
    placed = set(circling)
    found: list[Entry] = []
    for entry in taxa:
        waiting = [entry]
        while waiting:
            one = waiting[-1]
            above = _above(links, one)
            parent = None if above in placed else links.by_key.get(above or "")
            if parent is not None and parent.accepted is None:
                waiting.append(parent)
                continue
            waiting.pop()
            if one.key not in placed:
                placed.add(one.key)
                found.append(one)
    return found

"""What WoRMS's taxon match tool gives back: a table of names, AphiaIDs and classifications.

The names above a taxon come as columns, Kingdom to Subspecies; ranks between them are left out, so
a name means a taxon anywhere below the one before it, and nothing that is known is moved. Lines
without an AphiaID were not matched and are passed over, with a warning.

Example:
    >>> read_table("matched.csv", head, rows, problems).entries[-1].name
    'Calanus finmarchicus'
"""

from collections.abc import Iterable

from server.ecotaxa.problems import Problems
from server.taxonomy.entries import Cells, Checklist, Entry

COLUMNS = {
    "key": "AphiaID",
    "parent": "Kingdom ... Subspecies",
    "accepted": "AphiaID_accepted",
    "name": "ScientificName",
}
RANKS = (
    "Kingdom", "Phylum", "Class", "Order", "Family", "Genus", "Subgenus", "Species", "Subspecies"
)  # fmt: skip
_OTHER = {
    "aphiaid_accepted": ("aphiaid_accepted", "accepted_aphiaid"),
    "scientificname_accepted": ("scientificname_accepted", "accepted_scientificname"),
    "rank": ("taxonrank", "rank"),
}


def is_one(head: Iterable[str]) -> bool:
    """Whether these are the columns of WoRMS's taxon match."""
    return {"aphiaid", "kingdom", "phylum"} <= {name.casefold() for name in head}


def read_table(
    file: str, head: list[str], rows: Iterable[tuple[int, list[str]]], problems: Problems
) -> Checklist:
    """The checklist of a matched table. Of columns of one name the last is WoRMS's: the first came
    from whoever asked."""
    columns = {name.casefold().replace(" ", "_"): n for n, name in enumerate(head)}
    for name, spellings in _OTHER.items():
        at = [columns[one] for one in spellings if one in columns]
        if at:
            columns[name] = at[0]
    found = Checklist(file, "WoRMS", COLUMNS, numbers="aphia_id")
    seen: dict[str, Entry] = {}
    for line, row in rows:
        texts = {name: row[n] for name, n in columns.items() if n < len(row)}
        _take(Cells(file, line, texts, problems), seen)
    found.entries.extend(seen.values())
    return found


def _take(cells: Cells, seen: dict[str, Entry]) -> None:
    aphia = cells.number("aphiaid")
    if aphia is None:
        if not cells.text("aphiaid"):
            cells.problems.warn(
                "WoRMS matched nothing to this name; the line is passed over",
                remedy="match it by hand and import again if it is wanted",
                file=cells.file,
                line=cells.line,
                column="AphiaID",
                value=cells.text("scientificname"),
            )
        return
    accepted = cells.number("aphiaid_accepted") or aphia
    named = "scientificname_accepted" if cells.text("scientificname_accepted") else "scientificname"
    name = cells.name(named)
    parent = _above(cells, name, seen)
    rank = cells.rank("rank") or _rank(cells, name)
    entry = Entry(
        cells.line,
        str(accepted),
        name,
        parent=parent,
        rank=rank,
        kind="P",
        aphia_id=accepted,
        loose=True,
    )
    _keep(cells, entry, seen)
    other = cells.name("scientificname") if aphia != accepted else ""
    if other:
        synonym = Entry(cells.line, str(aphia), other, aphia_id=aphia, accepted=str(accepted))
        _keep(cells, synonym, seen)


def _keep(cells: Cells, entry: Entry, seen: dict[str, Entry]) -> None:
    """Take the entry in unless the same is there: a table may match several names to one taxon."""
    there = seen.setdefault(entry.key, entry)
    if (there.name, there.accepted) != (entry.name, entry.accepted):
        cells.error(
            "aphiaid",
            f"line {there.line} gives this number to '{there.name}'",
            "correct one of them",
        )


def _above(cells: Cells, name: str, seen: dict[str, Entry]) -> str | None:
    """Take in the names above the taxon; the key of the nearest."""
    key, path = None, ""
    for rank, above in _classification(cells):
        if above == name:
            break
        path = f"{path}>{above}"
        seen.setdefault(
            path, Entry(cells.line, path, above, parent=key, rank=rank, kind="P", loose=True)
        )
        key = path
    return key


def _rank(cells: Cells, name: str) -> str | None:
    return next((rank for rank, above in _classification(cells) if above == name), None)


def _classification(cells: Cells) -> list[tuple[str, str]]:
    """(rank, full name) from the kingdom on; epithets get the genus before them."""
    found = []
    genus = cells.text("genus")
    species = ""
    for rank in RANKS:
        name = " ".join(cells.text(rank.casefold()).split())
        if not name:
            continue
        if rank == "Subgenus" and " " not in name:
            name = f"{genus} ({name.strip('()')})"
        if rank == "Species":
            name = species = name if " " in name or not genus else f"{genus} {name}"
        if rank == "Subspecies" and " " not in name and species:
            name = f"{species} {name}"
        found.append((rank, name))
    return found

"""A Darwin Core checklist: an archive (zip with meta.xml) or its taxon table alone.

WoRMS's download is one: its identifiers are LSIDs, which hold the AphiaID. A line whose
acceptedNameUsageID names another is a synonym of that one; without parentNameUsageID it is a
root, or stands below what the import is told. `kind` and `ecotaxaID` are columns of Seadrift's own
export.

Example:
    >>> read_archive("worms.zip", archive, problems).entries[0].name
    'Copepoda'
"""

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

from server.ecotaxa.problems import Problems
from server.taxonomy.entries import Cells, Checklist, Entry, aphia_of
from server.taxonomy.sheets import decoded, lines, member, parsed

COLUMNS = {
    "key": "taxonID",
    "parent": "parentNameUsageID",
    "accepted": "acceptedNameUsageID",
    "name": "scientificName",
}
_TEXT = "{http://rs.tdwg.org/dwc/text/}"
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}
_BARE = ("taxon.txt", "taxon.tsv", "taxon.csv")
_DOUBTFUL = ("uncertain", "nomen dubium", "taxon inquirendum", "unassessed", "doubtful")


def is_one(head: Iterable[str]) -> bool:
    """Whether these are the columns of a Darwin Core taxon table."""
    return {"taxonid", "scientificname"} <= {name.casefold() for name in head}


def read_table(
    file: str, head: list[str], rows: Iterable[tuple[int, list[str]]], problems: Problems
) -> Checklist:
    """The checklist of a table whose first line names the terms."""
    terms = {name.casefold(): n for n, name in reversed(list(enumerate(head)))}
    columns = {term: terms[term.casefold()] for term in _TERMS if term.casefold() in terms}
    return _read(_Core(file, columns), rows, problems)


@dataclass(frozen=True)
class _Core:
    """Where the terms stand in a table, and what those that stand nowhere are."""

    file: str
    columns: Mapping[str, int]
    defaults: Mapping[str, str] = field(default_factory=dict)

    def cells(self, line: int, row: list[str], problems: Problems) -> Cells:
        texts = dict(self.defaults)
        texts.update({term: row[n] for term, n in self.columns.items() if n < len(row)})
        return Cells(self.file, line, texts, problems)


_TERMS = (
    "taxonID",
    "scientificNameID",
    "parentNameUsageID",
    "acceptedNameUsageID",
    "scientificName",
    "canonicalName",
    "scientificNameAuthorship",
    "taxonRank",
    "taxonomicStatus",
    "kind",
    "ecotaxaID",
)


def _read(core: _Core, rows: Iterable[tuple[int, list[str]]], problems: Problems) -> Checklist:
    found = Checklist(core.file, "Darwin Core", COLUMNS)
    for line, row in rows:
        entry = _entry(core.cells(line, row, problems))
        if entry is not None:
            found.entries.append(entry)
    if found.entries and all(aphia_of(entry.key) for entry in found.entries):
        found.numbers = "aphia_id"
    return found


def _entry(cells: Cells) -> Entry | None:
    key = cells.text("taxonID")
    if not key:
        cells.error("taxonID", "no identifier", "give every line one")
        return None
    column = "canonicalName" if cells.text("canonicalName") else "scientificName"
    name = cells.name(column)
    author = " ".join(cells.text("scientificNameAuthorship").split())
    if author and name.endswith(" " + author):
        name = name.removesuffix(author).strip()
    accepted = cells.text("acceptedNameUsageID")
    status = _status(cells)
    return Entry(
        cells.line,
        key,
        name,
        parent=cells.text("parentNameUsageID") or None,
        rank=cells.rank("taxonRank"),
        kind=_kind(cells),
        status=status,
        aphia_id=aphia_of(key) or aphia_of(cells.text("scientificNameID")),
        ecotaxa_id=cells.number("ecotaxaID"),
        accepted=accepted if accepted and accepted != key else None,
        signpost=status == "D",
    )


def _kind(cells: Cells) -> str | None:
    kind = cells.text("kind")
    if kind in ("", "P", "M"):
        return kind or None
    cells.error("kind", "expected P (phylogenetic) or M (morphological)", "correct it")
    return None


def _status(cells: Cells) -> str | None:
    said = cells.text("taxonomicStatus").casefold()
    if not said:
        return None
    return "D" if said == "deprecated" else "N" if said in _DOUBTFUL else "A"


def read_archive(file: str, archive: zipfile.ZipFile, problems: Problems) -> Checklist | None:
    """The checklist of an archive, as its meta.xml describes it; without one, of its taxon.txt."""
    names = archive.namelist()
    meta = next((name for name in names if name.rpartition("/")[2] == "meta.xml"), None)
    if meta is None:
        return _bare(file, archive, names, problems)
    data = member(archive, meta, file, problems)
    root = None if data is None else parsed(f"{file}: {meta}", data, problems)
    if root is None:
        return None
    core = root.find(f"{_TEXT}core")
    location = "" if core is None else core.findtext(f"{_TEXT}files/{_TEXT}location", "").strip()
    if core is None or not location:
        problems.error("meta.xml names no core table", remedy="name it", file=f"{file}: {meta}")
        return None
    if not core.get("rowType", "").endswith("/Taxon"):
        problems.error(
            "the archive's core is not a list of taxa",
            remedy="import a checklist, not occurrences or events",
            file=f"{file}: {meta}",
            column="rowType",
            value=core.get("rowType", ""),
        )
        return None
    return _described(file, archive, meta.rpartition("/")[0], location, core, problems)


def _described(
    file: str,
    archive: zipfile.ZipFile,
    folder: str,
    location: str,
    core: ElementTree.Element,
    problems: Problems,
) -> Checklist | None:
    data = member(archive, f"{folder}/{location}" if folder else location, file, problems)
    text = None if data is None else decoded(location, data, problems, core.get("encoding"))
    if text is None:
        return None
    apart = core.get("fieldsTerminatedBy", ",")
    apart = _ESCAPES.get(apart, apart)
    if len(apart) != 1:
        problems.error(
            "cells must be separated by one character",
            remedy="use a tab or a comma",
            file=f"{file}: meta.xml",
            column="fieldsTerminatedBy",
            value=apart,
        )
        return None
    quote = core.get("fieldsEnclosedBy", '"')
    skipped = core.get("ignoreHeaderLines", "0")
    first = int(skipped) if skipped.isdigit() and len(skipped) < 4 else 0
    rows = ((n, row) for n, row in lines(location, text, problems, apart, quote[:1]) if n > first)
    return _read(_described_core(location, core), rows, problems)


def _described_core(location: str, core: ElementTree.Element) -> _Core:
    columns: dict[str, int] = {}
    defaults: dict[str, str] = {}
    terms = {term.casefold(): term for term in _TERMS}
    for one in core.iter(f"{_TEXT}field"):
        term = terms.get(one.get("term", "").rpartition("/")[2].casefold())
        index = one.get("index", "")
        if term is None:
            continue
        if index.isdigit() and len(index) < 5:
            columns[term] = int(index)
        if one.get("default"):
            defaults[term] = one.get("default", "")
    identifier = core.find(f"{_TEXT}id")
    at = "" if identifier is None else identifier.get("index", "")
    if at.isdigit() and len(at) < 5:
        columns.setdefault("taxonID", int(at))
    return _Core(location, columns, defaults)


def _bare(
    file: str, archive: zipfile.ZipFile, names: list[str], problems: Problems
) -> Checklist | None:
    tables = [name for name in names if name.rpartition("/")[2].casefold() in _BARE]
    if len(tables) != 1:
        problems.error(
            "neither a Darwin Core archive nor a workbook",
            remedy="put in meta.xml, or one taxon.txt",
            file=file,
        )
        return None
    data = member(archive, tables[0], file, problems)
    text = None if data is None else decoded(tables[0], data, problems)
    if text is None:
        return None
    rows = lines(tables[0], text, problems)
    head = next(rows, (1, []))[1]
    if not is_one(head):
        problems.error(
            "no taxonID and scientificName among the columns",
            remedy="name the columns in the first line",
            file=tables[0],
            line=1,
        )
        return None
    return read_table(tables[0], head, rows, problems)

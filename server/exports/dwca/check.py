"""Whether a Darwin Core archive is in order: read back against the standard's terms.

It is opened as a stranger's file: what `meta.xml` says is compared with the tables, each row with
the terms' rules, and the tables with each other (ids are unique, what is named is there). What GBIF
and OBIS require is an error, what they only recommend a warning.

Example:
    >>> check_archive(Path("dwca.zip")).lines()
    []
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from server.exports.dwca.eml_check import check_eml
from server.exports.dwca.findings import Findings
from server.exports.dwca.meta import META, Described, metadata_name, read_meta
from server.exports.dwca.rows import Ids, check_row
from server.exports.dwca.terms import EMOF, EVENT, OCCURRENCE

_XML_MOST = 16 << 20
_LINE_MOST = 1 << 20
_ORDER = (EVENT, OCCURRENCE, EMOF)
"""What is named comes before what names it."""


class ArchiveError(ValueError):
    """The file cannot be looked through at all."""


@dataclass
class Checked:
    findings: Findings = field(default_factory=Findings)
    rows: dict[str, int] = field(default_factory=dict)
    """By file."""

    def lines(self) -> list[str]:
        return self.findings.lines()


def is_archive(path: Path) -> bool:
    """Whether it is a zip with a `meta.xml`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return META in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def check_archive(path: Path) -> Checked:
    """Raises ArchiveError, OSError."""
    checked = Checked()
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, checked)
    except zipfile.BadZipFile as error:
        raise ArchiveError(f"{path}: {error}") from error
    return checked


def _check(archive: zipfile.ZipFile, checked: Checked) -> None:
    findings, names = checked.findings, archive.namelist()
    for name in sorted({name for name in names if names.count(name) > 1}):
        findings.error(name, 0, "file", name, "each name once")
    if META not in names:
        raise ArchiveError(f"no {META}: not a Darwin Core archive")
    meta = _small(archive, META, findings)
    tables = read_meta(meta, set(names), findings) if meta else []
    core = next((table for table in tables if table.core), None)
    if core is None:
        return
    ids = Ids(core.row_type)
    places: list[tuple[float, float]] = []
    for table in sorted(tables, key=lambda table: _ORDER.index(table.row_type)):
        checked.rows[table.name] = 0
        for line, row in _rows(archive, table, findings):
            checked.rows[table.name] += 1
            place = check_row(table, line, row, ids, findings)
            places += [place] if place else []
        if not checked.rows[table.name] and table.core:
            findings.error(table.name, 0, "rows", "", "at least one")
    ids.check_references(findings)
    name = metadata_name(meta)
    if name not in names:
        findings.error(META, 0, "metadata", name, "the name of a file in the archive")
        return
    check_eml(name, _small(archive, name, findings), places, findings)


def _small(archive: zipfile.ZipFile, name: str, findings: Findings) -> bytes:
    """A file that is XML; empty when it is too large, or damaged."""
    if archive.getinfo(name).file_size > _XML_MOST:
        findings.error(name, 0, "size", str(archive.getinfo(name).file_size), f"{_XML_MOST} bytes")
        return b""
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        findings.error(name, 0, "file", str(error), "a file that can be read")
        return b""


def _rows(
    archive: zipfile.ZipFile, table: Described, findings: Findings
) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row that has as many cells as it should."""
    width = max([*table.columns, table.key]) + 1
    csv.field_size_limit(_LINE_MOST)
    try:
        with archive.open(table.name) as raw:
            text = io.TextIOWrapper(raw, table.encoding, newline="")
            for line, cells in enumerate(_cells(text, table), 1):
                if line <= table.head_lines or not cells:
                    continue
                if len(cells) < width:
                    findings.error(table.name, line, "cells", str(len(cells)), f"{width} of them")
                    continue
                yield line, cells
    except (UnicodeDecodeError, LookupError) as error:
        findings.error(table.name, 0, "encoding", str(error), f"text in {table.encoding}")
    except (zipfile.BadZipFile, csv.Error, EOFError, NotImplementedError, RuntimeError) as error:
        findings.error(table.name, 0, "file", str(error), "a table that can be read")


def _cells(text: io.TextIOWrapper, table: Described) -> Iterator[list[str]]:
    if table.quote:
        yield from csv.reader(text, delimiter=table.separator, quotechar=table.quote)
        return
    while line := text.readline(_LINE_MOST):
        yield line.rstrip("\r\n").split(table.separator)

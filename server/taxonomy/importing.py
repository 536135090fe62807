"""A checklist in any of the formats that are known, checked whole and then taken in whole.

Two passes: the file is read and compared with the tree, and every problem is told with line,
column, value and remedy; only when there is no error is anything written, in one transaction.

Example:
    >>> outcome = import_checklist(database, "worms.csv", data, By(2, "ann@sea.org"), now_ms=now)
    >>> outcome.written.added, outcome.problems.errors
    (812, 0)
"""

import copy
import io
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from server.db import taxa_import, taxa_log
from server.db.engine import Database
from server.db.taxa_import import Written
from server.db.taxa_log import By
from server.ecotaxa.problems import Problems
from server.taxonomy import darwincore, ecotaxa_tree, worms
from server.taxonomy.entries import BYTES_MOST, Checklist
from server.taxonomy.plan import Options, Plan, make_plan
from server.taxonomy.sheets import BROKEN, Lines, decoded, lines, workbook

_FORMATS: tuple[tuple[Callable[..., bool], Callable[..., Checklist]], ...] = (
    (ecotaxa_tree.is_one, ecotaxa_tree.read_table),
    (darwincore.is_one, darwincore.read_table),
    (worms.is_one, worms.read_table),
)
_HEADS = (
    "taxonID and scientificName (Darwin Core), id, parent_id, name and taxotype (EcoTaxa), or "
    "AphiaID, Kingdom and Phylum (WoRMS)"
)


@dataclass(frozen=True)
class Outcome:
    """`written` is None when there were errors, or nothing was to be written; `version` is the
    tree's afterwards."""

    format: str
    entries: int
    problems: Problems
    written: Written | None
    version: int


def import_checklist(
    database: Database,
    file: str,
    data: bytes,
    by: By,
    now_ms: int,
    options: Options | None = None,
    *,
    dry: bool = False,
) -> Outcome:
    """Check the file and take it in; `dry`: check alone. Others write while it is checked."""
    problems = Problems()
    checklist = read(file, data, problems)
    if checklist is None:
        with database.read() as connection:
            return Outcome("", 0, problems, None, taxa_log.version(connection))
    by = replace(by, cause=by.cause or f"import of {file}")
    with database.read() as connection:
        version = taxa_log.version(connection)
        plan, found = _planned(connection, checklist, problems, options)
    written = None
    if not found.errors and not dry:
        with database.write() as connection:
            taxa_log.alone(connection)
            if taxa_log.version(connection) != version:  # somebody was quicker: once more
                plan, found = _planned(connection, checklist, problems, options)
            if not found.errors:
                written = taxa_import.apply(connection, plan, by, now_ms)
            version = taxa_log.version(connection)
    return Outcome(checklist.format, len(checklist.entries), found, written, version)


def _planned(
    connection: Connection, checklist: Checklist, problems: Problems, options: Options | None
) -> tuple[Plan, Problems]:
    """The plan, and the problems of the file with those of the plan."""
    found = copy.deepcopy(problems)
    return make_plan(taxa_import.present(connection), checklist, found, options), found


def read_bounded(path: Path) -> bytes:
    """A file's bytes; of one that is too large only so many that `read` says so."""
    with path.open("rb") as stream:
        return stream.read(BYTES_MOST + 1)


def read(file: str, data: bytes, problems: Problems) -> Checklist | None:
    """The checklist of a file with what of it can be read, or None: the problems say why."""
    if len(data) > BYTES_MOST:
        problems.error(
            f"larger than {BYTES_MOST // 10**6} MB", remedy="import it in parts", file=file
        )
        return None
    found = _zip(file, data, problems) if data[:4] == b"PK\x03\x04" else _text(file, data, problems)
    if found is None:
        return None
    if not found.entries and not problems.errors:
        problems.error("no taxa", remedy="write one line for each", file=file)
    return found


def _zip(file: str, data: bytes, problems: Problems) -> Checklist | None:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except BROKEN as error:
        problems.error(f"a damaged zip ({error})", remedy="download it again", file=file)
        return None
    with archive:
        if "[Content_Types].xml" in archive.namelist():
            rows = iter(workbook(file, archive, problems))
            return None if problems.errors else _table(file, rows, problems)
        return darwincore.read_archive(file, archive, problems)


def _text(file: str, data: bytes, problems: Problems) -> Checklist | None:
    text = decoded(file, data, problems)
    if text is None:
        return None
    if text.lstrip()[:1] in ("[", "{"):
        return ecotaxa_tree.read_json(file, text, problems)
    return _table(file, lines(file, text, problems), problems)


def _table(file: str, rows: Lines, problems: Problems) -> Checklist | None:
    line, head = next(rows, (1, []))
    for is_one, read_table in _FORMATS:
        if is_one(head):
            return read_table(file, head, rows, problems)
    problems.error(
        "not a checklist that is known",
        remedy=f"name the columns in the first line: {_HEADS}",
        file=file,
        line=line,
        value=", ".join(head[:8]),
    )
    return None


def told(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data, for scripts."""
    problems = outcome.problems
    return {
        "format": outcome.format,
        "entries": outcome.entries,
        "written": None if outcome.written is None else asdict(outcome.written),
        "version": outcome.version,
        "errors": problems.errors,
        "warnings": problems.warnings,
        "problems": [asdict(problem) for problem in problems.shown],
    }

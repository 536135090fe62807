"""A project, or several, as a Darwin Core archive.

Nothing is dropped in silence: what cannot be an event or an occurrence of OBIS's is in
`not_exported.tsv` with the reason and how many objects it is.

Example:
    >>> write_archive(Export(database, packs, 1, {"depth_bin_m": 5.0}, who, 2, folder))
    {'file': 'export_dwca_1_20260921_1413.zip', 'events': 41, 'occurrences': 212, ...}
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from server.db import exporting
from server.exports.archive import Archive, Table, draft
from server.exports.asked import AskedError
from server.exports.dwca.asked import Asked
from server.exports.dwca.dataset import dataset_of
from server.exports.dwca.eml import Licence, eml_xml, licence_of
from server.exports.dwca.files import FILES, meta_xml
from server.exports.dwca.gathering import Gathered
from server.exports.dwca.project import gather
from server.exports.export import Export
from server.exports.provenance import add_provenance, describe

_NOTES = """\
event.txt, occurrence.txt, extendedmeasurementorfact.txt: Darwin Core, as meta.xml says
eml.xml            the dataset's metadata, with provenance.json's content
not_exported.tsv   objects that are in none of these, and why
Concentrations are individuals per m3, biovolumes mm3 per m3: docs/exports.md has the formulas.
"""


def write_archive(export: Export) -> dict[str, Any]:
    """Raises AskedError, OSError, DBAPIError."""
    asked = Asked.of(export)
    exporting.catch_up(export.database)
    path = export.path("dwca", ".zip")
    with exporting.snapshot(export.database) as connection:
        parts = [replace(export, project_id=project) for project in asked.projects]
        licence = _licence(parts, connection, asked.licence)
        provenance = [describe(p, connection, p.known(connection)) for p in parts]
        found = [gather(part, connection, asked) for part in parts]
    if not any(part.events for part in found):
        reasons = [reason for part in found for _, _, reason, _ in part.left_out][:10]
        raise AskedError(["nothing can be exported", *dict.fromkeys(reasons)])
    with draft(path) as stream, Archive(stream) as archive:
        counts = _add_files(archive, found)
        dataset = dataset_of(export, found, licence, provenance, asked.title, asked.abstract)
        archive.add_text("meta.xml", meta_xml())
        archive.add_text("eml.xml", eml_xml(dataset))
        left_out = _add_left_out(archive, found)
        _note_left_out(export, found)
        said = provenance[0] if len(provenance) == 1 else {**provenance[0], "projects": provenance}
        add_provenance(archive, export, said, _NOTES)
    return {
        "file": path.name,
        **counts,
        "objects": sum(part.objects for part in found),
        "not_exported": left_out,
        "mended": export.mends.lines(),
    }


def _licence(parts: Sequence[Export], connection: Connection, given: str) -> Licence:
    """The one that was given, or else that of all projects."""
    texts = {given} if given else {part.project(connection).licence for part in parts}
    if len(texts) > 1:
        raise AskedError([f"licence: the projects have several: {', '.join(sorted(texts))}"])
    return licence_of(next(iter(texts)))


def _add_files(archive: Archive, found: Sequence[Gathered]) -> dict[str, int]:
    counts = {}
    for file, word in zip(FILES, ("events", "occurrences", "measurements"), strict=True):
        with file.table() as table:
            for part in found:
                table.add([file.line(row) for row in part.rows(word)])
            archive.add_table(file.name, table)
            counts[word] = table.count
    return counts


def _add_left_out(archive: Archive, found: Sequence[Gathered]) -> int:
    """How many objects."""
    with Table([["sample", "taxon", "reason", "objects"]]) as table:
        for part in found:
            table.add(part.left_out)
        archive.add_table("not_exported.tsv", table)
    return sum(objects for part in found for *_, objects in part.left_out)


def _note_left_out(export: Export, found: Sequence[Gathered]) -> None:
    for part in found:
        for sample, taxon, reason, objects in part.left_out:
            where = f"sample {sample}" if not taxon else f"taxon {taxon}"
            export.mends.note("not exported", reason, where, objects)

"""The kinds of exports, each imported when it is asked for: some bring heavy libraries.

Example:
    >>> run(export, "general")
    {'file': 'export_general_1_20260921_1413.zip', 'objects': 20000, ...}
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from server.exports.asked import AskedError
from server.exports.export import Export


def _general(export: Export) -> dict[str, Any]:
    from server.exports.general import write_general

    return write_general(export)


def _backup(export: Export) -> dict[str, Any]:
    from server.ecotaxa.backup import write_backup
    from server.exports.provenance import as_texts

    export.asked().check()
    if export.filters:
        raise AskedError(["filters: a backup holds the whole project; a general table takes them"])
    path = export.path("backup", ".zip")

    def progress(objects: int) -> None:
        export.progress(90, f"{objects} objects")

    def told(connection: Connection, mended: Mapping[str, int]) -> Mapping[str, str]:
        for sentence, times in mended.items():
            export.mends.note("backup", sentence, times=times)
        return as_texts(export, connection, _BACKUP_NOTES)

    written = write_backup(export.database, export.packs, export.project_id, path, progress, told)
    return {
        "file": path.name,
        "objects": written.objects,
        "images": written.images,
        "samples": written.samples,
        "mended": export.mends.lines(),
    }


_BACKUP_NOTES = """\
*/ecotaxa_*.tsv   a table of EcoTaxa's for each sample, with its images beside it
"""


def _dwca(export: Export) -> dict[str, Any]:
    from server.exports.dwca.archive import write_archive

    return write_archive(export)


def _parquet(export: Export) -> dict[str, Any]:
    from server.exports.parquet import write_parquet

    return write_parquet(export)


def _summary(export: Export) -> dict[str, Any]:
    from server.exports.summary import write_summary

    return write_summary(export)


def _spectrum(export: Export) -> dict[str, Any]:
    from server.exports.spectrum import write_spectrum

    return write_spectrum(export)


KINDS: dict[str, Callable[[Export], dict[str, Any]]] = {
    "backup": _backup,
    "dwca": _dwca,
    "general": _general,
    "parquet": _parquet,
    "spectrum": _spectrum,
    "summary": _summary,
}


def run(export: Export, kind: str) -> dict[str, Any]:
    """What came of it; its `file` lies in the export's folder. Raises AskedError for what cannot
    be done as asked."""
    if kind not in KINDS:
        raise AskedError([f"kind: {kind!r}, expected one of {', '.join(KINDS)}"])
    return KINDS[kind](export)

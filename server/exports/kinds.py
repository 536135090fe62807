"""The kinds of exports, each imported when it is asked for: some bring heavy libraries.

Example:
    >>> run(export, "general")
    {'file': 'export_general_1_20260921_1413.zip', 'objects': 20000, ...}
"""

from collections.abc import Callable
from typing import Any

from server.exports.asked import AskedError
from server.exports.export import Export


def _general(export: Export) -> dict[str, Any]:
    from server.exports.general import write_general

    return write_general(export)


def _backup(export: Export) -> dict[str, Any]:
    from server.ecotaxa.backup import write_backup

    export.asked().check()
    if export.filters:
        raise AskedError(["filters: a backup holds the whole project; a general table takes them"])
    path = export.path("backup", ".zip")

    def progress(objects: int) -> None:
        export.progress(90, f"{objects} objects")

    written = write_backup(export.database, export.packs, export.project_id, path, progress)
    return {
        "file": path.name,
        "objects": written.objects,
        "images": written.images,
        "samples": written.samples,
        "mended": [f"{n} times: {what}" for what, n in written.mended.items()],
    }


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

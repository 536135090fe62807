"""What tests of exports share: an export of a filled project, its tables read back."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from server.exports.export import Export
from server.exports.kinds import run
from server.shore import Shore

Row = dict[str, str]


def exported(
    shore: Shore, project: int, folder: Path, kind: str, **params: Any
) -> tuple[Path, dict[str, Any]]:
    """The file and what was answered."""
    export = Export(
        shore.database,
        shore.packs,
        project,
        {"kind": kind, **params},
        "Ana (ana@sea.test)",
        1,
        folder,
        releases=shore.settings.releases,
    )
    result = run(export, kind)
    return folder / result["file"], result


def rows_of(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))


def tables(path: Path, start: str = "") -> dict[str, list[Row]]:
    """Every table of a zip whose name begins so."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {
            name: rows_of(archive.read(name).decode())
            for name in archive.namelist()
            if name.endswith(".tsv") and name.startswith(start)
        }


def provenance(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        found: dict[str, Any] = json.loads(archive.read("provenance.json"))
        return found

"""Where an export is from: who made it with what, from which objects, and who named those.

Every export carries it: `provenance.json` for programs and `README.txt` for people in a zip,
metadata in Parquet, additional metadata in EML.

Example:
    >>> describe(export, connection, known)["objects"]["by_status"]
    {'predicted': 700, 'validated': 112}
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from models.bundle import Bundle, BundleError
from server import VERSION
from server.db import exporting_objects, exporting_stats
from server.db.exporting import TaxonRow
from server.db.exporting_objects import Selection
from server.exports.archive import Archive
from server.exports.columns import Known
from server.exports.export import Export

STATUSES = {
    "U": "unclassified", "P": "predicted", "D": "dubious", "V": "validated", "X": "discarded",
}  # fmt: skip
UNCERTAINTY = (
    "Counts are taken as outcomes of a Poisson process: intervals are exact (Garwood 1936), 95 %. "
    "They hold the chance of meeting an object, not errors of naming: the share validated says how "
    "far people looked."
)


def describe(export: Export, connection: Connection, known: Known) -> dict[str, Any]:
    """All of it, as plain data."""
    selection, project = export.selection(connection), export.project(connection)
    return {
        "program": f"Seadrift {VERSION}",
        "made": as_iso(export.made_ms),
        "made_by": export.who,
        "asked": {k: v for k, v in export.params.items() if k != "filters"},
        "filters": export.filters,
        "project": {
            "project_id": project.project_id,
            "title": project.title,
            "licence": project.licence,
            "instrument": project.instrument,
        },
        "objects": _objects(connection, selection),
        "predicted_by": _predicted_by(export, connection, selection),
        "taxonomy": {"taxa": len(known.taxa), "version": taxonomy_version(known.taxa)},
        "uncertainty": UNCERTAINTY,
    }


def _objects(connection: Connection, selection: Selection) -> dict[str, Any]:
    """How many there are, and who validated them."""
    status = exporting_objects.by_status(connection, selection)
    total, validated = sum(status.values()), status.get("V", 0)
    return {
        "total": total,
        "by_status": {word: status[s] for s, word in STATUSES.items() if status.get(s)},
        "validated_share": _share(validated, total),
        "validated_by": [
            {**asdict(person), "share": _share(person.objects, validated)}
            for person in exporting_stats.validated_by(connection, selection)
        ],
    }


def _predicted_by(export: Export, connection: Connection, selection: Selection) -> dict[str, Any]:
    """Releases and trainings, and the thresholds that hold."""
    releases = exporting_stats.predicted_by(connection, selection)
    trainings = exporting_stats.trained_by(connection, selection)
    return {
        "releases": [
            {
                "release_id": found.release_id,
                "name": found.name,
                "objects": found.objects,
                "still_as_predicted": found.kept,
                "figures": found.figures,
                "thresholds": _thresholds(export, found.file),
            }
            for found in releases
        ],
        "trainings": [{**asdict(found), "made": as_iso(found.created_ms)} for found in trainings],
        "thresholds_set": exporting_stats.thresholds_set(connection, export.project_id),
    }


def add_provenance(
    archive: Archive, export: Export, provenance: Mapping[str, Any], notes: str
) -> None:
    """Into the zip, with what was mended."""
    for name, text in _texts(export, provenance, notes).items():
        archive.add_text(name, text)


def as_texts(export: Export, connection: Connection, notes: str) -> dict[str, str]:
    """The same for a zip of another kind, by name."""
    return _texts(export, describe(export, connection, export.known(connection)), notes)


def _texts(export: Export, provenance: Mapping[str, Any], notes: str) -> dict[str, str]:
    return {
        "provenance.json": as_json({**provenance, "mended": export.mends.lines()}),
        "README.txt": readme(export, provenance, notes),
    }


def readme(export: Export, provenance: Mapping[str, Any], notes: str) -> str:
    """What a person needs who finds the file in ten years."""
    project, objects = provenance["project"], provenance["objects"]
    mended = "".join(f"  {line}\n" for line in export.mends.lines()) or "  nothing\n"
    statuses = ", ".join(f"{n} {word}" for word, n in objects["by_status"].items()) or "none"
    people = "".join(
        f"  {p['name']}: {p['objects']} ({p['share']:.1%} of the validated)\n"
        for p in objects["validated_by"]
    )
    filters = "".join(f"  {k}: {v}\n" for k, v in provenance["filters"].items())
    return (
        f"{project['title']}\n\n"
        f"Made {provenance['made']} by {provenance['made_by']} with {provenance['program']}.\n"
        f"Licence: {project['licence'] or 'none was given: ask whoever made the project'}\n"
        f"Objects: {objects['total']} ({statuses}); validated: {objects['validated_share']:.1%}\n"
        f"{'Filters:' if filters else 'Filters: none'}\n{filters}"
        f"Validated by:\n{people or '  nobody'}\n"
        f"Predicted by:\n{_predicted(provenance['predicted_by'])}"
        f"Taxonomy: {provenance['taxonomy']['taxa']} taxa, version "
        f"{provenance['taxonomy']['version']}\n\n"
        f"{notes}\n"
        f"{UNCERTAINTY}\n\n"
        f"Changed or odd on the way here:\n{mended}\n"
        "All of this for programs: provenance.json\n"
    )


def _predicted(said: Mapping[str, Any]) -> str:
    lines = [
        f"  release {r['name']} ({r['release_id'][:12]}): {r['objects']} objects\n"
        for r in said["releases"]
    ]
    lines += [
        f"  training {t['training_id']} ({t['kind']}, {t['made']}): {t['objects']} objects\n"
        for t in said["trainings"]
    ]
    return "".join(lines) or "  nothing of this shore\n"


def _thresholds(export: Export, file: str | None) -> dict[str, Any] | None:
    """The release's own: from which probability a name is trusted."""
    if file is None or export.releases is None:
        return None
    try:
        head = Bundle.load(export.releases / file).head
    except (BundleError, OSError):
        return None
    if head.thresholds is None:
        return None
    return {"precision": head.thresholds.target, "least": head.thresholds.by_name(head.tree)}


def taxonomy_version(taxa: Mapping[int, TaxonRow]) -> str:
    """A name for the tree as it stands: the same for the same tree on any shore."""
    lines = sorted(f"{taxon.path}\t{taxon.aphia_id or ''}\n" for taxon in taxa.values())
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def as_iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1, default=str) + "\n"


def _share(n: int, of: int) -> float:
    return n / of if of else 0.0

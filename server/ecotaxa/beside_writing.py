"""Writes what stands beside a backup's tables: the project, and what people did.

Example:
    >>> json.loads(project_json(connection, 1, cells, tables, {}))["seadrift"]
    1
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from server.db import export
from server.ecotaxa import beside
from server.ecotaxa.project_cells import ProjectCells

_PROJECT = ("title", "access", "licence", "instrument", "description", "created_ms")
_TRAINING = ("id", "user_id", "kind", "params", "report", "created_ms", "undone_ms")


def action_lines(actions: Mapping[int, Any]) -> bytes:
    """All actions, one on a line, in their order."""
    lines = []
    for row in actions.values():
        values = [getattr(row, name) for name in beside.ACTION]
        values[beside.ACTION.index("request_hash")] = bytes(row.request_hash).hex()
        lines.append(json.dumps(values, separators=(",", ":")))
    return ("\n".join(lines) + "\n").encode() if lines else b""


def project_json(
    connection: Connection,
    project_id: int,
    cells: ProjectCells,
    tables: Mapping[str, str],
    imageless: Mapping[str, str],
) -> bytes:
    """`seadrift/project.json`. Raises nothing of its own."""
    project = export.project(connection, project_id)
    listed = export.listed_taxa(connection, project_id)
    told = {
        "seadrift": beside.VERSION,
        "line": beside.LINE,
        "object": export.OBJECT,
        "values": export.VALUES,
        "exact": export.EXACT,
        "kept": export.FREE,
        "event": export.EVENT,
        "replaced": export.REPLACED,
        "image": beside.IMAGE,
        "action": beside.ACTION,
        "tables": dict(tables),
        "imageless": dict(imageless),
        "project": {name: getattr(project, name) for name in _PROJECT},
        "settings": json.loads(project.settings),
        "members": [
            {"user_id": m.user_id, "may": m.may} for m in export.memberships(connection, project_id)
        ],
        "own_columns": [column.name for column in cells.layout.own],
        "columns": [
            {
                "name": name,
                "kind": place[0].replace("n", "f"),
                "column": cells.layout.free.get(name),
            }
            for name, place in cells.columns.items()
        ],
        "samples": _samples(cells),
        "people": [
            {"id": p.id, "name": p.name, "email": p.email, "organisation": p.organisation}
            for p in cells.people.values()
        ],
        "taxa": _taxa(cells, listed),
        "listed_taxa": listed,
        "releases": [
            {"id": row.no, "release_id": row.release_id, "name": row.name}
            for row in cells.releases.values()
        ],
        "trainings": [
            {name: getattr(t, name) for name in _TRAINING}
            for t in export.trainings(connection, project_id)
        ],
    }
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


def _taxa(cells: ProjectCells, listed: Sequence[int]) -> list[dict[str, Any]]:
    """The taxa that lines, actions and the project's list name."""
    used = cells.used_taxa | set(listed) | {row.taxon_id for row in cells.actions.values()}
    return [
        {
            "id": taxon.id,
            "name": taxon.display_name,
            "path": taxon.path,
            "aphia_id": taxon.aphia_id,
            "ecotaxa_id": taxon.ecotaxa_id,
        }
        for taxon in cells.taxa.values()
        if taxon.id in used
    ]


def _samples(cells: ProjectCells) -> list[dict[str, Any]]:
    """Samples with their acquisitions and processes; `table` is the id that the tables have."""
    processes: dict[int, list[dict[str, Any]]] = {}
    for row in cells.processes:
        told = _level(row, cells.process_ids, ("software", "measures_version", "settings"))
        processes.setdefault(row.acquisition_id, []).append(told)
    acquisitions: dict[int, list[dict[str, Any]]] = {}
    for row in cells.acquisitions:
        told = _level(row, cells.acquisition_ids, ("instrument", "pixel_um", "optical_field"))
        told["processes"] = processes.get(row.id, [])
        acquisitions.setdefault(row.sample_id, []).append(told)
    found = []
    for row in cells.samples:
        told = _level(row, cells.sample_ids, ("device", "device_id"))
        found.append({**told, "acquisitions": acquisitions.get(row.id, [])})
    return found


def _level(row: Any, ids: Mapping[int, str], more: Sequence[str]) -> dict[str, Any]:
    return {
        "table": ids[row.id],
        "orig_id": row.orig_id,
        "free": json.loads(row.free),
        "created_ms": row.created_ms,
        **{name: getattr(row, name) for name in more},
    }

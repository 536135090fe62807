"""Every device as its operators see it: what it has sent, what is on its way, what it needs.

Invariant: the number of queries does not depend on the number of devices.

Example:
    >>> [row["name"] for row in states(connection, now_ms=now) if row["level"] == "trouble"]
    ['mooring-2']
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from server.db import fleet, projects, watch
from server.db.ledger import EpochState
from server.fleet.attention import level, needs

MISSING_SHOWN = 20
LINKS = ("https", "mqtt", "satellite")
_INNER = ("pk",)


def states(connection: Connection, now_ms: int) -> list[dict[str, Any]]:
    """All devices, the one that needs a person most first; revoked ones last."""
    return [_without(row, _INNER) for row in _all(connection, now_ms)]


def details(connection: Connection, device_id: str, now_ms: int) -> dict[str, Any] | None:
    """One device with what explains its state, or None: `epochs` with the ranges that are
    `missing`, `gap_days` given up by day, kind and reason, the `steps` of its releases, its
    `newest` object, the project's title; how many objects are `undated`: dated
    later by a clock record ("filled"), or not yet ("unknown")."""
    row = next((r for r in _all(connection, now_ms) if r["device_id"] == device_id), None)
    if row is None:
        return None
    pk = row["pk"]
    lives = watch.epochs(connection).get(pk, [])
    project = projects.get(connection, row["project_id"])
    return {
        **_without(row, _INNER),
        "project": None if project is None else project.title,
        "epochs": [
            {
                **asdict(life),
                "lag": life.lag,
                "missing": watch.missing(connection, pk, life, MISSING_SHOWN),
            }
            for life in lives
        ],
        "gap_days": watch.gaps(connection, pk),
        "steps": watch.steps(connection, pk),
        "newest": watch.newest_object(connection, pk, row["epoch"]),
        "undated": watch.undated(connection, pk),
    }


def _all(connection: Connection, now_ms: int) -> list[dict[str, Any]]:
    lives, deployed = watch.epochs(connection), watch.deployments(connection)
    aside = watch.set_aside(connection)
    before = watch.pending_day_ago(connection, now_ms)
    clocks = watch.clocks(connection)
    rows = []
    for row in fleet.all_devices(connection):
        pk = row["pk"]
        row["deployment"] = deployed.get(pk)
        row["quarantine"] = aside.get(pk, 0)
        row["pending_day_ago"] = before.get(pk)
        row["clock_trusted"] = clocks.get(pk)
        rows.append(_complete(row, lives.get(pk, []), now_ms))
    return sorted(rows, key=_order)


def _complete(row: dict[str, Any], lives: Sequence[EpochState], now_ms: int) -> dict[str, Any]:
    row["health"] = json.loads(row["health"]) if row["health"] else None
    said = row["health"] or {}
    row["pending"], row["dead"] = said.get("pending"), said.get("dead", 0)
    if row["epoch"] is None and lives:
        row["epoch"] = lives[-1].epoch  # its records came before its first hello
    row["lag"] = sum(life.lag for life in lives if life.epoch == row["epoch"])
    row["held"] = sum(life.held for life in lives)
    row["gaps"] = sum(life.given_up for life in lives)
    row["epochs"] = len(lives)
    row["links"] = {name: row.pop(f"{name}_ms") for name in LINKS}
    found = needs(row, now_ms)
    row["level"] = level(row, found)
    row["needs"] = [asdict(need) for need in found]
    return row


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    weights = [need["weight"] for need in row["needs"]]
    return row["status"] == "revoked", -max(weights, default=0), -sum(weights), row["name"]


def _without(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}

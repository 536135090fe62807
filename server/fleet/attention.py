"""What a device needs from a person, in words, the worst first. Pure.

Example:
    >>> needs({**row, "dead": 3, "gaps": 0}, now_ms=now)[0].words
    '3 records set aside on the device'
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MINUTE_MS = 60_000
LATE_MS, SILENT_MS = 15 * MINUTE_MS, 24 * 60 * MINUTE_MS
DISK_LOW_MB = 500
LAG_GROWS = 1.2
"""More than this times what waited a day before: the device falls behind."""
LAG_MATTERS = 100
TROUBLE = 50
"""From this weight on a device needs a look; below it, it is only quiet."""


@dataclass(frozen=True)
class Need:
    """One thing; `weight` orders them."""

    kind: str
    words: str
    weight: int


def needs(row: Mapping[str, Any], now_ms: int) -> list[Need]:
    """What a person should look at, the worst first. `row` as `server.fleet.states` makes it."""
    found = [*_set_aside(row)]
    if row["status"] != "revoked":
        found += [*_silence(row, now_ms), *_release(row), *_losses(row), *_lag(row), *_self(row)]
    return sorted(found, key=lambda need: -need.weight)


def level(row: Mapping[str, Any], found: list[Need]) -> str:
    """One word: revoked, trouble, new (never seen), silent, late or well."""
    kinds = {need.kind for need in found}
    if row["status"] == "revoked":
        return "revoked"
    if any(need.weight >= TROUBLE and need.kind != "silent" for need in found):
        return "trouble"
    return next((kind for kind in ("new", "silent", "late") if kind in kinds), "well")


def _silence(row: Mapping[str, Any], now_ms: int) -> list[Need]:
    if not row["last_seen_ms"]:
        return [Need("new", "never seen", 20)]
    quiet_ms = now_ms - row["last_seen_ms"]
    if quiet_ms > SILENT_MS:
        return [Need("silent", f"silent for {quiet_ms // (24 * 60 * MINUTE_MS)} d", 60)]
    if quiet_ms > LATE_MS:
        minutes = quiet_ms // MINUTE_MS
        words = f"{minutes // 60} h" if minutes >= 120 else f"{minutes} min"
        return [Need("late", f"quiet for {words}", 10)]
    return []


def _release(row: Mapping[str, Any]) -> list[Need]:
    step = row["deployment"]
    if step is None or step["state"] not in ("refused", "rolled_back"):
        return []
    words = "was refused" if step["state"] == "refused" else "was rolled back"
    why = f": {step['reason']}" if step["reason"] else ""
    return [Need("release", f"release {step['release_name']} {words}{why}", 80)]


def _losses(row: Mapping[str, Any]) -> list[Need]:
    found = []
    if row["dead"]:
        found.append(Need("dead", f"{_records(row['dead'])} set aside on the device", 75))
    if row["gaps"]:
        found.append(Need("gaps", f"{_records(row['gaps'])} given up by the device", 65))
    return found


def _set_aside(row: Mapping[str, Any]) -> list[Need]:
    n = row["quarantine"]
    weight = 15 if row["status"] == "revoked" else 70
    many = "entry" if n == 1 else "entries"
    return [Need("quarantine", f"{n} {many} in the quarantine", weight)] if n else []


def _lag(row: Mapping[str, Any]) -> list[Need]:
    pending, before = row["pending"], row["pending_day_ago"]
    if pending is None or before is None:
        return []
    if pending < LAG_MATTERS or pending <= before * LAG_GROWS:
        return []
    return [Need("lag", f"falls behind: {_records(pending)} wait, {before} a day ago", 55)]


def _self(row: Mapping[str, Any]) -> list[Need]:
    """What the device says of itself."""
    found = []
    if row["clock_trusted"] is False:
        found.append(Need("clock", "its clock is not trusted", 40))
    free = (row["health"] or {}).get("disk_free_mb")
    if free is not None and free < DISK_LOW_MB:
        found.append(Need("disk", f"its disk is nearly full: {free:.0f} MB free", 72))
    return found


def _records(n: int) -> str:
    return f"{n} record" if n == 1 else f"{n} records"

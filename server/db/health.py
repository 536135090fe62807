"""Health records over time: every one of the last 48 hours, one an hour before that.

Invariant: what is thinned away is older than 48 hours and not the last of its hour; the newest
record of a device is always there. A record that comes late is thinned at once, so the table stays
bounded by the hours that a device has lived.

Example:
    >>> add(connection, device_id=1, epoch=7, records=[(record, health)], now_ms=now)
    >>> history(connection, device_id=1, since_ms=0)[-1]["pending"]
    12
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, update

from server.db.dialect import chunks, insert_new
from server.db.tables import HealthRow
from wire.records import Health, Record

HOUR_MS = 3_600_000
DETAILED_MS = 48 * HOUR_MS
_COPIED = (
    "pending",
    "pending_bytes",
    "disk_free_mb",
    "dead",
    "ms_per_frame",
    "energy_j_per_frame",
    "temperature_c",
)
SHOWN = ("at_ms", "utc_ms", *_COPIED)
"""Keys of a row of `history`."""


def add(
    connection: Connection,
    device_id: int,
    epoch: int,
    records: Sequence[tuple[Record, Health]],
    now_ms: int,
) -> None:
    """Keep health records of one device, and thin what has grown old."""
    if not records:
        return
    rows = [
        {
            "device_id": device_id,
            "epoch": epoch,
            "seq": record.seq,
            "at_ms": now_ms if record.utc_ms is None else record.utc_ms,
            "utc_ms": record.utc_ms,
            "received_ms": now_ms,
            "settled": False,
            **{name: getattr(health, name) for name in _COPIED},
        }
        for record, health in records
    ]
    insert_new(connection, HealthRow, rows, ("device_id", "epoch", "seq"))
    _thin(connection, device_id, now_ms - DETAILED_MS)


def _thin(connection: Connection, device_id: int, edge_ms: int) -> None:
    """Of each hour before `edge_ms` keep the last record. Costs what has aged since the last
    time."""
    mine = HealthRow.device_id == device_id
    aged = select(HealthRow.at_ms).where(mine, ~HealthRow.settled, HealthRow.at_ms < edge_ms)
    hours = sorted({at_ms // HOUR_MS for at_ms in connection.execute(aged).scalars()})
    for hour in hours:
        begin, end = hour * HOUR_MS, min((hour + 1) * HOUR_MS, edge_ms)
        inside = (HealthRow.at_ms >= begin) & (HealthRow.at_ms < end)
        query = select(HealthRow.id).where(mine, inside)
        *older, last = connection.execute(query.order_by(HealthRow.at_ms, HealthRow.id)).scalars()
        for some in chunks(older):
            connection.execute(delete(HealthRow).where(HealthRow.id.in_(some)))
        connection.execute(update(HealthRow).where(HealthRow.id == last).values(settled=True))


def history(
    connection: Connection, device_id: int, since_ms: int, most: int = 3000
) -> list[dict[str, Any]]:
    """The latest `most` records since then, oldest first, with the keys SHOWN."""
    query = (
        select(*(getattr(HealthRow, name) for name in SHOWN))
        .where(HealthRow.device_id == device_id, HealthRow.at_ms >= since_ms)
        .order_by(HealthRow.at_ms.desc())
        .limit(most)
    )
    return [dict(row._mapping) for row in connection.execute(query)][::-1]

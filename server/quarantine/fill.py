"""What an older shore had no place for, filled in from the bytes that it kept.

A record of a newer device is taken without the fields that the shore does not know
(docs/adr/0003). Once the shore knows them, the same bytes complete the rows: only what is empty is
filled, so nothing that came later or that a person set is lost.

Example:
    >>> fill(connection, source, record, read_body(record), now_ms=now)
"""

from typing import Any

from sqlalchemy import Connection, func, update

from server.db import health, hierarchy
from server.db.incoming import Source
from server.db.tables import FrameRow, Object
from wire.records import Body, Context, FrameSummary, Health, ObjectBody, Record

_PLACE = ("lat_deg", "lon_deg", "depth_m", "temperature_c")


def fill(connection: Connection, source: Source, record: Record, body: Body, now_ms: int) -> None:
    """Complete the rows that this record made when it was taken."""
    match body:
        case ObjectBody():
            _fill_place(connection, Object, source, record, body)
        case FrameSummary():
            _fill_place(connection, FrameRow, source, record, body)
        case Health():
            health.add(connection, source.device_id, source.epoch, [(record, body)], now_ms)
        case Context():
            names = (body.sample, body.acquisition, body.process)
            project, device = source.project_id, source.device_id
            places = hierarchy.places(connection, project, device, {names}, now_ms)
            hierarchy.complete(connection, places[names], body)


def _fill_place(
    connection: Connection, table: Any, source: Source, record: Record, body: Body
) -> None:
    values = {
        name: func.coalesce(getattr(table, name), getattr(body, name))
        for name in _PLACE
        if getattr(body, name) is not None
    }
    if values:
        here = (table.device_id == source.device_id) & (table.epoch == source.epoch)
        connection.execute(update(table).where(here, table.seq == record.seq).values(values))

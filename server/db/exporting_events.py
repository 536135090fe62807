"""Where and when samples were: what an event of Darwin Core says of each.

Example:
    >>> read_events(connection, selection)[3].first_ms
    1790000000123
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, func, select

from server.db.exporting_objects import Selection
from server.db.tables import Object


@dataclass(frozen=True)
class SampleEvent:
    """From the first to the last object of a sample. `day_only`: the time of day of some is not
    known. `lon_deg` and its limits are continuous over the date line, so up to 360."""

    sample_id: int
    objects: int
    first_ms: int | None
    last_ms: int | None
    day_only: bool
    lat_deg: float | None
    south_deg: float | None
    north_deg: float | None
    lon_deg: float | None
    west_deg: float | None
    east_deg: float | None
    shallow_m: float | None
    deep_m: float | None


def read_events(connection: Connection, selection: Selection) -> dict[int, SampleEvent]:
    """By sample."""
    east = case((Object.lon_deg < 0, Object.lon_deg + 360), else_=Object.lon_deg)
    deepest = func.max(func.coalesce(Object.depth_max_m, Object.depth_m))
    query = select(
        Object.sample_id,
        func.count(),
        func.min(Object.utc_ms),
        func.max(Object.utc_ms),
        func.max(case((Object.utc_source == "day", 1), else_=0)),
        *(f(Object.lat_deg) for f in (func.avg, func.min, func.max)),
        func.min(Object.depth_m),
        deepest,
        *(f(Object.lon_deg) for f in (func.avg, func.min, func.max)),
        *(f(east) for f in (func.avg, func.min, func.max)),
    ).group_by(Object.sample_id)
    return {row[0]: _event(row) for row in connection.execute(selection.narrow(query))}


def _event(row: Any) -> SampleEvent:
    sample, objects, first, last, day_only, lat, south, north, shallow, deep, *lons = row
    plain, shifted = lons[:3], lons[3:]
    wide = plain[1] is not None and plain[2] - plain[1] > shifted[2] - shifted[1]
    lon, west, east = shifted if wide else plain
    return SampleEvent(
        sample, objects, first, last, bool(day_only), lat, south, north, lon, west, east,
        shallow, deep,
    )  # fmt: skip

"""Frames that the shore holds, for lists and for the reckoning of what was seen."""

import json
from typing import Any

from sqlalchemy import Connection, select

from server.db.tables import Device, FrameRow


def of_project(
    connection: Connection, project_id: int, limit: int, offset: int
) -> list[dict[str, Any]]:
    """Frame summaries of a project's devices, in the order of their coming; `ms` as a map."""
    query = (
        select(
            Device.device_id,
            Device.name.label("device"),
            FrameRow.name.label("frame"),
            FrameRow.frame_index,
            FrameRow.width,
            FrameRow.height,
            FrameRow.objects,
            FrameRow.specks,
            FrameRow.dropped,
            FrameRow.brightness,
            FrameRow.ms,
            FrameRow.utc_ms,
            FrameRow.lat_deg,
            FrameRow.lon_deg,
            FrameRow.depth_m,
            FrameRow.temperature_c,
        )
        .join(Device, Device.id == FrameRow.device_id)
        .where(Device.project_id == project_id)
        .order_by(FrameRow.id)
        .limit(limit)
        .offset(offset)
    )
    rows = [dict(row._mapping) for row in connection.execute(query)]
    for row in rows:
        row["ms"] = json.loads(row["ms"])
    return rows

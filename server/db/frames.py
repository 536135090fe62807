"""Frames that instruments looked at, with objects or without, and those that they could not use."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from server.db.clocks import Dated
from server.db.hierarchy import PlaceIds
from server.db.incoming import Source
from server.db.tables import BadFrameRow, Device, FrameRow
from wire.records import BadFrame, FrameSummary, Record


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
            FrameRow.utc_source,
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


def add_frames(
    connection: Connection,
    source: Source,
    frames: Sequence[tuple[Record, FrameSummary, PlaceIds, Dated]],
) -> None:
    """Insert frame summaries."""
    same = ("frame_index", "width", "height", "objects", "specks", "dropped", "brightness")
    where = ("lat_deg", "lon_deg", "depth_m", "temperature_c")
    if frames:
        connection.execute(
            insert(FrameRow),
            [
                {
                    "device_id": source.device_id,
                    "epoch": source.epoch,
                    "seq": record.seq,
                    "process_id": place.process_id,
                    "name": body.frame,
                    "ms": json.dumps(dict(sorted(body.ms.items()))),
                    "boot": record.boot,
                    "mono_ms": record.mono_ms,
                    "utc_ms": utc_ms,
                    "utc_source": utc_source,
                    **{name: getattr(body, name) for name in (*same, *where)},
                }
                for record, body, place, (utc_ms, utc_source) in frames
            ],
        )


def add_bad_frames(
    connection: Connection, source: Source, bad: Sequence[tuple[int, BadFrame]], now_ms: int
) -> None:
    """Insert what devices told of frames that they could not use; `bad` holds (seq, body)."""
    if bad:
        connection.execute(
            insert(BadFrameRow),
            [
                {
                    "device_id": source.device_id,
                    "epoch": source.epoch,
                    "seq": seq,
                    "name": body.frame,
                    "frame_index": body.frame_index,
                    "reason": body.reason,
                    "received_ms": now_ms,
                }
                for seq, body in bad
            ],
        )

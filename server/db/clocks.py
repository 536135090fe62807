"""Dates of records: as the device gave them, or filled in from what it later knew of its clock.

A device whose clock nobody vouches for counts milliseconds since its boot. A clock record says what
time one of them was, and dates every frame and object of that boot that has no date, those that
come afterwards too. Of several clock records the nearest one counts (of two as near the earlier),
so the dates do not depend on the order in which records arrive. What the device counted stays.

A boot is a number of one epoch: an outbox made anew counts from 1 again.

Example:
    >>> add_readings(connection, source, [Clock(boot=1, mono_ms=5000, utc_ms=1_800_000_000_000,
    ...                                         source="shore")])
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, select, text, update

from server.db.dialect import insert_new
from server.db.incoming import Source
from server.db.tables import ClockReading, FrameRow, Object
from server.db.tables.base import CLOCKLESS
from wire.records import Clock, FrameSummary, ObjectBody, Record

SOURCES = {
    "frame": "the source of the frame: its camera, or the log of its cast",
    "device": "the device's clock when it wrote the record",
    "filled": "a clock record of the same boot, which came later",
    "table": "the table that the object was imported from",
    "day": "the same, which knows the day alone: `utc_ms` is its midnight",
    "unknown": "nobody knows yet",
}
Dated: TypeAlias = tuple[int | None, str]
"""Milliseconds since 1970 UTC, and one of SOURCES."""
Readings: TypeAlias = Mapping[int, Sequence[tuple[int, int]]]
"""By boot: (mono_ms, utc_ms - mono_ms), in order."""


def date(record: Record, body: FrameSummary | ObjectBody, readings: Readings) -> Dated:
    """When what the record tells of was seen, as far as that is known."""
    if body.utc_ms is not None:
        return body.utc_ms, "frame"
    if record.utc_ms is not None:
        return record.utc_ms, "device"
    of_boot = readings.get(record.boot)
    if not of_boot:
        return None, "unknown"
    at = bisect_left(of_boot, (record.mono_ms,))
    near = of_boot[max(0, at - 1) : at + 1]
    _, offset = min(near, key=lambda reading: abs(reading[0] - record.mono_ms))
    return record.mono_ms + offset, "filled"


def readings(
    connection: Connection,
    source: Source,
    records: Iterable[tuple[Record, FrameSummary | ObjectBody]],
) -> Readings:
    """What is known of the clock in the boots of those records that have no date."""
    boots = {
        record.boot for record, body in records if body.utc_ms is None and record.utc_ms is None
    }
    return {boot: _of_boot(connection, source, boot) for boot in boots}


def _of_boot(connection: Connection, source: Source, boot: int) -> list[tuple[int, int]]:
    query = (
        select(ClockReading.mono_ms, ClockReading.utc_ms)
        .where(
            ClockReading.device_id == source.device_id,
            ClockReading.epoch == source.epoch,
            ClockReading.boot == boot,
        )
        .order_by(ClockReading.mono_ms)
    )
    return [(mono_ms, utc_ms - mono_ms) for mono_ms, utc_ms in connection.execute(query)]


def add_readings(connection: Connection, source: Source, clocks: Sequence[Clock]) -> None:
    """Keep what the device knows of its clock, and date what waits for it."""
    rows = [
        {
            "device_id": source.device_id,
            "epoch": source.epoch,
            "boot": clock.boot,
            "mono_ms": clock.mono_ms,
            "utc_ms": clock.utc_ms,
            "source": clock.source,
        }
        for clock in clocks
    ]
    insert_new(connection, ClockReading, rows, ("device_id", "epoch", "boot", "mono_ms"))
    for boot in sorted({clock.boot for clock in clocks}):
        known = _of_boot(connection, source, boot)
        new = {clock.mono_ms for clock in clocks if clock.boot == boot}
        for place, (mono_ms, offset) in enumerate(known):
            if mono_ms in new:
                first = _middle(known[place - 1][0], mono_ms) + 1 if place else None
                last = _middle(mono_ms, known[place + 1][0]) if place + 1 < len(known) else None
                for table in (FrameRow, Object):
                    _fill(connection, table, source, boot, (first, last), offset)


def _middle(before: int, after: int) -> int:
    """The last millisecond that is not nearer to `after`."""
    return (before + after) // 2


def _fill(
    connection: Connection,
    table: Any,
    source: Source,
    boot: int,
    between: tuple[int | None, int | None],
    offset: int,
) -> None:
    """Date the clockless rows whose `mono_ms` lies between the two, ends included."""
    first, last = between
    statement = update(table).where(
        table.device_id == source.device_id,
        table.epoch == source.epoch,
        table.boot == boot,
        text(CLOCKLESS),
    )
    if first is not None:
        statement = statement.where(table.mono_ms >= first)
    if last is not None:
        statement = statement.where(table.mono_ms <= last)
    values = {"utc_ms": table.mono_ms + offset, "utc_source": "filled"}
    connection.execute(statement.values(values))

"""Dives' summaries, as they came.

Example:
    >>> latest(connection, device_pk, limit=20)
    [(7, 120, 1800000000000, b'...', 1800000003000)]
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from server.db.dialect import insert_new
from server.db.incoming import Source
from server.db.tables import SummaryRow
from wire.records import Record, Summary


def add(
    connection: Connection, source: Source, items: Sequence[tuple[Record, Summary]], now_ms: int
) -> None:
    """Keep the summaries of one batch."""
    rows = [
        {
            "device_id": source.device_id,
            "epoch": source.epoch,
            "seq": record.seq,
            "utc_ms": record.utc_ms,
            "data": body.data,
            "received_ms": now_ms,
        }
        for record, body in items
    ]
    insert_new(connection, SummaryRow, rows, ("device_id", "epoch", "seq"))


def latest(
    connection: Connection, pk: int, limit: int
) -> list[tuple[int, int, int | None, bytes, int]]:
    """(epoch, seq, utc_ms, data, received_ms), the newest first."""
    query = (
        select(
            SummaryRow.epoch,
            SummaryRow.seq,
            SummaryRow.utc_ms,
            SummaryRow.data,
            SummaryRow.received_ms,
        )
        .where(SummaryRow.device_id == pk)
        .order_by(SummaryRow.id.desc())
        .limit(limit)
    )
    return [(e, s, utc, bytes(data), at) for e, s, utc, data, at in connection.execute(query)]

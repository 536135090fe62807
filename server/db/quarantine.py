"""What could not be used, kept with the reason: nothing that reached the shore is thrown away."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from server.db.dialect import insert_new
from server.db.tables import Device, Quarantined

KEY = ("device_id", "code", "hash")


@dataclass(frozen=True)
class SetAside:
    """One thing to keep. `code`: schema, too_big, hash_conflict or revoked."""

    epoch: int | None
    seq: int | None
    code: str
    detail: str
    hash: bytes
    data: bytes


def keep(connection: Connection, device_id: int, items: Sequence[SetAside], now_ms: int) -> None:
    """Keep the items; one that is there already has its `times` raised instead."""
    for item in items:
        again = (
            update(Quarantined)
            .where(
                Quarantined.device_id == device_id,
                Quarantined.code == item.code,
                Quarantined.hash == item.hash,
            )
            .values(times=Quarantined.times + 1, last_ms=now_ms)
        )
        if connection.execute(again).rowcount == 0:
            row = {
                "device_id": device_id,
                "epoch": item.epoch,
                "seq": item.seq,
                "code": item.code,
                "detail": item.detail[:1000].replace("\0", "\\0"),
                "hash": item.hash,
                "data": item.data,
                "times": 1,
                "first_ms": now_ms,
                "last_ms": now_ms,
            }
            insert_new(connection, Quarantined, [row], KEY)


def latest(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """The newest entries without their bytes."""
    query = (
        select(
            Quarantined.id,
            Device.device_id,
            Device.name.label("device"),
            Quarantined.epoch,
            Quarantined.seq,
            Quarantined.code,
            Quarantined.detail,
            Quarantined.times,
            Quarantined.first_ms,
            Quarantined.last_ms,
        )
        .join(Device, Device.id == Quarantined.device_id)
        .order_by(Quarantined.last_ms.desc(), Quarantined.id.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in connection.execute(query)]

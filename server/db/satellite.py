"""The satellite's raw inbox, unfinished batches, modems, and messages down.

Example:
    >>> receive(connection, push, now_ms=now)
    17
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from server.db.dialect import insert_new
from server.db.tables import Device, SatelliteMessage, SatelliteModem, SatelliteOut, SatellitePart
from wire.shorthand import Part

RETRY_MS = 30_000
TRIES_MAX = 200


@dataclass(frozen=True)
class Push:
    """One message as a gateway tells it. `transmitted` is the gateway's own text."""

    imei: str
    momsn: int | None
    transmitted: str
    lat_deg: float | None
    lon_deg: float | None
    data: bytes

    @property
    def hash(self) -> bytes:
        text = f"{self.imei}\n{self.momsn}\n{self.transmitted}\n".encode()
        return hashlib.sha256(text + self.data).digest()


@dataclass(frozen=True)
class Outgoing:
    id: int
    imei: str
    kind: str
    data: bytes
    tries: int


def receive(connection: Connection, push: Push, now_ms: int) -> bool:
    """Keep a push; False for one that came before."""
    again = (
        update(SatelliteMessage)
        .where(SatelliteMessage.hash == push.hash)
        .values(times=SatelliteMessage.times + 1)
    )
    if connection.execute(again).rowcount:
        return False
    row = {
        "hash": push.hash,
        "imei": push.imei,
        "momsn": push.momsn,
        "transmitted": push.transmitted,
        "lat_deg": push.lat_deg,
        "lon_deg": push.lon_deg,
        "data": push.data,
        "state": "new",
        "reason": "",
        "times": 1,
        "received_ms": now_ms,
    }
    insert_new(connection, SatelliteMessage, [row], ("hash",))
    return True


def unread(connection: Connection, limit: int = 100) -> list[int]:
    """The messages that nobody has taken yet, oldest first."""
    query = select(SatelliteMessage.id).where(SatelliteMessage.state == "new")
    return list(connection.execute(query.order_by(SatelliteMessage.id).limit(limit)).scalars())


def claim(connection: Connection, number: int) -> tuple[str, bytes] | None:
    """IMEI and bytes of a message for this transaction alone; None when another has it."""
    query = (
        select(SatelliteMessage.imei, SatelliteMessage.data)
        .where(SatelliteMessage.id == number, SatelliteMessage.state == "new")
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(query).first()
    return None if row is None else (row.imei, bytes(row.data))


def settle(
    connection: Connection,
    number: int,
    state: str,
    reason: str = "",
    pk: int | None = None,
    kind: int | None = None,
) -> None:
    """What became of a message."""
    values = {"state": state, "reason": reason[:1000], "device_id": pk, "kind": kind}
    here = SatelliteMessage.id == number
    connection.execute(update(SatelliteMessage).where(here).values(**values))


def device_ids(connection: Connection, imei: str) -> list[str]:
    """Every device, those that were heard through this modem first."""
    query = (
        select(Device.device_id)
        .join(SatelliteModem, SatelliteModem.device_id == Device.id, isouter=True)
        .order_by((SatelliteModem.imei == imei).desc().nulls_last(), Device.id)
    )
    return list(connection.execute(query).scalars())


def hear(connection: Connection, pk: int, imei: str, now_ms: int) -> None:
    """The device was heard through this modem."""
    row = {"device_id": pk, "imei": imei, "greeting": 0, "heard_ms": now_ms}
    insert_new(connection, SatelliteModem, [row], ("device_id",))
    here = SatelliteModem.device_id == pk
    connection.execute(update(SatelliteModem).where(here).values(imei=imei, heard_ms=now_ms))
    connection.execute(update(Device).where(Device.id == pk).values(last_seen_ms=now_ms))


def was_last(connection: Connection, pk: int) -> bool:
    """Whether the device was heard by satellite since it was heard over any network."""
    query = select(SatelliteModem.heard_ms, Device.https_ms, Device.mqtt_ms)
    query = query.join(Device, Device.id == SatelliteModem.device_id).where(Device.id == pk)
    row = connection.execute(query).first()
    return row is not None and row[0] >= max(row[1] or 0, row[2] or 0)


def raise_greeting(connection: Connection, pk: int, number: int) -> bool:
    """Take a hello's number; False when it has not risen."""
    here = (SatelliteModem.device_id == pk) & (SatelliteModem.greeting < number)
    statement = update(SatelliteModem).where(here).values(greeting=number)
    return connection.execute(statement).rowcount == 1


def add_part(connection: Connection, pk: int, part: Part, now_ms: int) -> list[Part] | None:
    """Keep a part; all of its batch once they are here, and then they are kept no longer."""
    row = {
        "device_id": pk,
        "batch": part.batch,
        "number": part.number,
        "of": part.of,
        "data": part.data,
        "received_ms": now_ms,
    }
    insert_new(connection, SatellitePart, [row], ("device_id", "batch", "number"))
    here = (SatellitePart.device_id == pk) & (SatellitePart.batch == part.batch)
    query = select(SatellitePart.number, SatellitePart.of, SatellitePart.data).where(here)
    parts = [Part(part.batch, n, of, bytes(data)) for n, of, data in connection.execute(query)]
    if len(parts) < part.of:
        return None
    connection.execute(delete(SatellitePart).where(here))
    return parts


def queue(connection: Connection, pk: int, kind: str, about: int, data: bytes, now_ms: int) -> None:
    """A message down; it takes the place of a waiting one of its kind about the same thing."""
    here = (SatelliteOut.device_id == pk) & (SatelliteOut.kind == kind)
    here = here & (SatelliteOut.about == about) & (SatelliteOut.state == "queued")
    fresh = update(SatelliteOut).where(here).values(data=data, due_ms=now_ms, tries=0)
    if connection.execute(fresh).rowcount:
        return
    connection.execute(
        insert(SatelliteOut).values(
            device_id=pk,
            kind=kind,
            about=about,
            data=data,
            state="queued",
            tries=0,
            reason="",
            created_ms=now_ms,
            due_ms=now_ms,
        )
    )


def sent_lately(connection: Connection, pk: int, kind: str, since_ms: int) -> set[int]:
    """What messages of this kind were about that are queued, or went since then."""
    here = (SatelliteOut.device_id == pk) & (SatelliteOut.kind == kind)
    recent = (SatelliteOut.state == "queued") | (SatelliteOut.sent_ms >= since_ms)
    return set(connection.execute(select(SatelliteOut.about).where(here, recent)).scalars())


def due(connection: Connection, now_ms: int, limit: int = 20) -> Sequence[Outgoing]:
    """Messages down to hand to the gateway, put off for RETRY_MS so that no other process does."""
    query = (
        select(
            SatelliteOut.id,
            SatelliteModem.imei,
            SatelliteOut.kind,
            SatelliteOut.data,
            SatelliteOut.tries,
        )
        .join(SatelliteModem, SatelliteModem.device_id == SatelliteOut.device_id)
        .where(SatelliteOut.state == "queued", SatelliteOut.due_ms <= now_ms)
        .order_by(SatelliteOut.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=SatelliteOut)
    )
    found = [Outgoing(*row) for row in connection.execute(query)]
    for item in found:
        wait_ms = RETRY_MS * min(40, 1 + item.tries)
        connection.execute(
            update(SatelliteOut)
            .where(SatelliteOut.id == item.id)
            .values(tries=item.tries + 1, due_ms=now_ms + wait_ms)
        )
    return found


def went(connection: Connection, item: Outgoing, reason: str, now_ms: int) -> None:
    """The gateway's word: `reason` is empty when it has the message. A message that another has
    taken the place of meanwhile stays queued."""
    here = (SatelliteOut.id == item.id) & (SatelliteOut.data == item.data)
    if not reason:
        values: dict[str, object] = {"state": "sent", "sent_ms": now_ms, "reason": ""}
    elif item.tries >= TRIES_MAX:
        values = {"state": "failed", "reason": reason[:1000]}
    else:
        values = {"reason": reason[:1000]}
    connection.execute(update(SatelliteOut).where(here).values(**values))

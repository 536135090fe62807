"""What could not be used, kept with the reason, and every step that people took with it.

Invariant: the bytes of an entry never change and no entry is ever deleted; its `state` is what its
latest event made of it.

Example:
    >>> keep(connection, device_id=1, items=[aside], now_ms=now)
    >>> [row["code"] for row in listing(connection, Wanted(states=OPEN), limit=20)]
    ['schema']
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from server.db.dialect import insert_new
from server.db.tables import Device, Quarantined, QuarantineEvent

KEY = ("device_id", "code", "hash")
OPEN = ("waiting", "repaired")
"""States that somebody still has to decide about."""
STATES = (*OPEN, "replayed", "discarded")
CODES = ("schema", "too_big", "hash_conflict", "revoked", "newer")
STATE_AFTER = {"repair": "repaired", "replay": "replayed", "discard": "discarded"}
"""The state that each kind of event leads to."""


@dataclass(frozen=True)
class SetAside:
    """One thing to keep; `code` is one of CODES."""

    epoch: int | None
    seq: int | None
    code: str
    detail: str
    hash: bytes
    data: bytes


@dataclass(frozen=True)
class Wanted:
    """Which entries; None: any. `device` is a device's id on the link."""

    device: str | None = None
    code: str | None = None
    states: Sequence[str] = STATES


@dataclass(frozen=True)
class Kept:
    """An entry with its bytes; `repaired` are those of its latest repair."""

    id: int
    device_pk: int
    device_id: str
    project_id: int
    epoch: int | None
    seq: int | None
    code: str
    detail: str
    hash: bytes
    data: bytes
    state: str
    repaired: bytes | None

    @property
    def key(self) -> tuple[int, int] | None:
        """(epoch, seq), or None when not even that could be read."""
        return None if self.epoch is None or self.seq is None else (self.epoch, self.seq)


def bytes_kept(connection: Connection, device_id: int, code: str) -> int:
    """How many bytes of a device are kept under a code."""
    query = select(func.coalesce(func.sum(func.length(Quarantined.data)), 0))
    mine = query.where(Quarantined.device_id == device_id, Quarantined.code == code)
    return int(connection.execute(mine).scalar_one())


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
                "state": "waiting",
                "times": 1,
                "first_ms": now_ms,
                "last_ms": now_ms,
            }
            insert_new(connection, Quarantined, [row], KEY)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Quarantined.state.in_(list(wanted.states))]
    if wanted.device is not None:
        pk = select(Device.id).where(Device.device_id == wanted.device).scalar_subquery()
        found.append(Quarantined.device_id == pk)
    if wanted.code is not None:
        found.append(Quarantined.code == wanted.code)
    return found


def listing(
    connection: Connection, wanted: Wanted, limit: int, before: int | None = None
) -> list[dict[str, Any]]:
    """Entries without their bytes, newest first; `before` is the id that a page ended with."""
    query = (
        select(
            Quarantined.id,
            Device.device_id,
            Device.name.label("device"),
            Quarantined.epoch,
            Quarantined.seq,
            Quarantined.code,
            Quarantined.detail,
            Quarantined.state,
            func.length(Quarantined.data).label("bytes"),
            Quarantined.times,
            Quarantined.first_ms,
            Quarantined.last_ms,
        )
        .join(Device, Device.id == Quarantined.device_id)
        .where(*_conditions(wanted))
        .order_by(Quarantined.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Quarantined.id < before)
    return [dict(row._mapping) for row in connection.execute(query)]


def ids(connection: Connection, wanted: Wanted, limit: int) -> list[int]:
    """The oldest entries that fit: objects come before their vignettes."""
    query = select(Quarantined.id).where(*_conditions(wanted)).order_by(Quarantined.id)
    return list(connection.execute(query.limit(limit)).scalars())


def counts(connection: Connection, wanted: Wanted) -> list[dict[str, Any]]:
    """How many entries there are by code and state, with `n`."""
    query = (
        select(Quarantined.code, Quarantined.state, func.count().label("n"))
        .where(*_conditions(wanted))
        .group_by(Quarantined.code, Quarantined.state)
        .order_by(Quarantined.code, Quarantined.state)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def get(connection: Connection, entry_id: int, *, lock: bool = False) -> Kept | None:
    """One entry with its bytes. `lock`: nobody else decides about it before this transaction
    ends."""
    query = (
        select(
            Quarantined.id,
            Quarantined.device_id.label("device_pk"),
            Device.device_id,
            Device.project_id,
            Quarantined.epoch,
            Quarantined.seq,
            Quarantined.code,
            Quarantined.detail,
            Quarantined.hash,
            Quarantined.data,
            Quarantined.state,
        )
        .join(Device, Device.id == Quarantined.device_id)
        .where(Quarantined.id == entry_id)
    )
    row = connection.execute(query.with_for_update(of=Quarantined) if lock else query).first()
    if row is None:
        return None
    found = row._mapping
    repaired = _latest_repair(connection, entry_id)
    return Kept(
        **{**found, "hash": bytes(found.hash), "data": bytes(found.data)}, repaired=repaired
    )


def _latest_repair(connection: Connection, entry_id: int) -> bytes | None:
    query = (
        select(QuarantineEvent.data)
        .where(QuarantineEvent.entry_id == entry_id, QuarantineEvent.kind == "repair")
        .order_by(QuarantineEvent.id.desc())
        .limit(1)
    )
    data = connection.execute(query).scalar()
    return None if data is None else bytes(data)


def events(connection: Connection, entry_id: int) -> list[dict[str, Any]]:
    """What was done with an entry, oldest first: kind, who, detail, created_ms."""
    query = (
        select(
            QuarantineEvent.kind,
            QuarantineEvent.who,
            QuarantineEvent.detail,
            QuarantineEvent.created_ms,
        )
        .where(QuarantineEvent.entry_id == entry_id)
        .order_by(QuarantineEvent.id)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def add_event(
    connection: Connection,
    entry_id: int,
    kind: str,
    who: str,
    detail: str,
    now_ms: int,
    data: bytes | None = None,
) -> None:
    """Append what somebody did, and set the entry's state accordingly."""
    connection.execute(
        insert(QuarantineEvent).values(
            entry_id=entry_id, kind=kind, who=who, detail=detail, data=data, created_ms=now_ms
        )
    )
    connection.execute(
        update(Quarantined).where(Quarantined.id == entry_id).values(state=STATE_AFTER[kind])
    )

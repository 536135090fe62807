"""Claims, devices and what devices are told to run."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from server.db import keys
from server.db.hot import Hot
from server.db.keys import ClaimRefusedError, OldKeyError
from server.db.tables import Assignment, Claim, DeploymentStep, Device, SatelliteModem
from wire.records import Deployment, Health


@dataclass(frozen=True)
class DeviceInfo:
    """A device as the link sees it; `pk` is its row, `device_id` its name on the link."""

    pk: int
    device_id: str
    name: str
    project_id: int
    public_key: bytes
    status: str
    counter: int
    next_key: bytes | None = None
    carrier: str = "https"
    """What brought the present request: https or mqtt."""


def add_claim(
    connection: Connection,
    *,
    token_hash: bytes,
    project_id: int,
    name: str,
    user_id: int,
    now_ms: int,
    expires_ms: int,
    successor_of: int | None = None,
) -> None:
    connection.execute(
        insert(Claim).values(
            token_hash=token_hash,
            project_id=project_id,
            name=name,
            created_by=user_id,
            created_ms=now_ms,
            expires_ms=expires_ms,
            successor_of=successor_of,
        )
    )


def enrol(
    connection: Connection,
    *,
    token_hash: bytes,
    device_id: str,
    public_key: bytes,
    name: str,
    board: str,
    software: str,
    now_ms: int,
) -> str:
    """Use a claim; the device's id. The same claim with the same key gives the same id again, since
    the reply may have been lost. The key of a device that is active makes the new device its
    successor; that of a revoked one is refused. Raises ClaimRefusedError."""
    claim = connection.execute(select(Claim).where(Claim.token_hash == token_hash)).first()
    if claim is None:
        raise ClaimRefusedError("there is no such claim")
    if claim.used_ms is not None:
        return _enrolled_before(connection, claim.id, public_key)
    if now_ms >= claim.expires_ms:
        raise ClaimRefusedError("this claim has expired")
    before = keys.of_key(connection, public_key)
    if any(status == "revoked" for _, status in before):
        raise OldKeyError("this key is that of a revoked device")
    connection.execute(
        update(Claim).where(Claim.id == claim.id, Claim.used_ms.is_(None)).values(used_ms=now_ms)
    )
    values = {
        "device_id": device_id,
        "claim_id": claim.id,
        "project_id": claim.project_id,
        "name": claim.name or name,
        "board": board,
        "software": software,
        "public_key": public_key,
        "status": "active",
        "counter": 0,
        "predecessor_id": claim.successor_of or (before[-1][0] if before else None),
        "enrolled_ms": now_ms,
        "last_seen_ms": now_ms,
    }
    try:
        connection.execute(insert(Device).values(values))
    except IntegrityError as error:
        raise ClaimRefusedError("this claim was used already") from error
    return device_id


def _enrolled_before(connection: Connection, claim_id: int, public_key: bytes) -> str:
    query = select(Device.device_id, Device.public_key).where(Device.claim_id == claim_id)
    earlier = connection.execute(query).one()
    if bytes(earlier.public_key) != public_key:
        raise ClaimRefusedError("this claim was used already")
    return str(earlier.device_id)


def device(connection: Connection, device_id: str) -> DeviceInfo | None:
    row = _DEVICE.run(connection, device_id=device_id).first()
    if row is None:
        return None
    next_key = None if row[7] is None else bytes(row[7])
    return DeviceInfo(row[0], row[1], row[2], row[3], bytes(row[4]), row[5], row[6], next_key)


_DEVICE = Hot(
    select(
        Device.id,
        Device.device_id,
        Device.name,
        Device.project_id,
        Device.public_key,
        Device.status,
        Device.counter,
        Device.next_key,
    ).where(Device.device_id == bindparam("device_id"))
)


def raise_counter(
    connection: Connection, pk: int, counter: int, now_ms: int, carrier: str = "https"
) -> bool:
    """Take the counter of a signed request; False when it has not risen. On PostgreSQL this also
    makes a second request of the same device wait for the first."""
    run = _RAISE[carrier].run(connection, pk=pk, counter=counter, now_ms=now_ms)
    return run.rowcount == 1


_RAISE = {
    carrier: Hot(
        update(Device)
        .where(Device.id == bindparam("pk"), Device.counter < bindparam("counter"))
        .values(
            counter=bindparam("counter"),
            last_seen_ms=bindparam("now_ms"),
            **{f"{carrier}_ms": bindparam("now_ms")},
        )
    )
    for carrier in ("https", "mqtt")
}


def see(connection: Connection, pk: int, *, epoch: int, software: str, release: str | None) -> None:
    """Note what a device says of itself in its hello."""
    connection.execute(
        update(Device)
        .where(Device.id == pk)
        .values(epoch=epoch, software=software, release=release)
    )


def set_health(connection: Connection, pk: int, epoch: int, seq: int, health: Health) -> None:
    """Keep the latest health record: a later seq, or another epoch."""
    newer = (
        (Device.health_seq.is_(None)) | (Device.health_epoch != epoch) | (Device.health_seq < seq)
    )
    connection.execute(
        update(Device)
        .where(Device.id == pk, newer)
        .values(health=json.dumps(asdict(health)), health_epoch=epoch, health_seq=seq)
    )
    if health.release is not None:
        connection.execute(
            update(Device)
            .where(Device.id == pk, Device.health_seq == seq)
            .values(release=health.release)
        )


def add_steps(
    connection: Connection,
    pk: int,
    epoch: int,
    steps: Sequence[tuple[int, Deployment]],
    now_ms: int,
) -> None:
    """Note (seq, step) of taking an assignment, as the device reported it."""
    if steps:
        connection.execute(
            insert(DeploymentStep),
            [
                {
                    "device_id": pk,
                    "epoch": epoch,
                    "seq": seq,
                    "received_ms": now_ms,
                    **asdict(step),
                }
                for seq, step in steps
            ],
        )


def all_devices(connection: Connection) -> list[dict[str, Any]]:
    """Every device's own columns, by number; `pk` is its row, `predecessor` the device that the
    same instrument was before."""
    earlier = aliased(Device)
    query = (
        select(
            Device.id.label("pk"),
            Device.device_id,
            Device.project_id,
            Device.name,
            Device.board,
            Device.software,
            Device.status,
            Device.enrolled_ms,
            Device.last_seen_ms,
            Device.https_ms,
            Device.mqtt_ms,
            SatelliteModem.heard_ms.label("satellite_ms"),
            Device.revoked_ms,
            Device.release,
            Device.epoch,
            Device.health,
            earlier.device_id.label("predecessor"),
        )
        .outerjoin(earlier, earlier.id == Device.predecessor_id)
        .outerjoin(SatelliteModem, SatelliteModem.device_id == Device.id)
        .order_by(Device.id)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def last_deploy_seq(connection: Connection, pk: int) -> int:
    query = select(func.coalesce(func.max(Assignment.deploy_seq), 0))
    return int(connection.execute(query.where(Assignment.device_id == pk)).scalar_one())


def add_assignment(
    connection: Connection,
    *,
    pk: int,
    deploy_seq: int,
    release_no: int,
    payload: bytes,
    user_id: int,
    now_ms: int,
) -> None:
    connection.execute(
        insert(Assignment).values(
            device_id=pk,
            deploy_seq=deploy_seq,
            release_no=release_no,
            payload=payload,
            user_id=user_id,
            issued_ms=now_ms,
        )
    )


def assignment_after(connection: Connection, pk: int, deploy_seq: int) -> bytes | None:
    """The device's latest signed assignment when it is newer than `deploy_seq`."""
    query = (
        select(Assignment.payload)
        .where(Assignment.device_id == pk, Assignment.deploy_seq > deploy_seq)
        .order_by(Assignment.deploy_seq.desc())
        .limit(1)
    )
    found = connection.execute(query).scalar()
    return None if found is None else bytes(found)

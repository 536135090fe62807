"""Uploads in the database: what a device sends in pieces, and how far each has come.

Example:
    >>> upload = begin(connection, device.pk, key, meta, length=3_000_000, now_ms=now)
    >>> advance(connection, upload, 16_384, now)
    True
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from server.db.dialect import insert_new
from server.db.tables import Blob, Device
from wire.tus import BlobMeta

EXPIRE_MS = 30 * 86_400_000
"""An upload without progress is forgotten after so long."""


@dataclass(frozen=True)
class Upload:
    """A row of `blobs`; `file` names its bytes."""

    id: int
    device_id: int
    key: str
    kind: str
    name: str
    sha256: str
    epoch: int
    object_seq: int
    width: int
    height: int
    length: int
    offset: int
    state: str
    reason: str
    created_ms: int
    expires_ms: int
    done_ms: int | None

    @property
    def file(self) -> str:
        return f"{self.device_id}-{self.key}"


_COLUMNS = [getattr(Blob, field.name) for field in fields(Upload)]


def find(connection: Connection, device: int, key: str) -> Upload | None:
    query = select(*_COLUMNS).where(Blob.device_id == device, Blob.key == key)
    row = connection.execute(query).first()
    return None if row is None else Upload(*row)


def begin(
    connection: Connection, device: int, key: str, meta: BlobMeta, length: int, now_ms: int
) -> Upload:
    """The upload, new or as far as it had come."""
    row: dict[str, Any] = {
        **{field.name: getattr(meta, field.name) for field in fields(BlobMeta)},
        "device_id": device,
        "key": key,
        "length": length,
        "offset": 0,
        "state": "open",
        "reason": "",
        "created_ms": now_ms,
        "expires_ms": now_ms + EXPIRE_MS,
        "done_ms": None,
    }
    insert_new(connection, Blob, [row], ("device_id", "key"))
    upload = find(connection, device, key)
    assert upload is not None
    return upload


def open_count(connection: Connection, device: int) -> int:
    query = select(func.count()).where(Blob.device_id == device, Blob.state == "open")
    return int(connection.execute(query).scalar_one())


def advance(connection: Connection, upload: Upload, offset: int, now_ms: int) -> bool:
    """Say that the bytes up to `offset` are durable; False if another request was first."""
    done = connection.execute(
        update(Blob)
        .where(Blob.id == upload.id, Blob.offset == upload.offset, Blob.state == "open")
        .values(offset=offset, expires_ms=now_ms + EXPIRE_MS)
    )
    return bool(done.rowcount)


def finish(connection: Connection, upload: Upload, reason: str, now_ms: int) -> None:
    """All bytes are here; with a `reason` they were not what they should be, and are kept."""
    state = "refused" if reason else "done"
    connection.execute(
        update(Blob)
        .where(Blob.id == upload.id)
        .values(offset=upload.length, state=state, reason=reason[:500], done_ms=now_ms)
    )


def forget(connection: Connection, upload: Upload) -> None:
    connection.execute(delete(Blob).where(Blob.id == upload.id, Blob.state == "open"))


def expired(connection: Connection, now_ms: int) -> list[Upload]:
    """Open uploads whose time is over."""
    query = select(*_COLUMNS).where(Blob.state == "open", Blob.expires_ms < now_ms).limit(100)
    return [Upload(*row) for row in connection.execute(query)]


def kept(
    connection: Connection, kind: str, before: int, limit: int, projects: Collection[int]
) -> Sequence[dict[str, Any]]:
    """Blobs of these projects' devices that are whole, the newest first, as maps for people."""
    names = ("id", "kind", "name", "sha256", "length", "state", "reason", "done_ms")
    query = (
        select(*(getattr(Blob, name) for name in names), Device.device_id, Device.name)
        .join(Device, Device.id == Blob.device_id)
        .where(Blob.state != "open", Blob.kind == kind, Blob.id < before)
        .where(Device.project_id.in_(sorted(projects)))
        .order_by(Blob.id.desc())
        .limit(limit)
    )
    keys = (*names, "device_id", "device_name")
    return [dict(zip(keys, row, strict=True)) for row in connection.execute(query)]


def by_id(connection: Connection, blob: int) -> Upload | None:
    row = connection.execute(select(*_COLUMNS).where(Blob.id == blob)).first()
    return None if row is None else Upload(*row)


def device_of(connection: Connection, upload: Upload) -> str:
    """The name on the link of the device that sent it."""
    query = select(Device.device_id).where(Device.id == upload.device_id)
    return connection.execute(query).scalar_one()

"""Blobs: what is too large for a record and comes in pieces that resume."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Big, Id, MaybeMillis, Millis, Name


class Blob(Base):
    """One upload of a device. `offset` bytes are durable of `length`. `state`: "open", "done", or
    "refused" with a `reason`: the bytes are kept all the same. `key` names it to the device and
    follows from its metadata, so that asking twice makes one."""

    __tablename__ = "blobs"
    __table_args__ = (UniqueConstraint("device_id", "key"),)

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    key: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[Name]
    sha256: Mapped[str] = mapped_column(String(64))
    epoch: Mapped[Big]
    object_seq: Mapped[Big]
    width: Mapped[int]
    height: Mapped[int]
    length: Mapped[Big]
    offset: Mapped[Big]
    state: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str]
    created_ms: Mapped[Millis]
    expires_ms: Mapped[Millis]
    done_ms: Mapped[MaybeMillis]

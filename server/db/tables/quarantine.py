"""What was set aside, and what people did about it."""

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Blob, Hash, Id, MaybeBig, Millis


class Quarantined(Base):
    """Bytes that could not be used, kept for ever with the reason. The same bytes again only raise
    `times`. `state` is the outcome of the entry's latest event: waiting, repaired, replayed or
    discarded."""

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("device_id", "code", "hash"),
        Index("ix_quarantine_open", "state", "device_id", "id"),
    )

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    epoch: Mapped[MaybeBig]
    seq: Mapped[MaybeBig]
    code: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str]
    hash: Mapped[Hash]
    data: Mapped[Blob]
    state: Mapped[str] = mapped_column(String(16))
    times: Mapped[int]
    first_ms: Mapped[Millis]
    last_ms: Mapped[Millis]


class QuarantineEvent(Base):
    """What somebody did with an entry: repair, replay or discard; append-only. `data` holds the
    bytes that a repair made, or that a replay took when they were not the original ones."""

    __tablename__ = "quarantine_events"

    id: Mapped[Id]
    entry_id: Mapped[int] = mapped_column(ForeignKey("quarantine.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    who: Mapped[str] = mapped_column(String(250))
    detail: Mapped[str]
    data: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_ms: Mapped[Millis]

"""What came through a satellite gateway, what goes back, and the commands for devices."""

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Big, Blob, Hash, Id, MaybeBig, MaybeMillis, Millis


class SatelliteMessage(Base):
    """The raw inbox: every message as the gateway pushed it, kept for ever. `hash` tells a push
    that was repeated (`times`). `state`: new, taken, or refused with the `reason`."""

    __tablename__ = "satellite_messages"
    __table_args__ = (Index("ix_satellite_messages_state", "state", "id"),)

    id: Mapped[Id]
    hash: Mapped[Hash] = mapped_column(unique=True)
    imei: Mapped[str] = mapped_column(String(20))
    momsn: Mapped[MaybeBig]
    transmitted: Mapped[str] = mapped_column(String(40))
    lat_deg: Mapped[float | None]
    lon_deg: Mapped[float | None]
    data: Mapped[Blob]
    device_id: Mapped[MaybeBig] = mapped_column(ForeignKey("devices.id"), index=True)
    kind: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str]
    times: Mapped[int]
    received_ms: Mapped[Millis]


class SatellitePart(Base):
    """A part of a batch whose other parts are still on their way."""

    __tablename__ = "satellite_parts"

    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    batch: Mapped[bytes] = mapped_column(LargeBinary(4), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    of: Mapped[int]
    data: Mapped[Blob]
    received_ms: Mapped[Millis]


class SatelliteModem(Base):
    """Which modem a device was last heard through; `greeting` is its highest hello."""

    __tablename__ = "satellite_modems"

    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    imei: Mapped[str] = mapped_column(String(20))
    greeting: Mapped[Big]
    heard_ms: Mapped[Millis]


class SatelliteOut(Base):
    """A message down. `kind`: ack (a later one of the same epoch takes its place while it waits)
    or command. `state`: queued, sent (the gateway has it), failed."""

    __tablename__ = "satellite_out"
    __table_args__ = (Index("ix_satellite_out_state", "state", "due_ms"),)

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    about: Mapped[Big]
    data: Mapped[Blob]
    state: Mapped[str] = mapped_column(String(10))
    tries: Mapped[int]
    reason: Mapped[str]
    created_ms: Mapped[Millis]
    due_ms: Mapped[Millis]
    sent_ms: Mapped[MaybeMillis]


class SummaryRow(Base):
    """A dive's summary as it came (`wire.summary_bits`), by whatever link."""

    __tablename__ = "summaries"
    __table_args__ = (UniqueConstraint("device_id", "epoch", "seq"),)

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    epoch: Mapped[Big]
    seq: Mapped[Big]
    utc_ms: Mapped[MaybeMillis]
    data: Mapped[Blob]
    received_ms: Mapped[Millis]


class CommandRow(Base):
    """A command for a device, numbered for it from 1; `payload` is the signed command as sent.
    `sent_ms`: first handed to a link; `answered_ms`, `ok`, `text`: the device's answer."""

    __tablename__ = "commands"
    __table_args__ = (UniqueConstraint("device_id", "number"),)

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    number: Mapped[Big]
    name: Mapped[str] = mapped_column(String(20))
    argument: Mapped[str]
    payload: Mapped[Blob]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_ms: Mapped[Millis]
    sent_ms: Mapped[MaybeMillis]
    answered_ms: Mapped[MaybeMillis]
    ok: Mapped[bool | None]
    text: Mapped[str]

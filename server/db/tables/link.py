"""What came over the link: the ledger that makes intake exactly-once, gaps, and frames."""

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Big, Dated, Hash, Id, MaybeMillis, Millis, Name, clockless


class Epoch(Base):
    """One life of a device's outbox. Everything up to `upto` is accounted for; `next_seq` is the
    highest that the device told of; `held` and `given_up` count records; `behind_since_ms` is the
    moment since when some that it told of are missing."""

    __tablename__ = "epochs"

    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    epoch: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    upto: Mapped[Big]
    next_seq: Mapped[Big]
    held: Mapped[Big]
    given_up: Mapped[Big]
    behind_since_ms: Mapped[MaybeMillis]
    first_seen_ms: Mapped[Millis]


class LedgerEntry(Base):
    """One record, known by its key and hash. `outcome`: "held", or the code of its rejection."""

    __tablename__ = "ledger"
    __table_args__ = ({"sqlite_with_rowid": False},)

    device_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[Hash]
    outcome: Mapped[str] = mapped_column(String(16))


class GapRange(Base):
    """Seqs that a device gave up, from a gap record; `first` to `last` inclusive."""

    __tablename__ = "gap_ranges"
    __table_args__ = (Index("ix_gap_ranges_place", "device_id", "epoch", "last"),)

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    epoch: Mapped[Big]
    first: Mapped[Big]
    last: Mapped[Big]
    kind: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str]
    noted_ms: Mapped[Millis]


class FrameRow(Base):
    """One frame done by a device, with objects or without. `boot` and `mono_ms` date it when its
    own clock was not trusted; `ms` is JSON."""

    __tablename__ = "frames"
    __table_args__ = (UniqueConstraint("device_id", "epoch", "seq"), clockless("frames"))

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    epoch: Mapped[Big]
    seq: Mapped[Big]
    process_id: Mapped[int] = mapped_column(ForeignKey("processes.id"), index=True)
    name: Mapped[Name]
    frame_index: Mapped[Big]
    width: Mapped[int]
    height: Mapped[int]
    objects: Mapped[int]
    specks: Mapped[int]
    dropped: Mapped[int]
    brightness: Mapped[float]
    ms: Mapped[str]
    boot: Mapped[Big]
    mono_ms: Mapped[Big]
    utc_ms: Mapped[MaybeMillis]
    utc_source: Mapped[Dated]
    lat_deg: Mapped[float | None]
    lon_deg: Mapped[float | None]
    depth_m: Mapped[float | None]
    temperature_c: Mapped[float | None]


class BadFrameRow(Base):
    """A frame that the device could not use."""

    __tablename__ = "bad_frames"

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), index=True)
    epoch: Mapped[Big]
    seq: Mapped[Big]
    name: Mapped[Name]
    frame_index: Mapped[Big]
    reason: Mapped[str]
    received_ms: Mapped[Millis]


class ClockReading(Base):
    """That `mono_ms` of a boot was `utc_ms`, and who said so: what dates the records of that boot
    that came without a date."""

    __tablename__ = "clock_readings"

    device_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    boot: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    mono_ms: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    utc_ms: Mapped[Millis]
    source: Mapped[str] = mapped_column(String(16))

"""The health of each instrument over time."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Big, Id, MaybeMillis, Millis


class HealthRow(Base):
    """One health record. `at_ms` is the device's time, or the time of its arrival while the
    device's clock was not trusted (`utc_ms` is then None). All of the last 48 hours are kept, and
    the last one of each earlier hour, which is then `settled`."""

    __tablename__ = "health"
    __table_args__ = (
        UniqueConstraint("device_id", "epoch", "seq"),
        Index("ix_health_time", "device_id", "at_ms"),
        Index("ix_health_unsettled", "device_id", "settled", "at_ms"),
    )

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    epoch: Mapped[Big]
    seq: Mapped[Big]
    at_ms: Mapped[Millis]
    utc_ms: Mapped[MaybeMillis]
    received_ms: Mapped[Millis]
    settled: Mapped[bool]
    pending: Mapped[Big]
    pending_bytes: Mapped[Big]
    disk_free_mb: Mapped[float]
    dead: Mapped[Big]
    ms_per_frame: Mapped[float | None]
    energy_j_per_frame: Mapped[float | None]
    temperature_c: Mapped[float | None]

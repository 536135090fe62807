"""Certificates that devices were given for a broker's TLS."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Id, Millis


class Certificate(Base):
    """One certificate, append-only. It is revoked when its device is, or when the device's key is
    another than `public_key` by now: the revocation list is a view of that."""

    __tablename__ = "certificates"

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), index=True)
    serial: Mapped[str] = mapped_column(String(40), unique=True)
    public_key: Mapped[bytes]
    issued_ms: Mapped[Millis]
    expires_ms: Mapped[Millis]

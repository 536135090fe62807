"""Which certificates devices hold, and which of them are good no more."""

from sqlalchemy import Connection, insert, or_, select

from server.db.tables import Certificate, Device


def add(
    connection: Connection,
    *,
    pk: int,
    serial: str,
    public_key: bytes,
    issued_ms: int,
    expires_ms: int,
) -> None:
    connection.execute(
        insert(Certificate).values(
            device_id=pk,
            serial=serial,
            public_key=public_key,
            issued_ms=issued_ms,
            expires_ms=expires_ms,
        )
    )


def revoked(connection: Connection, now_ms: int) -> list[str]:
    """Serials, in hex, of what has not expired but must not be let in: certificates of devices that
    are not active, and of keys that a device has given up."""
    query = (
        select(Certificate.serial)
        .join(Device, Device.id == Certificate.device_id)
        .where(
            Certificate.expires_ms > now_ms,
            or_(Device.status != "active", Device.public_key != Certificate.public_key),
        )
        .order_by(Certificate.id)
    )
    return list(connection.execute(query).scalars())

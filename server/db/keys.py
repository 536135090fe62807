"""The keys of devices: which are in use, which are announced, and when a device is wanted no more.

A device announces another key signed with its own; both are good until the first request with the
new one, so that neither a lost answer nor a power cut at the device can part it from its shore.

Example:
    >>> announce(connection, pk=4, public_key=raw)
    >>> change(connection, pk=4, public_key=raw)  # with the first request that it signed
"""

from sqlalchemy import Connection, func, select, update

from server.db.tables import Device


class ClaimRefusedError(ValueError):
    """The claim is unknown, expired, or was used by another key."""


class OldKeyError(ClaimRefusedError):
    """The claim is good, the key is that of a revoked device: a new one must be made."""


def of_key(connection: Connection, public_key: bytes) -> list[tuple[int, str]]:
    """(row, status) of the devices that have this key, or have announced it, oldest first."""
    query = (
        select(Device.id, Device.status)
        .where((Device.public_key == public_key) | (Device.next_key == public_key))
        .order_by(Device.id)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def announce(connection: Connection, pk: int, public_key: bytes) -> None:
    """Accept another key of this device beside its own, until it is used. Raises OldKeyError for
    one that another device has or had."""
    if any(row != pk for row, _ in of_key(connection, public_key)):
        raise OldKeyError("this key is another device's")
    connection.execute(update(Device).where(Device.id == pk).values(next_key=public_key))


def change(connection: Connection, pk: int, public_key: bytes) -> None:
    """The device has signed with the key that it announced: from now on with that one alone."""
    connection.execute(
        update(Device)
        .where(Device.id == pk, Device.next_key == public_key)
        .values(public_key=public_key, next_key=None)
    )


def revoke(connection: Connection, device_id: str, now_ms: int) -> bool:
    """No request of this device is accepted from now on; False when there is no such device."""
    when = func.coalesce(Device.revoked_ms, now_ms)
    statement = (
        update(Device)
        .where(Device.device_id == device_id)
        .values(status="revoked", revoked_ms=when)
    )
    return connection.execute(statement).rowcount == 1

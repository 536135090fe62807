"""Certificates of devices: issued at enrolment and on request, revoked with the device.

The revocation list that a broker reads is written anew whenever a device is revoked; the broker
reads it again at its next reload. The shore itself refuses a revoked device at once, whatever the
broker does.

Example:
    >>> with shore.database.write() as connection:
    ...     chain = issue(connection, shore.authority, "d7", now_ms())
"""

import os
from pathlib import Path

from sqlalchemy import Connection

from server.auth.authority import Authority
from server.db import certificates, fleet
from server.db.engine import Database
from server.store.packs import sync_folder

CRL = "revoked.pem"


def issue(connection: Connection, authority: Authority, device_id: str, now_ms: int) -> str:
    """A new certificate for the device's present key, and its authority's, PEM."""
    device = fleet.device(connection, device_id)
    if device is None:
        raise LookupError(f"no device {device_id}")
    made = authority.device(device_id, device.public_key, now_ms)
    certificates.add(
        connection,
        pk=device.pk,
        serial=made.serial,
        public_key=device.public_key,
        issued_ms=now_ms,
        expires_ms=made.expires_ms,
    )
    return made.chain


def write_revoked(database: Database, authority: Authority, folder: Path, now_ms: int) -> None:
    """Write the revocation list into a broker's folder, if there is one. Raises OSError."""
    if not folder.is_dir():
        return
    with database.read() as connection:
        serials = certificates.revoked(connection, now_ms)
    replace(folder / CRL, authority.revoked(serials, now_ms), mode=0o644)


def replace(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file whole or not at all. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    sync_folder(path.parent)

"""The desk where a device's requests are taken, whatever carried them: who asks, and the answer.

Every request but ping and enrol is signed (`wire.signing`), with a counter that only rises. A
signature that does not fit and an unknown device get the same answer. What a request may be told is
an `ApiError`, the same over HTTP and over a broker.

Example:
    >>> request = verify(shore.database, headers, "POST", "/v1/hello", body)
    >>> hello(shore, request, now_ms())
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

import cbor2
from sqlalchemy.exc import DataError, OperationalError

from server import clock
from server.db import audit, fleet, keys, releases
from server.db.engine import Database
from server.db.fleet import DeviceInfo
from server.db.keys import OldKeyError
from server.errors import ApiError, not_found, too_many
from server.fleet import certificates
from server.fleet.farewell import last_words
from server.intake.batch import ReplayedError, hold_revoked, take
from server.intake.greeting import greet
from server.shore import Shore
from server.store import bundles
from wire.ack import encode_ack
from wire.checked import FieldError, read
from wire.codec import CodecError, loads
from wire.signing import (
    DEVICE_HEADER,
    NextKey,
    PublicKey,
    SignatureError,
    check_key,
    verify_request,
)

LOG = logging.getLogger("seadrift")


@dataclass(frozen=True)
class Signed:
    """A request whose signature fits; its counter is still to be taken."""

    device: DeviceInfo
    counter: int
    body: bytes


def verify(
    database: Database, headers: Mapping[str, str], method: str, path: str, body: bytes
) -> Signed:
    """Raises ApiError 401."""
    with database.glance() as connection:
        device = fleet.device(connection, headers.get(DEVICE_HEADER, "")[:80])
    counter = None if device is None else _counter(device.public_key, headers, method, path, body)
    changed = False
    if device is not None and device.next_key is not None and counter is None:
        counter = _counter(device.next_key, headers, method, path, body)
        changed = counter is not None
    if device is None or counter is None:
        raise ApiError(401, "signature", "The request is not signed by a known device.")
    if counter <= device.counter:
        raise replayed()
    if changed and device.status == "active":
        _change_key(database, device)
    return Signed(device, counter, body)


def _counter(
    key: bytes, headers: Mapping[str, str], method: str, path: str, body: bytes
) -> int | None:
    """The counter of a request signed with this key; None when it is not."""
    try:
        return verify_request(PublicKey(key), headers, method, path, body)
    except SignatureError:
        return None


def _change_key(database: Database, device: DeviceInfo) -> None:
    """The first request with the key that was announced: the old one is good no more."""
    assert device.next_key is not None
    with database.write() as connection:
        keys.change(connection, device.pk, device.next_key)
        detail = f"now {PublicKey(device.next_key).id}"
        audit.note(connection, device.device_id, "device.key", "", detail, clock.now_ms())


def hello(shore: Shore, request: Signed, now_ms: int) -> bytes:
    """The answer to a hello, CBOR. A revoked device hears nothing but a wipe. Raises ApiError."""
    not_too_fast(shore, request)
    try:
        if request.device.status != "active":
            words = last_words(shore.stores, request.device, request.counter, now_ms)
            if words is not None:
                return words
        active(request)
        return greet(shore.stores, request.device, request.counter, request.body, now_ms)
    except (CodecError, FieldError) as error:
        raise ApiError(400, "hello", str(error)) from error
    except ReplayedError as error:
        raise replayed() from error


def ingest(shore: Shore, request: Signed, now_ms: int) -> bytes:
    """The acknowledgement of a batch, CBOR, after its commit. Raises ApiError."""
    not_too_fast(shore, request)
    if request.device.status != "active":
        hold_revoked(shore.stores, request.device, request.body, now_ms)
    active(request)
    try:
        return encode_ack(take(shore.stores, request.device, request.counter, request.body, now_ms))
    except CodecError as error:
        raise ApiError(400, "batch", str(error)) from error
    except ReplayedError as error:
        raise replayed() from error


def release(shore: Shore, request: Signed, release_id: str, now_ms: int) -> bytes:
    """A signed bundle's bytes. Raises ApiError."""
    admit(shore, request)
    with shore.database.write() as connection:
        if not fleet.raise_counter(connection, request.device.pk, request.counter, now_ms):
            raise replayed()
        found = releases.get(connection, release_id)
    if found is None or found.file is None or found.signature is None:
        raise not_found(f"release {release_id[:64]}")
    return bundles.load(shore.settings.releases, found.file)


def certificate(shore: Shore, request: Signed, now_ms: int) -> bytes:
    """A new certificate for the device's key, with its authority's, PEM. Raises ApiError."""
    admit(shore, request)
    with shore.database.write() as connection:
        if not fleet.raise_counter(connection, request.device.pk, request.counter, now_ms):
            raise replayed()
        device_id = request.device.device_id
        return certificates.issue(connection, shore.authority, device_id, now_ms).encode()


def next_key(shore: Shore, request: Signed, now_ms: int) -> bytes:
    """Take the key that a device announces, signed with the one it has; CBOR. The same again does
    no harm. Raises ApiError."""
    admit(shore, request)
    try:
        said = read(NextKey, loads(request.body, text_keys=True))
        new = PublicKey.from_text(said.public_key)
        device = request.device
        check_key(new, device.device_id, PublicKey(device.public_key), said.proof)
    except (CodecError, FieldError, SignatureError) as error:
        raise ApiError(400, "key", f"Not taken: {error}.") from error
    try:
        with shore.database.write() as connection:
            if not fleet.raise_counter(connection, device.pk, request.counter, now_ms):
                raise replayed()
            keys.announce(connection, device.pk, new.raw)
            audit.note(connection, device.device_id, "device.key", "", f"next {new.id}", now_ms)
    except OldKeyError as error:
        raise ApiError(409, "old_key", f"Not taken: {error}.") from error
    return cbor2.dumps({"key": new.id})


def admit(shore: Shore, request: Signed) -> None:
    """Raises ApiError for a device that asks too fast, or is not wanted any more."""
    not_too_fast(shore, request)
    active(request)


def not_too_fast(shore: Shore, request: Signed) -> None:
    """Raises ApiError 429."""
    wait_s = shore.limits.devices.take(request.device.device_id, time.monotonic())
    if wait_s:
        raise too_many("You ask faster than the shore answers one device.", wait_s)


def active(request: Signed) -> None:
    """Raises ApiError 403 for a device that is not wanted any more."""
    if request.device.status != "active":
        raise ApiError(403, "revoked", "This device was revoked; what it sends is kept aside.")


def replayed() -> ApiError:
    return ApiError(401, "counter", "The request's counter has not risen: it was used before.")


def refusal(error: Exception) -> ApiError:
    """What any error is called towards the one who asked; its cause goes to the log alone."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, DataError):
        return ApiError(422, "invalid", "A value in the request cannot be stored.")
    if isinstance(error, OperationalError):
        LOG.error("database: %s", error.orig)
        return _busy("busy", 5)
    if isinstance(error, OSError):
        LOG.error("disk: %s", error)
        return _busy("disk", 30)
    LOG.error("a request failed", exc_info=error)
    return ApiError(500, "internal", "The shore made a mistake; it is in its log.")


def _busy(code: str, after_s: int) -> ApiError:
    message = "The shore cannot store anything just now."
    return ApiError(503, code, message, {"Retry-After": str(after_s)})

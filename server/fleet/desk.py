"""The desk where a device's requests are taken, whatever carried them: who asks, and the answer.

Every request but ping and enrol is signed (`wire.signing`), with a counter that only rises. A
signature that does not fit and an unknown device get the same answer. What a request may be told is
an `ApiError`, the same over HTTP and over a broker.

Example:
    >>> request = verify(shore.database, headers, "POST", "/v1/hello", body)
    >>> hello(shore, request, now_ms())
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.exc import DataError, OperationalError

from server.db import fleet, releases
from server.db.engine import Database
from server.db.fleet import DeviceInfo
from server.errors import ApiError, not_found
from server.fleet import certificates
from server.intake.batch import ReplayedError, hold_revoked, take
from server.intake.greeting import greet
from server.shore import Shore
from server.store import bundles
from wire.ack import encode_ack
from wire.checked import FieldError
from wire.codec import CodecError
from wire.signing import DEVICE_HEADER, PublicKey, SignatureError, verify_request

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
    with database.read() as connection:
        device = fleet.device(connection, headers.get(DEVICE_HEADER, "")[:80])
    try:
        if device is None:
            raise SignatureError("unknown device")
        key = PublicKey(device.public_key)
        counter = verify_request(key, headers, method, path, body)
    except SignatureError as error:
        raise ApiError(401, "signature", "The request is not signed by a known device.") from error
    if counter <= device.counter:
        raise replayed()
    return Signed(device, counter, body)


def hello(shore: Shore, request: Signed, now_ms: int) -> bytes:
    """The answer to a hello, CBOR. Raises ApiError."""
    active(request)
    try:
        return greet(shore.stores, request.device, request.counter, request.body, now_ms)
    except (CodecError, FieldError) as error:
        raise ApiError(400, "hello", str(error)) from error
    except ReplayedError as error:
        raise replayed() from error


def ingest(shore: Shore, request: Signed, now_ms: int) -> bytes:
    """The acknowledgement of a batch, CBOR, after its commit. Raises ApiError."""
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
    active(request)
    with shore.database.write() as connection:
        if not fleet.raise_counter(connection, request.device.pk, request.counter, now_ms):
            raise replayed()
        found = releases.get(connection, release_id)
    if found is None or found.file is None or found.signature is None:
        raise not_found(f"release {release_id[:64]}")
    return bundles.load(shore.settings.releases, found.file)


def certificate(shore: Shore, request: Signed, now_ms: int) -> bytes:
    """A new certificate for the device's key, with its authority's, PEM. Raises ApiError."""
    active(request)
    with shore.database.write() as connection:
        if not fleet.raise_counter(connection, request.device.pk, request.counter, now_ms):
            raise replayed()
        device_id = request.device.device_id
        return certificates.issue(connection, shore.authority, device_id, now_ms).encode()


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

"""Blobs: begun, extended, finished. What tus 1.0 promises, with the shore's own durability.

Order: bytes are flushed to the disk, then the database says how far they go, then the answer
leaves. A chunk is taken whole or not at all, and at one offset alone, so nothing is stored twice. A
vignette that is whole becomes its object's image; bytes that are not what was announced are kept,
with the reason, and never asked for again.

Example:
    >>> upload = begin(shore, signed, metadata_text, length=3_000_000, now_ms=now)
    >>> extend(shore, signed, upload.key, offset=0, data=chunk, now_ms=now).offset
    16384
"""

import hashlib
from collections.abc import Callable

from sqlalchemy import Connection

from server.db import blobs, fleet
from server.db.blobs import Upload
from server.db.images import replace_image
from server.db.incoming import Source
from server.errors import ApiError, not_found
from server.fleet.desk import Signed, active, replayed
from server.intake.png import PngError, check_png
from server.shore import Shore
from server.store.blobs import BlobFiles, BusyError, digest, write
from wire.tus import SIZE_MAX, BlobMeta, read_metadata

OPEN_MAX = 64
"""Uploads that a device may have begun and not finished."""


def begin(shore: Shore, request: Signed, text: str, length: int, now_ms: int) -> Upload:
    """The upload that this metadata means, new or as far as it is. Raises ApiError."""
    meta = _checked(text, length)
    key = hashlib.sha256(text.encode()).hexdigest()[:32]
    with shore.database.write() as connection:
        _count(connection, request, now_ms)
        _sweep(connection, shore.blobs, now_ms)
        upload = blobs.find(connection, request.device.pk, key)
        if upload is None and blobs.open_count(connection, request.device.pk) >= OPEN_MAX:
            raise ApiError(
                429, "too_many", f"Finish some of the {OPEN_MAX} uploads that are open first."
            )
        upload = blobs.begin(connection, request.device.pk, key, meta, length, now_ms)
    if upload.length != length:
        raise ApiError(409, "length", f"This upload has {upload.length} bytes, not {length}.")
    return upload


def look(shore: Shore, request: Signed, key: str, now_ms: int) -> Upload:
    """How far an upload is. Raises ApiError."""
    with shore.database.write() as connection:
        _count(connection, request, now_ms)
        return _existing(connection, request, key)


def extend(
    shore: Shore,
    request: Signed,
    key: str,
    offset: int,
    data: bytes,
    now_ms: int,
) -> Upload:
    """The upload with one chunk more. Raises ApiError: 404, 409 for another offset, 413 for bytes
    beyond its length, 423 while another request writes it, 460 when the whole is not what was
    announced: it then begins anew."""
    with shore.database.read() as connection:
        upload = _existing(connection, request, key)
    _fits(upload, offset, data)
    try:
        with shore.blobs.held(upload.file) as handle:
            return _extend(shore, request, key, offset, data, handle, now_ms)
    except BusyError as error:
        raise ApiError(423, "locked", "Another request writes this upload.") from error


def end(shore: Shore, request: Signed, key: str, now_ms: int) -> None:
    """Forget an open upload. Raises ApiError."""
    with shore.database.write() as connection:
        _count(connection, request, now_ms)
        upload = _existing(connection, request, key)
        blobs.forget(connection, upload)
    if upload.state == "open":
        shore.blobs.remove(upload.file)


def _extend(
    shore: Shore, request: Signed, key: str, offset: int, data: bytes, handle: int, now_ms: int
) -> Upload:
    with shore.database.read() as connection:
        upload = _existing(connection, request, key)  # nobody else moves it from here on
    _fits(upload, offset, data)
    if data:
        write(handle, offset, data)
    whole = offset + len(data) == upload.length
    if whole and digest(handle) != upload.sha256:
        with shore.database.write() as connection:
            _count(connection, request, now_ms)
            blobs.forget(connection, upload)
        shore.blobs.remove(upload.file)
        raise ApiError(460, "checksum", "The bytes are not those announced; send them anew.")
    take = _finish(shore, upload, now_ms) if whole else None
    with shore.database.write() as connection:
        _count(connection, request, now_ms)
        if not blobs.advance(connection, upload, offset + len(data), now_ms):
            raise _moved()
        if take is not None:
            take(connection)
        found = _existing(connection, request, key)
    if found.state == "done" and found.kind == "vignette":
        shore.blobs.remove(found.file)
    return found


def _finish(shore: Shore, upload: Upload, now_ms: int) -> Callable[[Connection], None]:
    """What remains to be done in the transaction that says that all is here; a vignette's bytes are
    durable in a pack before it."""
    if upload.kind != "vignette":
        return lambda connection: blobs.finish(connection, upload, "", now_ms)
    data, reason = shore.blobs.read(upload.file), ""
    try:
        check_png(data, width=upload.width, height=upload.height)
    except PngError as error:
        reason = str(error)
    place = None if reason else shore.packs.append([data])[0]

    def take(connection: Connection) -> None:
        blobs.finish(connection, upload, reason, now_ms)
        if place is not None:
            source = Source(upload.device_id, 0, upload.epoch)
            size = upload.width, upload.height
            replace_image(connection, source, upload.object_seq, size, place, now_ms)

    return take


def _checked(text: str, length: int) -> BlobMeta:
    try:
        meta = read_metadata(text)
    except ValueError as error:
        raise ApiError(400, "metadata", str(error)) from error
    if length > SIZE_MAX:
        raise ApiError(413, "too_large", f"An upload has at most {SIZE_MAX} bytes.")
    if length <= 0:
        raise ApiError(400, "length", "Upload-Length: expected at least 1.")
    return meta


def _fits(upload: Upload, offset: int, data: bytes) -> None:
    if offset != upload.offset:
        raise _moved()
    if offset + len(data) > upload.length:
        raise ApiError(413, "too_large", f"This upload ends at {upload.length} bytes.")


def _moved() -> ApiError:
    return ApiError(409, "offset", "Upload-Offset is not where this upload stands; ask with HEAD.")


def _count(connection: Connection, request: Signed, now_ms: int) -> None:
    """Take the request's counter; a revoked device gets nothing done."""
    active(request)
    if not fleet.raise_counter(connection, request.device.pk, request.counter, now_ms):
        raise replayed()


def _existing(connection: Connection, request: Signed, key: str) -> Upload:
    upload = blobs.find(connection, request.device.pk, key)
    if upload is None:
        raise not_found(f"upload {key[:32]}")
    return upload


def _sweep(connection: Connection, files: BlobFiles, now_ms: int) -> None:
    """Uploads that nobody went on with."""
    for upload in blobs.expired(connection, now_ms):
        blobs.forget(connection, upload)
        files.remove(upload.file)

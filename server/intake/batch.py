"""A device's batch, in one transaction, acknowledged after the commit.

Order of durability: vignette bytes are flushed into a pack, then the database commits rows, ledger
and the request's counter together, then the answer leaves. A process killed anywhere leaves either
all of the batch or nothing of it, and the device sends again what was not acknowledged. Requests
that wait for each other share the flush and the commit (`server.db.convoy`).

Example:
    >>> ack = take(intake, device, counter=5, body=body, now_ms=now)
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from server.db import fleet, ledger, quarantine
from server.db.engine import Database, before_commit
from server.db.fleet import DeviceInfo
from server.db.images import images_known
from server.db.incoming import Source
from server.db.ledger import HELD, Entry
from server.db.quarantine import SetAside
from server.intake.apply import apply
from server.intake.check import RefusedError
from server.intake.items import Item, read_items
from server.intake.sort import Sorted, sort_items
from server.store.packs import Packs, Place
from wire.ack import Ack, Rejection, ranges
from wire.codec import decode_batch, record_hash
from wire.records import Body, Record, Vignette, unknown_fields

REVOKED_MAX = 256 << 20
"""Most bytes that are kept of what one device sent after it was revoked."""
Good = tuple[Item, Record, Body]
_TURN = threading.Lock()
"""A process takes one batch apart at a time, while another is written: threads that do so together
hand the interpreter to each other at each hash and each image, which costs a tenth of it all."""
_REFUSALS = (IntegrityError, DataError, OverflowError, ValueError)


class ReplayedError(ValueError):
    """The request's counter has not risen: it was recorded and played again, or overtaken."""


class NotTogetherError(Exception):
    """The database does not take these records together; nothing of them is written."""


@dataclass(frozen=True)
class Stores:
    """Where a batch goes."""

    database: Database
    packs: Packs


def take(stores: Stores, device: DeviceInfo, counter: int, body: bytes, now_ms: int) -> Ack:
    """Take a batch.

    The answer is about the epoch of its first readable record; records of another epoch are stored
    too. Raises CodecError for a body that is not a batch, ReplayedError, OSError, DBAPIError.
    """
    with _TURN:
        items = read_items(decode_batch(body))
    try:
        return _take(stores, device, counter, items, now_ms, careful=False)
    except NotTogetherError:
        return _take(stores, device, counter, items, now_ms, careful=True)


def _take(
    stores: Stores,
    device: DeviceInfo,
    counter: int,
    items: Sequence[Item],
    now_ms: int,
    *,
    careful: bool,
) -> Ack:
    with stores.database.write() as connection:
        if not fleet.raise_counter(connection, device.pk, counter, now_ms, device.carrier):
            raise ReplayedError(f"counter {counter} was used before")
        return take_items(connection, stores.packs, device, items, now_ms, careful=careful)


def take_items(
    connection: Connection,
    packs: Packs,
    device: DeviceInfo,
    items: Sequence[Item],
    now_ms: int,
    *,
    careful: bool = True,
) -> Ack:
    """Take the records of a batch in the caller's transaction, whoever vouches for them.

    `careful` keeps what was written before whatever the database refuses, which costs a savepoint;
    otherwise NotTogetherError is raised, and the transaction must be given up."""
    groups: dict[int, list[Item]] = {}
    nameless = [item for item in items if item.key is None]
    for item in items:
        if item.key is not None:
            groups.setdefault(item.key[0], []).append(item)
    _set_aside(connection, device.pk, sort_items(nameless, {}), now_ms)
    acks = [
        _take_epoch(connection, packs, device, epoch, group, now_ms, careful)
        for epoch, group in groups.items()
    ]
    return acks[0] if acks else Ack(epoch=0, upto=0)


def hold_revoked(stores: Stores, device: DeviceInfo, body: bytes, now_ms: int) -> None:
    """Keep what a revoked device sends, up to REVOKED_MAX: a person may still want it, and a thief
    must not fill the disk with it."""
    aside = SetAside(None, None, "revoked", "batch of a revoked device", record_hash(body), body)
    with stores.database.write() as connection:
        if quarantine.bytes_kept(connection, device.pk, "revoked") + len(body) <= REVOKED_MAX:
            quarantine.keep(connection, device.pk, [aside], now_ms)


def _take_epoch(
    connection: Connection,
    packs: Packs,
    device: DeviceInfo,
    epoch: int,
    items: Sequence[Item],
    now_ms: int,
    careful: bool,
) -> Ack:
    source = Source(device.pk, device.project_id, epoch)
    seqs = sorted({item.key[1] for item in items if item.key is not None})
    state = ledger.see_epoch(connection, device.pk, epoch, seqs[-1] + 1, now_ms)
    sorted_items = sort_items(items, ledger.known(connection, device.pk, epoch, seqs))
    good = _unique_images(connection, source, sorted_items)
    places = _kept_images(connection, packs, good)
    store = _store if careful else _store_at_once
    given_up = store(connection, source, good, places, sorted_items, now_ms)
    refused = {id(item) for item, _ in sorted_items.refused}
    entries = [
        Entry(record.seq, item.hash, HELD) for item, record, _ in good if id(item) not in refused
    ]
    entries += [
        Entry(item.key[1], item.hash, refusal.code)
        for item, refusal in sorted_items.refused
        if item.key is not None and refusal.code != "hash_conflict"
    ]
    ledger.enter(connection, device.pk, epoch, entries)
    _set_aside(connection, device.pk, sorted_items, now_ms)
    _keep_newer(connection, device.pk, good, now_ms)
    upto = ledger.advance(connection, device.pk, state, len(entries), given_up)
    return _answer(epoch, upto, entries, sorted_items)


def _unique_images(connection: Connection, source: Source, sorted_items: Sorted) -> list[Good]:
    """The fresh records without those that bring a second image of the same rank: they are
    refused."""
    good: list[Good] = []
    wanted = [
        (item.body.object_seq, item.body.rank)
        for item in sorted_items.fresh
        if isinstance(item.body, Vignette)
    ]
    taken = images_known(connection, source, wanted)
    for item in sorted_items.fresh:
        if item.record is None or item.body is None:
            continue
        if isinstance(item.body, Vignette):
            place = item.body.object_seq, item.body.rank
            if place in taken:
                detail = f"Vignette: object {place[0]} has an image of rank {place[1]} already"
                sorted_items.refused.append((item, RefusedError("schema", detail)))
                continue
            taken.add(place)
        good.append((item, item.record, item.body))
    return good


def _kept_images(connection: Connection, packs: Packs, good: Sequence[Good]) -> dict[int, Place]:
    """The place of each vignette's bytes, by the seq of its record."""
    images = [(record.seq, body.data) for _, record, body in good if isinstance(body, Vignette)]
    places = keep_images(connection, packs, [data for _, data in images])
    return {seq: place for (seq, _), place in zip(images, places, strict=True)}


def _store_at_once(
    connection: Connection,
    source: Source,
    good: Sequence[Good],
    stored: dict[int, Place],
    _sorted_items: Sorted,
    now_ms: int,
) -> int:
    """Apply the good records together. Raises NotTogetherError."""
    try:
        pairs = [(record, body) for _, record, body in good]
        return apply(connection, source, pairs, stored, now_ms)
    except _REFUSALS as error:
        raise NotTogetherError from error


def _store(
    connection: Connection,
    source: Source,
    good: Sequence[Good],
    stored: dict[int, Place],
    sorted_items: Sorted,
    now_ms: int,
) -> int:
    """Apply the good records together, or one by one if the database refuses them together."""
    try:
        with connection.begin_nested():
            return _store_at_once(connection, source, good, stored, sorted_items, now_ms)
    except NotTogetherError:
        return _one_by_one(connection, source, good, stored, sorted_items, now_ms)


def keep_images(connection: Connection, packs: Packs, images: Sequence[bytes]) -> list[Place]:
    """Write images into a pack that is flushed before the connection commits what points there."""
    places = packs.write(images)
    for name in {place.pack for place in places}:
        before_commit(connection, packs.flush, name)
    return places


def _one_by_one(
    connection: Connection,
    source: Source,
    good: Sequence[Good],
    stored: dict[int, Place],
    sorted_items: Sorted,
    now_ms: int,
) -> int:
    given_up = 0
    for item, record, body in good:
        try:
            with connection.begin_nested():
                given_up += apply(connection, source, [(record, body)], stored, now_ms)
        except _REFUSALS as error:
            detail = str(getattr(error, "orig", error))
            sorted_items.refused.append(
                (item, RefusedError("schema", f"cannot be stored: {detail}"))
            )
    return given_up


def _set_aside(connection: Connection, device_pk: int, sorted_items: Sorted, now_ms: int) -> None:
    aside = [
        SetAside(
            None if item.key is None else item.key[0],
            None if item.key is None else item.key[1],
            refusal.code,
            str(refusal),
            item.hash,
            item.data,
        )
        for item, refusal in (*sorted_items.refused, *sorted_items.nameless)
    ]
    quarantine.keep(connection, device_pk, aside, now_ms)


def _keep_newer(connection: Connection, device_pk: int, good: Sequence[Good], now_ms: int) -> None:
    """A newer device may say more than this shore has a place for. Such a record is taken, and its
    bytes are kept too, so that nothing acknowledged is lost (docs/adr/0003)."""
    aside = [
        SetAside(*item.key, "newer", f"taken without {', '.join(extra)}", item.hash, item.data)
        for item, record, _ in good
        if item.key is not None and (extra := unknown_fields(record))
    ]
    quarantine.keep(connection, device_pk, aside, now_ms)


def _answer(epoch: int, upto: int, entries: Sequence[Entry], sorted_items: Sorted) -> Ack:
    held = [entry.seq for entry in entries if entry.outcome == HELD]
    held += [item.key[1] for item in sorted_items.repeated if item.key is not None]
    rejections = [
        Rejection(item.key[1], refusal.code, str(refusal)[:300])
        for item, refusal in sorted_items.refused
        if item.key is not None
    ]
    rejections += [
        Rejection(item.key[1], code, "refused before")
        for item, code in sorted_items.rejected_again
        if item.key is not None
    ]
    return Ack(
        epoch=epoch,
        upto=upto,
        sack=ranges(seq for seq in held if seq > upto),
        rej=tuple(
            {"seq": r.seq, "code": r.code, "detail": r.detail, "retry": r.retry} for r in rejections
        ),
    )

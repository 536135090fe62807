"""Taking in after all what was set aside, by the same path as intake, exactly once.

Invariant: the rows, the ledger's entry, the event and the entry's state are one transaction, made
while nobody else may decide about the entry. A process killed anywhere leaves it waiting as it was;
a second replay finds it replayed.

What the ledger knows the record by stays the hash of the bytes that the device sent, so a device
that repeats them is told that they are held. A record whose key belongs to other bytes (a cloned
card) gets a new identity: the same seq in an epoch that no device can draw, above 2^32.

Example:
    >>> replay(shore.stores, entry_id=3, by=actor, original=False, now_ms=now)
    'taken in as record 12 of epoch 7'
"""

from collections.abc import Callable

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from server.db import fleet, ledger, quarantine
from server.db.images import images_known
from server.db.incoming import Source
from server.db.ledger import HELD, Entry
from server.db.quarantine import Kept
from server.intake.apply import apply
from server.intake.batch import Stores, keep_images, take_items
from server.intake.items import Item, read_items
from server.quarantine.actor import Actor
from server.quarantine.fill import fill
from server.store.packs import Packs
from wire.codec import CodecError, decode_batch, record_hash
from wire.records import Body, Record, Vignette, unknown_fields

CLONE = 2**32
"""Epochs of devices lie below; the n-th clone of an epoch is told apart by n times this."""
_CLONES_MAX = 1000


class NoEntryError(LookupError):
    """There is no entry of this number."""


class RefusedReplayError(ValueError):
    """The shore cannot take it in as it is; the message says why. Nothing was changed."""


def replay(stores: Stores, entry_id: int, by: Actor, *, original: bool, now_ms: int) -> str:
    """Take in the repaired bytes, or the original ones; what became of it in words.

    Again it does nothing. Raises NoEntryError, RefusedReplayError, OSError."""
    with stores.database.write() as connection:
        kept = quarantine.get(connection, entry_id, lock=True)
        if kept is None:
            raise NoEntryError(entry_id)
        if kept.state == "replayed":
            return "taken in before: nothing to do"
        data = kept.data if original or kept.repaired is None else kept.repaired
        said = _PATHS.get(kept.code, _refused_record)(connection, stores.packs, kept, data, now_ms)
        used = None if data == kept.data else data
        quarantine.add_event(connection, entry_id, "replay", by.who, said, now_ms, used)
        by.note(connection, "replay", entry_id, said, now_ms)
    return said


def _read(data: bytes) -> tuple[Item, Record, Body]:
    [item] = read_items([data])
    if item.refused is not None or item.record is None or item.body is None:
        raise RefusedReplayError(str(item.refused))
    return item, item.record, item.body


def _refused_record(
    connection: Connection, packs: Packs, kept: Kept, data: bytes, now_ms: int
) -> str:
    """A record that intake refused: under its own key."""
    _, record, body = _read(data)
    known = ledger.known(connection, kept.device_pk, record.epoch, [record.seq]).get(record.seq)
    sent = record_hash(data) if kept.key is None else kept.hash
    if known is not None and known[0] != sent:
        raise RefusedReplayError(
            f"record {record.key}: other bytes came under this key since; they are held apart"
        )
    if known is not None and known[1] == HELD:
        return f"held already as record {record.seq} of epoch {record.epoch}"
    state = ledger.see_epoch(connection, kept.device_pk, record.epoch, record.seq + 1, now_ms)
    given_up = _apply(connection, packs, _source(kept, record.epoch), record, body, now_ms)
    if known is None:
        entry = Entry(record.seq, sent, HELD)
        ledger.enter(connection, kept.device_pk, record.epoch, [entry])
    else:
        ledger.admit(connection, kept.device_pk, record.epoch, record.seq)
    ledger.advance(connection, kept.device_pk, state, int(known is None), given_up)
    return f"taken in as record {record.seq} of epoch {record.epoch}"


def _clone(connection: Connection, packs: Packs, kept: Kept, data: bytes, now_ms: int) -> str:
    """A record whose key belongs to another one: under a new identity."""
    _, record, body = _read(data)
    digest = record_hash(data)
    for n in range(1, _CLONES_MAX):
        epoch = record.epoch + n * CLONE
        known = ledger.known(connection, kept.device_pk, epoch, [record.seq]).get(record.seq)
        if known is None:
            break
        if known[0] == digest:
            return f"held already as record {record.seq} of epoch {epoch}"
    else:
        raise RefusedReplayError(f"record {record.key}: {_CLONES_MAX} others came under this key")
    _apply(connection, packs, _source(kept, epoch), record, body, now_ms)
    ledger.enter(connection, kept.device_pk, epoch, [Entry(record.seq, digest, HELD)])
    return f"taken in under a new identity: record {record.seq} of epoch {epoch}"


def _newer(connection: Connection, _packs: Packs, kept: Kept, data: bytes, now_ms: int) -> str:
    """A record that was taken without what this shore had no place for."""
    _, record, body = _read(data)
    extra = unknown_fields(record)
    if extra:
        raise RefusedReplayError(f"this shore still has no place for {', '.join(extra)}")
    fill(connection, _source(kept, record.epoch), record, body, now_ms)
    return f"completed record {record.seq} of epoch {record.epoch}"


def _batch(connection: Connection, packs: Packs, kept: Kept, data: bytes, now_ms: int) -> str:
    """A batch of a revoked device that a person trusts."""
    device = fleet.device(connection, kept.device_id)
    assert device is not None
    try:
        items = read_items(decode_batch(data))
    except CodecError as error:
        raise RefusedReplayError(str(error)) from error
    take_items(connection, packs, device, items, now_ms)
    bad = sum(item.refused is not None for item in items)
    aside = f"; {bad} set aside" if bad else ""
    return f"taken in: {len(items) - bad} of {len(items)} records{aside}"


Path = Callable[[Connection, Packs, Kept, bytes, int], str]
_PATHS: dict[str, Path] = {"hash_conflict": _clone, "newer": _newer, "revoked": _batch}


def _source(kept: Kept, epoch: int) -> Source:
    return Source(kept.device_pk, kept.project_id, epoch)


def _apply(
    connection: Connection,
    packs: Packs,
    source: Source,
    record: Record,
    body: Body,
    now_ms: int,
) -> int:
    """Write one record as intake does; how many seqs it gives up. Raises RefusedReplayError."""
    stored = {}
    if isinstance(body, Vignette):
        if images_known(connection, source, [(body.object_seq, body.rank)]):
            detail = f"object {body.object_seq} has an image of rank {body.rank} already"
            raise RefusedReplayError(f"Vignette: {detail}")
        [stored[record.seq]] = keep_images(connection, packs, [body.data])
    try:
        with connection.begin_nested():
            return apply(connection, source, [(record, body)], stored, now_ms)
    except (IntegrityError, DataError, OverflowError, ValueError) as error:
        detail = str(getattr(error, "orig", error))
        raise RefusedReplayError(f"cannot be stored: {detail}") from error

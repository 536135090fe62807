"""Objects, vignettes and frames as they come in: what a batch writes, with few statements.

Invariant: one object for one thing seen. A record that tells of the same region of the same frame
again (an outbox rebuilt, a later release over the same frames) is a sighting: it may bring a new
prediction, never a second object, and never changes what a person said.

Example:
    >>> add_objects(connection, source, incoming, now_ms=now)
"""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from server.db.counts import Delta
from server.db.dialect import insert_new
from server.db.hierarchy import PlaceIds
from server.db.tables import (
    BadFrameRow,
    Event,
    FrameRow,
    Image,
    Object,
    ObjectValues,
    Pack,
    Sighting,
)
from server.store.packs import Place
from wire.records import BadFrame, FrameSummary, ObjectBody, Record, Vignette

_CHUNK = 400
_BY_PERSON = "VDX"
"""States that only a person gives; a prediction leaves them alone."""


@dataclass(frozen=True)
class Source:
    """Whose records these are."""

    device_id: int
    project_id: int
    epoch: int


@dataclass(frozen=True)
class Incoming:
    """One object record with its names already turned into rows."""

    seq: int
    body: ObjectBody
    place: PlaceIds
    taxon_id: int | None
    release_no: int | None
    top: tuple[tuple[int, float], ...]


def add_objects(
    connection: Connection, source: Source, incoming: Sequence[Incoming], now_ms: int
) -> None:
    """Insert what is new, note sightings, join vignettes that came before their object."""
    if not incoming:
        return
    seen = _seen_before(connection, incoming)
    fresh, again = [], []
    for one in incoming:
        objid = seen.get(_region(one))
        if objid is None:
            fresh.append(one)
        else:
            again.append((one, objid))
    objids = _insert(connection, source, _first_of_each(fresh), now_ms)
    repeats = [one for one in fresh if one.seq not in objids]
    if repeats:  # the same region twice in one batch
        by_region = {_region(one): objids[one.seq] for one in fresh if one.seq in objids}
        again += [(one, by_region[_region(one)]) for one in repeats]
    for one, objid in again:
        _sight(connection, source, one, objid, now_ms)
        objids[one.seq] = objid
    _join_waiting(connection, source, objids)


def _region(one: Incoming) -> tuple[int, ...]:
    body = one.body
    return (
        one.place.acquisition_id,
        body.frame_index,
        body.index_in_frame,
        body.bx,
        body.by,
        body.width,
        body.height,
        body.utc_ms or 0,
    )


def _first_of_each(incoming: Sequence[Incoming]) -> list[Incoming]:
    firsts: dict[tuple[int, ...], Incoming] = {}
    for one in incoming:
        firsts.setdefault(_region(one), one)
    return list(firsts.values())


def _seen_before(connection: Connection, incoming: Sequence[Incoming]) -> dict[Any, int]:
    """Objids of the regions that these records tell of again."""
    frames: dict[int, set[int]] = {}
    for one in incoming:
        frames.setdefault(one.place.acquisition_id, set()).add(one.body.frame_index)
    found: dict[Any, int] = {}
    for acquisition, indices in frames.items():
        for some in _chunks(sorted(indices)):
            query = select(
                Object.objid,
                Object.acquisition_id,
                Object.frame_index,
                Object.index_in_frame,
                Object.bx,
                Object.by,
                Object.width,
                Object.height,
                Object.utc_ms,
            ).where(Object.acquisition_id == acquisition, Object.frame_index.in_(some))
            for objid, *region, utc_ms in connection.execute(query):
                found[(*region, utc_ms or 0)] = objid
    return found


def _insert(
    connection: Connection, source: Source, fresh: Sequence[Incoming], now_ms: int
) -> dict[int, int]:
    """Objid by seq of the objects inserted."""
    if not fresh:
        return {}
    connection.execute(insert(Object), [_object_row(source, one, now_ms) for one in fresh])
    objids = _objids(connection, source, [one.seq for one in fresh])
    connection.execute(insert(ObjectValues), [_values_row(one, objids[one.seq]) for one in fresh])
    delta = Delta()
    for one in fresh:
        delta.add(source.project_id, (one.taxon_id, "U" if one.taxon_id is None else "P"))
    delta.save(connection)
    return objids


def _object_row(source: Source, one: Incoming, now_ms: int) -> dict[str, Any]:
    body = one.body
    name = f"{body.acquisition}_{body.frame}_{body.index_in_frame}"
    return {
        "project_id": source.project_id,
        "device_id": source.device_id,
        "epoch": source.epoch,
        "seq": one.seq,
        "sample_id": one.place.sample_id,
        "acquisition_id": one.place.acquisition_id,
        "process_id": one.place.process_id,
        "orig_id": name if len(name) <= 250 else f"{name[:240]}~{zlib.crc32(name.encode()):08x}",
        **{name: getattr(body, name) for name in _COPIED},
        "status": "U" if one.taxon_id is None else "P",
        "taxon_id": one.taxon_id,
        "pred_taxon_id": one.taxon_id,
        "score": one.body.score or 0.0,
        "release_no": one.release_no,
        "event_id": None,
        "shuffle": zlib.crc32(f"{source.device_id}/{source.epoch}/{one.seq}".encode()),
        "received_ms": now_ms,
    }


_COPIED = (
    "frame_index",
    "index_in_frame",
    "bx",
    "by",
    "width",
    "height",
    "esd_um",
    "border",
    "utc_ms",
    "lat_deg",
    "lon_deg",
    "depth_m",
    "temperature_c",
)


def _values_row(one: Incoming, objid: int) -> dict[str, Any]:
    return {
        "objid": objid,
        "frame": one.body.frame,
        "measures_version": one.body.measures_version,
        "measures": one.body.measures,
        "embedding": one.body.embedding,
        "shape": one.body.shape,
        "top": json.dumps([[taxon, round(score, 6)] for taxon, score in one.top]),
    }


def _objids(connection: Connection, source: Source, seqs: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for some in _chunks(seqs):
        query = select(Object.seq, Object.objid).where(
            Object.device_id == source.device_id,
            Object.epoch == source.epoch,
            Object.seq.in_(some),
        )
        found.update(connection.execute(query).all())
    return found


def _sight(connection: Connection, source: Source, one: Incoming, objid: int, now_ms: int) -> None:
    """Note that this record tells of `objid`; take its prediction unless a person has spoken."""
    key = {"device_id": source.device_id, "epoch": source.epoch, "seq": one.seq}
    insert_new(connection, Sighting, [{**key, "objid": objid}], list(key))
    now = connection.execute(
        select(
            Object.project_id,
            Object.status,
            Object.taxon_id,
            Object.release_no,
            Object.pred_taxon_id,
            Object.event_id,
        ).where(Object.objid == objid)
    ).one()
    if one.taxon_id is None or (now.release_no, now.pred_taxon_id) == (
        one.release_no,
        one.taxon_id,
    ):
        return
    applied = now.status not in _BY_PERSON
    event = {
        "objid": objid,
        "release_no": one.release_no,
        "old_status": now.status,
        "old_taxon_id": now.taxon_id,
        "new_status": "P",
        "new_taxon_id": one.taxon_id,
        "score": one.body.score or 0.0,
        "applied": applied,
        "previous_id": now.event_id,
        "created_ms": now_ms,
    }
    event_id = connection.execute(insert(Event).values(event).returning(Event.id)).scalar_one()
    values: dict[str, Any] = {
        "pred_taxon_id": one.taxon_id,
        "score": one.body.score or 0.0,
        "release_no": one.release_no,
    }
    if applied:
        values |= {"status": "P", "taxon_id": one.taxon_id, "event_id": event_id}
        delta = Delta()
        delta.move(now.project_id, (now.taxon_id, now.status), (one.taxon_id, "P"))
        delta.save(connection)
    connection.execute(update(Object).where(Object.objid == objid).values(values))
    connection.execute(
        update(ObjectValues).where(ObjectValues.objid == objid).values(_learnt(one, objid))
    )


def _learnt(one: Incoming, objid: int) -> dict[str, Any]:
    """What a later release computed anew; the embedding must be of the release that predicted."""
    row = _values_row(one, objid)
    return {k: row[k] for k in ("measures_version", "measures", "embedding", "shape", "top")}


def _join_waiting(connection: Connection, source: Source, objids: dict[int, int]) -> None:
    """Give their object to vignettes that came before it."""
    for some in _chunks(sorted(objids)):
        query = select(Image.id, Image.object_seq).where(
            Image.device_id == source.device_id,
            Image.epoch == source.epoch,
            Image.object_seq.in_(some),
            Image.objid.is_(None),
        )
        for image, seq in connection.execute(query).all():
            connection.execute(update(Image).where(Image.id == image).values(objid=objids[seq]))


def images_known(
    connection: Connection, source: Source, keys: Iterable[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Those (object_seq, rank) that have an image."""
    wanted = set(keys)
    found: set[tuple[int, int]] = set()
    for some in _chunks(sorted({seq for seq, _ in wanted})):
        query = select(Image.object_seq, Image.rank).where(
            Image.device_id == source.device_id,
            Image.epoch == source.epoch,
            Image.object_seq.in_(some),
        )
        found.update((seq, rank) for seq, rank in connection.execute(query))
    return found & wanted


def add_vignettes(
    connection: Connection,
    source: Source,
    vignettes: Sequence[tuple[Vignette, Place]],
    now_ms: int,
) -> None:
    """Insert images whose bytes lie at their place already; an image may wait for its object."""
    if not vignettes:
        return
    packs = _pack_ids(connection, {place.pack for _, place in vignettes}, now_ms)
    objids = _objids_or_sightings(connection, source, [v.object_seq for v, _ in vignettes])
    connection.execute(
        insert(Image),
        [
            {
                "objid": objids.get(vignette.object_seq),
                "device_id": source.device_id,
                "epoch": source.epoch,
                "object_seq": vignette.object_seq,
                "rank": vignette.rank,
                "width": vignette.width,
                "height": vignette.height,
                "pack_id": packs[place.pack],
                "offset": place.offset,
                "length": place.length,
            }
            for vignette, place in vignettes
        ],
    )


def _objids_or_sightings(
    connection: Connection, source: Source, seqs: Sequence[int]
) -> dict[int, int]:
    found = _objids(connection, source, seqs)
    for some in _chunks([seq for seq in seqs if seq not in found]):
        query = select(Sighting.seq, Sighting.objid).where(
            Sighting.device_id == source.device_id,
            Sighting.epoch == source.epoch,
            Sighting.seq.in_(some),
        )
        found.update(connection.execute(query).all())
    return found


def _pack_ids(connection: Connection, names: set[str], now_ms: int) -> dict[str, int]:
    rows = [{"name": name, "created_ms": now_ms} for name in sorted(names)]
    insert_new(connection, Pack, rows, ("name",))
    query = select(Pack.name, Pack.id).where(Pack.name.in_(sorted(names)))
    return dict(connection.execute(query).all())


def add_frames(
    connection: Connection,
    source: Source,
    frames: Sequence[tuple[Record, FrameSummary, PlaceIds]],
) -> None:
    """Insert frame summaries."""
    same = ("frame_index", "width", "height", "objects", "specks", "dropped", "brightness")
    where = ("utc_ms", "lat_deg", "lon_deg", "depth_m", "temperature_c")
    if frames:
        connection.execute(
            insert(FrameRow),
            [
                {
                    "device_id": source.device_id,
                    "epoch": source.epoch,
                    "seq": record.seq,
                    "process_id": place.process_id,
                    "name": body.frame,
                    "ms": json.dumps(dict(sorted(body.ms.items()))),
                    "boot": record.boot,
                    "mono_ms": record.mono_ms,
                    **{name: getattr(body, name) for name in (*same, *where)},
                }
                for record, body, place in frames
            ],
        )


def add_bad_frames(
    connection: Connection, source: Source, bad: Sequence[tuple[int, BadFrame]], now_ms: int
) -> None:
    """Insert what devices told of frames that they could not use; `bad` holds (seq, body)."""
    if bad:
        connection.execute(
            insert(BadFrameRow),
            [
                {
                    "device_id": source.device_id,
                    "epoch": source.epoch,
                    "seq": seq,
                    "name": body.frame,
                    "frame_index": body.frame_index,
                    "reason": body.reason,
                    "received_ms": now_ms,
                }
                for seq, body in bad
            ],
        )


def _chunks(items: Sequence[int]) -> Iterable[Sequence[int]]:
    """Statements take a bounded number of parameters."""
    return (items[i : i + _CHUNK] for i in range(0, len(items), _CHUNK))

"""Objects as they come in: what a batch writes, with few statements.

Invariant: one object for one thing seen. A record that tells of the same region of the same
frame again is a sighting (see `server.db.sightings`), not a second object.

Example:
    >>> add_objects(connection, source, incoming, now_ms=now)
"""

import zlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from server.db import values
from server.db.bulk import insert_rows, next_ids
from server.db.counts import Delta
from server.db.dialect import insert_new
from server.db.images import join_waiting
from server.db.incoming import Incoming, Source, Teller
from server.db.memory import learn, recall
from server.db.sightings import seen_before, sight, top_of
from server.db.spreading import await_spreading
from server.db.tables import Object, ObjectValues, ProjectRelease

_OBJECT = (
    "objid", "project_id", "device_id", "epoch", "seq",
    "sample_id", "acquisition_id", "process_id", "orig_id",
    "frame_index", "index_in_frame", "bx", "by", "width", "height", "esd_um", "border",
    "boot", "mono_ms", "utc_ms", "utc_source", "lat_deg", "lon_deg", "depth_m", "temperature_c",
    "status", "taxon_id", "pred_taxon_id", "score", "release_no", "shuffle", "received_ms",
)  # fmt: skip
_VALUES = ("objid", "release_no", "frame", "measures_version", "brief", "top")


def add_objects(
    connection: Connection, source: Source, incoming: Sequence[Incoming], now_ms: int
) -> dict[int, Teller]:
    """Insert what is new, note sightings, join vignettes that came before their object. Whom each
    record tells of, by seq."""
    if not incoming:
        return {}
    known = seen_before(connection, incoming)
    firsts: dict[tuple[int, ...], Incoming] = {}
    for one in incoming:
        if one.region not in known:
            firsts.setdefault(one.region, one)
    tellers = _insert(connection, source, list(firsts.values()), now_ms)
    known |= {region: tellers[one.seq].objid for region, one in firsts.items()}
    for one in incoming:
        if one.seq not in tellers:
            tellers[one.seq] = Teller(known[one.region], one.release_no, again=True)
            sight(connection, source, one, known[one.region], now_ms)
    told = [(tellers[one.seq], one.body) for one in incoming if values.has_values(one.body)]
    values.add(connection, told)
    join_waiting(connection, source, tellers)
    _note_releases(connection, source.project_id, {one.release_no for one in incoming})
    return tellers


def _note_releases(connection: Connection, project_id: int, numbers: set[int | None]) -> None:
    """That the project has objects of these releases."""
    for no in sorted(no for no in numbers if no is not None):
        if recall(connection, "project_release", (project_id, no)) is None:
            row = {"project_id": project_id, "release_no": no}
            insert_new(connection, ProjectRelease, [row], ("project_id", "release_no"))
            learn(connection, "project_release", (project_id, no), True)


def _insert(
    connection: Connection, source: Source, fresh: Sequence[Incoming], now_ms: int
) -> dict[int, Teller]:
    """The objects inserted, by the seq of their record."""
    objids = next_ids(connection, Object, len(fresh)) if fresh else ()
    pairs = list(zip(objids, fresh, strict=True))
    objects = [_object_row(source, objid, one, now_ms) for objid, one in pairs]
    insert_rows(connection, Object, _OBJECT, objects)
    insert_rows(connection, ObjectValues, _VALUES, [_values_row(*pair) for pair in pairs])
    await_spreading(connection, objids)
    delta = Delta(source.device_id)
    for one in fresh:
        delta.add(source.project_id, (one.taxon_id, "U" if one.taxon_id is None else "P"))
    delta.save(connection, now_ms)
    return {one.seq: Teller(objid, one.release_no, news=True) for objid, one in pairs}


def _object_row(source: Source, objid: int, one: Incoming, now_ms: int) -> tuple[Any, ...]:
    body, place = one.body, one.place
    name = f"{body.acquisition}_{body.frame}_{body.index_in_frame}"
    if len(name) > 250:
        name = f"{name[:240]}~{zlib.crc32(name.encode()):08x}"
    shuffle = zlib.crc32(f"{source.device_id}/{source.epoch}/{one.seq}".encode())
    status = "U" if one.taxon_id is None else "P"
    return (
        objid, source.project_id, source.device_id, source.epoch, one.seq,
        place.sample_id, place.acquisition_id, place.process_id, name,
        body.frame_index, body.index_in_frame, body.bx, body.by, body.width, body.height,
        body.esd_um, body.border,
        one.record.boot, one.record.mono_ms, one.utc_ms, one.utc_source,
        body.lat_deg, body.lon_deg, body.depth_m, body.temperature_c,
        status, one.taxon_id, one.taxon_id, body.score or 0.0, one.release_no, shuffle, now_ms,
    )  # fmt: skip


def _values_row(objid: int, one: Incoming) -> tuple[Any, ...]:
    body = one.body
    return objid, one.release_no, body.frame, body.measures_version, body.brief, top_of(one)

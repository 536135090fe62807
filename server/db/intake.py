"""Objects as they come in: what a batch writes, with few statements.

Invariant: one object for one thing seen. A record that tells of the same region of the same
frame again is a sighting (see `server.db.sightings`), not a second object.

Example:
    >>> add_objects(connection, source, incoming, now_ms=now)
"""

import zlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert

from server.db.counts import Delta
from server.db.dialect import insert_new
from server.db.images import join_waiting, objids_of
from server.db.incoming import Incoming, Source
from server.db.sightings import seen_before, sight, values_of
from server.db.tables import Object, ObjectValues, ProjectRelease

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


def add_objects(
    connection: Connection, source: Source, incoming: Sequence[Incoming], now_ms: int
) -> None:
    """Insert what is new, note sightings, join vignettes that came before their object."""
    if not incoming:
        return
    known = seen_before(connection, incoming)
    firsts: dict[tuple[int, ...], Incoming] = {}
    for one in incoming:
        if one.region not in known:
            firsts.setdefault(one.region, one)
    objids = _insert(connection, source, list(firsts.values()), now_ms)
    known |= {region: objids[one.seq] for region, one in firsts.items()}
    for one in incoming:
        if one.seq not in objids:
            objids[one.seq] = known[one.region]
            sight(connection, source, one, objids[one.seq], now_ms)
    join_waiting(connection, source, objids)
    releases = sorted({one.release_no for one in incoming if one.release_no is not None})
    rows = [{"project_id": source.project_id, "release_no": no} for no in releases]
    insert_new(connection, ProjectRelease, rows, ("project_id", "release_no"))


def _insert(
    connection: Connection, source: Source, fresh: Sequence[Incoming], now_ms: int
) -> dict[int, int]:
    """Objid by seq of the objects inserted."""
    if not fresh:
        return {}
    connection.execute(insert(Object), [_object_row(source, one, now_ms) for one in fresh])
    objids = objids_of(connection, source, [one.seq for one in fresh])
    connection.execute(
        insert(ObjectValues),
        [{"objid": objids[one.seq], "frame": one.body.frame, **values_of(one)} for one in fresh],
    )
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

"""A record that tells again of an object that is known: an outbox made anew, a later release.

Invariant: it may bring a new prediction, never a second object, never a change of what a person
said.

Example:
    >>> seen = seen_before(connection, incoming)      # region -> objid
    >>> sight(connection, source, incoming[0], seen[incoming[0].region], now_ms=now)
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from server.db.counts import Delta
from server.db.dialect import insert_new
from server.db.hot import each
from server.db.incoming import Incoming, Source
from server.db.tables import Event, Object, ObjectValues, Sighting

_BY_PERSON = "VDX"
"""States that only a person gives; a prediction leaves them alone."""


def seen_before(connection: Connection, incoming: Sequence[Incoming]) -> dict[Any, int]:
    """Objids of the regions that these records tell of again."""
    frames: dict[int, set[int]] = {}
    for one in incoming:
        frames.setdefault(one.place.acquisition_id, set()).add(one.body.frame_index)
    found: dict[Any, int] = {}
    for acquisition, indices in frames.items():
        rows = _IN_FRAMES.run(connection, acquisition=acquisition, frames=sorted(indices))
        for objid, *region, utc_ms, utc_source in rows:
            found[(*region, utc_ms if utc_source == "frame" else 0)] = objid
    return found


_IN_FRAMES = each(
    (
        Object.objid,
        Object.acquisition_id,
        Object.frame_index,
        Object.index_in_frame,
        Object.bx,
        Object.by,
        Object.width,
        Object.height,
        Object.utc_ms,
        Object.utc_source,
    ),
    Object.acquisition_id == bindparam("acquisition"),
    Object.frame_index,
    "frames",
)


def sight(connection: Connection, source: Source, one: Incoming, objid: int, now_ms: int) -> None:
    """Note that this record tells of `objid`; take its prediction unless a person has spoken."""
    key = {"device_id": source.device_id, "epoch": source.epoch, "seq": one.seq}
    insert_new(
        connection, Sighting, [{**key, "objid": objid, "release_no": one.release_no}], list(key)
    )
    query = select(
        Object.project_id,
        Object.status,
        Object.taxon_id,
        Object.release_no,
        Object.pred_taxon_id,
        Object.event_id,
    ).where(Object.objid == objid)
    now = connection.execute(query).one()
    same = (now.release_no, now.pred_taxon_id) == (one.release_no, one.taxon_id)
    taught = now.release_no is None and now.pred_taxon_id is not None
    if one.taxon_id is None or same or (taught and _told_before(connection, one, objid)):
        return
    applied = now.status not in _BY_PERSON
    event_id = _add_event(connection, one, objid, now, applied, now_ms)
    values: dict[str, Any] = {
        "pred_taxon_id": one.taxon_id,
        "score": one.body.score or 0.0,
        "release_no": one.release_no,
    }
    if applied:
        values |= {"status": "P", "taxon_id": one.taxon_id, "event_id": event_id}
        delta = Delta(source.device_id)
        delta.move(now.project_id, (now.taxon_id, now.status), (one.taxon_id, "P"))
        delta.save(connection, now_ms)
    connection.execute(update(Object).where(Object.objid == objid).values(values))
    now_told = {
        "top": top_of(one),
        "brief": one.body.brief,
        "measures_version": one.body.measures_version,
    }
    connection.execute(update(ObjectValues).where(ObjectValues.objid == objid).values(now_told))


def _told_before(connection: Connection, one: Incoming, objid: int) -> bool:
    """Whether the record's release has told of the object already: what a training on shore has
    said since is the later prediction."""
    first = select(ObjectValues.objid).where(
        ObjectValues.objid == objid, ObjectValues.release_no == one.release_no
    )
    later = select(Event.id).where(Event.objid == objid, Event.release_no == one.release_no)
    query = select(first.exists() | later.exists())
    return bool(connection.execute(query).scalar_one())


def _add_event(
    connection: Connection, one: Incoming, objid: int, now: Any, applied: bool, now_ms: int
) -> int:
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
    return int(connection.execute(insert(Event).values(event).returning(Event.id)).scalar_one())


def top_of(one: Incoming) -> str:
    """The best taxa as JSON, as ObjectValues keeps them."""
    return json.dumps([[taxon, round(score, 6)] for taxon, score in one.top])

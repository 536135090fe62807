"""What an import changes of objects that are there: their values, and what people said of them.

Only what a table tells is changed: columns that it has, and cells that are not empty. A changed
status or taxon is an event of whoever the table names, as if they had said it here.

Example:
    >>> updated, events = updating.update({17: (item, place)}, given, ("n001", "n002"))
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from server.db.bulk import insert_rows, next_ids
from server.db.counts import Delta
from server.db.dialect import chunks
from server.db.hierarchy import PlaceIds
from server.db.imported import Item
from server.db.importer import Actions, Importer
from server.db.tables import Event, Object, ObjectFree
from server.sun import sunpos

_FREE = ObjectFree.__table__
_OBJECT = (
    "acquisition_id", "process_id", "lat_deg", "lon_deg", "depth_m", "depth_max_m", "utc_ms",
    "utc_source",
)  # fmt: skip
_STATE = ("status", "taxon_id", "pred_taxon_id", "score", "event_id")
_SAID = (*_STATE[:2], "pred_taxon_id", "score", "event_id")
_EVENT = (
    "id", "objid", "action_id", "old_status", "old_taxon_id", "new_status", "new_taxon_id",
    "score", "applied", "previous_id", "created_ms",
)  # fmt: skip


class Updating:
    def __init__(
        self, connection: Connection, importer: Importer, actions: Actions, delta: Delta
    ) -> None:
        self._connection = connection
        self._importer = importer
        self._actions = actions
        self._delta = delta

    def update(
        self,
        old: Mapping[int, tuple[Item, PlaceIds]],
        given: frozenset[str],
        columns: tuple[str, ...],
    ) -> tuple[int, int]:
        """How many objects changed, and how many events that made."""
        if not old:
            return 0, 0
        rows = self._rows(list(old), columns)
        changed = self._set_values(old, rows, given, columns)
        if self._importer.update != "classification":
            return len(changed), 0
        said = self._classify(old, rows)
        return len(changed | said), len(said)

    def _rows(self, objids: Sequence[int], columns: tuple[str, ...]) -> dict[int, dict[str, Any]]:
        """The objects as they are."""
        found = {}
        own = [getattr(Object, name) for name in (*_OBJECT, *_STATE)]
        free = [_FREE.c[name] for name in ("sunpos", "link", *columns)]
        for some in chunks(sorted(objids)):
            query = (
                select(Object.objid, _FREE.c.objid.label("free"), *own, *free)
                .outerjoin(_FREE, _FREE.c.objid == Object.objid)
                .where(Object.objid.in_(some))
                .order_by(Object.objid)
                .with_for_update(of=Object)
            )
            for row in self._connection.execute(query):
                found[row.objid] = dict(row._mapping)
        return found

    def _set_values(
        self,
        old: Mapping[int, tuple[Item, PlaceIds]],
        rows: Mapping[int, dict[str, Any]],
        given: frozenset[str],
        columns: tuple[str, ...],
    ) -> set[int]:
        changed, objects, frees, fresh = set(), [], [], []
        for objid, (item, place) in old.items():
            row = rows[objid]
            told = {**_told(item, place, given), **_sun(item, row)}
            values = dict(zip(columns, item.values, strict=True))
            told |= {name: value for name, value in values.items() if value is not None}
            wanted = {name: value for name, value in told.items() if row[name] != value}
            if not wanted:
                continue
            changed.add(objid)
            now = {**row, **wanted}
            objects.append({"at": objid, **{f"v_{name}": now[name] for name in _OBJECT}})
            free = ("sunpos", "link", *columns)
            frees.append({"at": objid, **{f"v_{name}": now[name] for name in free}})
            if row["free"] is None:
                fresh.append((objid, self._importer.project_id))
        insert_rows(self._connection, ObjectFree, ("objid", "project_id"), fresh)
        self._save(Object, Object.objid, _OBJECT, objects)
        self._save(ObjectFree, _FREE.c.objid, ("sunpos", "link", *columns), frees)
        return changed

    def _save(
        self, table: Any, key: Any, names: Sequence[str], rows: Sequence[dict[str, Any]]
    ) -> None:
        if rows:
            values: dict[str, Any] = {name: bindparam(f"v_{name}") for name in names}
            statement = update(table).where(key == bindparam("at")).values(values)
            self._connection.execute(statement, list(rows))

    def _classify(
        self, old: Mapping[int, tuple[Item, PlaceIds]], rows: Mapping[int, dict[str, Any]]
    ) -> set[int]:
        """Make events of what the table says otherwise."""
        said = {}
        for objid, (item, _) in old.items():
            taxon = None if item.taxon is None else self._importer.taxa[item.taxon]
            state = item.status, taxon
            if item.status != "U" and state != (rows[objid]["status"], rows[objid]["taxon_id"]):
                said[objid] = item, taxon
        if not said:
            return set()
        events, states = [], []
        event_ids = next_ids(self._connection, Event, len(said))
        for event_id, (objid, (item, taxon)) in zip(event_ids, said.items(), strict=True):
            row = rows[objid]
            score = row["score"]
            predicted = row["pred_taxon_id"]
            if item.status == "P":
                score, predicted = 1.0 if item.score is None else item.score, taxon
            at = self._importer.now_ms if item.said_ms is None else item.said_ms
            action = self._actions.of(item)
            before = row["status"], row["taxon_id"]
            events.append(
                (event_id, objid, action, *before, item.status, taxon, score, True,
                 row["event_id"], at)
            )  # fmt: skip
            new = item.status, taxon, predicted, score, event_id
            states.append({"at": objid, **{f"v_{n}": v for n, v in zip(_SAID, new, strict=True)}})
            after = taxon, item.status
            self._delta.move(self._importer.project_id, (row["taxon_id"], row["status"]), after)
        insert_rows(self._connection, Event, _EVENT, events)
        self._save(Object, Object.objid, _SAID, states)
        return set(said)


def _told(item: Item, place: PlaceIds, given: frozenset[str]) -> dict[str, Any]:
    """What the table tells of the object's own columns."""
    told: dict[str, Any] = {}
    if "acq_id" in given:
        told["acquisition_id"] = place.acquisition_id
    if "process_id" in given:
        told["process_id"] = place.process_id
    if item.depth_m is not None:
        told |= {"depth_m": item.depth_m, "depth_max_m": item.depth_max_m}
    for name in ("lat_deg", "lon_deg", "link"):
        value = getattr(item, name)
        if value is not None:
            told[name] = value
    if item.utc_ms is not None:
        told |= {"utc_ms": item.utc_ms, "utc_source": item.utc_source}
    return told


def _sun(item: Item, row: Mapping[str, Any]) -> dict[str, Any]:
    """Where the sun stood, if the table moves the object in place or time."""
    if item.utc_ms is None and item.lat_deg is None and item.lon_deg is None:
        return {}
    utc_ms, source = item.utc_ms, item.utc_source
    if utc_ms is None:
        utc_ms, source = row["utc_ms"], row["utc_source"]
    lat = row["lat_deg"] if item.lat_deg is None else item.lat_deg
    lon = row["lon_deg"] if item.lon_deg is None else item.lon_deg
    return {"sunpos": "" if source == "day" else sunpos(utc_ms, lat, lon)}

"""Samples, acquisitions and processes of an import: found by their ids, made where they are new.

A sample is the project's own of that id, and where there is none, the one that an instrument has:
what was taken out of the shore comes back to where it was. What a table tells of one that is new is
kept; one that was there keeps what it has, unless the import updates.

Example:
    >>> book = PlaceBook(connection, project_id=1, now_ms=now, keep=True)
    >>> book.find({("cast1", "a1", "p1"): Parents(sample={"ship": "Tara"})})
    {('cast1', 'a1', 'p1'): PlaceIds(...)}
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update

from server.db.hierarchy import PlaceIds
from server.db.imported import ExactPlace, Names, Parents
from server.db.tables import Acquisition, Device, Process, Sample
from server.db.tables.objects import NO_DEVICE

NAMELESS = "-"
"""The id of a sample, acquisition or process that a table does not tell of."""


def sample_of(
    connection: Connection, project_id: int, name: str, exact: ExactPlace | None = None
) -> int | None:
    """The project's sample of this id: that of the instrument that a backup names, else its own,
    else the oldest of its instruments'."""
    query = select(Sample.id).where(Sample.project_id == project_id)
    if exact is not None and exact.origin[1] is not None:
        orig_id, device_id = exact.origin
        same = query.join(Device, Device.id == Sample.device_id).where(
            Device.device_id == device_id, Sample.orig_id == orig_id
        )
        found = connection.execute(same).scalar()
        if found is not None:
            return found
    query = query.where(Sample.orig_id == (name or NAMELESS))
    query = query.order_by(Sample.device_id != NO_DEVICE, Sample.id).limit(1)
    return connection.execute(query).scalar()


class PlaceBook:
    """`keep`: what was there keeps what it has."""

    def __init__(self, connection: Connection, project_id: int, now_ms: int, *, keep: bool) -> None:
        self._connection = connection
        self._project_id = project_id
        self._now_ms = now_ms
        self._keep = keep
        self._found: dict[Names, PlaceIds] = {}
        self._ids: dict[tuple[Any, ...], int] = {}
        self._free: dict[tuple[Any, int], dict[str, str]] = {}
        self._new: set[tuple[Any, int]] = set()

    def find(self, parents: Mapping[Names, Parents]) -> dict[Names, PlaceIds]:
        """The rows of each place, made and told of."""
        for names, told in parents.items():
            if names not in self._found:
                self._found[names] = self._place(names, told)
            place = self._found[names]
            if told.exact is not None:  # all of it is told already, by the names that it had
                continue
            self._tell(Sample, place.sample_id, told.sample)
            self._tell(Acquisition, place.acquisition_id, told.acquisition)
            self._tell(Process, place.process_id, told.process)
        return self._found

    def _place(self, names: Names, told: Parents) -> PlaceIds:
        sample, acquisition, process = (name or NAMELESS for name in names)
        sample_id = self._ids.get(("sample", sample))
        if sample_id is None:
            sample_id = sample_of(self._connection, self._project_id, sample, told.exact)
            if sample_id is None:
                values = {"project_id": self._project_id, "device_id": NO_DEVICE}
                exact = {} if told.exact is None else told.exact.sample
                sample_id = self._make(Sample, {**values, "orig_id": sample, **exact})
            self._ids["sample", sample] = sample_id
        above = {"sample_id": sample_id, "orig_id": acquisition}
        more: Mapping[str, Any] = {"instrument": told.instrument or None}
        more = more if told.exact is None else told.exact.acquisition
        acquisition_id = self._row(Acquisition, above, more)
        below = {"acquisition_id": acquisition_id, "orig_id": process}
        more = {} if told.exact is None else told.exact.process
        return PlaceIds(sample_id, acquisition_id, self._row(Process, below, more))

    def _row(self, table: Any, key: dict[str, Any], more: Mapping[str, Any]) -> int:
        known = table, *key.values()
        if known not in self._ids:
            found = self._connection.execute(select(table.id).filter_by(**key)).scalar()
            self._ids[known] = self._make(table, {**key, **more}) if found is None else found
        return self._ids[known]

    def _make(self, table: Any, values: dict[str, Any]) -> int:
        row = {"created_ms": self._now_ms, "free": {}, **values}
        free = dict(row["free"])
        row["free"] = json.dumps(free, ensure_ascii=False)
        query = insert(table).values(row).returning(table.id)
        made = int(self._connection.execute(query).scalar_one())
        self._new.add((table, made))
        self._free[table, made] = free
        return made

    def _tell(self, table: Any, row: int, told: Mapping[str, str]) -> None:
        """Keep what is told of the row: all of it of a new one, and in an update; else what the
        row has is not touched."""
        if not told or (self._keep and (table, row) not in self._new):
            return
        if (table, row) not in self._free:
            query = select(table.free).where(table.id == row)
            self._free[table, row] = json.loads(self._connection.execute(query).scalar_one())
        known = self._free[table, row]
        if all(known.get(name) == text for name, text in told.items()):
            return
        known.update(told)
        free = json.dumps(known, ensure_ascii=False)
        self._connection.execute(update(table).where(table.id == row).values(free=free))

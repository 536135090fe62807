"""Rows of an import: objects that are new, with their values, pictures and the event that is told.

Everything is written in the caller's one transaction, a batch at a time. An object is known by its
project, sample and id: one that is there is not made again (`server.db.importing_known`). Whoever
writes here holds the project's row, so two imports at once find each other's objects.

Example:
    >>> with database.write() as connection:
    ...     writing = Writing(connection, importer)
    ...     for batch in staged: writing.write(batch)
    ...     report = writing.finish()
"""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from server.db import free
from server.db.bulk import insert_rows, next_ids
from server.db.counts import Delta
from server.db.hierarchy import PlaceIds
from server.db.images import pack_ids
from server.db.imported import Batch, Item
from server.db.importer import Actions, Importer, Report
from server.db.importing_known import Known
from server.db.importing_places import PlaceBook
from server.db.importing_rows import IMAGE, Rows, StoredPicture, image_rows
from server.db.importing_update import Updating
from server.db.restoring import Past, Restoring
from server.db.tables import Event, Image, Object, Project
from server.db.tables.objects import NO_DEVICE
from server.sun import sunpos


@dataclass
class _New:
    """An object that is about to be written."""

    item: Item
    place: PlaceIds
    taxon_id: int | None
    pictures: list[StoredPicture] = field(default_factory=list)


class Writing:
    """An import's transaction."""

    def __init__(self, connection: Connection, importer: Importer) -> None:
        row = select(Project.id).where(Project.id == importer.project_id)
        connection.execute(row.with_for_update(key_share=True))
        self._connection = connection
        self._importer = importer
        self._places = PlaceBook(
            connection, importer.project_id, importer.now_ms, keep=importer.update == "none"
        )
        self._known = Known(connection)
        self._actions = Actions(connection, importer)
        self._delta = Delta(NO_DEVICE)
        self._restoring = Restoring(
            connection, importer.project_id, importer.epoch, importer.past or Past()
        )
        self._updating = Updating(connection, importer, self._actions, self._delta)
        self._seq = 0
        self._given: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
        self._suns: dict[tuple[Any, ...], str] = {}
        self.report = Report()

    def write(self, batch: Batch, pictures: Sequence[Sequence[StoredPicture]]) -> None:
        """Write a batch; `pictures` are those of its items, in their order."""
        if batch.columns not in self._given:
            project_id = self._importer.project_id
            self._given[batch.columns] = free.give_places(
                self._connection, project_id, batch.columns
            )
        given = self._given[batch.columns]
        columns = tuple(given[name] for name, _ in batch.columns)
        places = self._places.find(batch.parents)
        there = self._known.objids(
            [(places[item.places].sample_id, item.orig_id) for item in batch.items]
        )
        fresh: dict[tuple[int, str], _New] = {}
        old: dict[int, tuple[Item, PlaceIds]] = {}
        more: list[tuple[int, StoredPicture]] = []
        for item, shown in zip(batch.items, pictures, strict=True):
            place = places[item.places]
            key = place.sample_id, item.key or item.orig_id
            made = self._known.made.get(key)
            objid = there.get((place.sample_id, item.orig_id)) if made is None else made
            if objid is None:
                new = fresh.setdefault(key, _New(item, place, self._taxon(item)))
                new.pictures += shown
                continue
            if made is None:
                old.setdefault(objid, (item, place))
            if made is not None or not self._importer.skip_existing:
                more += [(objid, picture) for picture in shown]
        self._insert(fresh, columns)
        self._update(old, batch, columns)
        self._add_images(more)

    def finish(self) -> Report:
        self._actions.finish()
        self._restoring.finish()
        self._delta.save(self._connection)
        return self.report

    def _taxon(self, item: Item) -> int | None:
        return None if item.taxon is None else self._importer.taxa[item.taxon]

    def _insert(self, made: Mapping[tuple[int, str], _New], columns: tuple[str, ...]) -> None:
        if not made:
            return
        connection, fresh = self._connection, list(made.values())
        objids = next_ids(connection, Object, len(fresh))
        rows = Rows()
        packs = self._packs([picture for one in fresh for picture in one.pictures])
        numbers = self._event_ids(fresh)
        for objid, one in zip(objids, fresh, strict=True):
            self._seq += 1
            if one.item.exact is not None:
                self._restoring.add(rows, objid, self._seq, one.item, one.place, numbers)
            else:
                self._add(rows, objid, one, numbers)
            source = NO_DEVICE, self._importer.epoch, self._seq
            rows.images += image_rows(objid, source, one.pictures, packs, set())
        rows.write(connection, columns)
        self._delta.add_all(self._importer.project_id, rows.states)
        self._known.made.update(zip(made, objids, strict=True))
        self.report.new += len(fresh)
        self.report.images += len(rows.images)
        self.report.events += len(rows.events)

    def _event_ids(self, fresh: Sequence[_New]) -> Iterator[int]:
        count = 0
        for one in fresh:
            exact = one.item.exact
            count += (one.item.status != "U") if exact is None else len(exact.events)
        return iter(next_ids(self._connection, Event, count) if count else ())

    def _add(self, rows: Rows, objid: int, one: _New, numbers: Iterator[int]) -> None:
        """An object as a table tells it."""
        item, project_id = one.item, self._importer.project_id
        event_id = next(numbers) if item.status != "U" else None
        rows.objects.append(self._object_row(objid, one, event_id))
        rows.values.append((objid, None, "", 0, b"", _top(one)))
        rows.frees.append((objid, project_id, self._sunpos(item), item.link, *item.values))
        if event_id is not None:
            rows.events.append(self._event_row(event_id, objid, one))
        rows.states.append((one.taxon_id, item.status))

    def _object_row(self, objid: int, one: _New, event_id: int | None) -> tuple[Any, ...]:
        item, place, importer = one.item, one.place, self._importer
        width, height = (one.pictures[0].width, one.pictures[0].height) if one.pictures else (0, 0)
        predicted = one.taxon_id if item.status == "P" else None
        shuffle = zlib.crc32(b"0/%d/%d" % (importer.epoch, self._seq))
        return (
            objid, importer.project_id, NO_DEVICE, importer.epoch, self._seq,
            place.sample_id, place.acquisition_id, place.process_id, item.orig_id,
            0, 0, 0, 0, width, height, 0.0, False,
            0, 0, item.utc_ms, item.utc_source, item.lat_deg, item.lon_deg,
            item.depth_m, item.depth_max_m,
            None, item.status, one.taxon_id, predicted, score_of(item), None,
            shuffle, importer.now_ms, event_id,
        )  # fmt: skip

    def _event_row(self, event_id: int, objid: int, one: _New) -> tuple[Any, ...]:
        item = one.item
        said_ms = self._importer.now_ms if item.said_ms is None else item.said_ms
        return (
            event_id, objid, self._actions.of(item), None, None, "U", None,
            item.status, one.taxon_id, score_of(item), True, None, said_ms,
        )  # fmt: skip

    def _sunpos(self, item: Item) -> str:
        if item.utc_source == "day":  # nobody knows the hour
            return ""
        key = item.utc_ms, item.lat_deg, item.lon_deg
        if key not in self._suns:
            self._suns[key] = sunpos(*key)
        return self._suns[key]

    def _update(
        self,
        old: Mapping[int, tuple[Item, PlaceIds]],
        batch: Batch,
        columns: tuple[str, ...],
    ) -> None:
        if self._importer.update == "none" or self._importer.skip_existing:
            self.report.skipped += len(old)
            return
        updated, events = self._updating.update(old, batch.given, columns)
        self.report.updated += updated
        self.report.same += len(old) - updated
        self.report.events += events

    def _add_images(self, more: Sequence[tuple[int, StoredPicture]]) -> None:
        """Pictures of objects that are there, behind those that they have."""
        wanted = [(objid, picture) for objid, picture in more if picture.place is not None]
        if not wanted:
            return
        sources = self._known.sources([objid for objid, _ in wanted])
        ranks = self._known.ranks([objid for objid, _ in wanted])
        packs = self._packs([picture for _, picture in wanted])
        rows = []
        for objid, picture in wanted:
            taken = ranks.setdefault(objid, set())
            rows += image_rows(objid, sources[objid], [picture], packs, taken)
        insert_rows(self._connection, Image, IMAGE, rows)
        self.report.images += len(rows)

    def _packs(self, pictures: Sequence[StoredPicture]) -> dict[str, int]:
        names = {picture.place.pack for picture in pictures if picture.place is not None}
        return pack_ids(self._connection, names, self._importer.now_ms) if names else {}


def score_of(item: Item) -> float:
    """A prediction's score; 1 where the table tells none, as EcoTaxa has it."""
    if item.status != "P":
        return 0.0
    return 1.0 if item.score is None else item.score


def _top(one: _New) -> str:
    if one.item.status != "P" or one.taxon_id is None:
        return "[]"
    return json.dumps([[one.taxon_id, score_of(one.item)]])

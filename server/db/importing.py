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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from server.db import free
from server.db.bulk import insert_rows, next_ids
from server.db.counts import Delta
from server.db.hierarchy import PlaceIds
from server.db.images import pack_ids
from server.db.imported import Batch, Item, Person, TaxonKey
from server.db.importing_known import Known
from server.db.importing_places import PlaceBook
from server.db.importing_update import Updating
from server.db.tables import Action, Event, Image, Object, ObjectFree, ObjectValues, Project
from server.db.tables.objects import NO_DEVICE
from server.store.packs import Place
from server.sun import sunpos

_OBJECT = (
    "objid", "project_id", "device_id", "epoch", "seq",
    "sample_id", "acquisition_id", "process_id", "orig_id",
    "frame_index", "index_in_frame", "bx", "by", "width", "height", "esd_um", "border",
    "boot", "mono_ms", "utc_ms", "utc_source", "lat_deg", "lon_deg", "depth_m", "depth_max_m",
    "temperature_c", "status", "taxon_id", "pred_taxon_id", "score", "release_no", "event_id",
    "shuffle", "received_ms",
)  # fmt: skip
_VALUES = ("objid", "release_no", "frame", "measures_version", "brief", "top")
_IMAGE = (
    "objid", "device_id", "epoch", "object_seq", "rank", "width", "height", "format", "file_name",
    "pack_id", "offset", "length",
)  # fmt: skip
_EVENT = (
    "id", "objid", "action_id", "old_status", "old_taxon_id", "new_status", "new_taxon_id",
    "score", "applied", "previous_id", "created_ms",
)  # fmt: skip


class StoredPicture(NamedTuple):
    """A picture whose bytes lie in a pack; `place` is None for one that its object has already."""

    file_name: str
    rank: int
    format: str
    width: int
    height: int
    place: Place | None


@dataclass(frozen=True)
class Importer:
    """Who imports what how. `update` is "none", "data" or "classification"; with `skip_existing`
    objects that are there are passed over, new pictures of theirs too; `people` and `taxa` say what
    names mean."""

    project_id: int
    user_id: int
    job_id: int
    update: str
    skip_existing: bool
    people: Mapping[Person, int]
    taxa: Mapping[TaxonKey, int]
    now_ms: int


@dataclass
class Report:
    """What an import did, counted in objects: `skipped` were there and were left as they are,
    `same` were there and are what the table says. `images` are those that were added."""

    new: int = 0
    updated: int = 0
    same: int = 0
    skipped: int = 0
    images: int = 0
    events: int = 0

    def as_data(self) -> dict[str, int]:
        return asdict(self)


class Actions:
    """What people did as a table tells it: one action for each person and import."""

    def __init__(self, connection: Connection, importer: Importer) -> None:
        self._connection = connection
        self._importer = importer
        self._ids: dict[int, int] = {}
        self._changed: dict[int, int] = {}

    def of(self, item: Item) -> int | None:
        """The action behind the item's status; None for a prediction that nobody made."""
        if item.person is None and item.status == "P":
            return None
        importer = self._importer
        user_id = importer.user_id if item.person is None else importer.people[item.person]
        if user_id not in self._ids:
            self._ids[user_id] = self._add(user_id)
        self._changed[user_id] = self._changed.get(user_id, 0) + 1
        return self._ids[user_id]

    def _add(self, user_id: int) -> int:
        values = {
            "project_id": self._importer.project_id,
            "user_id": user_id,
            "kind": "import",
            "key": f"import-{self._importer.job_id}",
            "request_hash": b"",
            "undone": False,
            "changed": 0,
            "created_ms": self._importer.now_ms,
        }
        query = insert(Action).values(values).returning(Action.id)
        return int(self._connection.execute(query).scalar_one())

    def finish(self) -> None:
        for user_id, changed in self._changed.items():
            query = update(Action).where(Action.id == self._ids[user_id]).values(changed=changed)
            self._connection.execute(query)


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
            key = place.sample_id, item.orig_id
            objid = there.get(key)
            if objid is not None:
                old.setdefault(objid, (item, place))
                if objid in self._known.made or not self._importer.skip_existing:
                    more += [(objid, picture) for picture in shown]
            elif key in fresh:
                fresh[key].pictures += shown
            else:
                fresh[key] = _New(item, place, self._taxon(item), list(shown))
        self._insert(list(fresh.values()), columns)
        made = self._known.made
        self._update({o: x for o, x in old.items() if o not in made}, batch, columns)
        self._add_images(more)

    def finish(self) -> Report:
        self._actions.finish()
        self._delta.save(self._connection)
        return self.report

    def _taxon(self, item: Item) -> int | None:
        return None if item.taxon is None else self._importer.taxa[item.taxon]

    def _insert(self, fresh: list[_New], columns: tuple[str, ...]) -> None:
        if not fresh:
            return
        connection, project_id = self._connection, self._importer.project_id
        objids = next_ids(connection, Object, len(fresh))
        told = [one for one in fresh if one.item.status != "U"]
        event_ids = iter(next_ids(connection, Event, len(told)) if told else ())
        objects, values, frees, images, events = [], [], [], [], []
        packs = self._packs([picture for one in fresh for picture in one.pictures])
        for objid, one in zip(objids, fresh, strict=True):
            self._seq += 1
            event_id = next(event_ids) if one.item.status != "U" else None
            objects.append(self._object_row(objid, one, event_id))
            values.append((objid, None, "", 0, b"", _top(one)))
            sun = self._sunpos(one.item)
            frees.append((objid, project_id, sun, one.item.link, *one.item.values))
            source = NO_DEVICE, self._importer.job_id, self._seq
            images += _image_rows(objid, source, one.pictures, packs, set())
            if event_id is not None:
                events.append(self._event_row(event_id, objid, one))
            self._delta.add(project_id, (one.taxon_id, one.item.status))
        insert_rows(connection, Object, _OBJECT, objects)
        insert_rows(connection, ObjectValues, _VALUES, values)
        insert_rows(
            connection, ObjectFree, ("objid", "project_id", "sunpos", "link", *columns), frees
        )
        insert_rows(connection, Image, _IMAGE, images)
        insert_rows(connection, Event, _EVENT, events)
        self._known.learn(
            {
                (one.place.sample_id, one.item.orig_id): objid
                for objid, one in zip(objids, fresh, strict=True)
            }
        )
        self.report.new += len(fresh)
        self.report.images += len(images)
        self.report.events += len(events)

    def _object_row(self, objid: int, one: _New, event_id: int | None) -> tuple[Any, ...]:
        item, place, importer = one.item, one.place, self._importer
        width, height = (one.pictures[0].width, one.pictures[0].height) if one.pictures else (0, 0)
        predicted = one.taxon_id if item.status == "P" else None
        shuffle = zlib.crc32(b"0/%d/%d" % (importer.job_id, self._seq))
        return (
            objid, importer.project_id, NO_DEVICE, importer.job_id, self._seq,
            place.sample_id, place.acquisition_id, place.process_id, item.orig_id,
            0, 0, 0, 0, width, height, 0.0, False,
            0, 0, item.utc_ms, item.utc_source, item.lat_deg, item.lon_deg,
            item.depth_m, item.depth_max_m,
            None, item.status, one.taxon_id, predicted, score_of(item), None, event_id,
            shuffle, importer.now_ms,
        )  # fmt: skip

    def _event_row(self, event_id: int, objid: int, one: _New) -> tuple[Any, ...]:
        item = one.item
        said_ms = self._importer.now_ms if item.said_ms is None else item.said_ms
        return (
            event_id, objid, self._actions.of(item), "U", None, item.status, one.taxon_id,
            score_of(item), True, None, said_ms,
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
            rows += _image_rows(objid, sources[objid], [picture], packs, taken)
        insert_rows(self._connection, Image, _IMAGE, rows)
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


def _image_rows(
    objid: int,
    source: tuple[int, int, int],
    pictures: Sequence[StoredPicture],
    packs: Mapping[str, int],
    taken: set[int],
) -> list[tuple[Any, ...]]:
    """Rows of an object's pictures; one whose rank is taken has the next that is free."""
    rows: list[tuple[Any, ...]] = []
    for picture in pictures:
        place, rank = picture.place, picture.rank
        if place is None:
            continue
        while rank in taken:
            rank += 1
        taken.add(rank)
        size = picture.width, picture.height
        kept = packs[place.pack], place.offset, place.length
        rows.append((objid, *source, rank, *size, picture.format, picture.file_name, *kept))
    return rows

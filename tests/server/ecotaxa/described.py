"""All that a shore keeps of a project, without the numbers that are its own: what must be equal
before a backup and after it."""

import json
from typing import Any

from sqlalchemy import Connection, select

from server.db import export, free, users
from server.db.export import EVENT, EXACT, FREE, OBJECT, VALUES, Slices
from server.db.tables import Project
from server.shore import Shore

_TAXA = ("taxon_id", "pred_taxon_id", "old_taxon_id", "new_taxon_id")


def described(shore: Shore, project_id: int) -> dict[str, Any]:
    with shore.database.read() as connection:
        return _Describing(shore, connection, project_id).all()


class _Describing:
    def __init__(self, shore: Shore, connection: Connection, project_id: int) -> None:
        self._packs, self._connection, self._project_id = shore.packs, connection, project_id
        self._taxa = {no: row.path for no, row in export.taxa(connection).items()} | {None: None}
        self._releases = {no: r.release_id for no, r in export.releases(connection).items()}
        self._releases[None] = None
        self._people = {user.id: user.email for user, _ in users.all_users(connection)}
        self._actions = export.actions(connection, project_id)
        self._action_at: dict[int | None, int | None] = {
            row.id: at for at, row in enumerate(self._actions)
        } | {None: None}
        self._trainings = export.trainings(connection, project_id)
        self._training_at: dict[int | None, int | None] = {
            row.id: at for at, row in enumerate(self._trainings)
        } | {None: None}

    def all(self) -> dict[str, Any]:
        query = select(Project).where(Project.id == self._project_id)
        row = self._connection.execute(query).one()
        settings = json.loads(row.settings)
        settings.pop("fileloaded", None)
        members = export.memberships(self._connection, self._project_id)
        places = free.places(self._connection, self._project_id)
        return {
            "project": (row.licence, row.instrument, row.description, row.access, settings),
            "members": sorted((self._people[m.user_id], m.may) for m in members),
            "columns": [(name, free.kind_of(place)) for name, place in places.items()],
            "listed": [
                self._taxa[t] for t in export.listed_taxa(self._connection, self._project_id)
            ],
            "actions": [self._action(one) for one in self._actions],
            "trainings": [
                (self._people[t.user_id], t.kind, t.params, t.report, t.created_ms, t.undone_ms)
                for t in self._trainings
            ],
            "objects": self._objects(places),
        }

    def _action(self, row: Any) -> tuple[Any, ...]:
        return (
            self._people[row.user_id], row.kind, bytes(row.request_hash), self._taxa[row.taxon_id],
            self._action_at[row.target_id], row.undone, row.changed, row.created_ms,
        )  # fmt: skip

    def _objects(self, places: dict[str, str]) -> list[Any]:
        processes = {r.id: r for r in export.processes(self._connection, self._project_id)}
        above = {r.id: r for r in export.acquisitions(self._connection, self._project_id)}
        slices, found = Slices(len(places)), []
        for sample in export.samples(self._connection, self._project_id):
            for chunk in export.objects(self._connection, sample.id, list(places.values())):
                for row in chunk.rows:
                    level = above[row.acquisition_id], processes[row.process_id]
                    found.append(
                        {
                            "place": _place(sample, *level),
                            **self._object(row, slices),
                            "free": _told(list(places), row[slices.free]),
                            "images": self._images(chunk.images.get(row.objid, ())),
                            **self._history(row, chunk),
                        }
                    )
        return sorted(found, key=repr)

    def _object(self, row: Any, slices: Slices) -> dict[str, Any]:
        body = self._named(dict(zip(OBJECT, row[slices.object], strict=True)))
        values = self._named(dict(zip(VALUES, row[slices.values], strict=True)))
        values["top"] = [[self._taxa[t], score] for t, score in json.loads(values["top"])]
        exact = self._named(dict(zip(EXACT, row[slices.exact], strict=True)))
        kept = dict(zip(FREE, row[slices.kept], strict=True))
        return {"body": body, "values": values, "exact": exact, "kept": kept}

    def _named(self, values: dict[str, Any]) -> dict[str, Any]:
        """Numbers of taxa and releases as names, bytes as bytes."""
        for name, value in values.items():
            if name in _TAXA:
                values[name] = self._taxa[value]
            elif name == "release_no":
                values[name] = self._releases[value]
            elif isinstance(value, memoryview):
                values[name] = bytes(value)
        return values

    def _images(self, images: Any) -> list[Any]:
        return [(i.rank, i.format, i.file_name, self._packs.read(i.place)) for i in images]

    def _history(self, row: Any, chunk: Any) -> dict[str, Any]:
        events = chunk.events.get(row.objid, ())
        at = {event[1]: place for place, event in enumerate(events)} | {None: None}
        told = []
        for event in events:
            values = self._named(dict(zip(EVENT, event[2:], strict=True)))
            values["action_id"] = self._action_at[values["action_id"]]
            values["training_id"] = self._training_at[values["training_id"]]
            values["previous_id"] = at[values["previous_id"]]
            told.append(values)
        replaced = [
            (self._training_at[one[1]], at[one.event_id], self._taxa[one.pred_taxon_id], one.score)
            for one in chunk.replaced.get(row.objid, ())
        ]
        return {"events": told, "event": at[row.event_id], "replaced": replaced}


def _place(sample: Any, acquisition: Any, process: Any) -> tuple[Any, ...]:
    """A sample of an instrument is here, and after a backup one that tells of the instrument."""
    told = json.loads(sample.free)
    if sample.device is not None:
        told = {"device": sample.device, "device_id": sample.device_id, **told}
    return (
        (told, sample.created_ms),
        (acquisition.orig_id, acquisition.instrument, acquisition.pixel_um,
         acquisition.optical_field, json.loads(acquisition.free), acquisition.created_ms),
        (process.orig_id, process.software, process.measures_version, process.settings,
         json.loads(process.free), process.created_ms),
    )  # fmt: skip


def _told(names: list[str], values: Any) -> dict[str, Any]:
    return {n: v for n, v in zip(names, values, strict=True) if v is not None}

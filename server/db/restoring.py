"""Objects of a shore's own backup as they were: every field, every event, what people did.

Numbers of people, taxa, releases, actions, trainings and events are those of the shore that wrote
the backup; here each has its own. Actions and trainings are made before the first object that is
new, all of them in their order, so that undo and redo go on where they were.

Example:
    >>> restoring = Restoring(connection, project_id=1, epoch=7, past=past)
    >>> restoring.add(rows, objid, seq, item, place, event_numbers)
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert

from server.db import releases
from server.db.dialect import insert_new
from server.db.hierarchy import PlaceIds
from server.db.imported import Exact, Item
from server.db.importing_rows import Rows
from server.db.tables import Action, ProjectRelease, Training
from server.db.tables.objects import NO_DEVICE

_STATUS, _TAXON, _PREDICTED, _RELEASE = 18, 19, 20, 22
"""Places in `server.db.export.OBJECT`."""


@dataclass(frozen=True)
class Past:
    """What a backup tells besides objects. `people` and `taxa` are this shore's by that shore's
    numbers; `releases` their ids; `actions` and `trainings` rows as they were, by column."""

    people: Mapping[int, int] = field(default_factory=dict)
    taxa: Mapping[int, int] = field(default_factory=dict)
    releases: Mapping[int, str] = field(default_factory=dict)
    actions: Sequence[Mapping[str, Any]] = ()
    trainings: Sequence[Mapping[str, Any]] = ()
    now_ms: int = 0


class Restoring:
    def __init__(self, connection: Connection, project_id: int, epoch: int, past: Past) -> None:
        self._connection = connection
        self._project_id = project_id
        self._epoch = epoch
        self._past = past
        self._begun = False
        self._releases: dict[int | None, int | None] = {None: None}
        self._actions: dict[int | None, int | None] = {None: None}
        self._trainings: dict[int | None, int | None] = {None: None}
        self._taxa: dict[int | None, int | None] = {None: None, **dict(past.taxa.items())}
        self._seen: set[int] = set()

    def add(
        self,
        rows: Rows,
        objid: int,
        seq: int,
        item: Item,
        place: PlaceIds,
        numbers: Iterator[int],
    ) -> None:
        """Add the rows of an object."""
        if not self._begun:
            self._begin()
        exact = item.exact
        assert exact is not None
        ids = [next(numbers) for _ in exact.events]
        source = NO_DEVICE, self._epoch, seq
        above = place.sample_id, place.acquisition_id, place.process_id
        body = list(exact.body)
        for at in (_TAXON, _PREDICTED):
            body[at] = self._taxa[body[at]]
        body[_RELEASE] = self._release(body[_RELEASE])
        event_id = None if exact.event is None else ids[exact.event]
        rows.objects.append((objid, self._project_id, *source, *above, *body, event_id))
        rows.values.append(self._values(objid, exact))
        if exact.measured is not None:
            release, *measured = exact.measured
            rows.exact.append((objid, self._release(release), *measured))
        rows.frees.append((objid, self._project_id, *exact.kept, *item.values))
        rows.events += self._events(objid, exact, ids)
        rows.replaced += self._replaced(objid, exact, ids)
        rows.states.append((body[_TAXON], body[_STATUS]))

    def finish(self) -> None:
        """Note which releases the project has objects of."""
        rows = [{"project_id": self._project_id, "release_no": no} for no in sorted(self._seen)]
        insert_new(self._connection, ProjectRelease, rows, ("project_id", "release_no"))

    def _values(self, objid: int, exact: Exact) -> tuple[Any, ...]:
        release, frame, version, brief, top = exact.values
        return objid, self._release(release), frame, version, brief, self._top(top)

    def _top(self, top: Sequence[Sequence[Any]]) -> str:
        return json.dumps([[self._taxa[taxon], score] for taxon, score in top])

    def _release(self, number: int | None) -> int | None:
        found = self._releases[number]
        if found is not None:
            self._seen.add(found)
        return found

    def _events(self, objid: int, exact: Exact, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                objid,
                self._actions[event.action],
                self._release(event.release),
                self._trainings[event.training],
                event.old_status,
                self._taxa[event.old_taxon],
                event.new_status,
                self._taxa[event.new_taxon],
                event.score,
                event.applied,
                None if event.previous is None else ids[event.previous],
                event.created_ms,
            )
            for number, event in zip(ids, exact.events, strict=True)
        ]

    def _replaced(self, objid: int, exact: Exact, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        return [
            (
                objid,
                self._trainings[training],
                ids[event],
                self._taxa[predicted],
                score,
                self._release(release),
                self._top(json.loads(top)),
            )
            for training, event, predicted, score, release, top in exact.replaced
        ]

    def _begin(self) -> None:
        """Make what objects refer to."""
        self._begun = True
        past, connection = self._past, self._connection
        numbers = releases.number(connection, past.releases.values(), past.now_ms)
        self._releases |= {no: numbers[name] for no, name in past.releases.items()}
        for row in past.trainings:
            values = {**row, "project_id": self._project_id, "user_id": past.people[row["user_id"]]}
            old = values.pop("id")
            statement = insert(Training).values(values).returning(Training.id)
            self._trainings[old] = int(connection.execute(statement).scalar_one())
        for row in past.actions:
            self._add_action(row)

    def _add_action(self, row: Mapping[str, Any]) -> None:
        values = {
            **row,
            "project_id": self._project_id,
            "user_id": self._past.people[row["user_id"]],
            "taxon_id": self._taxa[row["taxon_id"]],
            "target_id": self._actions[row["target_id"]],
            "key": f"import-{self._epoch}-{row['id']}",
        }
        del values["id"]
        statement = insert(Action).values(values).returning(Action.id)
        self._actions[row["id"]] = int(self._connection.execute(statement).scalar_one())

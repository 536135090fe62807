"""Who imports what how, what came of it, and the actions that a table tells of.

Example:
    >>> importer = Importer(project_id=1, user_id=1, epoch=new_epoch(), update="none", ...)
    >>> Actions(connection, importer).of(item)      # who did it, as an action of this import
    17
"""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, update

from server.db.imported import Item, Person, TaxonKey
from server.db.restoring import Past
from server.db.tables import Action


@dataclass(frozen=True)
class Importer:
    """Who imports what how. `update` is "none", "data" or "classification"; with `skip_existing`
    objects that are there are passed over, new pictures of theirs too. `epoch` is drawn anew for
    each import, as a device does: a job's number may come again once the job is deleted. `people`
    and `taxa` say what names mean."""

    project_id: int
    user_id: int
    epoch: int
    update: str
    skip_existing: bool
    people: Mapping[Person, int]
    taxa: Mapping[TaxonKey, int]
    now_ms: int
    past: Past | None = None
    """What a shore's own backup tells of its project, in this shore's numbers."""


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
            "key": f"import-{self._importer.epoch}",
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


def new_epoch() -> int:
    """A number that no other import has."""
    return secrets.randbelow(2**52)

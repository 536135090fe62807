"""How many objects a project has by taxon and status, kept with every change instead of counted.

Counting fifty million rows takes seconds; adding a handful of differences to a small table does
not.

Example:
    >>> delta = Delta()
    >>> delta.move(project_id=1, old=(None, "U"), new=(7, "V"))
    >>> delta.save(connection)
"""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from server import clock
from server.db.dialect import add_to
from server.db.tables import Count, CountDay, Object

SHARDS = 16
"""A row of PostgreSQL is locked until the commit of whoever changed it: instruments that share no
row do not wait for each other."""
_KEY = ("project_id", "taxon_id", "status", "shard")
_DAY_KEY = ("project_id", "day", "status", "shard")
_DAY_MS = 86_400_000
State = tuple[int | None, str]
"""(taxon_id, status)"""


class Delta:
    """Differences to add to the counts."""

    def __init__(self, device_id: int = 0) -> None:
        self._shard = device_id % SHARDS
        self._changes: Counter[tuple[int, int, str]] = Counter()

    def add(self, project_id: int, state: State, n: int = 1) -> None:
        self._changes[project_id, state[0] or 0, state[1]] += n

    def add_all(self, project_id: int, states: Iterable[State]) -> None:
        for state, n in Counter(states).items():
            self.add(project_id, state, n)

    def move(self, project_id: int, old: State, new: State) -> None:
        self.add(project_id, old, -1)
        self.add(project_id, new, 1)

    def save(self, connection: Connection, now_ms: int | None = None) -> None:
        """Add them, and enter them under the day, which is today unless said."""
        self._save_day(connection, (clock.now_ms() if now_ms is None else now_ms) // _DAY_MS)
        rows = [
            {
                "project_id": project,
                "taxon_id": taxon,
                "status": status,
                "shard": self._shard,
                "n": n,
            }
            for (project, taxon, status), n in sorted(self._changes.items())
            if n
        ]
        add_to(connection, Count, rows, _KEY, "n")

    def _save_day(self, connection: Connection, day: int) -> None:
        changes: Counter[tuple[int, str]] = Counter()
        for (project, _, status), n in self._changes.items():
            changes[project, status] += n
        rows = [
            {"project_id": project, "day": day, "status": status, "shard": self._shard, "n": n}
            for (project, status), n in sorted(changes.items())
            if n
        ]
        add_to(connection, CountDay, rows, _DAY_KEY, "n")


def by_status(connection: Connection, project_ids: list[int]) -> dict[int, dict[str, int]]:
    """Objects of each project by status; every status is there, at 0 if need be."""
    found = {project: dict.fromkeys("UPDVX", 0) for project in project_ids}
    query = (
        select(Count.project_id, Count.status, func.sum(Count.n))
        .where(Count.project_id.in_(project_ids))
        .group_by(Count.project_id, Count.status)
    )
    for project, status, n in connection.execute(query):
        found[project][status] = int(n)
    return found


def by_taxon(connection: Connection, project_id: int) -> dict[int, dict[str, int]]:
    """Objects by taxon (0: none) and status; taxa without an object are left out."""
    found: dict[int, dict[str, int]] = {}
    n = func.sum(Count.n)
    query = (
        select(Count.taxon_id, Count.status, n)
        .where(Count.project_id == project_id)
        .group_by(Count.taxon_id, Count.status)
        .having(n > 0)
    )
    for taxon, status, sum_n in connection.execute(query):
        found.setdefault(taxon, dict.fromkeys("UPDVX", 0))[status] = int(sum_n)
    return found


def total(connection: Connection, project_id: int, taxon_id: int | None, status: str | None) -> int:
    """Objects of a project, of one taxon (0: those without one) and one status if given."""
    query = select(func.coalesce(func.sum(Count.n), 0)).where(Count.project_id == project_id)
    if taxon_id is not None:
        query = query.where(Count.taxon_id == taxon_id)
    if status is not None:
        query = query.where(Count.status == status)
    return int(connection.execute(query).scalar_one())


def recount(connection: Connection) -> dict[tuple[int, int, str], int]:
    """The counts as the objects themselves give them: the oracle of the kept ones. Slow."""
    query = select(Object.project_id, Object.taxon_id, Object.status, func.count()).group_by(
        Object.project_id, Object.taxon_id, Object.status
    )
    return {(p, t or 0, s): n for p, t, s, n in connection.execute(query)}


def kept(connection: Connection) -> dict[tuple[int, int, str], int]:
    """The kept counts that are not 0."""
    key = (Count.project_id, Count.taxon_id, Count.status)
    query = select(*key, func.sum(Count.n)).group_by(*key).having(func.sum(Count.n) != 0)
    return {(p, t, s): int(n) for p, t, s, n in connection.execute(query)}

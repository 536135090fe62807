"""How people work, kept by day as they do: who changed how much, in how much time, and what they
said.

Invariant: these rows are written in the transaction of the action that they count, so they are
never behind it. Sessions: two actions of a person in a project with at most five minutes between
are of one session, and the time between them is work; a first action has no time of its own.

Example:
    >>> note_action(connection, project_id=1, user_id=2, kind="validate", changed=40, now_ms=now)
"""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select, update

from server.db.dialect import add_to, insert_new
from server.db.hot import Hot
from server.db.tables import Action, WorkDay, WorkTaxon

DAY_MS = 86_400_000
PAUSE_MS = 300_000
"""A longer gap ends a session."""
IMPORTED = "import"
"""The kind of action that is nobody's work here: a table said it."""
_DAY_KEY = ("project_id", "user_id", "day")
_TAXON_KEY = (*_DAY_KEY, "taxon_id", "status")
_LATEST = Hot(
    select(WorkDay.last_ms)
    .where(WorkDay.project_id == bindparam("project_id"), WorkDay.user_id == bindparam("user_id"))
    .order_by(WorkDay.day.desc())
    .limit(1)
    .with_for_update()
)
_WHOSE = Hot(select(Action.user_id, Action.kind).where(Action.id == bindparam("action_id")))
Said = tuple[str, int | None]
"""(status, taxon_id)"""


def note_action(
    connection: Connection, project_id: int, user_id: int, kind: str, changed: int, now_ms: int
) -> None:
    """Count an action of a person."""
    if kind == IMPORTED:
        return
    last_ms = _LATEST.run(connection, project_id=project_id, user_id=user_id).scalar()
    gap_ms = PAUSE_MS + 1 if last_ms is None else now_ms - last_ms
    goes_on = 0 <= gap_ms <= PAUSE_MS
    day = now_ms // DAY_MS
    key = {"project_id": project_id, "user_id": user_id, "day": day}
    zero = {"actions": 0, "objects": 0, "timed": 0, "sessions": 0, "active_ms": 0, "last_ms": None}
    if last_ms is None or last_ms // DAY_MS != day:
        insert_new(connection, WorkDay, [{**key, **zero}], _DAY_KEY)
    signed = -changed if kind == "undo" else changed
    connection.execute(
        update(WorkDay)
        .where(WorkDay.project_id == project_id, WorkDay.user_id == user_id, WorkDay.day == day)
        .values(
            actions=WorkDay.actions + 1,
            objects=WorkDay.objects + signed,
            timed=WorkDay.timed + (signed if goes_on else 0),
            sessions=WorkDay.sessions + (0 if goes_on else 1),
            active_ms=WorkDay.active_ms + (gap_ms if goes_on else 0),
            last_ms=now_ms,
        )
    )


def note_changes(
    connection: Connection,
    project_id: int,
    action_id: int,
    changes: Iterable[tuple[Said, Said]],
    now_ms: int,
) -> None:
    """Count what the action said: (before, after) of each object. An undo takes off what the person
    had said, which is the state before it."""
    user_id, kind = _WHOSE.run(connection, action_id=action_id).one()
    if kind == IMPORTED:
        return
    counted: Counter[Said] = Counter()
    for before, after in changes:
        counted[before if kind == "undo" else after] += 1
    key = {"project_id": project_id, "user_id": user_id, "day": now_ms // DAY_MS}
    sign = -1 if kind == "undo" else 1
    rows = [
        {**key, "taxon_id": taxon_id or 0, "status": status, "n": sign * n}
        for (status, taxon_id), n in counted.items()
    ]
    rows.sort(key=lambda row: (row["taxon_id"], row["status"]))
    add_to(connection, WorkTaxon, rows, _TAXON_KEY, "n")

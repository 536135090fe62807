"""Events and the present state they lead to: where a person's word changes an object.

Invariant: an event is appended, the object's row points at the event whose outcome it shows, and
the counts follow, all in the caller's transaction.

Example:
    >>> [state] = states_of(connection, project_id=1, objids=[17])
    >>> change(connection, 1, action_id, [(state, "V", 4)], now_ms=now)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update

from server.db import work
from server.db.bulk import insert_rows
from server.db.counts import Delta
from server.db.ecotaxa.lists import among
from server.db.tables import Action, Event, Object
from server.db.taxa_log import hold
from server.db.taxa_read import current


@dataclass(frozen=True)
class Request:
    """What a person asks: `kind` for these objects, once by `key`."""

    project_id: int
    user_id: int
    kind: str
    objids: tuple[int, ...]
    taxon_id: int | None
    key: str


@dataclass(frozen=True)
class Outcome:
    """What became of it: how many objects changed; of an undo, the kind of what was undone."""

    action_id: int
    changed: int
    kind: str


@dataclass(frozen=True)
class State:
    """An object as it is before the change."""

    objid: int
    status: str
    taxon_id: int | None
    pred_taxon_id: int | None
    score: float
    event_id: int | None


def states_of(connection: Connection, project_id: int, objids: Iterable[int]) -> list[State]:
    """The present states of those of the objects that are in the project, by number."""
    query = (
        select(
            Object.objid,
            Object.status,
            Object.taxon_id,
            Object.pred_taxon_id,
            Object.score,
            Object.event_id,
        )
        .where(among(connection, Object.objid, list(objids)), Object.project_id == project_id)
        .order_by(Object.objid)
        .with_for_update()
    )
    return [State(*row) for row in connection.execute(query)]


def add_action(
    connection: Connection,
    request: Request,
    asked: bytes,
    target_id: int | None,
    changed: int,
    now_ms: int,
) -> int:
    """Enter what a person did; its number. `asked` is the hash of the request, `target_id` what an
    undo or redo turned."""
    values = {
        "project_id": request.project_id,
        "user_id": request.user_id,
        "kind": request.kind,
        "key": request.key,
        "request_hash": asked,
        "taxon_id": request.taxon_id if request.kind == "relabel" else None,
        "target_id": target_id,
        "undone": False,
        "changed": changed,
        "created_ms": now_ms,
    }
    work.note_action(connection, request.project_id, request.user_id, request.kind, changed, now_ms)
    return int(connection.execute(insert(Action).values(values).returning(Action.id)).scalar_one())


def change(
    connection: Connection,
    project_id: int,
    action_id: int,
    changes: Sequence[tuple[State, str, int | None]],
    now_ms: int,
    points_at: dict[int, int | None] | None = None,
) -> None:
    """Append the events and set the present states. `points_at` says which event an object's state
    is the outcome of, when that is not the new event (undo and redo)."""
    if not changes:
        return
    changes = _as_they_are_now(connection, changes)
    _add_events(connection, action_id, changes, now_ms)
    if points_at is None:
        _show_events(connection, action_id)
    else:
        _show(connection, changes, points_at)
    delta = Delta()
    for state, status, taxon_id in changes:
        delta.move(project_id, (state.taxon_id, state.status), (taxon_id, status))
    delta.save(connection, now_ms)
    said = (((s.status, s.taxon_id), (status, taxon)) for s, status, taxon in changes)
    work.note_changes(connection, project_id, action_id, said, now_ms)


def _as_they_are_now(
    connection: Connection, changes: Sequence[tuple[State, str, int | None]]
) -> list[tuple[State, str, int | None]]:
    """A taxon that was merged since it was named means the one that it became."""
    hold(connection)
    now = current(connection, (taxon_id for _, _, taxon_id in changes))
    return [
        (state, status, None if taxon_id is None else now[taxon_id])
        for state, status, taxon_id in changes
    ]


def _show_events(connection: Connection, action_id: int) -> None:
    """Let the objects be as the action's events say, all at once."""
    connection.execute(
        update(Object)
        .where(Object.objid == Event.objid, Event.action_id == action_id)
        .values(status=Event.new_status, taxon_id=Event.new_taxon_id, event_id=Event.id)
    )


def _show(
    connection: Connection,
    changes: Sequence[tuple[State, str, int | None]],
    points_at: dict[int, int | None],
) -> None:
    """Let each object be as it is now to be, as the outcome of an earlier event."""
    connection.execute(
        update(Object)
        .where(Object.objid == bindparam("at"))
        .values(status=bindparam("s"), taxon_id=bindparam("t"), event_id=bindparam("e")),
        [
            {"at": state.objid, "s": status, "t": taxon_id, "e": points_at[state.objid]}
            for state, status, taxon_id in changes
        ],
    )


_EVENT = (
    "objid", "action_id", "old_status", "old_taxon_id", "new_status", "new_taxon_id", "score",
    "applied", "previous_id", "created_ms",
)  # fmt: skip


def _add_events(
    connection: Connection,
    action_id: int,
    changes: Sequence[tuple[State, str, int | None]],
    now_ms: int,
) -> None:
    rows = [
        (
            state.objid,
            action_id,
            state.status,
            state.taxon_id,
            status,
            taxon_id,
            state.score,
            True,
            state.event_id,
            now_ms,
        )
        for state, status, taxon_id in changes
    ]
    insert_rows(connection, Event, _EVENT, rows)

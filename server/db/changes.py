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
from server.db.counts import Delta
from server.db.tables import Action, Event, Object
from server.db.taxa_log import hold
from server.db.taxa_read import current

_CHUNK = 500


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
    wanted = sorted(set(objids))
    found = []
    for start in range(0, len(wanted), _CHUNK):
        query = (
            select(
                Object.objid,
                Object.status,
                Object.taxon_id,
                Object.pred_taxon_id,
                Object.score,
                Object.event_id,
            )
            .where(
                Object.objid.in_(wanted[start : start + _CHUNK]), Object.project_id == project_id
            )
            .order_by(Object.objid)
            .with_for_update()
        )
        found += [State(*row) for row in connection.execute(query)]
    return found


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
        query = select(Event.objid, Event.id).where(Event.action_id == action_id)
        points_at = dict(connection.execute(query).all())
    connection.execute(
        update(Object)
        .where(Object.objid == bindparam("at"))
        .values(status=bindparam("s"), taxon_id=bindparam("t"), event_id=bindparam("e")),
        [
            {"at": state.objid, "s": status, "t": taxon_id, "e": points_at[state.objid]}
            for state, status, taxon_id in changes
        ],
    )
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


def _add_events(
    connection: Connection,
    action_id: int,
    changes: Sequence[tuple[State, str, int | None]],
    now_ms: int,
) -> None:
    connection.execute(
        insert(Event),
        [
            {
                "objid": state.objid,
                "action_id": action_id,
                "old_status": state.status,
                "old_taxon_id": state.taxon_id,
                "new_status": status,
                "new_taxon_id": taxon_id,
                "score": state.score,
                "applied": True,
                "previous_id": state.event_id,
                "created_ms": now_ms,
            }
            for state, status, taxon_id in changes
        ],
    )

"""What people say about objects: append-only events, the present state beside them, undo and redo.

Every object points at the event whose outcome is its present state. An undo goes back to the event
before it, and only where the undone event is still the present one: what somebody else said since
then stays.

Example:
    >>> act(connection, Request(1, 2, "validate", (17, 18), None, key="..."), now_ms=now)
    Outcome(action_id=5, changed=2, kind='validate')
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.orm import aliased

from server.db.counts import Delta
from server.db.tables import Action, Event, Object, Release, Taxon, User

KINDS = ("validate", "dubious", "discard", "relabel", "reset")
MOST = 5000
_CHUNK = 500
_STATUS = {"validate": "V", "dubious": "D", "discard": "X", "relabel": "V"}


@dataclass(frozen=True)
class Request:
    project_id: int
    user_id: int
    kind: str
    objids: tuple[int, ...]
    taxon_id: int | None
    key: str


@dataclass(frozen=True)
class Outcome:
    action_id: int
    changed: int
    kind: str


class ActionRefusedError(ValueError):
    """The action cannot be done as asked; `code` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class _State:
    objid: int
    status: str
    taxon_id: int | None
    pred_taxon_id: int | None
    score: float
    event_id: int | None


def act(connection: Connection, request: Request, now_ms: int) -> Outcome:
    """Do what a person asked, once by `key`: the same again answers as before. Raises
    ActionRefusedError."""
    asked = hashlib.sha256(
        json.dumps(
            [request.project_id, request.kind, sorted(request.objids), request.taxon_id]
        ).encode()
    ).digest()
    earlier = connection.execute(
        select(Action.id, Action.changed, Action.kind, Action.request_hash).where(
            Action.user_id == request.user_id, Action.key == request.key
        )
    ).first()
    if earlier is not None:
        if bytes(earlier.request_hash) != asked:
            raise ActionRefusedError("key_reused", "This key was used for another action.")
        return Outcome(earlier.id, earlier.changed, earlier.kind)
    states = _states(connection, request.project_id, request.objids)
    _check(connection, request, states)
    changes = [(state, *_new(request, state)) for state in states]
    changes = [c for c in changes if (c[0].status, c[0].taxon_id) != (c[1], c[2])]
    action_id = _add_action(connection, request, asked, None, len(changes), now_ms)
    _change(connection, request.project_id, action_id, changes, now_ms)
    return Outcome(action_id, len(changes), request.kind)


def _new(request: Request, state: _State) -> tuple[str, int | None]:
    """The status and taxon that the action gives."""
    if request.kind == "reset":
        return ("U" if state.pred_taxon_id is None else "P"), state.pred_taxon_id
    taxon = request.taxon_id if request.kind == "relabel" else state.taxon_id
    return _STATUS[request.kind], taxon


def _check(connection: Connection, request: Request, states: Sequence[_State]) -> None:
    missing = len(set(request.objids)) - len(states)
    if missing:
        raise ActionRefusedError("not_found", f"{missing} of the objects are not in this project.")
    if request.kind == "relabel":
        query = select(Taxon.id).where(Taxon.id == request.taxon_id)
        if request.taxon_id is None or connection.execute(query).first() is None:
            raise ActionRefusedError("taxon", "Relabel needs the taxon_id of a taxon that exists.")
    if request.kind == "validate":
        bare = sum(state.taxon_id is None for state in states)
        if bare:
            raise ActionRefusedError(
                "no_taxon", f"{bare} of the objects have no taxon: relabel them."
            )


def _states(connection: Connection, project_id: int, objids: Iterable[int]) -> list[_State]:
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
        found += [_State(*row) for row in connection.execute(query)]
    return found


def _add_action(
    connection: Connection,
    request: Request,
    asked: bytes,
    target_id: int | None,
    changed: int,
    now_ms: int,
) -> int:
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
    return int(connection.execute(insert(Action).values(values).returning(Action.id)).scalar_one())


def _change(
    connection: Connection,
    project_id: int,
    action_id: int,
    changes: Sequence[tuple[_State, str, int | None]],
    now_ms: int,
    points_at: dict[int, int | None] | None = None,
) -> None:
    """Append the events and set the present states. `points_at` says which event an object's state
    is the outcome of, when that is not the new event (undo and redo)."""
    if not changes:
        return
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
    delta.save(connection)


def undo(
    connection: Connection, project_id: int, user_id: int, key: str, now_ms: int
) -> Outcome | None:
    """Take back this person's latest action in force; None when there is none. The same `key` again
    answers as before."""
    earlier = _earlier_turn(connection, user_id, key)
    if earlier is not None:
        return earlier
    target = _latest(connection, project_id, user_id, undone=False)
    if target is None:
        return None
    events = _events(connection, target.id)
    states = {s.objid: s for s in _states(connection, project_id, events)}
    changes, points_at = [], {}
    for objid, event in events.items():
        state = states.get(objid)
        if state is not None and state.event_id == event.id:
            changes.append((state, event.old_status, event.old_taxon_id))
            points_at[objid] = event.previous_id
    return _turn(connection, "undo", target, changes, points_at, (user_id, key, now_ms))


def redo(
    connection: Connection, project_id: int, user_id: int, key: str, now_ms: int
) -> Outcome | None:
    """Do again what this person took back last; None when there is nothing, or when they did
    something else since. The same `key` again answers as before."""
    earlier = _earlier_turn(connection, user_id, key)
    if earlier is not None:
        return earlier
    target = _latest(connection, project_id, user_id, undone=True)
    if target is None:
        return None
    events = _events(connection, target.id)
    states = {s.objid: s for s in _states(connection, project_id, events)}
    changes, points_at = [], {}
    for objid, event in events.items():
        state = states.get(objid)
        if state is not None and state.event_id == event.previous_id:
            changes.append((state, event.new_status, event.new_taxon_id))
            points_at[objid] = event.id
    return _turn(connection, "redo", target, changes, points_at, (user_id, key, now_ms))


def _earlier_turn(connection: Connection, user_id: int, key: str) -> Outcome | None:
    """What an undo or redo of this key answered before; None when it is new."""
    target = aliased(Action)
    query = (
        select(Action.id, Action.changed, target.kind)
        .join(target, target.id == Action.target_id)
        .where(Action.user_id == user_id, Action.key == key)
    )
    row = connection.execute(query).first()
    return None if row is None else Outcome(row[0], row[1], row[2])


def _turn(
    connection: Connection,
    kind: str,
    target: Any,
    changes: Sequence[tuple[_State, str, int | None]],
    points_at: dict[int, int | None],
    by: tuple[int, str, int],
) -> Outcome:
    user_id, key, now_ms = by
    request = Request(target.project_id, user_id, kind, (), None, key)
    action_id = _add_action(connection, request, b"", target.id, len(changes), now_ms)
    _change(connection, target.project_id, action_id, changes, now_ms, points_at)
    connection.execute(update(Action).where(Action.id == target.id).values(undone=(kind == "undo")))
    return Outcome(action_id, len(changes), target.kind)


def _latest(connection: Connection, project_id: int, user_id: int, *, undone: bool) -> Any:
    """The action that undo (undone=False) or redo (undone=True) turns next.

    Undo takes the newest action in force. Redo takes the oldest one that was undone after it:
    actions undone before the newest one in force are history, as in any editor.
    """
    mine = select(Action.id, Action.project_id, Action.kind).where(
        Action.project_id == project_id, Action.user_id == user_id, Action.kind.in_(KINDS)
    )
    in_force = connection.execute(
        mine.where(~Action.undone).order_by(Action.id.desc()).limit(1)
    ).first()
    if not undone:
        return in_force
    after = in_force.id if in_force is not None else 0
    query = mine.where(Action.undone, Action.id > after).order_by(Action.id).limit(1)
    return connection.execute(query).first()


def _events(connection: Connection, action_id: int) -> dict[int, Any]:
    query = select(
        Event.id,
        Event.objid,
        Event.old_status,
        Event.old_taxon_id,
        Event.new_status,
        Event.new_taxon_id,
        Event.previous_id,
    ).where(Event.action_id == action_id)
    return {row.objid: row for row in connection.execute(query)}


def history(connection: Connection, objid: int) -> list[dict[str, Any]]:
    """Every event of an object, oldest first: what it became, what it was, by whom or which
    release."""
    old, new = aliased(Taxon), aliased(Taxon)
    query = (
        select(
            Event.id.label("event_id"),
            Event.created_ms.label("at_ms"),
            Action.kind.label("action"),
            Action.undone,
            User.name.label("user"),
            Release.release_id.label("release"),
            Event.new_status.label("status"),
            new.display_name.label("taxon"),
            Event.old_status.label("from_status"),
            old.display_name.label("from_taxon"),
            Event.score,
            Event.applied,
        )
        .outerjoin(Action, Action.id == Event.action_id)
        .outerjoin(User, User.id == Action.user_id)
        .outerjoin(Release, Release.no == Event.release_no)
        .outerjoin(old, old.id == Event.old_taxon_id)
        .outerjoin(new, new.id == Event.new_taxon_id)
        .where(Event.objid == objid)
        .order_by(Event.id)
    )
    rows = [dict(row._mapping) for row in connection.execute(query)]
    for row in rows:
        row["score"] = row["score"] if row["status"] == "P" else None
        row["action"] = row["action"] or "predict"
        row["undone"] = bool(row["undone"])
    return rows

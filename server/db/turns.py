"""Undo and redo: going back to the event before, and forth again.

An undo changes an object only where the undone event is still the present one: what somebody else
said since then stays. Each is an action of its own, with events of its own; nothing is deleted.

Example:
    >>> undo(connection, project_id=1, user_id=2, key="...", now_ms=now)
    Outcome(action_id=6, changed=2, kind='validate')
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import aliased

from server.db.changes import Outcome, Request, add_action, change, states_of
from server.db.classify import KINDS, ActionRefusedError
from server.db.tables import Action, Event


def undo(
    connection: Connection, project_id: int, user_id: int, key: str, now_ms: int
) -> Outcome | None:
    """Take back this person's latest action in force; None when there is none. The same `key` again
    answers as before. Raises ActionRefusedError for a key that something else used."""
    return _turn(connection, _UNDO, project_id, user_id, key, now_ms)


def redo(
    connection: Connection, project_id: int, user_id: int, key: str, now_ms: int
) -> Outcome | None:
    """Do again what this person took back last; None when there is nothing, or when they did
    something else since. The same `key` again answers as before."""
    return _turn(connection, _REDO, project_id, user_id, key, now_ms)


@dataclass(frozen=True)
class _Way:
    """Which way an action is turned: an object that shows the event `here` goes to the state `to`,
    and then shows the event `there`."""

    kind: str
    here: str
    there: str
    to: str


_UNDO = _Way("undo", here="id", there="previous_id", to="old")
_REDO = _Way("redo", here="previous_id", there="id", to="new")


def _turn(
    connection: Connection, way: _Way, project_id: int, user_id: int, key: str, now_ms: int
) -> Outcome | None:
    earlier = _earlier_turn(connection, project_id, user_id, way.kind, key)
    if earlier is not None:
        return earlier
    target = _next(connection, way, project_id, user_id)
    if target is None:
        return None
    events = _events(connection, target.id)
    states = {s.objid: s for s in states_of(connection, project_id, events)}
    changes, points_at = [], {}
    for objid, event in events.items():
        state = states.get(objid)
        if state is not None and state.event_id == event[way.here]:
            changes.append((state, event[f"{way.to}_status"], event[f"{way.to}_taxon_id"]))
            points_at[objid] = event[way.there]
    request = Request(project_id, user_id, way.kind, (), None, key)
    action_id = add_action(connection, request, b"", target.id, len(changes), now_ms)
    change(connection, project_id, action_id, changes, now_ms, points_at)
    undone = update(Action).where(Action.id == target.id).values(undone=way is _UNDO)
    connection.execute(undone)
    return Outcome(action_id, len(changes), target.kind)


def _earlier_turn(
    connection: Connection, project_id: int, user_id: int, kind: str, key: str
) -> Outcome | None:
    """What an undo or redo of this key answered before; None when it is new."""
    target = aliased(Action)
    query = (
        select(Action.id, Action.changed, target.kind, Action.project_id, Action.kind)
        .outerjoin(target, target.id == Action.target_id)
        .where(Action.user_id == user_id, Action.key == key)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    if (row[3], row[4]) != (project_id, kind):
        raise ActionRefusedError("key_reused", "This key was used for another action.")
    return Outcome(row[0], row[1], row[2])


def _next(connection: Connection, way: _Way, project_id: int, user_id: int) -> Any:
    """The action that is turned next.

    Undo takes the newest action in force. Redo takes the oldest one that was undone after it:
    actions undone before the newest one in force are history, as in any editor.
    """
    mine = select(Action.id, Action.project_id, Action.kind).where(
        Action.project_id == project_id, Action.user_id == user_id, Action.kind.in_(KINDS)
    )
    in_force = connection.execute(
        mine.where(~Action.undone).order_by(Action.id.desc()).limit(1)
    ).first()
    if way is _UNDO:
        return in_force
    after = in_force.id if in_force is not None else 0
    query = mine.where(Action.undone, Action.id > after).order_by(Action.id).limit(1)
    return connection.execute(query).first()


def _events(connection: Connection, action_id: int) -> dict[int, Mapping[str, Any]]:
    """The action's events by objid."""
    query = select(
        Event.id,
        Event.objid,
        Event.old_status,
        Event.old_taxon_id,
        Event.new_status,
        Event.new_taxon_id,
        Event.previous_id,
    ).where(Event.action_id == action_id)
    return {row.objid: dict(row._mapping) for row in connection.execute(query)}

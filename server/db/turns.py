"""Undo and redo: going back to the event before, and forth again.

An undo changes an object only where the undone event is still the present one: what somebody else
said since then stays. Each is an action of its own, with events of its own; nothing is deleted.

Example:
    >>> undo(connection, project_id=1, user_id=2, key="...", now_ms=now)
    Outcome(action_id=6, changed=2, kind='validate')
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import aliased

from server.db.changes import Outcome, Request, State, add_action, change, states_of
from server.db.classify import KINDS, ActionRefusedError
from server.db.tables import Action, Event


def undo(
    connection: Connection, project_id: int, user_id: int, key: str, now_ms: int
) -> Outcome | None:
    """Take back this person's latest action in force; None when there is none. The same `key` again
    answers as before. Raises ActionRefusedError for a key that something else used."""
    earlier = _earlier_turn(connection, project_id, user_id, "undo", key)
    if earlier is not None:
        return earlier
    target = _latest(connection, project_id, user_id, undone=False)
    if target is None:
        return None
    events = _events(connection, target.id)
    states = {s.objid: s for s in states_of(connection, project_id, events)}
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
    something else since. The same `key` again answers as before. Raises ActionRefusedError."""
    earlier = _earlier_turn(connection, project_id, user_id, "redo", key)
    if earlier is not None:
        return earlier
    target = _latest(connection, project_id, user_id, undone=True)
    if target is None:
        return None
    events = _events(connection, target.id)
    states = {s.objid: s for s in states_of(connection, project_id, events)}
    changes, points_at = [], {}
    for objid, event in events.items():
        state = states.get(objid)
        if state is not None and state.event_id == event.previous_id:
            changes.append((state, event.new_status, event.new_taxon_id))
            points_at[objid] = event.id
    return _turn(connection, "redo", target, changes, points_at, (user_id, key, now_ms))


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


def _turn(
    connection: Connection,
    kind: str,
    target: Any,
    changes: Sequence[tuple[State, str, int | None]],
    points_at: dict[int, int | None],
    by: tuple[int, str, int],
) -> Outcome:
    user_id, key, now_ms = by
    request = Request(target.project_id, user_id, kind, (), None, key)
    action_id = add_action(connection, request, b"", target.id, len(changes), now_ms)
    change(connection, target.project_id, action_id, changes, now_ms, points_at)
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

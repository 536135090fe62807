"""Taking a training's predictions back: each object gets the prediction that it had before.

Invariant: nothing is deleted. An action "unpredict" has an event for each object whose state goes
back; an object on which a person spoke since keeps their word, and only the prediction behind it
goes back. What a later prediction gave stays.

Example:
    >>> take_back(connection, training_id=3, user_id=2, now_ms=now)
    Taken(changed=13228, kept=2)
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.orm import aliased

from server.db.changes import Request, add_action
from server.db.counts import Delta
from server.db.predictions import TrainingInfo
from server.db.tables import Action, Event, Object, ObjectValues, Replaced, Training
from server.db.tables.base import BIG

ACTION = "unpredict"


@dataclass(frozen=True)
class Taken:
    """`changed` objects went back to what they were; of `kept` somebody or another prediction had
    spoken since."""

    changed: int
    kept: int


def take_back(connection: Connection, training: TrainingInfo, user_id: int, now_ms: int) -> Taken:
    """Once: a training that was taken back is left alone."""
    number = training.training_id
    claimed = connection.execute(
        update(Training)
        .where(Training.id == number, Training.undone_ms.is_(None))
        .values(undone_ms=now_ms)
    )
    if not claimed.rowcount:
        return Taken(0, 0)
    _hold(connection, number)
    action = _add_action(connection, training, user_id, now_ms)
    changed = _append_events(connection, training, action, now_ms)
    _count(connection, training.project_id, action)
    _restore_predictions(connection, number)
    _restore_states(connection, action)
    total = select(sa.func.count()).select_from(Replaced).where(Replaced.training_id == number)
    return Taken(changed, int(connection.execute(total).scalar_one()) - changed)


def _hold(connection: Connection, training_id: int) -> None:
    """Nobody changes its objects until the commit."""
    mine = select(Replaced.objid).where(Replaced.training_id == training_id)
    query = select(Object.objid).where(Object.objid.in_(mine)).order_by(Object.objid)
    connection.execute(query.with_for_update()).fetchall()


def _add_action(connection: Connection, training: TrainingInfo, user_id: int, now_ms: int) -> int:
    key = f"{ACTION} {training.training_id}"
    request = Request(training.project_id, user_id, ACTION, (), None, key)
    return add_action(connection, request, b"", None, 0, now_ms)


def _append_events(connection: Connection, training: TrainingInfo, action: int, now_ms: int) -> int:
    """One for each object that shows what the training gave it; how many."""
    given = aliased(Event)
    columns: dict[str, Any] = {
        "objid": Object.objid,
        "action_id": sa.literal(action, BIG),
        "old_status": Object.status,
        "old_taxon_id": Object.taxon_id,
        "new_status": given.old_status,
        "new_taxon_id": given.old_taxon_id,
        "score": Replaced.score,
        "applied": sa.literal(True),
        "previous_id": given.id,
        "created_ms": sa.literal(now_ms, BIG),
    }
    query = (
        select(*columns.values())
        .select_from(Replaced)
        .join(Object, Object.objid == Replaced.objid)
        .join(given, given.id == Replaced.event_id)
        .where(Replaced.training_id == training.training_id, Object.event_id == Replaced.event_id)
        .order_by(Object.objid)
    )
    connection.execute(insert(Event).from_select(list(columns), query))
    mine = select(sa.func.count()).select_from(Event).where(Event.action_id == action)
    changed = int(connection.execute(mine).scalar_one())
    connection.execute(update(Action).where(Action.id == action).values(changed=changed))
    return changed


def _count(connection: Connection, project_id: int, action: int) -> None:
    states = (Event.old_taxon_id, Event.old_status, Event.new_taxon_id, Event.new_status)
    query = select(*states, sa.func.count()).where(Event.action_id == action).group_by(*states)
    delta = Delta()
    for old_taxon, old, new_taxon, new, n in connection.execute(query):
        delta.add(project_id, (old_taxon, old), -n)
        delta.add(project_id, (new_taxon, new), n)
    delta.save(connection)


def _restore_predictions(connection: Connection, training_id: int) -> None:
    """Where no later prediction has come."""
    later = select(Event.id).where(
        Event.objid == Replaced.objid, Event.id > Replaced.event_id, Event.action_id.is_(None)
    )
    mine = (Replaced.training_id == training_id, ~later.exists())
    connection.execute(
        update(ObjectValues)
        .where(ObjectValues.objid == Replaced.objid, *mine)
        .values(top=Replaced.top)
    )
    connection.execute(
        update(Object)
        .where(Object.objid == Replaced.objid, *mine)
        .values(
            pred_taxon_id=Replaced.pred_taxon_id,
            score=Replaced.score,
            release_no=Replaced.release_no,
        )
    )


def _restore_states(connection: Connection, action: int) -> None:
    """What the action's events say; each object points at the event that it pointed at before."""
    back, given = aliased(Event, name="back"), aliased(Event, name="given")
    connection.execute(
        update(Object)
        .where(back.action_id == action, back.objid == Object.objid, given.id == back.previous_id)
        .values(status=back.new_status, taxon_id=back.new_taxon_id, event_id=given.previous_id)
    )

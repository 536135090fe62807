"""A training and what it predicted, written at once: events, present state, best taxa, counts.

Invariant: only objects that are still in a state which a prediction may change are changed; a
person who spoke while the classifier learnt is not overruled. The events say exactly what was
changed, the counts follow from them, and `replaced` keeps what was there before.

Example:
    >>> training = add_training(connection, 1, user_id=2, kind="forest", params={}, report={}, ...)
    >>> write(connection, training, 1, "UP", [(17, 4, 0.93, "[[4, 0.93]]")], now_ms=now)
    1
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table, insert, select, update

from server.db.bulk import insert_rows, next_ids
from server.db.counts import Delta
from server.db.tables import Event, Object, ObjectValues, Replaced, Training
from server.db.tables.base import BIG

PREDICTABLE = "UP"
"""States that no person gave."""
Predicted = tuple[int, int, float, str]
"""(objid, taxon, score, best taxa as `object_values` keeps them)"""

_STAGED = Table(
    "staged_predictions",
    sa.MetaData(),
    sa.Column("event_id", BIG, nullable=False),
    sa.Column("objid", BIG, primary_key=True, autoincrement=False),
    sa.Column("taxon_id", sa.Integer, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("top", sa.Text, nullable=False),
    prefixes=["TEMPORARY"],
)
"""A connection's own, for as long as it writes."""


@dataclass(frozen=True)
class TrainingInfo:
    training_id: int
    project_id: int
    user_id: int
    kind: str
    params: dict[str, Any]
    report: dict[str, Any]
    created_ms: int
    undone_ms: int | None


def add_training(
    connection: Connection,
    project_id: int,
    *,
    user_id: int,
    kind: str,
    params: Mapping[str, Any],
    report: Mapping[str, Any],
    now_ms: int,
) -> int:
    """A new training's number."""
    values = {
        "project_id": project_id,
        "user_id": user_id,
        "kind": kind,
        "params": json.dumps(params),
        "report": json.dumps(report),
        "created_ms": now_ms,
    }
    return int(
        connection.execute(insert(Training).values(values).returning(Training.id)).scalar_one()
    )


def set_report(connection: Connection, training_id: int, report: Mapping[str, Any]) -> None:
    values = {"report": json.dumps(report)}
    connection.execute(update(Training).where(Training.id == training_id).values(values))


def get_training(connection: Connection, training_id: int) -> TrainingInfo | None:
    row = connection.execute(select(Training).where(Training.id == training_id)).first()
    return None if row is None else _info(row)


def trainings(connection: Connection, project_id: int) -> list[TrainingInfo]:
    """A project's, the newest first."""
    query = select(Training).where(Training.project_id == project_id).order_by(Training.id.desc())
    return [_info(row) for row in connection.execute(query)]


def write(
    connection: Connection,
    training_id: int,
    project_id: int,
    statuses: str,
    predicted: Sequence[Predicted],
    now_ms: int,
) -> int:
    """Write predictions of objects, each named once; how many were changed."""
    if not predicted:
        return 0
    _stage(connection, predicted)
    _append_events(connection, training_id, project_id, statuses, now_ms)
    told = select(Event.id).where(Event.id == _STAGED.c.event_id)
    connection.execute(sa.delete(_STAGED).where(~told.exists()))
    _keep_replaced(connection, training_id)
    connection.execute(
        update(Object)
        .where(Object.objid == _STAGED.c.objid)
        .values(
            status="P",
            taxon_id=_STAGED.c.taxon_id,
            pred_taxon_id=_STAGED.c.taxon_id,
            score=_STAGED.c.score,
            release_no=None,
            event_id=_STAGED.c.event_id,
        )
    )
    connection.execute(
        update(ObjectValues).where(ObjectValues.objid == _STAGED.c.objid).values(top=_STAGED.c.top)
    )
    changed = _count(connection, project_id)
    _STAGED.drop(connection)
    return changed


def _stage(connection: Connection, predicted: Sequence[Predicted]) -> None:
    """Put the predictions into the staging table, each with the number of its event."""
    _STAGED.create(connection)
    events = next_ids(connection, Event, len(predicted))
    rows = [(event, *one) for event, one in zip(events, predicted, strict=True)]
    insert_rows(connection, _STAGED, ("event_id", "objid", "taxon_id", "score", "top"), rows)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {_STAGED.name}")


def _append_events(
    connection: Connection,
    training_id: int,
    project_id: int,
    statuses: str,
    now_ms: int,
) -> None:
    """One for each object that may be changed; its row is held until the commit."""
    changeable = sorted(set(statuses) & set(PREDICTABLE))
    columns: dict[str, Any] = {
        "id": _STAGED.c.event_id,
        "objid": _STAGED.c.objid,
        "training_id": sa.literal(training_id),
        "old_status": Object.status,
        "old_taxon_id": Object.taxon_id,
        "new_status": sa.literal("P"),
        "new_taxon_id": _STAGED.c.taxon_id,
        "score": _STAGED.c.score,
        "applied": sa.literal(True),
        "previous_id": Object.event_id,
        "created_ms": sa.literal(now_ms, BIG),
    }
    query = (
        select(*columns.values())
        .select_from(_STAGED)
        .join(Object, Object.objid == _STAGED.c.objid)
        .where(Object.project_id == project_id, Object.status.in_(changeable))
        .order_by(_STAGED.c.objid)
        .with_for_update(of=Object)
    )
    connection.execute(insert(Event).from_select(list(columns), query))


def _keep_replaced(connection: Connection, training_id: int) -> None:
    columns: dict[str, Any] = {
        "training_id": sa.literal(training_id),
        "objid": Object.objid,
        "event_id": _STAGED.c.event_id,
        "pred_taxon_id": Object.pred_taxon_id,
        "score": Object.score,
        "release_no": Object.release_no,
        "top": ObjectValues.top,
    }
    query = (
        select(*columns.values())
        .select_from(_STAGED)
        .join(Object, Object.objid == _STAGED.c.objid)
        .join(ObjectValues, ObjectValues.objid == _STAGED.c.objid)
    )
    connection.execute(insert(Replaced).from_select(list(columns), query))


def _count(connection: Connection, project_id: int) -> int:
    """Move the counts as the events say; how many there are."""
    states = (Event.old_taxon_id, Event.old_status, Event.new_taxon_id, Event.new_status)
    query = (
        select(*states, sa.func.count())
        .select_from(_STAGED)
        .join(Event, Event.id == _STAGED.c.event_id)
        .group_by(*states)
    )
    delta, changed = Delta(), 0
    for old_taxon, old, new_taxon, new, n in connection.execute(query):
        delta.add(project_id, (old_taxon, old), -n)
        delta.add(project_id, (new_taxon, new), n)
        changed += n
    delta.save(connection)
    return changed


def _info(row: Any) -> TrainingInfo:
    return TrainingInfo(
        row.id, row.project_id, row.user_id, row.kind,
        json.loads(row.params), json.loads(row.report), row.created_ms, row.undone_ms,
    )  # fmt: skip

"""Measures of an instrument's objects as free columns, soon after they came.

An intake writes measures as the bytes that were sent, which is fast; people ask for `area` by name,
and filter and sort by it. So each object that got measures waits here until it is spread, by the
worker of jobs or by whoever cannot wait. Exact values replace those of the object's record, which
are off by up to 0.2 %.

Invariant: what waits is taken off in the transaction that spreads it.

Example:
    >>> while spread(connection): ...
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from sqlalchemy import Connection, bindparam, delete, func, select, update

from models import brief
from models.measure_table import names_of
from server.db import free
from server.db.bulk import insert_rows
from server.db.dialect import chunks
from server.db.tables import ExactValues, FreeWaiting, Object, ObjectFree, ObjectValues
from server.sun import sunpos

AT_ONCE = 2000
_FREE = ObjectFree.__table__
_Row: TypeAlias = tuple[int, str, list[float | None]]
"""(objid, sunpos, numbers)"""


def await_spreading(connection: Connection, objids: Iterable[int]) -> None:
    """Note that these have new measures."""
    insert_rows(connection, FreeWaiting, ("objid",), [(objid,) for objid in objids])


def is_behind(connection: Connection) -> bool:
    """Whether an object's measures wait to be spread."""
    return connection.execute(select(FreeWaiting.id).limit(1)).first() is not None


def spread(connection: Connection, at_once: int = AT_ONCE) -> int:
    """Spread the measures of some objects that wait; how many. In a write transaction."""
    query = select(FreeWaiting.id, FreeWaiting.objid).order_by(FreeWaiting.id).limit(at_once)
    waiting = connection.execute(query.with_for_update(skip_locked=True)).all()
    objids = sorted({row.objid for row in waiting})
    groups: dict[tuple[int, tuple[str, ...]], list[_Row]] = {}
    for some in chunks(objids):
        for row in connection.execute(_values(some)):
            names, numbers = _measures(row)
            sun = sunpos(row.utc_ms, row.lat_deg, row.lon_deg)
            groups.setdefault((row.project_id, names), []).append((row.objid, sun, numbers))
    for (project_id, names), rows in groups.items():
        _write(connection, project_id, names, rows)
    for some in chunks([row.id for row in waiting]):
        connection.execute(delete(FreeWaiting).where(FreeWaiting.id.in_(some)))
    return len(objids)


def _values(objids: Sequence[int]) -> Any:
    version = func.coalesce(ExactValues.measures_version, ObjectValues.measures_version)
    return (
        select(
            Object.objid,
            Object.project_id,
            Object.utc_ms,
            Object.lat_deg,
            Object.lon_deg,
            version.label("version"),
            ExactValues.measures,
            ObjectValues.brief,
        )
        .join(ObjectValues, ObjectValues.objid == Object.objid)
        .outerjoin(ExactValues, ExactValues.objid == Object.objid)
        .where(Object.objid.in_(objids))
        .order_by(Object.objid)
    )


def _measures(row: Any) -> tuple[tuple[str, ...], list[float | None]]:
    """Names and numbers; not a number is nothing, as in EcoTaxa."""
    if row.measures is None:
        named: Mapping[str, float] = brief.named(row.version, row.brief)
    else:
        values = np.frombuffer(row.measures, "<f4").astype(float).tolist()
        named = dict(zip(names_of(row.version, len(values)), values, strict=False))
    return tuple(named), [None if math.isnan(value) else value for value in named.values()]


def _write(
    connection: Connection, project_id: int, names: tuple[str, ...], rows: Sequence[_Row]
) -> None:
    given = free.give_places(connection, project_id, [(name, "f") for name in names])
    places = tuple(given[name] for name in names)
    there: set[int] = set()
    for some in chunks([objid for objid, _, _ in rows]):
        query = select(_FREE.c.objid).where(_FREE.c.objid.in_(some))
        there.update(connection.execute(query).scalars())
    fresh = [
        (objid, project_id, sun, *numbers) for objid, sun, numbers in rows if objid not in there
    ]
    insert_rows(connection, ObjectFree, ("objid", "project_id", "sunpos", *places), fresh)
    _overwrite(connection, places, [row for row in rows if row[0] in there])


def _overwrite(connection: Connection, places: tuple[str, ...], rows: Sequence[_Row]) -> None:
    """Set the places of objects that have a row; their other columns stay."""
    if not rows:
        return
    values: dict[str, Any] = {place: bindparam(f"v_{place}") for place in places}
    statement = update(ObjectFree).where(_FREE.c.objid == bindparam("at"))
    names = ("at", "sun", *(f"v_{place}" for place in places))
    connection.execute(
        statement.values(sunpos=bindparam("sun"), **values),
        [dict(zip(names, (objid, sun, *numbers), strict=True)) for objid, sun, numbers in rows],
    )

"""Measures of an instrument's objects as free columns, soon after they came.

An intake writes measures as the bytes that were sent, which is fast; people ask for `area` by name,
and filter and sort by it. So each object that got measures waits here until it is spread, by the
worker of jobs or by whoever cannot wait. Exact values replace those of the object's record, which
are off by up to 0.2 %.

Invariant: what waits is taken off in the transaction that spreads it.

Example:
    >>> while spread(connection): ...
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, func, select, update

from models import brief
from models.measure_table import names_of
from server.db import free
from server.db.bulk import insert_rows
from server.db.dialect import chunks
from server.db.hot import Among, Hot
from server.db.tables import ExactValues, FreeWaiting, Object, ObjectFree, ObjectValues
from server.sun import sunpos
from wire.ack import ranges

AT_ONCE = 2000
_RANGE = 100
"""Objects that one row of those that wait stands for, at most."""
_FREE = ObjectFree.__table__
_Row: TypeAlias = tuple[int, str, list[float | None]]
"""(objid, sunpos, numbers)"""


def await_spreading(connection: Connection, objids: Iterable[int]) -> None:
    """Note that these have new measures."""
    insert_rows(connection, FreeWaiting, ("first", "last"), in_ranges(objids))


def in_ranges(objids: Iterable[int]) -> list[tuple[int, int]]:
    """(first, last) of runs of them without a hole, none of more than _RANGE."""
    return [
        (at, min(at + _RANGE - 1, last))
        for first, last in ranges(objids)
        for at in range(first, last + 1, _RANGE)
    ]


def is_behind(connection: Connection) -> bool:
    """Whether an object's measures wait to be spread."""
    return connection.execute(select(FreeWaiting.id).limit(1)).first() is not None


def spread(connection: Connection, at_once: int = AT_ONCE) -> int:
    """Spread the measures of some objects that wait; how many. In a write transaction."""
    waiting = _next_waiting(connection, at_once)
    objids = sorted({one for row in waiting for one in range(row.first, row.last + 1)})
    groups: dict[tuple[int, tuple[str, ...]], list[_Row]] = {}
    for row in map(_Told._make, _TOLD.run(connection, objids=objids)):
        names, numbers = _measures(row)
        sun = sunpos(row.utc_ms, row.lat_deg, row.lon_deg)
        groups.setdefault((row.project_id, names), []).append((row.objid, sun, numbers))
    for (project_id, names), rows in groups.items():
        _write(connection, project_id, names, rows)
    for some in chunks([row.id for row in waiting]):
        connection.execute(delete(FreeWaiting).where(FreeWaiting.id.in_(some)))
    return len(objids)


def _next_waiting(connection: Connection, at_once: int) -> Sequence[Any]:
    """Ranges of about so many objects, the oldest first; they are this transaction's to spread."""
    query = select(FreeWaiting.id, FreeWaiting.first, FreeWaiting.last).order_by(FreeWaiting.id)
    query = query.limit(max(1, at_once // _RANGE)).with_for_update(skip_locked=True)
    found: list[Any] = []
    objects = 0
    while objects < at_once:
        rows = connection.execute(query.where(FreeWaiting.id > (found[-1].id if found else 0)))
        some = rows.all()
        if not some:
            break
        found += some
        objects += sum(row.last - row.first + 1 for row in some)
    return found


class _Told(NamedTuple):
    """What is known of an object."""

    objid: int
    project_id: int
    utc_ms: int | None
    lat_deg: float | None
    lon_deg: float | None
    version: int
    measures: bytes | None
    brief: bytes


_TOLD = Hot(
    select(
        Object.objid,
        Object.project_id,
        Object.utc_ms,
        Object.lat_deg,
        Object.lon_deg,
        func.coalesce(ExactValues.measures_version, ObjectValues.measures_version),
        ExactValues.measures,
        ObjectValues.brief,
    )
    .join(ObjectValues, ObjectValues.objid == Object.objid)
    .outerjoin(ExactValues, ExactValues.objid == Object.objid)
    .where(Among(Object.objid, "objids"))
    .order_by(Object.objid)
)


def _measures(told: _Told) -> tuple[tuple[str, ...], list[float | None]]:
    """Names and numbers; not a number is nothing, as in EcoTaxa."""
    if told.measures is None:
        named = brief.named(told.version, told.brief)
        return tuple(named), _numbers(np.array(list(named.values())))
    values = np.frombuffer(told.measures, "<f4").astype(float)
    return names_of(told.version, len(values)), _numbers(values)


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    missing = np.isnan(values)
    if not missing.any():
        return cast("list[float | None]", values.tolist())
    return [None if nan else value for value, nan in zip(values.tolist(), missing, strict=True)]


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

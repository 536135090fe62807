"""Columns of many rows set at once, as EcoTaxa's `update` routes ask: the same values for all.

Everything is looked at before anything is written: a column that there is not, or a value that does
not fit it, is refused by name. What a person says about classification goes another way
(`classifying`), so that it is kept as an event.

Example:
    >>> update_levels(connection, "sam", project_id=1, ids=[3, 4], updates={"ship": "Tara"})
    2
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from server.db.ecotaxa import dates
from server.db.ecotaxa.levels import LEVELS, in_project, names_above
from server.db.ecotaxa.lists import among
from server.db.free import kind_of, places
from server.db.tables import Object, ObjectFree
from server.sun import sunpos

LONGEST = 250
_FREE: Any = ObjectFree.__table__
_OBJECT: dict[str, tuple[str, float, float]] = {
    "latitude": ("lat_deg", -90, 90),
    "longitude": ("lon_deg", -180, 180),
    "depth_min": ("depth_m", -20_000, 20_000),
    "depth_max": ("depth_max_m", -20_000, 20_000),
}
_FIXED = {"sam": ("orig_id",), "acq": ("orig_id", "instrument"), "prc": ("orig_id",)}


class UpdateError(ValueError):
    """A column or value that cannot be set; the message names it."""


def update_levels(
    connection: Connection,
    level: str,
    project_id: int,
    ids: Sequence[int],
    updates: Mapping[str, Any],
) -> int:
    """Set columns of samples ("sam"), acquisitions or processes; how many rows. Raises
    UpdateError."""
    table = LEVELS[level]
    fixed = {name: _text(name, updates[name]) for name in _FIXED[level] if name in updates}
    free = {name: _text(name, value) for name, value in updates.items() if name not in fixed}
    if "orig_id" in fixed and (not fixed["orig_id"] or len(ids) > 1):
        raise UpdateError("orig_id: expected a text, of one row: it is what tells them apart")
    known = names_above(connection, project_id)[level]
    unknown = sorted(set(free) - set(known))
    if unknown:
        shown = ", ".join([*_FIXED[level], *known])
        raise UpdateError(f"'{unknown[0]}' is no column here; there are {shown}")
    query = in_project(select(table.id, table.free), level, project_id)
    rows = connection.execute(query.where(among(connection, table.id, ids))).all()
    for number, held in rows:
        merged = {**json.loads(held), **free}
        values = {k: v for k, v in merged.items() if v is not None}
        connection.execute(
            update(table).where(table.id == number).values(free=json.dumps(values), **fixed)
        )
    return len(rows)


def update_objects(
    connection: Connection, project_id: int, objids: Sequence[int], updates: Mapping[str, Any]
) -> int:
    """Set columns of objects of one project: positions, depths, date and time, link and free
    columns; how many objects. Raises UpdateError."""
    known = places(connection, project_id)
    plain: dict[str, Any] = {}
    free: dict[str, Any] = {}
    for name, value in updates.items():
        if name in known:
            free[known[name]] = _free_value(name, value, kind_of(known[name]))
        elif name == "object_link":
            free["link"] = _text(name, value, 2000)
        elif name in _OBJECT:
            column, low, high = _OBJECT[name]
            plain[column] = _number(name, value, low, high)
        elif name == "orig_id" and len(set(objids)) == 1 and _text(name, value):
            plain["orig_id"] = _text(name, value)
        elif name not in ("objdate", "objtime"):
            shown = ", ".join(
                [*_OBJECT, "objdate", "objtime", "object_link", "orig_id of one", *known]
            )
            raise UpdateError(f"'{name}' cannot be set; there are {shown}")
    fitting = (among(connection, Object.objid, objids), Object.project_id == project_id)
    mine = list(connection.execute(select(Object.objid).where(*fitting)).scalars())
    if plain:
        connection.execute(update(Object).where(*fitting).values(plain))
    if "objdate" in updates or "objtime" in updates:
        _set_moments(connection, mine, updates)
    if free:
        _set_free(connection, project_id, mine, free)
    if {"objdate", "objtime", "latitude", "longitude"} & set(updates):
        _set_sun(connection, mine)
    return len(mine)


def _set_moments(connection: Connection, objids: Sequence[int], updates: Mapping[str, Any]) -> None:
    """Give objects another day, another time of day, or both; a time alone needs a day."""
    try:
        day = dates.read_day(str(updates["objdate"])) if "objdate" in updates else None
        time = dates.read_time(str(updates["objtime"])) if "objtime" in updates else None
    except ValueError as error:
        raise UpdateError(f"objdate, objtime: {error}: expected YYYY-MM-DD, HH:MM:SS") from error
    query = select(Object.objid, Object.utc_ms, Object.utc_source)
    rows = connection.execute(query.where(among(connection, Object.objid, objids))).all()
    moved = []
    for objid, known, source in rows:
        ms: Any = known
        if day is None and ms is None:
            raise UpdateError(f"objtime: object {objid} has no day: give objdate too")
        begin = day if day is not None else ms - ms % dates.DAY_MS
        timed = time is not None or source not in ("day", "unknown")
        at = time if time is not None else ms % dates.DAY_MS if timed else 0
        moved.append({"at": objid, "ms": begin + at, "source": "table" if timed else "day"})
    statement = update(Object).where(Object.objid == bindparam("at"))
    if moved:
        connection.execute(
            statement.values(utc_ms=bindparam("ms"), utc_source=bindparam("source")), moved
        )


def _set_sun(connection: Connection, objids: Sequence[int]) -> None:
    """The sun's place follows from where and when."""
    query = select(Object.objid, Object.utc_ms, Object.lat_deg, Object.lon_deg, Object.utc_source)
    rows = connection.execute(query.where(among(connection, Object.objid, objids))).all()
    letters: dict[str, list[int]] = {}
    for objid, ms, lat, lon, source in rows:
        letter = sunpos(None if source == "day" else ms, lat, lon)
        letters.setdefault(letter, []).append(objid)
    for letter, those in letters.items():
        chosen = among(connection, _FREE.c.objid, those)
        connection.execute(update(_FREE).where(chosen).values(sunpos=letter))


def _set_free(
    connection: Connection, project_id: int, objids: Sequence[int], values: Mapping[str, Any]
) -> None:
    query = select(_FREE.c.objid).where(among(connection, _FREE.c.objid, objids))
    there = set(connection.execute(query).scalars())
    missing = [objid for objid in objids if objid not in there]
    if missing:
        rows = [{"objid": objid, "project_id": project_id} for objid in missing]
        connection.execute(insert(_FREE), rows)
    statement = update(_FREE).where(among(connection, _FREE.c.objid, objids))
    connection.execute(statement.values(dict(values)))


def _free_value(name: str, value: Any, kind: str) -> Any:
    if kind == "t" or value is None or value == "":
        return _text(name, value)
    return _number(name, value, -math.inf, math.inf)


def _text(name: str, value: Any, longest: int = LONGEST) -> str | None:
    if value is None or value == "":
        return None
    text = str(value)
    if len(text) > longest or "\0" in text:
        raise UpdateError(f"{name}: longer than {longest} characters, or with a NUL in it")
    return text


def _number(name: str, value: Any, low: float, high: float) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise UpdateError(f"{name}: '{str(value)[:80]}': expected a number") from error
    if not low <= number <= high:
        raise UpdateError(f"{name}: {number}: expected {low} to {high}")
    return number

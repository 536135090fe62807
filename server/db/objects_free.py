"""Free columns of objects for the review page: a filter, an order, and values to show.

Rows are sought in `object_free` by its project, then by number, as EcoTaxa's filters do
(`server.db.ecotaxa.sets`); only the columns asked for are read of a page's objects.

Example:
    >>> wanted = FreeFilter("area", low=100, high=None)
    >>> conditions(connection, 1, wanted)
    [object_free.project_id = 1, object_free.n003 >= 100]
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from server.db import free
from server.db.tables import Object, ObjectFree

FREE = ObjectFree.__table__
PREFIX = "free."
"""How a free column is named among the page's orders."""


class ColumnError(ValueError):
    """The free column cannot be used as asked; the message names it."""


@dataclass(frozen=True)
class FreeFilter:
    """A number from `low` to `high`, either may be None; or a text that holds `text`."""

    name: str
    low: float | None = None
    high: float | None = None
    text: str | None = None


def conditions(
    connection: Connection, project_id: int, wanted: FreeFilter
) -> list[ColumnElement[bool]]:
    """On `object_free`. Raises ColumnError."""
    column, kind = _column(connection, project_id, wanted.name)
    found: list[ColumnElement[bool]] = [FREE.c.project_id == project_id]
    if (wanted.text is not None) == (kind == "f"):
        word = "free_text" if kind == "f" else "free_min or free_max"
        held = {"f": "numbers", "t": "texts"}[kind]
        raise ColumnError(f"{word}: the column {wanted.name} holds {held}")
    if wanted.text is not None:
        found.append(column.icontains(wanted.text, autoescape=True))
    if wanted.low is not None:
        found.append(column >= wanted.low)
    if wanted.high is not None:
        found.append(column <= wanted.high)
    return found


def order(connection: Connection, project_id: int, sort: str) -> list[Any]:
    """By a free column, "-" before it downwards; objects without a value come last. Raises
    ColumnError."""
    column, _ = _column(connection, project_id, sort.removeprefix("-").removeprefix(PREFIX))
    down = sort.startswith("-")
    way = column.desc() if down else column.asc()
    return [way.nulls_last(), Object.objid.desc() if down else Object.objid]


def _column(connection: Connection, project_id: int, name: str) -> tuple[Any, str]:
    place = free.places(connection, project_id).get(name)
    if place is None:
        raise ColumnError(f"the objects of this project have no free column {name:.60}")
    return FREE.c[place], free.kind_of(place)


def values(
    connection: Connection, project_id: int, objids: Sequence[int], names: Iterable[str]
) -> dict[int, dict[str, Any]]:
    """The named columns of these objects; names that the project has not are left out."""
    known = free.places(connection, project_id)
    places = {name: known[name] for name in names if name in known}
    if not places or not objids:
        return {}
    columns = [FREE.c[place] for place in places.values()]
    query = select(FREE.c.objid, *columns).where(FREE.c.objid.in_(list(objids)))
    rows = connection.execute(query)
    return {row[0]: dict(zip(places, map(_plain, row[1:]), strict=True)) for row in rows}


def _plain(value: Any) -> Any:
    """As JSON can say it: infinity, which imports keep, is a word."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def everything(connection: Connection, project_id: int, objid: int) -> dict[str, Any]:
    """All free columns of an object that have a value, in the project's order."""
    names = free.places(connection, project_id)
    found = values(connection, project_id, [objid], names).get(objid, {})
    return {name: value for name, value in found.items() if value is not None}

"""Sets of objects as EcoTaxa's API asks for them: a window of those that fit, how many, by status.

The window's numbers are found first, along an index where there is one; wide tables are joined for
those alone. How many fit is taken from the kept counts when taxon and status alone are asked for,
from the window when it shows the end, and counted otherwise: it is always exact.

Example:
    >>> window(scope, Filters({"statusfilter": "V"}), Wanted(("obj.orig_id",), "-fre.area", size=2))
    Window(ids=[(18, 3, 1), (17, 3, 1)], details=[['b'], ['a']], total=812)
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from server.db import counts
from server.db.ecotaxa.fields import FREE, Field, FieldError, joined
from server.db.ecotaxa.filters import Conditions, Filters, Scope
from server.db.tables import Object

_OBJID = Field(Object.objid, nullable=False)
_SCORE = Field(Object.score, nullable=False)
_SCORES = ("obj.classif_score", "obj.classif_auto_score")


@dataclass(frozen=True)
class Wanted:
    """`order` is a field's name, with "-" before it downwards; `size` None: all from `start`."""

    fields: tuple[str, ...] = ()
    order: str | None = None
    start: int = 0
    size: int | None = None


@dataclass(frozen=True)
class Window:
    """`ids` are (object, acquisition, sample); `details` the wanted fields of each."""

    ids: list[tuple[int, int, int]]
    details: list[list[Any]]
    total: int


def window(scope: Scope, filters: Filters, wanted: Wanted) -> Window:
    """Raises FieldError, FilterError."""
    fields = [scope.names.field(name) for name in wanted.fields]
    conditions = filters.conditions(scope)
    key, down = _order(scope, filters, wanted.order)
    keys = _keys(scope, conditions, key, down)
    if _values_come_first(conditions, key, down) and wanted.size:
        found = _window(scope, fields, _values(scope, key), key, down, wanted)
        if len(found) == wanted.size:
            return _told(scope, filters, wanted, fields, found)
    found = _window(scope, fields, keys, key, down, wanted)
    return _told(scope, filters, wanted, fields, found)


def _values_come_first(conditions: Conditions, key: Field, down: bool) -> bool:
    """Whether the objects that have a value in a free column come before all others: they are then
    walked along its index, if it has one, and the others only when the window goes past them."""
    alone = not (conditions.objects or conditions.needs or conditions.free)
    return alone and key.needs == ("free",) and not down


def _values(scope: Scope, key: Field) -> Select[Any]:
    column = key.expression
    return (
        select(FREE.c.objid.label("objid"), column.label("key"))
        .where(FREE.c.project_id == scope.project_id, column.is_not(None))
        .order_by(column, FREE.c.objid)
    )


def _window(
    scope: Scope,
    fields: Sequence[Field],
    keys: Select[Any],
    key: Field,
    down: bool,
    wanted: Wanted,
) -> Sequence[Any]:
    """The rows of the window: three numbers, then the fields."""
    page = keys.limit(wanted.size).offset(wanted.start).subquery()
    query = (
        select(Object.objid, Object.acquisition_id, Object.sample_id)
        .add_columns(*(field.expression for field in fields))
        .select_from(page)
        .join(Object, Object.objid == page.c.objid)
        .order_by(*_sorted(page.c.key, page.c.objid, key, down))
    )
    query = joined(query, [need for field in fields for need in field.needs])
    return scope.connection.execute(query).all()


def _told(
    scope: Scope, filters: Filters, wanted: Wanted, fields: Sequence[Field], rows: Sequence[Any]
) -> Window:
    total = _total(scope, filters, wanted, len(rows))
    return Window([row[:3] for row in rows], _shown(fields, rows), total)


def order_places(scope: Scope, order: str | None) -> list[str]:
    """The free column by which a window is sorted upwards: where an index helps."""
    name = (order or "").removeprefix("fre.")
    return [scope.names.places[name]] if name in scope.names.places else []


def objids(scope: Scope, filters: Filters) -> list[int]:
    """All that fit, by number. Raises FilterError."""
    query = _keys(scope, filters.conditions(scope), _OBJID, False)
    return [objid for objid, _ in scope.connection.execute(query)]


def by_status(scope: Scope, filters: Filters) -> Counter[str]:
    """How many fit, by status. Raises FilterError."""
    kept = _kept(scope, filters)
    if kept is not None:
        return kept
    query = _from(scope, filters.conditions(scope), needs_objects=True)
    query = query.add_columns(Object.status, func.count()).group_by(Object.status)
    return Counter(dict(scope.connection.execute(query).all()))


def total(scope: Scope, filters: Filters) -> int:
    """How many fit. Raises FilterError."""
    kept = _kept(scope, filters)
    if kept is not None:
        return kept.total()
    query = _from(scope, filters.conditions(scope)).add_columns(func.count())
    return int(scope.connection.execute(query).scalar_one())


def _order(scope: Scope, filters: Filters, name: str | None) -> tuple[Field, bool]:
    """What to sort by, and whether downwards. Of predicted objects alone the score is sorted by as
    it is kept, along an index of project and status: it is then never missing."""
    if not name:
        return _OBJID, False
    if name.removeprefix("-") in _SCORES and filters.statuses == ("P",):
        return _SCORE, name.startswith("-")
    down = name.startswith("-")
    field = scope.names.field(name.removeprefix("-"))
    if not field.sorts:
        raise FieldError(f"'{name}': objects are not sorted by this field")
    return field, down


def _keys(scope: Scope, conditions: Conditions, key: Field, down: bool) -> Select[Any]:
    """The numbers of those that fit and what they are sorted by, in order."""
    only_free = key is _OBJID or key.needs == ("free",)
    query = _from(scope, conditions, needs=key.needs, needs_objects=not only_free)
    objid = FREE.c.objid if _free_alone(conditions, needs_objects=not only_free) else Object.objid
    column = objid if key is _OBJID else (key.expression if key.order is None else key.order)
    query = query.add_columns(objid.label("objid"), column.label("key"))
    return query.order_by(*_sorted(column, objid, key, down))


def _sorted(column: Any, objid: Any, key: Field, down: bool) -> list[Any]:
    """Ordered as PostgreSQL does by default and EcoTaxa with it: what is not there counts as the
    largest, of dates of classification as the smallest. The number decides between equals."""
    if key is _OBJID:
        return [objid.desc() if down else objid]
    last = down == key.nulls_small
    way = column.desc() if down else column.asc()
    if key.nullable:
        way = way.nulls_last() if last else way.nulls_first()
    return [way, objid.desc() if down else objid]


def _free_alone(conditions: Conditions, *, needs_objects: bool) -> bool:
    """Whether `object_free` answers by itself."""
    beside = conditions.objects or conditions.needs or needs_objects
    return bool(conditions.free) and not beside


def _from(
    scope: Scope,
    conditions: Conditions,
    *,
    needs: Sequence[str] = (),
    needs_objects: bool = False,
) -> Select[Any]:
    """A query without columns over what fits, with the tables of `needs`."""
    query: Select[Any] = select()
    if _free_alone(conditions, needs_objects=needs_objects):
        return query.select_from(FREE).where(
            FREE.c.project_id == scope.project_id, *conditions.free
        )
    wanted = {*needs, *conditions.needs}
    query = query.select_from(Object).where(Object.project_id == scope.project_id)
    if conditions.free:
        query = query.join(FREE, FREE.c.objid == Object.objid)
        query = query.where(FREE.c.project_id == scope.project_id, *conditions.free)
        wanted.discard("free")
    query = joined(query, tuple(wanted))
    return query.where(*conditions.objects)


def _total(scope: Scope, filters: Filters, wanted: Wanted, found: int) -> int:
    if wanted.size is None and wanted.start == 0:
        return found
    if (wanted.size is None or found < wanted.size) and found:
        return wanted.start + found
    return total(scope, filters)


def _kept(scope: Scope, filters: Filters) -> Counter[str] | None:
    """From the counts that are kept, when they tell; None when they do not."""
    simple = filters.simple()
    if simple is None:
        return None
    taxa, statuses = simple
    kept: Counter[str] = Counter()
    for taxon, numbers in counts.by_taxon(scope.connection, scope.project_id).items():
        if taxa is None or taxon in taxa:
            kept.update(numbers)
    return Counter({s: n for s, n in kept.items() if statuses is None or s in statuses})


def _shown(fields: Sequence[Field], rows: Sequence[Any]) -> list[list[Any]]:
    details = [list(row[3:]) for row in rows]
    for place, field in enumerate(fields):
        if field.show is not None:
            for values in details:
                values[place] = field.show(values[place])
    return details

"""Free columns of objects: which place of `object_free` each name has, and filling them.

Invariant: a name keeps its place for ever; two names of a project never share one. Whoever gives
out places holds the project's row, so two imports at once do not give the same.

Example:
    >>> give_places(connection, project_id=1, columns=[("area", "f"), ("lens", "t")])
    {'area': 'n001', 'lens': 't001'}
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, insert, select

from server.db.tables import Project, ProjectColumn
from server.db.tables.free import NUMBER_COLUMNS, TEXT_COLUMNS

_PLACES = {"f": NUMBER_COLUMNS, "t": TEXT_COLUMNS}


class ColumnsFullError(ValueError):
    """The project has no place for another free column of this kind."""


class KindError(ValueError):
    """The project has a free column of this name and of the other kind."""


def places(connection: Connection, project_id: int) -> dict[str, str]:
    """Place by name, in the order in which the columns came."""
    query = (
        select(ProjectColumn.name, ProjectColumn.place)
        .where(ProjectColumn.project_id == project_id)
        .order_by(ProjectColumn.rank)
    )
    return dict(connection.execute(query).all())


def kind_of(place: str) -> str:
    """ "f" for a number's place, "t" for a text's."""
    return "f" if place.startswith("n") else "t"


def give_places(
    connection: Connection, project_id: int, columns: Iterable[tuple[str, str]]
) -> dict[str, str]:
    """The place of each (name, "f" or "t"), new where it has none; in a write transaction. Raises
    ColumnsFullError, KindError."""
    columns = list(columns)
    known = places(connection, project_id)
    if any(name not in known for name, _ in columns):
        row = select(Project.id).where(Project.id == project_id)
        connection.execute(row.with_for_update(key_share=True))
        known = places(connection, project_id)
    rows, found = [], {}
    for name, kind in columns:
        place = known.get(name)
        if place is None:
            place = _next(known, name, kind)
            rows.append(
                {"project_id": project_id, "name": name, "place": place, "rank": len(known)}
            )
            known[name] = place
        elif kind_of(place) != kind:
            words = {"f": "a number", "t": "text"}
            raise KindError(f"{name}: {words[kind]} here, {words[kind_of(place)]} in the project")
        found[name] = place
    if rows:
        connection.execute(insert(ProjectColumn), rows)
    return found


def _next(known: Mapping[str, str], name: str, kind: str) -> str:
    used = set(known.values())
    for place in _PLACES[kind]:
        if place not in used:
            return place
    words = {"f": "numbers", "t": "texts"}
    raise ColumnsFullError(
        f"{name}: the project has {len(_PLACES[kind])} columns for {words[kind]}"
    )

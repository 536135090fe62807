"""A project's objects for exports, a few thousand at a time, whatever their number.

One query for each part (a sample, an acquisition, a taxon), read as it is produced, so that neither
this program nor the database holds more than a part's keys.

Example:
    >>> for rows in read(connection, selection, ObjectColumns.of(places), [Object.sample_id == 3]):
    ...     for row in rows: ...
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, func, select

from server.db.dialect import chunks
from server.db.ecotaxa import levels
from server.db.ecotaxa.fields import joined
from server.db.ecotaxa.filters import Conditions, Filters, Scope
from server.db.tables import Action, Event, Image, Object, ObjectFree, ObjectValues, Pack
from server.store.packs import Place

ROWS = 2000
"""Objects read at a time."""
FREE: Any = ObjectFree.__table__


@dataclass(frozen=True)
class Selection:
    """Which objects of a project: those that EcoTaxa's filters leave."""

    project_id: int
    conditions: Conditions = field(default_factory=Conditions)

    def narrow(self, query: Any, *, has_free: bool = False) -> Any:
        """The query, of these objects alone; `has_free`: it has their free columns already."""
        needs = set(self.conditions.needs) | ({"free"} if self.conditions.free else set())
        query = joined(query, tuple(needs - {"free"} if has_free else needs))
        return query.where(
            Object.project_id == self.project_id, *self.conditions.objects, *self.conditions.free
        )


@dataclass(frozen=True)
class ImageRow:
    objid: int
    rank: int
    place: Place
    file_name: str
    format: str


def select_objects(
    connection: Connection, project_id: int, user_id: int, filters: Mapping[str, Any]
) -> Selection:
    """The objects that EcoTaxa's filters leave, for who asks. Raises FilterError."""
    scope = Scope(connection, project_id, user_id, levels.names(connection, project_id))
    return Selection(project_id, Filters(filters).conditions(scope))


SAID = (
    Object.objid,
    Object.sample_id,
    Object.acquisition_id,
    Object.process_id,
    Object.orig_id,
    Object.status,
    Object.taxon_id,
    Object.pred_taxon_id,
    Object.score,
    Object.release_no,
    Object.utc_ms,
    Object.utc_source,
    Object.lat_deg,
    Object.lon_deg,
    Object.depth_m,
    func.coalesce(Object.depth_max_m, Object.depth_m).label("depth_max_m"),
    Object.esd_um,
    Object.border,
    Object.temperature_c,
    Object.device_id,
    Object.shuffle,
    ObjectValues.frame,
    FREE.c.sunpos,
    FREE.c.link,
    Event.created_ms.label("said_ms"),
    Action.user_id,
)
"""What a table says of an object besides its free columns."""


def read(
    connection: Connection,
    selection: Selection,
    places: Sequence[str],
    part: Sequence[Any] = (),
) -> Generator[Sequence[Any]]:
    """Rows of SAID and the free columns at `places`, by objid, at most ROWS at a time. To be closed
    by who does not read to the end: PostgreSQL holds a cursor for it."""
    query = (
        select(*SAID, *(FREE.c[place] for place in places))
        .select_from(Object)
        .outerjoin(ObjectValues, ObjectValues.objid == Object.objid)
        .outerjoin(FREE, FREE.c.objid == Object.objid)
        .outerjoin(Event, Event.id == Object.event_id)
        .outerjoin(Action, Action.id == Event.action_id)
        .where(*part)
        .order_by(Object.objid)
    )
    yield from _streamed(connection, selection.narrow(query, has_free=True))


NUMBERS = (
    Object.objid,
    Object.orig_id,
    Object.sample_id,
    Object.acquisition_id,
    Object.process_id,
    Object.taxon_id,
    Object.status,
    Object.depth_m,
    func.coalesce(Object.depth_max_m, Object.depth_m).label("depth_max_m"),
)
"""What summaries need of every object."""
FIXED = {
    "depth_min": Object.depth_m,
    "depth_max": func.coalesce(Object.depth_max_m, Object.depth_m),
    "latitude": Object.lat_deg,
    "longitude": Object.lon_deg,
    "lat": Object.lat_deg,
    "lon": Object.lon_deg,
    "esd_um": Object.esd_um,
    "score": Object.score,
}
"""An object's own columns, as formulas call them."""


def read_numbers(
    connection: Connection, selection: Selection, columns: Mapping[str, str]
) -> Generator[Sequence[Any]]:
    """Rows of NUMBERS and `columns` (a place of a free column, or a name of FIXED), by sample and
    objid. To be closed, as those of `read`."""
    more = [FREE.c[at] if at in FREE.c else FIXED[at] for at in columns.values()]
    query = select(*NUMBERS, *(c.label(f"c{i}") for i, c in enumerate(more))).select_from(Object)
    free = any(at in FREE.c for at in columns.values())
    if free:
        query = query.outerjoin(FREE, FREE.c.objid == Object.objid)
    query = selection.narrow(query, has_free=free)
    yield from _streamed(connection, query.order_by(Object.sample_id, Object.objid))


def _streamed(connection: Connection, query: Any) -> Generator[Sequence[Any]]:
    with connection.execute(query.execution_options(yield_per=ROWS)) as result:
        yield from result.partitions()


def by_status(connection: Connection, selection: Selection) -> dict[str, int]:
    """How many objects there are by status."""
    query = select(Object.status, func.count()).group_by(Object.status)
    return dict(connection.execute(selection.narrow(query)).all())


def samples_of(connection: Connection, selection: Selection) -> set[int]:
    query = select(Object.sample_id).distinct()
    return set(connection.execute(selection.narrow(query)).scalars())


def acquisitions_of(connection: Connection, selection: Selection) -> set[int]:
    query = select(Object.acquisition_id).distinct()
    return set(connection.execute(selection.narrow(query)).scalars())


def statuses_of(connection: Connection, selection: Selection) -> set[tuple[int, int, str]]:
    """(sample, acquisition, status) that there are."""
    columns = (Object.sample_id, Object.acquisition_id, Object.status)
    query = select(*columns).distinct()
    return {(s, a, status) for s, a, status in connection.execute(selection.narrow(query))}


def depths_of(
    connection: Connection, selection: Selection
) -> list[tuple[int, float | None, float | None]]:
    """(sample, shallowest, deepest middle of an object's depths) of each sample."""
    middle = (Object.depth_m + func.coalesce(Object.depth_max_m, Object.depth_m)) / 2
    query = select(Object.sample_id, func.min(middle), func.max(middle)).group_by(Object.sample_id)
    return [(i, low, high) for i, low, high in connection.execute(selection.narrow(query))]


def taxa_of(connection: Connection, selection: Selection) -> set[int | None]:
    query = select(Object.taxon_id).distinct()
    return set(connection.execute(selection.narrow(query)).scalars())


def with_status(selection: Selection, statuses: Sequence[str]) -> Selection:
    """The selection, narrowed to these statuses."""
    conditions = selection.conditions
    narrowed = replace(conditions, objects=[*conditions.objects, Object.status.in_(statuses)])
    return Selection(selection.project_id, narrowed)


def images(connection: Connection, objids: Sequence[int], first: bool) -> dict[int, list[ImageRow]]:
    """The objects' images by object, in the order of their ranks; the first alone if asked."""
    found: dict[int, list[ImageRow]] = {}
    for some in chunks(objids):
        query: Any = (
            select(
                Image.objid, Image.rank, Image.file_name, Image.format,
                Pack.name, Image.offset, Image.length,
            )
            .join(Pack, Pack.id == Image.pack_id)
            .where(Image.objid.in_(some))
            .order_by(Image.objid, Image.rank, Image.id)
        )  # fmt: skip
        for objid, rank, name, format_, pack, offset, length in connection.execute(query):
            row = ImageRow(objid, rank, Place(pack, offset, length), name, format_)
            held = found.setdefault(objid, [])
            if not (first and held):
                held.append(row)
    return found

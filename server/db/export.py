"""A project's objects in order, with everything that is kept of them: what a backup is made from.

Rows come a chunk at a time by (sample, objid), so that a project of any size is written in bounded
memory; what has few rows (samples, people, taxa, actions) is read once.

Example:
    >>> with snapshot(database) as connection:
    ...     for sample in samples(connection, project_id=1):
    ...         for chunk in objects(connection, sample.id, places): ...
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from server.db.dialect import chunks
from server.db.tables import (
    Acquisition,
    Action,
    Device,
    Event,
    ExactValues,
    Image,
    Member,
    Object,
    ObjectFree,
    ObjectValues,
    Pack,
    Process,
    Project,
    ProjectTaxon,
    Release,
    Replaced,
    Sample,
    Taxon,
    Training,
    User,
)
from server.store.packs import Place

ROWS = 2000
"""Objects read at a time."""
OBJECT = (
    "orig_id", "frame_index", "index_in_frame", "bx", "by", "width", "height", "esd_um", "border",
    "boot", "mono_ms", "utc_ms", "utc_source", "lat_deg", "lon_deg", "depth_m", "depth_max_m",
    "temperature_c", "status", "taxon_id", "pred_taxon_id", "score", "release_no", "shuffle",
    "received_ms",
)  # fmt: skip
VALUES = ("release_no", "frame", "measures_version", "brief", "top")
EXACT = ("release_no", "measures_version", "measures", "embedding", "shape")
FREE = ("sunpos", "link")
EVENT = (
    "action_id", "release_no", "training_id", "old_status", "old_taxon_id", "new_status",
    "new_taxon_id", "score", "applied", "previous_id", "created_ms",
)  # fmt: skip
REPLACED = ("training_id", "event_id", "pred_taxon_id", "score", "release_no", "top")
_FREE = ObjectFree.__table__


@dataclass(frozen=True)
class ImageInfo:
    rank: int
    format: str
    file_name: str
    place: Place


@dataclass(frozen=True)
class Chunk:
    """Some objects. A row of `rows` has the attributes objid, acquisition_id, process_id, event_id
    and device, and slices of columns: `Slices` says where."""

    rows: Sequence[Any]
    images: Mapping[int, Sequence[ImageInfo]]
    events: Mapping[int, Sequence[Any]]
    replaced: Mapping[int, Sequence[Any]]


class Slices:
    """Where in a row of `objects` each group of columns stands; `free` has the free ones."""

    def __init__(self, columns: int) -> None:
        at = 5
        bounds = []
        for size in (len(OBJECT), len(VALUES), len(EXACT), len(FREE), columns):
            bounds.append(slice(at, at + size))
            at += size
        self.object, self.values, self.exact, self.kept, self.free = bounds


def project(connection: Connection, project_id: int) -> Any:
    """The project's row; None when there is none."""
    return connection.execute(select(Project).where(Project.id == project_id)).first()


def samples(connection: Connection, project_id: int) -> Sequence[Any]:
    """The project's samples, in the order of their coming, with the instrument's name and id."""
    query = (
        select(
            Sample.id,
            Sample.orig_id,
            Sample.free,
            Sample.created_ms,
            Device.name.label("device"),
            Device.device_id,
        )
        .outerjoin(Device, Device.id == Sample.device_id)
        .where(Sample.project_id == project_id)
        .order_by(Sample.id)
    )
    return connection.execute(query).all()


def acquisitions(connection: Connection, project_id: int) -> Sequence[Any]:
    query = (
        select(Acquisition)
        .join(Sample, Sample.id == Acquisition.sample_id)
        .where(Sample.project_id == project_id)
        .order_by(Acquisition.id)
    )
    return connection.execute(query).all()


def processes(connection: Connection, project_id: int) -> Sequence[Any]:
    query = (
        select(Process)
        .join(Acquisition, Acquisition.id == Process.acquisition_id)
        .join(Sample, Sample.id == Acquisition.sample_id)
        .where(Sample.project_id == project_id)
        .order_by(Process.id)
    )
    return connection.execute(query).all()


def ids_shared(connection: Connection, project_id: int) -> set[str]:
    """Ids of objects that several objects of the project have."""
    query = (
        select(Object.orig_id)
        .where(Object.project_id == project_id)
        .group_by(Object.orig_id)
        .having(func.count() > 1)
    )
    return set(connection.execute(query).scalars())


def has_predictions(connection: Connection, project_id: int) -> bool:
    query = select(Object.objid).where(
        Object.project_id == project_id, Object.pred_taxon_id.is_not(None)
    )
    return connection.execute(query.limit(1)).first() is not None


def objects(connection: Connection, sample_id: int, places: Sequence[str]) -> Iterator[Chunk]:
    """The sample's objects by objid; `places` are the free columns to read."""
    last, query = 0, _query(places)
    while True:
        some = query.where(Object.sample_id == sample_id, Object.objid > last).limit(ROWS)
        rows = connection.execute(some).all()
        if not rows:
            return
        last = rows[-1].objid
        objids = [row.objid for row in rows]
        yield Chunk(
            rows,
            images(connection, objids),
            _by_objid(connection, Event, EVENT, objids),
            _by_objid(connection, Replaced, REPLACED, objids),
        )
        if len(rows) < ROWS:
            return


def _query(places: Sequence[str]) -> Any:
    return (
        select(
            Object.objid,
            Object.acquisition_id,
            Object.process_id,
            Object.event_id,
            Object.device_id.label("device"),
            *(getattr(Object, name) for name in OBJECT),
            *(getattr(ObjectValues, name).label(f"values_{name}") for name in VALUES),
            *(getattr(ExactValues, name).label(f"exact_{name}") for name in EXACT),
            *(_FREE.c[name] for name in (*FREE, *places)),
        )
        .join(ObjectValues, ObjectValues.objid == Object.objid)
        .outerjoin(ExactValues, ExactValues.objid == Object.objid)
        .outerjoin(_FREE, _FREE.c.objid == Object.objid)
        .order_by(Object.objid)
    )


def images(connection: Connection, objids: Sequence[int]) -> dict[int, list[ImageInfo]]:
    """The objects' images, by rank."""
    found: dict[int, list[ImageInfo]] = {}
    for some in chunks(objids):
        query = (
            select(
                Image.objid,
                Image.rank,
                Image.format,
                Image.file_name,
                Pack.name,
                Image.offset,
                Image.length,
            )
            .join(Pack, Pack.id == Image.pack_id)
            .where(Image.objid.in_(some))
            .order_by(Image.objid, Image.rank, Image.id)
        )
        for objid, rank, kind, name, pack, offset, length in connection.execute(query):
            if objid is not None:
                info = ImageInfo(rank, kind, name, Place(pack, offset, length))
                found.setdefault(objid, []).append(info)
    return found


def _by_objid(
    connection: Connection, table: Any, names: Sequence[str], objids: Sequence[int]
) -> dict[int, list[Any]]:
    """(objid, key, columns `names`...) of the rows of each object, in the order of their coming."""
    found: dict[int, list[Any]] = {}
    key = table.id if hasattr(table, "id") else table.training_id.label("key")
    columns = [getattr(table, name) for name in names]
    for some in chunks(objids):
        query = select(table.objid, key, *columns).where(table.objid.in_(some)).order_by(key)
        for row in connection.execute(query):
            found.setdefault(row.objid, []).append(row)
    return found


def actions(connection: Connection, project_id: int) -> Sequence[Any]:
    """All that people did in the project, in its order."""
    query = select(Action).where(Action.project_id == project_id).order_by(Action.id)
    return connection.execute(query).all()


def trainings(connection: Connection, project_id: int) -> Sequence[Any]:
    query = select(Training).where(Training.project_id == project_id).order_by(Training.id)
    return connection.execute(query).all()


def memberships(connection: Connection, project_id: int) -> Sequence[Any]:
    query = select(Member).where(Member.project_id == project_id).order_by(Member.user_id)
    return connection.execute(query).all()


def listed_taxa(connection: Connection, project_id: int) -> list[int]:
    """The project's own list of taxa, in its order."""
    query = select(ProjectTaxon.taxon_id).where(ProjectTaxon.project_id == project_id)
    return list(connection.execute(query.order_by(ProjectTaxon.place)).scalars())


def people(connection: Connection, user_ids: Sequence[int]) -> dict[int, Any]:
    """Users by number, never with the password's hash."""
    query = select(User.id, User.email, User.name, User.organisation)
    found: dict[int, Any] = {}
    for some in chunks(sorted(set(user_ids))):
        found |= {row.id: row for row in connection.execute(query.where(User.id.in_(some)))}
    return found


def taxa(connection: Connection) -> dict[int, Any]:
    """Every taxon by number: a tree is small beside objects."""
    columns = (Taxon.id, Taxon.display_name, Taxon.path, Taxon.aphia_id, Taxon.ecotaxa_id)
    return {row.id: row for row in connection.execute(select(*columns))}


def releases(connection: Connection) -> dict[int, Any]:
    """Every release by number, without its bundle."""
    query = select(Release.no, Release.release_id, Release.name)
    return {row.no: row for row in connection.execute(query)}

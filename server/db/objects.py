"""Objects for the review page: a filtered, sorted page of them, or everything about one.

The page query walks an index (project, taxon, status, score) for as many rows as the page has;
names, images and wide values are joined afterwards for those rows alone.

Example:
    >>> page(connection, 1, Filter(taxon_id=4, status="P"), sort="score", limit=100, offset=0)
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    func,
    join,
    outerjoin,
    select,
    union_all,
)

from server.db import counts, objects_free, taxa
from server.db.dialect import chunks
from server.db.images import PLACE, addresses, version_of
from server.db.objects_free import FREE, FreeFilter
from server.db.tables import (
    Acquisition,
    Device,
    ExactValues,
    Image,
    Object,
    ObjectValues,
    Process,
    Project,
    Release,
    Sample,
)

SORTS = ("score", "-score", "objid", "-objid", "esd_um", "-esd_um", "random")


@dataclass(frozen=True)
class Filter:
    """`taxon_id` 0 means: without a taxon. None: any."""

    taxon_id: int | None = None
    status: str | None = None
    score_min: float | None = None
    score_max: float | None = None
    sample_id: int | None = None
    release: str | None = None
    free: FreeFilter | None = None


def page(
    connection: Connection, project_id: int, wanted: Filter, *, sort: str, limit: int, offset: int
) -> tuple[int, list[dict[str, Any]]]:
    """How many objects fit the filter, and one page of them. Raises ColumnError."""
    conditions = _conditions(connection, project_id, wanted)
    if wanted.free is not None or _is_column(sort):
        order = objects_free.order(connection, project_id, sort) if _is_column(sort) else None
        query: Any = select(Object.objid).select_from(_source(wanted, sort)).where(*conditions)
        query = query.order_by(*(order or _order(sort))).limit(limit).offset(offset)
    else:
        by_score = sort.lstrip("-") == "score" and wanted.status is None
        query = (_by_score if by_score else _sorted)(conditions, sort, limit, offset)
    objids = list(connection.execute(query).scalars())
    shows_end = len(objids) < limit and (objids or not offset)
    total = offset + len(objids) if shows_end else None
    if total is None:
        total = _total(connection, project_id, wanted, conditions)
    return total, _rows(connection, objids)


def _is_column(sort: str) -> bool:
    return sort.removeprefix("-").startswith(objects_free.PREFIX)


def _source(wanted: Filter, sort: str) -> Any:
    """The objects, with their free columns where a filter or the order needs them."""
    if wanted.free is not None:
        return join(Object, FREE, FREE.c.objid == Object.objid)
    if _is_column(sort):
        return outerjoin(Object, FREE, FREE.c.objid == Object.objid)
    return Object


def _total(
    connection: Connection,
    project_id: int,
    wanted: Filter,
    conditions: Sequence[ColumnElement[bool]],
) -> int:
    narrow = (
        wanted.score_min, wanted.score_max, wanted.sample_id, wanted.release, wanted.free,
    )  # fmt: skip
    if all(value is None for value in narrow):
        return counts.total(connection, project_id, wanted.taxon_id, wanted.status)
    query = select(func.count()).select_from(_source(wanted, "")).where(*conditions)
    return int(connection.execute(query).scalar_one())


def _conditions(
    connection: Connection, project_id: int, wanted: Filter
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Object.project_id == project_id]
    if wanted.taxon_id is not None:
        found.append(
            Object.taxon_id == wanted.taxon_id if wanted.taxon_id else Object.taxon_id.is_(None)
        )
    if wanted.status is not None:
        found.append(Object.status == wanted.status)
    if wanted.score_min is not None:
        found.append(Object.score >= wanted.score_min)
    if wanted.score_max is not None:
        found.append(Object.score <= wanted.score_max)
    if wanted.status is None and (wanted.score_min, wanted.score_max) != (None, None):
        found.append(Object.status.in_(tuple("UPDVX")))  # all, said so that an index is walked
    if wanted.sample_id is not None:
        found.append(Object.sample_id == wanted.sample_id)
    if wanted.release is not None:
        query = select(Release.no).where(Release.release_id == wanted.release)
        found.append(Object.release_no == (connection.execute(query).scalar() or 0))
    if wanted.free is not None:
        found += objects_free.conditions(connection, project_id, wanted.free)
    return found


def _order(sort: str) -> list[ColumnElement[Any]]:
    """The sort's columns, ending with objid so that pages never overlap."""
    column: Any = Object.shuffle if sort == "random" else getattr(Object, sort.lstrip("-"))
    columns: list[Any] = [column] if column is Object.objid else [column, Object.objid]
    return [c.desc() for c in columns] if sort.startswith("-") else columns


def _sorted(
    conditions: Sequence[ColumnElement[bool]], sort: str, limit: int, offset: int
) -> Select[int]:
    query = select(Object.objid).where(*conditions).order_by(*_order(sort))
    return query.limit(limit).offset(offset)


def _by_score(
    conditions: Sequence[ColumnElement[bool]], sort: str, limit: int, offset: int
) -> Select[int]:
    """Of any status: the indexes have the score behind the status, so the first of each status are
    taken along them, and the first of those are the page. Five short walks instead of a sort of
    all objects."""
    parts = [
        select(Object.objid, Object.score)
        .where(*conditions, Object.status == status)
        .order_by(*_order(sort))
        .limit(limit + offset)
        .subquery()
        for status in "UPDVX"
    ]
    page = union_all(*(select(part.c.objid, part.c.score) for part in parts)).subquery()
    columns: list[Any] = [page.c.score, page.c.objid]
    order = [c.desc() for c in columns] if sort.startswith("-") else columns
    return select(page.c.objid).order_by(*order).limit(limit).offset(offset)


def _rows(connection: Connection, objids: Sequence[int]) -> list[dict[str, Any]]:
    """Rows as the review page takes them, in the order of `objids`."""
    rows = {row.objid: dict(row._mapping) for row in connection.execute(_wide(objids))}
    pictures = addresses(connection, objids)
    query = select(ExactValues.objid).where(ExactValues.objid.in_(list(objids)))
    exact = set(connection.execute(query).scalars())
    tops = {objid: json.loads(row.pop("top")) for objid, row in rows.items()}
    wanted = {row[name] for row in rows.values() for name in ("taxon_id", "pred_taxon_id")}
    wanted |= {taxon for top in tops.values() for taxon, _ in top}
    infos = taxa.by_id(connection, [taxon for taxon in wanted if taxon is not None])
    names = {taxon: info.display_name for taxon, info in infos.items()}
    for objid, row in rows.items():
        predicted = row.pop("pred_taxon_id")
        row["taxon"] = names.get(row["taxon_id"])
        row["predicted_taxon"] = names.get(predicted)
        row["score"] = None if predicted is None else row["score"]
        row["release"] = row.pop("release_id")
        row["image"] = pictures.get(objid)
        row["esd_um"] = row["esd_um"] or None  # of a table's object it is not known
        from_table = row["device_id"] is None
        row["precision"] = None if from_table else "exact" if objid in exact else "brief"
        row["top"] = [[names.get(taxon), score] for taxon, score in tops[objid]]
    return [rows[objid] for objid in objids if objid in rows]


def _wide(objids: Sequence[int]) -> Select[*tuple[Any, ...]]:
    """The columns of the review page's rows, joined for these objects alone."""
    return (
        select(
            Object.objid,
            Object.orig_id,
            Object.taxon_id,
            Object.pred_taxon_id,
            Object.status,
            Object.score,
            Object.width,
            Object.height,
            Object.esd_um,
            Object.border,
            Object.utc_ms,
            Object.utc_source,
            Object.lat_deg,
            Object.lon_deg,
            Object.depth_m,
            Object.temperature_c,
            Object.frame_index,
            Object.index_in_frame,
            Object.bx,
            Object.by,
            Release.release_id,
            Sample.orig_id.label("sample"),
            Acquisition.pixel_um,
            Acquisition.optical_field,
            Device.device_id,
            Device.name.label("device"),
            ObjectValues.top,
        )
        .join(Sample, Sample.id == Object.sample_id)
        .join(Acquisition, Acquisition.id == Object.acquisition_id)
        .outerjoin(Device, Device.id == Object.device_id)
        .join(ObjectValues, ObjectValues.objid == Object.objid)
        .outerjoin(Release, Release.no == Object.release_no)
        .where(Object.objid.in_(list(objids)))
    )


@dataclass(frozen=True)
class Everything:
    """One object: the row of the review page, what is above it, and its values as stored; the
    exact ones are None until a record brings them."""

    row: dict[str, Any]
    context: dict[str, Any]
    measures_version: int
    measures: bytes | None
    brief: bytes
    images: list[dict[str, Any]]


def get(connection: Connection, objid: int) -> Everything | None:
    """Everything about one object but its history."""
    rows = _rows(connection, [objid])
    if not rows:
        return None
    query = (
        select(
            Object.project_id,
            Project.title.label("project"),
            Sample.orig_id.label("sample"),
            Acquisition.orig_id.label("acquisition"),
            Acquisition.instrument,
            Process.orig_id.label("process"),
            Process.software,
            Process.settings,
            ObjectValues.frame,
            Object.epoch,
            Object.seq,
            Object.received_ms,
            Object.boot,
            Object.mono_ms,
            func.coalesce(ExactValues.measures_version, ObjectValues.measures_version).label(
                "measures_version"
            ),
            ExactValues.measures,
            ObjectValues.brief,
        )
        .join(Project, Project.id == Object.project_id)
        .join(Sample, Sample.id == Object.sample_id)
        .join(Acquisition, Acquisition.id == Object.acquisition_id)
        .join(Process, Process.id == Object.process_id)
        .join(ObjectValues, ObjectValues.objid == Object.objid)
        .outerjoin(ExactValues, ExactValues.objid == Object.objid)
        .where(Object.objid == objid)
    )
    context = dict(connection.execute(query).one()._mapping)
    context["settings"] = json.loads(context["settings"]) if context["settings"] else {}
    version, brief = context.pop("measures_version"), context.pop("brief")
    measures = context.pop("measures")
    images = select(Image.rank, Image.width, Image.height, *PLACE).where(Image.objid == objid)
    listed = [
        {
            "rank": rank,
            "width": width,
            "height": height,
            "image": f"/api/objects/{objid}/image?rank={rank}&v={version_of(*place)}",
        }
        for rank, width, height, *place in connection.execute(images.order_by(Image.rank, Image.id))
    ]
    exact = None if measures is None else bytes(measures)
    return Everything(rows[0], context, version, exact, bytes(brief), listed)


def project_of(connection: Connection, objid: int) -> int | None:
    return connection.execute(select(Object.project_id).where(Object.objid == objid)).scalar()


def of_status(connection: Connection, objids: Sequence[int], status: str) -> set[int]:
    """Those of the objects that have this status now."""
    found: set[int] = set()
    for some in chunks(objids):
        query = select(Object.objid).where(Object.objid.in_(some), Object.status == status)
        found.update(connection.execute(query).scalars())
    return found

"""Samples, acquisitions and processes as EcoTaxa's API shows them.

Example:
    >>> samples(connection, project_ids=[1])[0]["orig_id"]
    'cast1'
"""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, select

from server.db.ecotaxa.lists import among
from server.db.tables import Acquisition, Object, Process, Sample


def samples(
    connection: Connection,
    *,
    project_ids: Collection[int] | None = None,
    sample_ids: Collection[int] | None = None,
) -> list[dict[str, Any]]:
    """Samples as EcoTaxa shows them, by number; where they were is that of their first objects."""
    query = select(
        Sample.id,
        Sample.project_id,
        Sample.orig_id,
        Sample.free,
        _first(Object.lat_deg),
        _first(Object.lon_deg),
    )
    if project_ids is not None:
        query = query.where(among(connection, Sample.project_id, list(project_ids)))
    if sample_ids is not None:
        query = query.where(among(connection, Sample.id, list(sample_ids)))
    return [
        {
            "sampleid": number,
            "projid": project,
            "orig_id": name,
            "latitude": lat,
            "longitude": lon,
            "free_columns": json.loads(free),
        }
        for number, project, name, free, lat, lon in connection.execute(query.order_by(Sample.id))
    ]


def _first(column: Any) -> Any:
    """The column of the sample's first object that has one, read along an index."""
    return (
        select(column)
        .where(Object.sample_id == Sample.id, column.is_not(None))
        .order_by(Object.objid)
        .limit(1)
        .scalar_subquery()
    )


def acquisitions(
    connection: Connection, *, project_id: int | None = None, acquisition_id: int | None = None
) -> list[tuple[int, dict[str, Any]]]:
    """(project, acquisition as EcoTaxa shows it), by number."""
    query = select(
        Sample.project_id,
        Acquisition.id,
        Acquisition.sample_id,
        Acquisition.orig_id,
        Acquisition.instrument,
        Acquisition.free,
    ).join(Sample, Sample.id == Acquisition.sample_id)
    if project_id is not None:
        query = query.where(Sample.project_id == project_id)
    if acquisition_id is not None:
        query = query.where(Acquisition.id == acquisition_id)
    names = ("acquisid", "acq_sample_id", "orig_id", "instrument")
    return [
        (project, {**dict(zip(names, values, strict=True)), "free_columns": json.loads(free)})
        for project, *values, free in connection.execute(query.order_by(Acquisition.id))
    ]


def process(connection: Connection, process_id: int) -> tuple[int, dict[str, Any]] | None:
    """(project, process as EcoTaxa shows it)."""
    query = (
        select(Sample.project_id, Process.id, Process.orig_id, Process.free)
        .join(Acquisition, Acquisition.id == Process.acquisition_id)
        .join(Sample, Sample.id == Acquisition.sample_id)
        .where(Process.id == process_id)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return row[0], {"processid": row[1], "orig_id": row[2], "free_columns": json.loads(row[3])}

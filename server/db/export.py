"""A project's objects in order, with everything that a table of EcoTaxa's says of them.

Rows come a chunk at a time by (sample, objid), so that a project of any size is written in bounded
memory and one state of the database is read throughout.

Example:
    >>> for sample in samples(connection, project_id=1):
    ...     for row in objects(connection, sample.sample_id): ...
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from server.db.tables import (
    Acquisition,
    Action,
    Device,
    Event,
    ExactValues,
    Image,
    Object,
    ObjectValues,
    Pack,
    Process,
    Release,
    Sample,
    Taxon,
    User,
)
from server.store.packs import Place

ROWS = 1000
"""Objects read at a time."""


@dataclass(frozen=True)
class SampleInfo:
    sample_id: int
    orig_id: str
    device: str
    device_id: str


@dataclass(frozen=True)
class ImageInfo:
    objid: int
    rank: int
    place: Place


def samples(connection: Connection, project_id: int) -> list[SampleInfo]:
    """The project's samples, in the order of their coming."""
    query = (
        select(Sample.id, Sample.orig_id, Device.name, Device.device_id)
        .outerjoin(Device, Device.id == Sample.device_id)
        .where(Sample.project_id == project_id)
        .order_by(Sample.id)
    )
    return [SampleInfo(i, name, d or "", e or "") for i, name, d, e in connection.execute(query)]


def acquisitions_shared(connection: Connection, project_id: int) -> set[str]:
    """Ids of acquisitions that several samples of the project have."""
    query = (
        select(Acquisition.orig_id)
        .join(Sample, Sample.id == Acquisition.sample_id)
        .where(Sample.project_id == project_id)
        .group_by(Acquisition.orig_id)
        .having(func.count() > 1)
    )
    return set(connection.execute(query).scalars())


def ids_shared(connection: Connection, project_id: int) -> set[str]:
    """Ids of objects that several objects of the project have."""
    query = (
        select(Object.orig_id)
        .where(Object.project_id == project_id)
        .group_by(Object.orig_id)
        .having(func.count() > 1)
    )
    return set(connection.execute(query).scalars())


def objects(connection: Connection, sample_id: int) -> Iterator[Any]:
    """The sample's objects by objid; each with names, place, prediction, values, and who said what
    it is."""
    last = 0
    while True:
        rows = connection.execute(
            _query().where(Object.sample_id == sample_id, Object.objid > last).limit(ROWS)
        ).all()
        yield from rows
        if len(rows) < ROWS:
            return
        last = rows[-1].objid


def _query() -> Any:
    return (
        select(
            Object.objid,
            Object.orig_id,
            Object.status,
            Object.score,
            Object.esd_um,
            Object.border,
            Object.utc_ms,
            Object.lat_deg,
            Object.lon_deg,
            Object.depth_m,
            Object.temperature_c,
            Object.received_ms,
            Object.pred_taxon_id,
            ObjectValues.frame,
            func.coalesce(ExactValues.measures_version, ObjectValues.measures_version).label(
                "measures_version"
            ),
            ExactValues.measures,
            ObjectValues.brief,
            Taxon.display_name.label("taxon"),
            Release.release_id,
            Event.created_ms.label("said_ms"),
            User.name.label("person"),
            User.email,
            Acquisition.orig_id.label("acquisition"),
            Acquisition.instrument,
            Acquisition.pixel_um,
            Acquisition.optical_field,
            Process.orig_id.label("process"),
            Process.software,
            Process.settings,
        )
        .join(ObjectValues, ObjectValues.objid == Object.objid)
        .outerjoin(ExactValues, ExactValues.objid == Object.objid)
        .join(Acquisition, Acquisition.id == Object.acquisition_id)
        .join(Process, Process.id == Object.process_id)
        .outerjoin(Taxon, Taxon.id == Object.taxon_id)
        .outerjoin(Release, Release.no == Object.release_no)
        .outerjoin(Event, Event.id == Object.event_id)
        .outerjoin(Action, Action.id == Event.action_id)
        .outerjoin(User, User.id == Action.user_id)
        .order_by(Object.objid)
    )


def settings(connection: Connection, sample_id: int) -> list[str]:
    """Names of the settings that the sample's processes tell of, in their order."""
    query = (
        select(Process.settings)
        .join(Acquisition, Acquisition.id == Process.acquisition_id)
        .where(Acquisition.sample_id == sample_id, Process.settings.is_not(None))
        .order_by(Process.id)
    )
    told = (json.loads(text) for text in connection.execute(query).scalars() if text)
    return list(dict.fromkeys(name for one in told for name in one))


def images(connection: Connection, objids: list[int]) -> list[ImageInfo]:
    """The objects' images, by object and rank."""
    query = (
        select(Image.objid, Image.rank, Pack.name, Image.offset, Image.length)
        .join(Pack, Pack.id == Image.pack_id)
        .where(Image.objid.in_(objids))
        .order_by(Image.objid, Image.rank, Image.id)
    )
    return [
        ImageInfo(objid, rank, Place(pack, offset, length))
        for objid, rank, pack, offset, length in connection.execute(query)
        if objid is not None
    ]

"""Samples, acquisitions and processes, made on first sight and completed by context records.

They are scoped by project and device: two instruments whose acquisition is called "1" never
collide.

Example:
    >>> ids = places(connection, project_id=1, device_id=2, names={("cast1", "a1", "p1")},
    now_ms=now)
    >>> ids["cast1", "a1", "p1"].process_id
    9
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection, bindparam, select, update

from server.db.dialect import insert_new
from server.db.hot import Hot
from server.db.memory import learn, recall
from server.db.tables import Acquisition, Process, Sample
from wire.records import Context

Names: TypeAlias = tuple[str, str, str]
"""(sample, acquisition, process) as the instrument calls them."""


@dataclass(frozen=True)
class PlaceIds:
    sample_id: int
    acquisition_id: int
    process_id: int


def places(
    connection: Connection, project_id: int, device_id: int, names: Iterable[Names], now_ms: int
) -> dict[Names, PlaceIds]:
    """The rows of each (sample, acquisition, process), made where they are new."""
    found = {}
    for name in sorted(set(names)):
        known = recall(connection, "place", (project_id, device_id, name))
        found[name] = known or _place(connection, project_id, device_id, name, now_ms)
        learn(connection, "place", (project_id, device_id, name), found[name])
    return found


def _place(
    connection: Connection, project_id: int, device_id: int, names: Names, now_ms: int
) -> PlaceIds:
    sample, acquisition, process = names
    there = _FIND.run(
        connection,
        project_id=project_id,
        device_id=device_id,
        sample=sample,
        acquisition=acquisition,
        process=process,
    ).first()
    if there is not None:
        return PlaceIds(*there)
    sample_key = {"project_id": project_id, "device_id": device_id, "orig_id": sample}
    insert_new(connection, Sample, [{**sample_key, "created_ms": now_ms}], list(sample_key))
    sample_id = connection.execute(select(Sample.id).filter_by(**sample_key)).scalar_one()
    acquisition_key = {"sample_id": sample_id, "orig_id": acquisition}
    insert_new(
        connection, Acquisition, [{**acquisition_key, "created_ms": now_ms}], list(acquisition_key)
    )
    query = select(Acquisition.id).filter_by(**acquisition_key)
    acquisition_id = connection.execute(query).scalar_one()
    process_key = {"acquisition_id": acquisition_id, "orig_id": process}
    insert_new(connection, Process, [{**process_key, "created_ms": now_ms}], list(process_key))
    process_id = connection.execute(select(Process.id).filter_by(**process_key)).scalar_one()
    return PlaceIds(sample_id, acquisition_id, process_id)


_FIND = Hot(
    select(Sample.id, Acquisition.id, Process.id)
    .join(Acquisition, Acquisition.sample_id == Sample.id)
    .join(Process, Process.acquisition_id == Acquisition.id)
    .where(
        Sample.project_id == bindparam("project_id"),
        Sample.device_id == bindparam("device_id"),
        Sample.orig_id == bindparam("sample"),
        Acquisition.orig_id == bindparam("acquisition"),
        Process.orig_id == bindparam("process"),
    )
)


def complete(connection: Connection, place: PlaceIds, context: Context) -> None:
    """Write what a context record says of its acquisition and process."""
    connection.execute(
        update(Acquisition)
        .where(Acquisition.id == place.acquisition_id)
        .values(
            instrument=context.instrument,
            pixel_um=context.pixel_um,
            optical_field=context.optical_field,
        )
    )
    connection.execute(
        update(Process)
        .where(Process.id == place.process_id)
        .values(
            software=context.software,
            measures_version=context.measures_version,
            settings=json.dumps(dict(sorted(context.settings.items()))),
        )
    )

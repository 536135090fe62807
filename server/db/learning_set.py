"""The numbers of many objects for a classifier: what people validated, and what is to be predicted.

A feature is a free column of numbers ("area", EcoTaxa's "fre.area") or one of FIXED
("obj.depth_min"). Each project has its own places for them, so each is asked by its own query.

Invariant: rows come by objid, so that the same question has the same answer on both databases.

Example:
    >>> found = validated(connection, 1, ("area", "mean"), taxa=None, limit=None)
    >>> found.values.shape, found.taxa[:2]
    ((6770, 2), array([7, 7]))
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, func, select

from server.db import free
from server.db.arrays import Arrays, fetch
from server.db.dialect import chunks
from server.db.ecotaxa.fields import FREE, joined
from server.db.ecotaxa.filters import Conditions
from server.db.tables import ExactValues, Object, Release

FIXED: dict[str, Any] = {
    "obj.depth_min": Object.depth_m,
    "obj.depth_max": func.coalesce(Object.depth_max_m, Object.depth_m),
    "obj.latitude": Object.lat_deg,
    "obj.longitude": Object.lon_deg,
}
_WHOLES = (Object.objid, Object.taxon_id, Object.sample_id, Object.acquisition_id)
Int64 = npt.NDArray[np.int64]


class FeatureError(ValueError):
    """A feature that the project does not have as numbers; the message names it."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """`taxa` is 0 where an object has none; `values` float64 [n, features], NaN where missing."""

    objids: Int64
    taxa: Int64
    samples: Int64
    acquisitions: Int64
    frames: Int64
    values: npt.NDArray[np.float64]


def numeric(connection: Connection, project_id: int) -> list[str]:
    """The project's free columns of numbers, in the order in which they came."""
    places = free.places(connection, project_id)
    return [name for name, place in places.items() if free.kind_of(place) == "f"]


def validated(
    connection: Connection,
    project_id: int,
    features: Sequence[str],
    *,
    taxa: Sequence[int] | None,
    limit: int | None,
) -> Numbers:
    """Validated objects, of these taxa if given, at most `limit` of each, drawn evenly. Raises
    FeatureError."""
    columns = _columns(connection, project_id, features)
    conditions = [
        Object.project_id == project_id,
        Object.status == "V",
        Object.taxon_id.is_not(None),
    ]
    if taxa is not None:
        conditions.append(Object.taxon_id.in_(sorted(taxa)))
    if limit is not None:
        turn = func.row_number().over(
            partition_by=Object.taxon_id, order_by=(Object.shuffle, Object.objid)
        )
        drawn = select(Object.objid, turn.label("turn")).where(*conditions).subquery()
        conditions = [Object.objid.in_(select(drawn.c.objid).where(drawn.c.turn <= limit))]
    query = _from(()).where(*conditions).order_by(Object.objid)
    return _numbers(fetch(connection, query, _wholes(), columns))


def to_predict(
    connection: Connection,
    project_id: int,
    features: Sequence[str],
    statuses: str,
    fitting: Conditions,
    *,
    after: int,
    most: int,
) -> Numbers:
    """At most `most` objects of these statuses that fit, from the one after `after` on. Raises
    FeatureError."""
    columns = _columns(connection, project_id, features)
    query = (
        _from(fitting.needs)
        .where(Object.project_id == project_id, Object.status.in_(list(statuses)))
        .where(*fitting.objects, *fitting.free, Object.objid > after)
        .order_by(Object.objid)
        .limit(most)
    )
    return _numbers(fetch(connection, query, _wholes(), columns))


def embeddings(connection: Connection, objids: Sequence[int]) -> tuple[dict[int, bytes], set[str]]:
    """The embedding of each object that has one, and which networks made them."""
    found: dict[int, bytes] = {}
    networks: set[str] = set()
    for some in chunks(objids):
        query = (
            select(ExactValues.objid, ExactValues.embedding, Release.network)
            .join(Release, Release.no == ExactValues.release_no)
            .where(ExactValues.objid.in_(some))
        )
        for objid, embedding, network in connection.execute(query):
            if embedding and network:
                found[objid] = bytes(embedding)
                networks.add(network)
    return found, networks


def _columns(connection: Connection, project_id: int, features: Sequence[str]) -> list[Any]:
    places = free.places(connection, project_id)
    return [_column(project_id, name, places) for name in features]


def _column(project_id: int, name: str, places: dict[str, str]) -> Any:
    if name in FIXED:
        return FIXED[name]
    place = places.get(name.removeprefix("fre."))
    if place is None or free.kind_of(place) != "f":
        what = "holds text" if place else "is no free column"
        known = [name for name, place in places.items() if free.kind_of(place) == "f"]
        there = ", ".join([*known, *FIXED])
        raise FeatureError(f"'{name}' {what} of project {project_id}; its numbers are {there}")
    return FREE.c[place]


def _from(needs: Sequence[str]) -> Select[Any]:
    query: Select[Any] = select().select_from(Object).join(FREE, FREE.c.objid == Object.objid)
    found: Select[Any] = joined(query, [need for need in needs if need != "free"])
    return found


def _wholes() -> list[Any]:
    objid, taxon, *rest = _WHOLES
    return [objid, func.coalesce(taxon, 0), *rest, Object.frame_index]


def _numbers(found: Arrays) -> Numbers:
    objids, taxa, samples, acquisitions, frames = found.wholes.T
    return Numbers(objids, taxa, samples, acquisitions, frames, found.numbers)

"""Embeddings of a project's objects, as far as one network made them: they alone are comparable.

Example:
    >>> one = of_object(connection, objid=9)
    >>> exact(connection, [4, 17], one)
    [(4, b'...'), (17, b'...')]
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, func, select

from server.db.ecotaxa.lists import among
from server.db.tables import ExactValues, Object, Release

AT_ONCE = 20_000


@dataclass(frozen=True)
class Embedded:
    """An object with its embedding, uint16 little-endian, and the network that made it."""

    objid: int
    project_id: int
    network: str
    embedding: bytes


def of_object(connection: Connection, objid: int) -> Embedded | None:
    """None where it has none that is known to be of a network."""
    query = (
        select(Object.objid, Object.project_id, Release.network, ExactValues.embedding)
        .join(ExactValues, ExactValues.objid == Object.objid)
        .join(Release, Release.no == ExactValues.release_no)
        .where(Object.objid == objid, Release.network.is_not(None))
    )
    row = connection.execute(query).first()
    if row is None or not row.embedding:
        return None
    return Embedded(row.objid, row.project_id, row.network, bytes(row.embedding))


def releases_of(connection: Connection, network: str) -> list[int]:
    return list(connection.execute(select(Release.no).where(Release.network == network)).scalars())


def exact(connection: Connection, objids: Sequence[int], like: Embedded) -> list[tuple[int, bytes]]:
    """(objid, embedding) of those that are in the project and of the network of `like`."""
    if not objids:
        return []
    releases = releases_of(connection, like.network)
    query = _of(like.project_id, releases, len(like.embedding))
    rows = connection.execute(query.where(among(connection, ExactValues.objid, objids)))
    return [(objid, bytes(data)) for objid, data in rows]


def after(connection: Connection, objid: int, project_id: int, most: int) -> list[int]:
    """The project's next `most` objects behind `objid`, with or without an embedding."""
    query = select(Object.objid).where(Object.project_id == project_id, Object.objid > objid)
    return list(connection.execute(query.order_by(Object.objid).limit(most)).scalars())


def last(connection: Connection, project_id: int) -> int:
    """The project's newest object; 0 for none."""
    query = select(func.max(Object.objid)).where(Object.project_id == project_id)
    return int(connection.execute(query).scalar() or 0)


def everything(connection: Connection, like: Embedded) -> Iterator[list[tuple[int, bytes]]]:
    """(objid, embedding) of all, by objid, some thousands at a time."""
    done = 0
    while some := after(connection, done, like.project_id, AT_ONCE):
        yield sorted(exact(connection, some, like))
        done = some[-1]


def objids(connection: Connection, like: Embedded) -> Iterator[Sequence[int]]:
    """The objids of all, rising, some ten thousands at a time."""
    releases = releases_of(connection, like.network)
    query = (
        _of(like.project_id, releases, len(like.embedding))
        .with_only_columns(Object.objid)
        .order_by(Object.objid)
    )
    streamed = connection.execution_options(stream_results=True, yield_per=AT_ONCE).execute(query)
    yield from streamed.scalars().partitions(AT_ONCE)


def count(connection: Connection, like: Embedded, most: int) -> int:
    """How many there are, counting no further than `most`."""
    releases = releases_of(connection, like.network)
    some = (
        _of(like.project_id, releases, len(like.embedding))
        .with_only_columns(Object.objid)
        .limit(most)
        .subquery()
    )
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _of(project_id: int, releases: Sequence[int], size: int) -> Select[int, bytes]:
    return (
        select(Object.objid, ExactValues.embedding)
        .join(ExactValues, ExactValues.objid == Object.objid)
        .where(
            Object.project_id == project_id,
            ExactValues.release_no.in_(releases),
            func.length(ExactValues.embedding) == size,
        )
    )

"""Fills a database with many plausible objects, fast: for benchmarks of size alone.

A block of objects is written row by row; the rest are copies of it, made inside the database, with
other ids, samples, times, scores and values. Indexes that are not needed meanwhile are dropped and
built again at the end.

Invariant: what is there afterwards obeys every rule of the shore (`server.db.sound`, the kept
counts); only its content is made up.

Example:
    >>> with without_indexes(connection):
    ...     copy_block(connection, block, copy=1)
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, case, delete, insert, literal, select, text
from sqlalchemy.sql.elements import ColumnElement

from server.db import counts
from server.db.bulk import insert_rows
from server.db.tables import (
    Action,
    Base,
    Count,
    Event,
    Image,
    Object,
    ObjectFree,
    ObjectValues,
    Taxon,
)

DAY_MS = 86_400_000
_FREE = ObjectFree.__table__
_BIG = (Object, ObjectFree, Image, Event)


@dataclass(frozen=True)
class Block:
    """Objects `first` to `first + size`, all of one sample of `acquisitions` acquisitions, with
    `events` events; copy k has its ids k times so much further on. `columns` are the free ones."""

    first: int
    size: int
    acquisitions: int
    events: int
    columns: tuple[str, ...]


@contextmanager
def without_indexes(connection: Connection) -> Iterator[None]:
    """The big tables without the indexes that their keys do not need."""
    indexes = [index for table in _BIG for index in _table(table).indexes]
    for index in indexes:
        index.drop(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
    yield
    for index in indexes:
        index.create(connection)


def _table(table: type[Base]) -> Table:
    found = table.__table__
    assert isinstance(found, Table)
    return found


def copy_block(connection: Connection, block: Block, copy: int, size: int) -> None:
    """Copy the first `size` objects of the block; `copy` counts from 1."""
    for table, changed in (
        (Object, _object(block, copy)),
        (ObjectValues, {"objid": ObjectValues.objid + copy * block.size}),
        (ObjectFree, _free(block, copy)),
        (Image, _image(block, copy)),
        (Event, _event(block, copy)),
    ):
        _copy_rows(connection, table, changed, block, size)


def _copy_rows(
    connection: Connection,
    table: type[Base],
    changed: Mapping[str, ColumnElement[Any]],
    block: Block,
    size: int,
) -> None:
    columns = table.__table__.columns
    names = [column.name for column in columns if column.name in changed or not _generated(column)]
    if table is ObjectFree:
        names = ["objid", "project_id", "sunpos", *block.columns]
    objid = columns["objid"]
    rows = select(*(changed.get(name, columns[name]) for name in names)).where(
        objid >= block.first, objid < block.first + size
    )
    connection.execute(insert(table).from_select(names, rows))


def _generated(column: Any) -> bool:
    return bool(column.primary_key) and column.name == "id"


def _object(block: Block, copy: int) -> dict[str, ColumnElement[Any]]:
    far = copy * block.size
    turn = copy * 0.6180339887 % 1
    score = Object.score + turn * 0.9
    return {
        "objid": Object.objid + far,
        "seq": Object.seq + far,
        "orig_id": Object.orig_id + literal(f"_{copy}"),
        "sample_id": Object.sample_id + copy,
        "acquisition_id": Object.acquisition_id + copy * block.acquisitions,
        "process_id": Object.process_id + copy * block.acquisitions,
        "utc_ms": Object.utc_ms + copy * 3 * DAY_MS,
        "lat_deg": Object.lat_deg + (copy % 60) * 0.25,
        "lon_deg": Object.lon_deg + (copy % 100) * 0.5,
        "depth_m": Object.depth_m + copy % 37,
        "esd_um": Object.esd_um * (0.95 + 0.1 * turn),
        "score": _wrapped(Object.score, score),
        "event_id": Object.event_id + copy * block.events,
        "shuffle": (Object.shuffle + copy * 2_654_435_761 % 2**32) % 2**32,
    }


def _wrapped(old: Any, new: Any) -> ColumnElement[Any]:
    """A score that stays within 0 to 1; 0 stays 0, which is no prediction."""
    return case((old == 0, old), (new > 1, new - 0.95), else_=new)


def _free(block: Block, copy: int) -> dict[str, ColumnElement[Any]]:
    turn = 0.8 + 0.4 * (copy * 0.4142135 % 1)
    found: dict[str, ColumnElement[Any]] = {"objid": _FREE.c.objid + copy * block.size}
    return found | {name: _FREE.c[name] * turn for name in block.columns}


def _image(block: Block, copy: int) -> dict[str, ColumnElement[Any]]:
    far = copy * block.size
    return {"objid": Image.objid + far, "object_seq": Image.object_seq + far}


def _event(block: Block, copy: int) -> dict[str, ColumnElement[Any]]:
    return {
        "id": Event.id + copy * block.events,
        "objid": Event.objid + copy * block.size,
        "created_ms": Event.created_ms + copy * 60_000,
    }


def taxon_ids(connection: Connection) -> list[int]:
    return list(connection.execute(select(Taxon.id).order_by(Taxon.id)).scalars())


def add_action(connection: Connection, project_id: int, changed: int, now_ms: int) -> int:
    """An action of the administrator's to which made-up events belong."""
    values = {
        "project_id": project_id, "user_id": 1, "kind": "import", "key": f"bench-{project_id}",
        "request_hash": bytes(32), "undone": False, "changed": changed, "created_ms": now_ms,
    }  # fmt: skip
    return int(connection.execute(insert(Action).values(values).returning(Action.id)).scalar_one())


def count_all(connection: Connection) -> None:
    """Set the kept counts to what is there."""
    found = counts.recount(connection)
    rows = [(p, t, s, 0, n) for (p, t, s), n in sorted(found.items())]
    connection.execute(delete(Count))
    insert_rows(connection, Count, ("project_id", "taxon_id", "status", "shard", "n"), rows)


def raise_sequences(connection: Connection, tables: Sequence[type[Base]]) -> None:
    """Let PostgreSQL go on behind the ids that were written by hand."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        [key] = table.__table__.primary_key
        name, column = table.__tablename__, key.name
        connection.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{name}', '{column}'), "  # noqa: S608 # ours
                f"(SELECT coalesce(max({column}), 0) + 1 FROM {name}), false)"
            )
        )


def settle(connection: Connection) -> None:
    """Statistics and visibility as autovacuum would have them; outside of a transaction."""
    words = "VACUUM (ANALYZE)" if connection.dialect.name == "postgresql" else "ANALYZE"
    connection.exec_driver_sql(words)

"""Exact values of objects, from whichever record brings them, before or after the object's own.

Invariant: what came first stays. Only a later release that saw the object again replaces it, as
long as its prediction is the one that counts: the embedding then belongs to the prediction.

Example:
    >>> add(connection, [(Teller(objid=9, release_no=1, news=True), vignette)])
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from server.db.bulk import insert_rows
from server.db.dialect import chunks, insert_new
from server.db.incoming import Source, Teller
from server.db.spreading import await_spreading
from server.db.tables import ExactValues, Object, WaitingValues
from wire.records import ObjectBody, Vignette

_WIDE = ("measures_version", "measures", "embedding", "shape")
_COLUMNS = ("objid", "release_no", *_WIDE)


def has_values(body: ObjectBody | Vignette) -> bool:
    return bool(body.measures or body.embedding or body.shape)


def add(connection: Connection, told: Sequence[tuple[Teller, Any]]) -> None:
    """Keep the values of (whose they are, a body or row with the fields of ExactValues)."""
    fresh: dict[int, tuple[Any, ...]] = {}
    for teller, body in told:
        if teller.again:
            _give_way(connection, teller)
        values = (body.measures_version, body.measures, body.embedding, body.shape)
        fresh.setdefault(teller.objid, (teller.objid, teller.release_no, *values))
    old = sorted({teller.objid for teller, _ in told if not teller.news})
    for some in chunks(old):
        query = select(ExactValues.objid).where(ExactValues.objid.in_(some))
        for objid in connection.execute(query).scalars():
            del fresh[objid]
    insert_rows(connection, ExactValues, _COLUMNS, list(fresh.values()))
    await_spreading(connection, [t.objid for t, _ in told if not t.news and t.objid in fresh])


def _give_way(connection: Connection, teller: Teller) -> None:
    """Take away the values of another release when this one's prediction is the object's."""
    predicts = select(Object.objid).where(
        Object.objid == teller.objid, Object.release_no == teller.release_no
    )
    other = ExactValues.release_no.is_distinct_from(teller.release_no)
    connection.execute(delete(ExactValues).where(ExactValues.objid.in_(predicts), other))


def wait(connection: Connection, source: Source, vignettes: Sequence[Vignette]) -> None:
    """Keep values whose object's record has not come."""
    rows = [
        {
            "device_id": source.device_id,
            "epoch": source.epoch,
            "object_seq": vignette.object_seq,
            **{name: getattr(vignette, name) for name in _WIDE},
        }
        for vignette in vignettes
    ]
    insert_new(connection, WaitingValues, rows, ("device_id", "epoch", "object_seq"))


def claim(connection: Connection, source: Source, tellers: Mapping[int, Teller]) -> None:
    """Give the values that wait for the records `tellers`, by seq, to their objects."""
    for some in chunks(sorted(tellers)):
        waiting = (
            (WaitingValues.device_id == source.device_id)
            & (WaitingValues.epoch == source.epoch)
            & WaitingValues.object_seq.in_(some)
        )
        rows = connection.execute(select(WaitingValues).where(waiting)).all()
        if rows:
            add(connection, [(tellers[row.object_seq]._replace(news=False), row) for row in rows])
            connection.execute(delete(WaitingValues).where(waiting))

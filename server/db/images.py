"""Vignettes: rows that say where in a pack an image lies, and which object it shows.

A vignette may come before its object; its row then waits without one.

Example:
    >>> add_vignettes(connection, source, [(vignette, place)], now_ms=now)
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, insert, select, update

from server.db.dialect import chunks, insert_new
from server.db.incoming import Source
from server.db.tables import Image, Object, Pack, Sighting
from server.store.packs import Place
from wire.records import Vignette


def images_known(
    connection: Connection, source: Source, keys: Iterable[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Those (object_seq, rank) that have an image."""
    wanted = set(keys)
    found: set[tuple[int, int]] = set()
    for some in chunks(sorted({seq for seq, _ in wanted})):
        query = select(Image.object_seq, Image.rank).where(
            Image.device_id == source.device_id,
            Image.epoch == source.epoch,
            Image.object_seq.in_(some),
        )
        found.update((seq, rank) for seq, rank in connection.execute(query))
    return found & wanted


def add_vignettes(
    connection: Connection,
    source: Source,
    vignettes: Sequence[tuple[Vignette, Place]],
    now_ms: int,
) -> None:
    """Insert images whose bytes lie at their place already; an image may wait for its object."""
    if not vignettes:
        return
    packs = _pack_ids(connection, {place.pack for _, place in vignettes}, now_ms)
    objids = _objids_or_sightings(connection, source, [v.object_seq for v, _ in vignettes])
    connection.execute(
        insert(Image),
        [
            {
                "objid": objids.get(vignette.object_seq),
                "device_id": source.device_id,
                "epoch": source.epoch,
                "object_seq": vignette.object_seq,
                "rank": vignette.rank,
                "width": vignette.width,
                "height": vignette.height,
                "pack_id": packs[place.pack],
                "offset": place.offset,
                "length": place.length,
            }
            for vignette, place in vignettes
        ],
    )


def join_waiting(connection: Connection, source: Source, objids: dict[int, int]) -> None:
    """Give their object to vignettes that came before it."""
    for some in chunks(sorted(objids)):
        query = select(Image.id, Image.object_seq).where(
            Image.device_id == source.device_id,
            Image.epoch == source.epoch,
            Image.object_seq.in_(some),
            Image.objid.is_(None),
        )
        for image, seq in connection.execute(query).all():
            connection.execute(update(Image).where(Image.id == image).values(objid=objids[seq]))


def _objids_or_sightings(
    connection: Connection, source: Source, seqs: Sequence[int]
) -> dict[int, int]:
    found = objids_of(connection, source, seqs)
    for some in chunks([seq for seq in seqs if seq not in found]):
        query = select(Sighting.seq, Sighting.objid).where(
            Sighting.device_id == source.device_id,
            Sighting.epoch == source.epoch,
            Sighting.seq.in_(some),
        )
        found.update(connection.execute(query).all())
    return found


def objids_of(connection: Connection, source: Source, seqs: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for some in chunks(seqs):
        query = select(Object.seq, Object.objid).where(
            Object.device_id == source.device_id,
            Object.epoch == source.epoch,
            Object.seq.in_(some),
        )
        found.update(connection.execute(query).all())
    return found


def _pack_ids(connection: Connection, names: set[str], now_ms: int) -> dict[str, int]:
    rows = [{"name": name, "created_ms": now_ms} for name in sorted(names)]
    insert_new(connection, Pack, rows, ("name",))
    query = select(Pack.name, Pack.id).where(Pack.name.in_(sorted(names)))
    return dict(connection.execute(query).all())


def image_place(connection: Connection, objid: int, rank: int) -> Place | None:
    """Where an object's image lies; of several of a rank the first that came."""
    query = (
        select(Pack.name, Image.offset, Image.length)
        .join(Pack, Pack.id == Image.pack_id)
        .where(Image.objid == objid, Image.rank == rank)
        .order_by(Image.id)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Place(row[0], row[1], row[2])

"""Vignettes: rows that say where in a pack an image lies, and which object it shows.

A vignette may come before its object; its row then waits without one.

Example:
    >>> add_vignettes(connection, source, [(vignette, place)], tellers={}, now_ms=now)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from server.db import values
from server.db.bulk import insert_rows
from server.db.dialect import chunks, insert_new
from server.db.hot import Among, Hot, each
from server.db.incoming import Source, Teller
from server.db.memory import learn, recall
from server.db.tables import Image, Object, ObjectValues, Pack, Sighting
from server.store.packs import Place
from wire.records import Vignette

_COLUMNS = (
    "objid", "device_id", "epoch", "object_seq", "rank", "width", "height",
    "pack_id", "offset", "length",
)  # fmt: skip
_HERE = (Image.device_id == bindparam("device_id")) & (Image.epoch == bindparam("epoch"))
_KNOWN = each((Image.object_seq, Image.rank), _HERE, Image.object_seq, "seqs")
_WAITING = each(
    (Image.id, Image.object_seq), _HERE & Image.objid.is_(None), Image.object_seq, "seqs"
)
_PACKS = Hot(select(Pack.name, Pack.id).where(Among(Pack.name, "names")))


def images_known(
    connection: Connection, source: Source, keys: Iterable[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Those (object_seq, rank) that have an image."""
    wanted = set(keys)
    seqs = sorted({seq for seq, _ in wanted})
    found = _KNOWN.run(connection, device_id=source.device_id, epoch=source.epoch, seqs=seqs)
    return wanted & {(seq, rank) for seq, rank in found}


def add_vignettes(
    connection: Connection,
    source: Source,
    vignettes: Sequence[tuple[Vignette, Place]],
    tellers: Mapping[int, Teller],
    now_ms: int,
) -> None:
    """Insert images whose bytes lie at their place already, and the exact values that came with
    them; both may wait for their object. `tellers` are those of this batch, by seq."""
    if not vignettes:
        return
    packs = pack_ids(connection, {place.pack for _, place in vignettes}, now_ms)
    absent = sorted({v.object_seq for v, _ in vignettes} - tellers.keys())
    of = {**tellers, **tellers_of(connection, source, absent)}
    insert_rows(
        connection,
        Image,
        _COLUMNS,
        [
            (
                of[vignette.object_seq].objid if vignette.object_seq in of else None,
                source.device_id, source.epoch, vignette.object_seq,
                vignette.rank, vignette.width, vignette.height,
                packs[place.pack], place.offset, place.length,
            )
            for vignette, place in vignettes
        ],
    )  # fmt: skip
    with_values = [vignette for vignette, _ in vignettes if values.has_values(vignette)]
    values.add(connection, [(of[v.object_seq], v) for v in with_values if v.object_seq in of])
    values.wait(connection, source, [v for v in with_values if v.object_seq not in of])


def replace_image(
    connection: Connection,
    source: Source,
    object_seq: int,
    size: tuple[int, int],
    place: Place,
    now_ms: int,
) -> None:
    """Make the bytes at `place`, `size` wide and high, the object's first image: in the place of
    the smaller one that came with its record, or as the first that comes."""
    width, height = size
    pack = pack_ids(connection, {place.pack}, now_ms)[place.pack]
    where = {"pack_id": pack, "offset": place.offset, "length": place.length}
    done = connection.execute(
        update(Image)
        .where(
            Image.device_id == source.device_id,
            Image.epoch == source.epoch,
            Image.object_seq == object_seq,
            Image.rank == 0,
        )
        .values(width=width, height=height, **where)
    )
    if not done.rowcount:
        vignette = Vignette(object_seq, 0, "png", width, height, b"")
        add_vignettes(connection, source, [(vignette, place)], {}, now_ms)


def join_waiting(connection: Connection, source: Source, tellers: Mapping[int, Teller]) -> None:
    """Give their object to vignettes, and values, that came before its record."""
    here = {"device_id": source.device_id, "epoch": source.epoch}
    waiting = _WAITING.run(connection, **here, seqs=sorted(tellers)).all()
    for image, seq in waiting:
        statement = update(Image).where(Image.id == image)
        connection.execute(statement.values(objid=tellers[seq].objid))
    values.claim(connection, source, {seq: tellers[seq] for _, seq in waiting})


def tellers_of(connection: Connection, source: Source, seqs: Sequence[int]) -> dict[int, Teller]:
    """Whom the records of these seqs tell of, where they are here already."""
    found: dict[int, Teller] = {}
    for some in chunks(seqs):
        query = (
            select(Object.seq, Object.objid, ObjectValues.release_no)
            .join(ObjectValues, ObjectValues.objid == Object.objid)
            .where(
                Object.device_id == source.device_id,
                Object.epoch == source.epoch,
                Object.seq.in_(some),
            )
        )
        for seq, objid, release_no in connection.execute(query):
            found[seq] = Teller(objid, release_no)
    for some in chunks([seq for seq in seqs if seq not in found]):
        again = select(Sighting.seq, Sighting.objid, Sighting.release_no).where(
            Sighting.device_id == source.device_id,
            Sighting.epoch == source.epoch,
            Sighting.seq.in_(some),
        )
        for seq, objid, release_no in connection.execute(again):
            found[seq] = Teller(objid, release_no, again=True)
    return found


def pack_ids(connection: Connection, names: set[str], now_ms: int) -> dict[str, int]:
    known = {name: recall(connection, "pack", name) for name in names}
    if None not in known.values():
        return known
    found = _PACKS.pairs(connection, names=sorted(names))
    rows = [{"name": name, "created_ms": now_ms} for name in sorted(names - found.keys())]
    if rows:
        insert_new(connection, Pack, rows, ("name",))
        found = _PACKS.pairs(connection, names=sorted(names))
    for name, pack_id in found.items():
        learn(connection, "pack", name, pack_id)
    return found


@dataclass(frozen=True)
class Shown:
    """An image of an object: where it lies, Pillow's name of its format, how it was called;
    `version` is another one when other bytes take its place."""

    place: Place
    format: str
    file_name: str
    version: str


PLACE = (Image.pack_id, Image.offset)


def version_of(pack_id: int, offset: int) -> str:
    """A pack is only ever appended to, so a place in it has the same bytes for ever."""
    return f"{pack_id}.{offset}"


def addresses(connection: Connection, objids: Sequence[int]) -> dict[int, str]:
    """The address of the first image of each of these objects that has one. It names the version,
    so that a browser may keep what it got, and a larger image that comes later is seen."""
    query = select(Image.objid, *PLACE).where(Image.objid.in_(list(objids)))
    found: dict[int, str] = {}
    rows = connection.execute(query.order_by(Image.objid, Image.rank, Image.id))
    for objid, *place in rows:
        if objid is not None and objid not in found:
            found[objid] = f"/api/objects/{objid}/image?v={version_of(*place)}"
    return found


def image(connection: Connection, objid: int, rank: int | None = None) -> Shown | None:
    """An object's image of this rank, else the first one; of several of a rank the one that came
    first."""
    query = (
        select(Pack.name, Image.offset, Image.length, Image.format, Image.file_name, Image.pack_id)
        .join(Pack, Pack.id == Image.pack_id)
        .where(Image.objid == objid)
        .order_by(Image.rank, Image.id)
        .limit(1)
    )
    if rank is not None:
        query = query.where(Image.rank == rank)
    row = connection.execute(query).first()
    if row is None:
        return None
    version = version_of(row.pack_id, row.offset)
    return Shown(Place(*row[:3]), row.format, row.file_name, version)


def first_places(connection: Connection, objids: Sequence[int]) -> list[Place]:
    """Where the images lie that a page of these objects shows."""
    query = (
        select(Pack.name, Image.offset, Image.length)
        .join(Pack, Pack.id == Image.pack_id)
        .where(Image.objid.in_(list(objids)), Image.rank == 0)
    )
    return [Place(*row) for row in connection.execute(query)]

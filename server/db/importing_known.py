"""Which objects of an import are there already: by sample and id, and their pictures.

Objects of a sample are looked up once, when the sample is first met, before this import makes any;
those that it makes are known apart, for their rows may stand in several places.

Example:
    >>> known = Known(connection)
    >>> known.objids([(sample_id, "o1"), (sample_id, "o2")])
    {(4, 'o1'): 17}
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from server.db.dialect import chunks
from server.db.tables import Image, Object, Pack
from server.store.packs import Place


class ImageThere(NamedTuple):
    """A picture that an object has."""

    rank: int
    file_name: str
    place: Place


class Known:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._samples: dict[int, dict[str, int]] = {}
        self.made: dict[tuple[int, str], int] = {}
        """Those that this import made, by sample and key."""

    def objids(self, keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """The objects of these (sample, id) that were there before."""
        found = {}
        for sample_id, orig_id in keys:
            if sample_id not in self._samples:
                self._samples[sample_id] = self._of_sample(sample_id)
            objid = self._samples[sample_id].get(orig_id)
            if objid is not None:
                found[sample_id, orig_id] = objid
        return found

    def _of_sample(self, sample_id: int) -> dict[str, int]:
        """Of several objects of one id the oldest is meant."""
        query = select(Object.orig_id, Object.objid).where(Object.sample_id == sample_id)
        rows = self._connection.execute(query.order_by(Object.objid.desc())).all()
        return dict(rows)

    def sources(self, objids: Sequence[int]) -> dict[int, tuple[int, int, int]]:
        """(device, epoch, seq) of each object, which its pictures share."""
        found = {}
        for some in chunks(sorted(set(objids))):
            query = select(Object.objid, Object.device_id, Object.epoch, Object.seq)
            for objid, *source in self._connection.execute(query.where(Object.objid.in_(some))):
                found[objid] = (source[0], source[1], source[2])
        return found

    def ranks(self, objids: Sequence[int]) -> dict[int, set[int]]:
        """The ranks that the objects' pictures have."""
        found: dict[int, set[int]] = {}
        for some in chunks(sorted(set(objids))):
            query = select(Image.objid, Image.rank).where(Image.objid.in_(some))
            for objid, rank in self._connection.execute(query):
                if objid is not None:
                    found.setdefault(objid, set()).add(rank)
        return found

    def images(self, objids: Iterable[int]) -> dict[int, list[ImageThere]]:
        """The pictures that these objects have."""
        found: dict[int, list[ImageThere]] = {}
        for some in chunks(sorted(set(objids))):
            query = (
                select(
                    Image.objid, Image.rank, Image.file_name, Pack.name, Image.offset, Image.length
                )
                .join(Pack, Pack.id == Image.pack_id)
                .where(Image.objid.in_(some))
            )
            for objid, rank, name, pack, offset, length in self._connection.execute(query):
                if objid is not None:
                    there = ImageThere(rank, name, Place(pack, offset, length))
                    found.setdefault(objid, []).append(there)
        return found

"""The second of two passes: what was read and checked becomes rows, all of it or nothing.

First the pictures go into packs and the rest beside them into a file, without any lock; then one
transaction writes every row. A crash before its commit leaves bytes in packs that nothing names,
and no row; a run after its commit finds the objects there.

Readers of other formats hand in their batches here (`server.db.imported`).

Example:
    >>> report = load(shore, batches(upload, found), importer, folder=job.folder)
    >>> report.new, report.images
    (20000, 20000)
"""

import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import Connection

from server.db.imported import Batch, Item, Names, Parents, Picture
from server.db.importer import Importer, Report
from server.db.importing import Writing
from server.db.importing_known import ImageThere, Known
from server.db.importing_places import sample_of
from server.db.importing_rows import StoredPicture
from server.shore import Shore
from server.store.packs import PackError, Packs

_PIECE = 8 << 20
"""Bytes of pictures that are held before they go into a pack."""
Told = Callable[[int, int], None]
"""(objects, pictures) that are in packs by now."""
InTransaction = Callable[[Connection, Report], None]


def load(
    shore: Shore,
    batches: Iterable[Batch],
    importer: Callable[[Connection], Importer],
    project_id: int,
    folder: Path,
    *,
    skip_existing: bool = False,
    progress: Told = lambda objects, pictures: None,
    before: InTransaction = lambda connection, report: None,
) -> Report:
    """Write the batches into the project. `importer` is made in the transaction, with what has to
    be made for it; `before` is called there at the end, and may stop it. Raises OSError, DBAPIError
    and what they raise."""
    with _spool(folder) as spool:
        packs = _stage(shore, batches, project_id, spool, skip_existing, progress)
        for pack in packs:
            shore.packs.flush(pack)
        spool.seek(0)
        with shore.database.write() as connection:
            writing = Writing(connection, importer(connection))
            for batch, pictures in _staged(spool):
                writing.write(batch, pictures)
            report = writing.finish()
            before(connection, report)
    return report


@contextmanager
def _spool(folder: Path) -> Iterator[IO[bytes]]:
    """A file that nobody else sees and that goes with this process."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile(dir=folder) as spool:
        yield spool


def _stage(
    shore: Shore,
    batches: Iterable[Batch],
    project_id: int,
    spool: IO[bytes],
    skip_existing: bool,
    progress: Told,
) -> set[str]:
    """Put pictures into packs and the batches into the spool; the packs that were written into."""
    names: set[str] = set()
    objects = pictures = 0
    with shore.database.read() as connection:
        there = _There(connection, shore.packs, project_id)
        for batch in batches:
            there.parents = batch.parents
            if skip_existing:
                batch.items[:] = [item for item in batch.items if there.objid(item) is None]
            stored = _store(shore.packs, batch.items, there)
            names.update(p.place.pack for shown in stored for p in shown if p.place is not None)
            objects += len(batch.items)
            pictures += sum(map(len, stored))
            for item in batch.items:
                item.pictures = []
            pickle.dump((batch, stored), spool, pickle.HIGHEST_PROTOCOL)
            progress(objects, pictures)
    return names


def _staged(spool: IO[bytes]) -> Iterator[tuple[Batch, list[list[StoredPicture]]]]:
    """What was put there; only this process could write it."""
    while True:
        try:
            yield pickle.load(spool)  # noqa: S301 - the file has no name, this process wrote it
        except EOFError:
            return


def _store(packs: Packs, items: Sequence[Item], there: "_There") -> list[list[StoredPicture]]:
    """The items' pictures in packs, but those that their object has."""
    stored: list[list[StoredPicture]] = [[] for _ in items]
    held: list[tuple[int, Picture, bytes]] = []
    size = 0
    known = there.images(items)
    for at, item in enumerate(items):
        old = known[at]
        for picture in item.pictures:
            data = picture.read()
            if old and there.has(old, picture.file_name, data):
                continue
            held.append((at, picture, data))
            size += len(data)
        if size >= _PIECE:
            _write(packs, held, stored)
            held, size = [], 0
    _write(packs, held, stored)
    return stored


def _write(
    packs: Packs, held: Sequence[tuple[int, Picture, bytes]], stored: list[list[StoredPicture]]
) -> None:
    places = packs.write([data for _, _, data in held])
    for (at, picture, _), place in zip(held, places, strict=True):
        stored[at].append(StoredPicture(*picture[:5], place))


class _There:
    """What the project has already, so that its pictures are not kept twice."""

    def __init__(self, connection: Connection, packs: Packs, project_id: int) -> None:
        self._connection = connection
        self._packs = packs
        self._project_id = project_id
        self._known = Known(connection)
        self._samples: dict[str, int | None] = {}
        self.parents: Mapping[Names, Parents] = {}

    def objid(self, item: Item) -> int | None:
        name = item.places[0]
        if name not in self._samples:
            exact = self.parents[item.places].exact
            self._samples[name] = sample_of(self._connection, self._project_id, name, exact)
        sample_id = self._samples[name]
        if sample_id is None:
            return None
        return self._known.objids([(sample_id, item.orig_id)]).get((sample_id, item.orig_id))

    def images(self, items: Sequence[Item]) -> list[Sequence[ImageThere]]:
        """The pictures that the object of each item has."""
        objids = [self.objid(item) for item in items]
        found = self._known.images(objid for objid in objids if objid is not None)
        return [() if objid is None else found.get(objid, ()) for objid in objids]

    def has(self, old: Sequence[ImageThere], file_name: str, data: bytes) -> bool:
        """Whether one of these pictures has this name, or these bytes."""
        return any(
            image.file_name == file_name or self._same(image, data)
            for image in old
            if image.file_name == file_name or image.place.length == len(data)
        )

    def _same(self, image: ImageThere, data: bytes) -> bool:
        try:
            return self._packs.read(image.place) == data
        except PackError:
            return False

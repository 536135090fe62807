"""A project as the zip that EcoTaxa calls a backup: a folder and a table for each sample, images.

Invariant: the file has its name only when all of it is on the disk. The zip is imported whole by
EcoTaxa and by this shore; what had to be mended for that is in `Written.mended`.

Example:
    >>> write_backup(shore.database, shore.packs, project_id=1, path=Path("bay.zip"))
    Written(objects=20000, images=20000, samples=3, mended={})
"""

import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, Self

from sqlalchemy import Connection

from server.db import export
from server.db.engine import Database
from server.db.export import ImageInfo, SampleInfo
from server.ecotaxa.rows import Layout
from server.store.packs import PackError, Packs, sync_folder
from wire.ecotaxa import Column

_TIME = (1980, 1, 1, 0, 0, 0)
_SPOOLED = 32 << 20
"""A longer table goes to the disk while it grows, bytes."""
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Written:
    """`mended`: sentence -> how often."""

    objects: int
    images: int
    samples: int
    mended: dict[str, int]


def write_backup(
    database: Database,
    packs: Packs,
    project_id: int,
    path: Path,
    progress: Progress = lambda objects: None,
) -> Written:
    """Write the project to `path`. Raises OSError, DBAPIError; an older file stays until then."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as stream:
            with zipfile.ZipFile(stream, "w") as archive, database.read() as connection:
                written = _Backup(archive, packs, connection, progress).write(project_id)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)
    return written


class _Backup:
    def __init__(
        self, archive: zipfile.ZipFile, packs: Packs, connection: Connection, progress: Progress
    ) -> None:
        self._archive = archive
        self._packs = packs
        self._connection = connection
        self._progress = progress
        self._objects = self._images = 0

    def write(self, project_id: int) -> Written:
        samples = export.samples(self._connection, project_id)
        layout = Layout.of(
            samples,
            export.acquisitions_shared(self._connection, project_id),
            export.ids_shared(self._connection, project_id),
        )
        for sample in samples:
            self._sample(sample, layout)
        return Written(self._objects, self._images, len(samples), layout.mended)

    def _sample(self, sample: SampleInfo, layout: Layout) -> None:
        """The sample's images as they are read, then its table; what has no image in one of its
        own, which EcoTaxa passes over."""
        stem = f"{sample.sample_id}_{_file_name(layout.sample_names[sample.sample_id])}"
        columns = layout.columns(export.settings(self._connection, sample.sample_id))
        with _Table(columns) as table, _Table(columns) as imageless:
            rows = export.objects(self._connection, sample.sample_id)
            for chunk in _chunks(rows, export.ROWS):
                images = self._by_object([row.objid for row in chunk])
                for row in chunk:
                    cells = layout.row(sample, row)
                    shown = list(self._with_images(stem, cells, images.get(row.objid, []), layout))
                    for line in shown:
                        table.add(line)
                    if not shown:
                        imageless.add(cells)
                        layout.mend("an object without an image is in no_image_*.tsv")
                self._objects += len(chunk)
                self._progress(self._objects)
            table.save(self._archive, f"{stem}/ecotaxa_{stem}.tsv")
            imageless.save(self._archive, f"{stem}/no_image_{stem}.tsv")

    def _with_images(
        self, stem: str, cells: dict[str, str], images: list[ImageInfo], layout: Layout
    ) -> Iterator[dict[str, str]]:
        """A row for each image that can be read."""
        for image in images:
            try:
                data = self._packs.read(image.place)
            except PackError:
                layout.mend("an image that cannot be read was left out")
                continue
            name = f"images/{image.objid}_{image.rank}.png"
            self._archive.writestr(zipfile.ZipInfo(f"{stem}/{name}", _TIME), data)
            self._images += 1
            yield {**cells, "img_file_name": name, "img_rank": str(image.rank)}

    def _by_object(self, objids: list[int]) -> dict[int, list[ImageInfo]]:
        found: dict[int, list[ImageInfo]] = {}
        for image in export.images(self._connection, objids):
            found.setdefault(image.objid, []).append(image)
        return found


class _Table:
    """A table that grows beside the zip, which takes one member at a time."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        kinds = [f"[{column.kind}]" for column in columns]
        self._lines = SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - closed on leaving
        self._head = "\t".join(self._names) + "\n" + "\t".join(kinds) + "\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()

    def add(self, cells: Mapping[str, str]) -> None:
        self._lines.write(("\t".join(cells.get(n, "") for n in self._names) + "\n").encode())

    def save(self, archive: zipfile.ZipFile, name: str) -> None:
        """Into the zip, unless it is empty."""
        if not self._lines.tell():
            return
        self._lines.seek(0)
        member = zipfile.ZipInfo(name, _TIME)
        member.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(member, "w", force_zip64=True) as out:
            out.write(self._head.encode())
            shutil.copyfileobj(self._lines, out, 1 << 20)


def _chunks(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while chunk := list(islice(rows, size)):
        yield chunk


def _file_name(name: str) -> str:
    """A sample's name as part of a file's: EcoTaxa finds lower case only."""
    return re.sub(r"[^a-z0-9._-]+", "_", name.lower()).strip("._")[:80] or "sample"

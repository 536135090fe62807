"""A project as the zip that EcoTaxa calls a backup: a folder and a table for each sample, images.

Invariant: the file has its name only when all of it is on the disk. The zip is imported whole by
EcoTaxa and by this shore; what had to be mended for EcoTaxa is in `Written.mended`, and stands as
it was beside the tables (`server.ecotaxa.beside`), so a shore has the project back exactly.

Example:
    >>> write_backup(shore.database, shore.packs, project_id=1, path=Path("bay.zip"))
    Written(objects=20000, images=20000, samples=3, mended={})
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from server.db import export
from server.db.engine import Database
from server.db.export import ImageInfo
from server.db.exporting import catch_up, snapshot
from server.ecotaxa import beside
from server.ecotaxa.beside_writing import action_lines, project_json
from server.ecotaxa.mends import Mends
from server.ecotaxa.project_cells import ProjectCells
from server.ecotaxa.rows import Made, RowMaker
from server.memory import uncollected
from server.store.packs import PackError, Packs, sync_folder
from server.store.zips import ZipWriter

PART = 50_000
"""Rows of a table; a sample with more has several."""
_PLAIN_NAME = re.compile(r"[\w. +()-]{1,100}")
_SUFFIXES = {"JPEG": "jpg", "TIFF": "tif"}
Progress = Callable[[int], None]
Beside = Callable[[Connection, Mapping[str, int]], Mapping[str, str]]
"""Texts by name that lie beside the tables, given what was mended; read in the same state."""


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
    told: Beside = lambda connection, mended: {},
) -> Written:
    """Write the project to `path`. Raises OSError, DBAPIError; an older file stays until then."""
    with uncollected():
        return _write(database, packs, project_id, path, progress, told)


def _write(
    database: Database,
    packs: Packs,
    project_id: int,
    path: Path,
    progress: Progress,
    told: Beside,
) -> Written:
    catch_up(database)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as stream:
            with snapshot(database) as connection:
                backup = _Backup(ZipWriter(stream), packs, connection, progress)
                written = backup.write(project_id, told)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)
    return written


class _Backup:
    def __init__(
        self, archive: ZipWriter, packs: Packs, connection: Connection, progress: Progress
    ) -> None:
        self._archive = archive
        self._packs = packs
        self._connection = connection
        self._progress = progress
        self._mends = Mends()
        self._objects = self._images = 0
        self._tables: dict[str, str] = {}
        self._imageless: dict[str, str] = {}

    def write(self, project_id: int, beside_it: Beside) -> Written:
        cells = ProjectCells.read(self._connection, project_id, self._mends)
        maker = RowMaker(cells, cells.layout, self._mends)
        for sample in cells.samples:
            self._sample(sample, cells, maker)
        actions = action_lines(cells.actions)
        self._archive.add(beside.ACTIONS, actions, pack=True)
        told = project_json(self._connection, project_id, cells, self._tables, self._imageless)
        self._archive.add(beside.PROJECT, told, pack=True)
        for name, text in beside_it(self._connection, self._mends.counts).items():
            self._archive.add(name, text.encode(), pack=True)
        self._archive.finish()
        return Written(self._objects, self._images, len(cells.samples), self._mends.counts)

    def _sample(self, sample: Any, cells: ProjectCells, maker: RowMaker) -> None:
        """The sample's images as they are read, then its tables."""
        stem = f"{sample.id}_{_file_name(cells.sample_ids[sample.id])}"
        table, bare = _Table(cells.layout.table()), _Table(cells.layout.table())
        part = 1
        for chunk in export.objects(self._connection, sample.id, list(cells.columns.values())):
            made = maker.rows(chunk)
            shown = self._add_images(stem, made)
            for one in made:
                names = shown.get(one.objid, [])
                for name, rank in names:
                    table.add(f"{name}\t{rank}\t{one.row}")
                (table if names else bare).lines.append(one.line)
                if not names:
                    bare.add(f"\t\t{one.row}")
                    self._mends.note("an object without an image is in no_image_*.tsv")
            self._objects += len(made)
            self._progress(self._objects)
            if len(table.rows) >= PART:
                self._save(stem, part, table)
                part += 1
        self._save(stem, part, table)
        self._save_bare(stem, bare)

    def _add_images(self, stem: str, made: Sequence[Made]) -> dict[int, list[tuple[str, int]]]:
        """Images into the zip; by object those that could be read, with their rank."""
        wanted = [(one.objid, image) for one in made for image in one.images]
        found = self._packs.read_all([image.place for _, image in wanted])
        members: list[tuple[str, bytes]] = []
        shown: dict[int, list[tuple[str, int]]] = {}
        used: set[str] = set()
        for (objid, image), data in zip(wanted, found, strict=True):
            if isinstance(data, PackError):
                self._mends.note("an image that cannot be read was left out")
                continue
            name = _image_name(objid, image)
            if name in used:
                name = f"images/{objid}_{image.rank}/{_base_name(image)}"
            used.add(name)
            members.append((f"{stem}/{name}", data))
            shown.setdefault(objid, []).append((name, image.rank))
        self._archive.add_all(members)
        self._images += len(members)
        return shown

    def _save(self, stem: str, part: int, table: "_Table") -> None:
        """The table and what stands beside it, unless it is empty."""
        if not table.rows:
            return
        mark = "" if part == 1 else f"_{part}"
        name = f"{stem}/ecotaxa_{stem}{mark}.tsv"
        lines = f"{beside.FOLDER}/objects_{stem}{mark}.jsonl"
        self._archive.add(name, table.text(), pack=True)
        self._archive.add(lines, table.beside(), pack=True)
        self._tables[name] = lines
        table.clear()

    def _save_bare(self, stem: str, table: "_Table") -> None:
        """Objects without an image, in a table that EcoTaxa passes over."""
        if not table.rows:
            return
        name = f"{beside.FOLDER}/no_image_{stem}.tsv"
        lines = f"{beside.FOLDER}/no_image_{stem}.jsonl"
        self._archive.add(name, table.text(), pack=True)
        self._archive.add(lines, table.beside(), pack=True)
        self._imageless[name] = lines


class _Table:
    """A table that grows, and the lines beside it."""

    def __init__(self, columns: Sequence[Any]) -> None:
        names = "\t".join(column.name for column in columns)
        kinds = "\t".join(f"[{column.kind}]" for column in columns)
        self._head = f"{names}\n{kinds}\n"
        self.rows: list[str] = []
        self.lines: list[str] = []

    def add(self, row: str) -> None:
        self.rows.append(row)

    def text(self) -> bytes:
        return (self._head + "\n".join(self.rows) + "\n").encode()

    def beside(self) -> bytes:
        return ("\n".join(self.lines) + "\n").encode()

    def clear(self) -> None:
        self.rows.clear()
        self.lines.clear()


def _image_name(objid: int, image: ImageInfo) -> str:
    """Where the image lies beside its table: under the name that it came with, if it has one."""
    if image.file_name:
        return f"images/{objid}/{_base_name(image)}"
    return f"images/{objid}_{image.rank}.{_suffix(image)}"


def _base_name(image: ImageInfo) -> str:
    name = image.file_name.replace("\\", "/").rpartition("/")[2]
    if _PLAIN_NAME.fullmatch(name) and not name.startswith(".") and name == name.strip():
        return name
    return f"{image.rank}.{_suffix(image)}"


def _suffix(image: ImageInfo) -> str:
    return _SUFFIXES.get(image.format, image.format.lower())


def _file_name(name: str) -> str:
    """A sample's name as part of a file's: EcoTaxa finds lower case only."""
    return re.sub(r"[^a-z0-9._-]+", "_", name.lower()).strip("._")[:80] or "sample"

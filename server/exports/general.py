"""EcoTaxa's general export: a table of objects, whole or split, with or without images, in a zip.

Without the row of types the table is for reading (R, pandas, spreadsheets): values stand as they
are kept. With it the table is for an import into EcoTaxa: what EcoTaxa cannot keep is mended, or
the export refused, and each case is named (`server.exports.odd`). UTF-8 without a mark, tabs, one
line break a row; a value is quoted where it holds a tab, a quote or a line break.

Example:
    >>> write_general(Export(database, packs, 1, {"split": "sample"}, who, 2, folder))
    {'file': 'export_general_1_20260921_1413.zip', 'objects': 20000, ...}
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from server.db import exporting, exporting_objects
from server.db.exporting_objects import ImageRow, Selection
from server.db.tables import Object
from server.exports.archive import Archive, Table, draft
from server.exports.columns import Columns, Known, Wanted
from server.exports.export import Export
from server.exports.odd import Odd
from server.exports.provenance import add_provenance, describe
from server.store.packs import PackError
from wire.ecotaxa import Column

SPLITS = ("none", "sample", "acquisition", "taxon")
IMAGES = ("none", "first", "all")
_SUFFIX = {"JPEG": ".jpg", "TIFF": ".tif"}


@dataclass(frozen=True)
class Asked:
    split: str
    images: str
    wanted: Wanted

    @classmethod
    def of(cls, export: Export) -> "Asked":
        """Raises AskedError."""
        asked = export.asked()
        split, images = (
            asked.choice("split", SPLITS, "none"),
            asked.choice("images", IMAGES, "none"),
        )
        types, internal = asked.flag("types"), asked.flag("internal_ids")
        annotations = asked.flag("annotations")
        asked.check()
        if annotations:  # one thin table, as EcoTaxa's
            return cls("none", "none", Wanted(types=True, annotations=True))
        return cls(split, images, Wanted(types, annotations, internal))


@dataclass(frozen=True)
class Part:
    """One table of the zip: the objects of each condition in turn."""

    name: str
    conditions: tuple[Any, ...]


def write_general(export: Export) -> dict[str, Any]:
    """Raises AskedError, OSError, DBAPIError."""
    asked = Asked.of(export)
    exporting.catch_up(export.database)
    path = export.path("general", ".zip")
    with exporting.snapshot(export.database) as connection:
        known = export.known(connection)
        provenance = describe(export, connection, known)
        selection = export.selection(connection)
        odd = Odd.of(export, connection, known, asked.wanted)
        with draft(path) as stream, Archive(stream) as archive:
            writer = _General(export, connection, archive, asked, selection, odd)
            for part in _parts(connection, asked.split, selection, known, path.stem):
                writer.write(part)
            add_provenance(archive, export, provenance, _NOTES)
    return {
        "file": path.name,
        "objects": writer.objects,
        "images": writer.images,
        "mended": export.mends.lines(),
    }


class _General:
    def __init__(
        self, export: Export, connection: Connection, archive: Archive,
        asked: Asked, selection: Selection, odd: Odd,
    ) -> None:  # fmt: skip
        self._export, self._connection, self._archive = export, connection, archive
        self._asked, self._selection, self._odd = asked, selection, odd
        self.columns: Columns = odd.columns
        self.objects = self.images = 0

    def write(self, part: Part) -> None:
        columns = self.columns.table
        if self._asked.images != "none":
            columns = [Column("img_file_name", "t"), Column("img_rank", "f"), *columns]
        head = [[column.name for column in columns]]
        if self._asked.wanted.types:
            head.append([f"[{column.kind}]" for column in columns])
        places = tuple(self.columns.known.places.values())
        if self._asked.wanted.annotations:
            places = ()
        with ExitStack() as stack:
            table = stack.enter_context(Table(head))
            for some in stack.enter_context(closing(self._rows(part, places))):
                cells = self._odd.mend([self.columns.row(row) for row in some])
                text = table.add(list(self._with_images(part, some, cells)))
                self._odd.look(cells, text)
                self.objects += len(some)
                self._export.progress(90, f"{self.objects} objects")
            if table.count or self._asked.split == "none":
                self._archive.add_table(f"ecotaxa_{part.name}.tsv", table)

    def _rows(self, part: Part, places: Sequence[str]) -> Generator[Sequence[Any]]:
        for condition in part.conditions:
            yield from exporting_objects.read(
                self._connection, self._selection, places, (condition,)
            )

    def _with_images(
        self, part: Part, rows: Sequence[Any], cells: list[list[Any]]
    ) -> Iterator[list[Any]]:
        """A line for each image; one without for an object that has none."""
        if self._asked.images == "none":
            yield from cells
            return
        objids = [row.objid for row in rows]
        found = exporting_objects.images(self._connection, objids, self._asked.images == "first")
        for objid, line in zip(objids, cells, strict=True):
            names: list[tuple[str, int | None]] = [
                (name, image.rank)
                for image in found.get(objid, ())
                if (name := self._image(part, image, str(line[0])))
            ]
            yield from ([*name, *line] for name in names or [("", None)])

    def _image(self, part: Part, image: ImageRow, orig_id: str) -> str:
        """Put the image into the zip; its name there, "" when it cannot be read."""
        try:
            data = self._export.packs.read(image.place)
        except PackError:
            self._export.mends.note(
                "img_file_name", "an image that cannot be read was left out", orig_id
            )
            return ""
        plain = _file_name(image.file_name.rpartition("/")[2])
        suffix = _SUFFIX.get(image.format, f".{image.format.lower()}")
        name = f"{part.name}/{plain or f'{image.objid}{suffix}'}"
        if name in self._archive.names:
            name = f"{part.name}/{image.objid}_{image.rank}{suffix}"
        self._archive.add_image(name, data)
        self.images += 1
        return name


def _parts(
    connection: Connection, split: str, selection: Selection, known: Known, stem: str
) -> list[Part]:
    """The tables in their order; files are named so that no two are the same on any disk."""
    column, named = _split(connection, split, selection, known)
    ordered = sorted(named, key=lambda number: (named[number], number or 0))
    conditions = {i: column.is_(None) if i is None else column == i for i in ordered}
    if split == "none":
        return [Part(stem, tuple(conditions.values()))]
    parts: dict[str, Part] = {}
    for number in ordered:
        plain = _file_name(named[number]) or "unnamed"
        name = f"{plain}_{number}" if plain.casefold() in parts else plain
        parts[name.casefold()] = Part(name, (conditions[number],))
    return list(parts.values())


def _split(
    connection: Connection, split: str, selection: Selection, known: Known
) -> tuple[Any, dict[int | None, str]]:
    """The column by which objects are split, and the names of its values."""
    levels = known.levels
    if split == "acquisition":
        there = exporting_objects.acquisitions_of(connection, selection)
        return Object.acquisition_id, {i: levels.acquisitions[i].orig_id for i in there}
    if split == "taxon":
        taxa = exporting_objects.taxa_of(connection, selection)
        named = {i: "no taxon" if i is None else known.taxa[i].display_name for i in taxa}
        return Object.taxon_id, named
    there = exporting_objects.samples_of(connection, selection)
    return Object.sample_id, {i: levels.samples[i].orig_id for i in there}


def _file_name(name: str) -> str:
    """A name as part of a file's."""
    return re.sub(r"[^\w .()+-]+", "_", name).strip(". ")[:80]


_NOTES = """\
ecotaxa_*.tsv   one line an object (an image, where several were asked for); UTF-8, tabs, a point
                before decimals, empty cells for what is not known
object_date, object_time are UTC; object_depth_* metres; object_lat, object_lon degrees (WGS 84)
object_esd_um   equivalent spherical diameter, micrometres (of instruments of this shore)
object_* that are not listed in EcoTaxa's manual are the project's free columns, in their own units
"""

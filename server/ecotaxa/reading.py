"""The second reading of a checked upload: its tables as batches of objects with their pictures.

Rows of one object that stand together become one item with several pictures; those that stand apart
come again, and are joined when they are written.

Example:
    >>> for batch in batches(upload, found):
    ...     len(batch.items)
    2000
"""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any

from server.db.imported import Batch, Exact, Item, Names, Parents, Picture
from server.ecotaxa.check import tables
from server.ecotaxa.check_lines import Lines
from server.ecotaxa.check_rows import image_name
from server.ecotaxa.checked import Checked
from server.ecotaxa.problems import Problems
from server.ecotaxa.reading_exact import own_columns, restore
from server.ecotaxa.table import Block, Table
from server.ecotaxa.typed import typed
from server.ecotaxa.upload import Upload
from wire.ecotaxa import FIXED, Column

_SCORES = ("object_annotation_score", "object_seadrift_score")
"""Free columns that hold a prediction's score: EcoTaxa has none of its own in a table."""


def batches(upload: Upload, found: Checked, skipped: Collection[str] = ()) -> Iterator[Batch]:
    """All of the upload, in the order of its tables."""
    for table in tables(upload, Problems(), found.beside, skipped):
        lines = Lines.of(table, upload, found.beside, Problems())
        for block in table.blocks():
            yield _Reader(upload, found, table, block, lines).batch()


class _Reader:
    """One block of a table."""

    def __init__(
        self, upload: Upload, found: Checked, table: Table, block: Block, lines: Lines
    ) -> None:
        self._upload = upload
        self._found = found
        self._table = table
        self._block = block
        self._lines = lines
        self._columns = {column.name: column for column in table.columns}

    def batch(self) -> Batch:
        beside = self._found.beside
        free = [c for c in self._table.columns if _is_free(c)]
        if beside is None:
            names = [(c.name.partition("_")[2], c.kind) for c in free]
            items = self._items(free)
        else:
            columns, names = own_columns(beside, free)
            items = self._items(columns)
            restore(items, names, beside.places)
        given = frozenset(self._columns) & FIXED
        return Batch(tuple(names), items, self._parents(), given)

    def _column(self, name: str) -> Sequence[Any]:
        """The column's values; None in each row where the table has no such column."""
        column = self._columns.get(name)
        if column is None:
            return (None,) * len(self._block)
        return typed(column, self._block.cells[name])[0]

    def _items(self, free: Sequence[Column | None]) -> list[Item]:
        """The objects, with the values of the columns `free`; None is one that stands beside."""
        block = self._block
        empty: Sequence[Any] = (None,) * len(block)
        values = list(zip(*(self._column(c.name) if c else empty for c in free), strict=True))
        places = self._places()
        moments = _moments(self._column("object_date"), self._column("object_time"))
        said_at = _moments(
            self._column("object_annotation_date"), self._column("object_annotation_time")
        )
        rows = zip(
            places,
            block.column("object_id"),
            values or ((),) * len(block),
            self._column("object_lat"),
            self._column("object_lon"),
            self._column("object_depth_min"),
            self._column("object_depth_max"),
            moments,
            self._column("object_link"),
            self._annotations(),
            said_at,
            self._pictures(),
            self._exact(),
            strict=True,
        )
        items: list[Item] = []
        for place, objid, own, lat, lon, top, bottom, seen, link, said, at, shown, exact in rows:
            if items and items[-1].key == objid and items[-1].places == place:
                items[-1].pictures += shown
                continue
            depth, depth_max = _depths(top, bottom)
            utc_ms, source = seen
            status, taxon, score, person = said
            items.append(
                Item(
                    *(place, objid, own, shown, lat, lon, depth, depth_max),
                    *(utc_ms, source, link, status, taxon, score, person, at[0], objid, exact),
                )
            )
        return items

    def _exact(self) -> Sequence[Exact | None]:
        """What stands beside each row."""
        rows = zip(self._block.column("object_id"), self._block.lines, strict=True)
        return [self._lines.exact(object_id, row) for object_id, row in rows]

    def _places(self) -> list[Names]:
        names = [self._block.column(f"{prefix}_id") for prefix in ("sample", "acq", "process")]
        return list(zip(*names, strict=True))

    def _annotations(self) -> list[tuple[Any, ...]]:
        """(status, taxon, score, person) of each row."""
        part = "object_annotation_"
        names, numbers = self._block.column(f"{part}category"), self._column(f"{part}category_id")
        taxa = [
            (name, number) if name or number is not None else None
            for name, number in zip(names, numbers, strict=True)
        ]
        people = [
            (name, email.lower()) if name or email else None
            for name, email in zip(
                self._block.column(f"{part}person_name"),
                self._block.column(f"{part}person_email"),
                strict=True,
            )
        ]
        statuses = [status or "U" for status in self._column(f"{part}status")]
        return list(zip(statuses, taxa, self._scores(), people, strict=True))

    def _scores(self) -> Sequence[float | None]:
        for name in _SCORES:
            column = self._columns.get(name)
            if column is not None and column.kind == "f":
                found = self._column(name)
                return [v if v is not None and 0 <= v <= 1 else None for v in found]
        return (None,) * len(self._block)

    def _pictures(self) -> list[list[Picture]]:
        if self._table.imageless:
            return [[] for _ in range(len(self._block))]
        file, read, kinds = self._table.file, self._upload.read, self._found.pictures
        found = []
        names = self._block.column("img_file_name")
        for name, rank in zip(names, self._column("img_rank"), strict=True):
            inside = image_name(file, name)
            kind = kinds[inside]
            found.append([Picture(name, rank or 0, *kind, partial(read, inside))])
        return found

    def _parents(self) -> dict[Names, Parents]:
        """What the first row of each place says of it."""
        first: dict[Names, int] = {}
        for row, place in enumerate(self._places()):
            first.setdefault(place, row)
        levels = {
            prefix: [
                (c.name.partition("_")[2], self._block.cells[c.name])
                for c in self._table.columns
                if c.prefix == prefix and c.name not in FIXED
            ]
            for prefix in ("sample", "acq", "process")
        }
        instruments = self._block.column("acq_instrument")

        def told(prefix: str, row: int) -> dict[str, str]:
            return {name: texts[row] for name, texts in levels[prefix] if texts[row]}

        beside = self._found.beside
        exact = {} if beside is None else beside.places
        return {
            exact[place].names if place in exact else place: Parents(
                told("sample", row),
                instruments[row],
                told("acq", row),
                told("process", row),
                exact.get(place),
            )
            for place, row in first.items()
        }


def _is_free(column: Column) -> bool:
    return column.prefix == "object" and column.name not in FIXED


def _depths(top: float | None, bottom: float | None) -> tuple[float | None, float | None]:
    """`depth_m` and `depth_max_m` of an object: the latter where it is another."""
    if top is None:
        return bottom, None
    return top, None if bottom == top else bottom


def _moments(
    days: Sequence[dt.date | None], times: Sequence[dt.time | None]
) -> list[tuple[int | None, str]]:
    """Milliseconds since 1970 and where they are from; moments that rows share are made once."""
    pairs = list(zip(days, times, strict=True))
    known = {pair: _moment(*pair) for pair in set(pairs)}
    return [known[pair] for pair in pairs]


def _moment(day: dt.date | None, time: dt.time | None) -> tuple[int | None, str]:
    if day is None:
        return None, "unknown"
    moment = dt.datetime.combine(day, time or dt.time(), dt.UTC)
    return round(moment.timestamp() * 1000), "day" if time is None else "table"

"""The rules for rows of a table, asked of a block of rows at a time.

A rule is asked of the whole block first; only where it does not hold are single rows looked at, to
say which. Problems of a block come in the order of its lines.

Example:
    >>> checker = RowChecker(upload, problems, found, pictures=True)
    >>> checker.check(table, block)
"""

import math
import posixpath
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from typing import Any, NamedTuple

from server.ecotaxa import values
from server.ecotaxa.checked import Checked
from server.ecotaxa.pictures import PictureError, PictureKind, check_picture
from server.ecotaxa.problems import Problems
from server.ecotaxa.table import Block, Table
from server.ecotaxa.typed import NUMBER_MOST, typed
from server.ecotaxa.upload import Upload, UploadError
from wire.ecotaxa import FIXED, TEXT_LIMIT, Column

_THREADS, _AT_ONCE = 2, 100
"""Threads that look into pictures, and how many each takes at a time."""
_IDS = ("sample_id", "acq_id", "process_id")


def note_columns(table: Table, found: Checked, problems: Problems) -> None:
    """Free columns have one type over all tables."""
    for column in table.columns:
        if column.name in FIXED:
            continue
        before = found.free_columns.setdefault(column.name, column.kind)
        if before != column.kind:
            problems.error(
                f"[{column.kind}] here, [{before}] in another table",
                remedy="give it one type",
                file=table.file,
                line=2,
                column=column.name,
            )


def image_name(table: str, name: str) -> str:
    """The image's name in the upload: paths are relative to the table, with either slash."""
    if not name:
        return ""
    folder = table.rpartition("/")[0]
    plain = name.replace("\\", "/")
    joined = f"{folder}/{plain}" if folder else plain
    return posixpath.normpath(joined) if "./" in joined or "//" in joined else joined


class _Said(NamedTuple):
    """A problem of a row, until those of the block are told in order."""

    row: int
    level: str
    column: str
    message: str
    remedy: str


class RowChecker:
    """Checks rows, and adds to `found` what is in them."""

    def __init__(
        self, upload: Upload, problems: Problems, found: Checked, *, pictures: bool
    ) -> None:
        self._upload = upload
        self._problems = problems
        self._found = found
        self._pictures = pictures
        self._tables: list[str] = []
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}
        self._objects: set[tuple[str, str]] = set()
        self._said: list[_Said] = []

    def check(self, table: Table, block: Block) -> None:
        if not self._tables or self._tables[-1] != table.file:
            self._tables.append(table.file)
        self._said = []
        for column in table.columns:
            self._check_column(column, block)
        self._check_needed(table, block)
        self._check_moments(table, block)
        self._check_parents(block)
        self._check_annotations(block)
        if not table.imageless:
            self._check_images(table, block)
        self._found.rows += len(block)
        self._objects.update(zip(block.column("sample_id"), block.column("object_id"), strict=True))
        self._found.objects = len(self._objects)
        self._tell(table, block)

    def _tell(self, table: Table, block: Block) -> None:
        for said in sorted(self._said, key=lambda said: said.row):
            tell = self._problems.error if said.level == "error" else self._problems.warn
            tell(
                said.message,
                remedy=said.remedy,
                file=table.file,
                line=block.numbers[said.row],
                column=said.column,
                value=block.column(said.column)[said.row] if said.column in block.cells else None,
            )

    def _error(self, row: int, column: str, message: str, remedy: str) -> None:
        self._said.append(_Said(row, "error", column, message, remedy))

    def _warn(self, row: int, column: str, message: str, remedy: str) -> None:
        self._said.append(_Said(row, "warning", column, message, remedy))

    def _check_column(self, column: Column, block: Block) -> None:
        texts = block.cells[column.name]
        found, wrong = typed(column, texts)
        for row, problem in wrong.items():
            self._error(row, column.name, problem.message, problem.remedy)
        if column.name.endswith("_time") and column.name in FIXED:
            message, remedy = "a fraction of a second is cut off", "nothing, if that is right"
            self._each(texts, values.fraction_cut, self._warn, column.name, message, remedy)
        elif found and isinstance(next((v for v in found if v is not None), None), float):
            self._check_finite(column, found)
        elif max(map(len, texts)) > TEXT_LIMIT:
            for row, text in enumerate(texts):
                if len(text) > TEXT_LIMIT and row not in wrong:
                    message = f"{len(text)} characters, and EcoTaxa takes {TEXT_LIMIT}"
                    self._error(row, column.name, message, "shorten it")

    def _check_finite(self, column: Column, found: Sequence[float | None]) -> None:
        if all(map(math.isfinite, filter(None, found))):
            return
        for row, value in enumerate(found):
            if value is not None and math.isinf(value):
                message = "not finite; kept here as it is, stored by EcoTaxa as Infinity"
                remedy = "leave the cell empty if it was not measured"
                self._warn(row, column.name, message, remedy)

    def _each(
        self,
        texts: Sequence[str],
        holds: Callable[[str], bool],
        say: Callable[[int, str, str, str], None],
        column: str,
        message: str,
        remedy: str,
    ) -> None:
        """Say it of each row whose text is so; texts that many rows share are asked once."""
        bad = {text for text in set(texts) if holds(text)}
        if bad:
            for row, text in enumerate(texts):
                if text in bad:
                    say(row, column, message, remedy)

    def _check_needed(self, table: Table, block: Block) -> None:
        needed = [name for name in _IDS if name in block.cells]
        wanted = ["object_id"] if table.imageless else ["object_id", "img_file_name"]
        for name, why in (
            *zip(wanted, repeat("each row needs one")),
            *zip(needed, repeat("each row needs one, since the column is there")),
        ):
            self._each(block.cells[name], lambda text: not text, self._error, name, "missing", why)

    def _check_moments(self, table: Table, block: Block) -> None:
        """A time without a day is no moment: it cannot be kept."""
        for day, time in (
            ("object_date", "object_time"),
            ("object_annotation_date", "object_annotation_time"),
        ):
            if time in block.cells:
                pairs = zip(block.column(day), block.cells[time], strict=True)
                for row, (date, text) in enumerate(pairs):
                    if values.nothing(date) and not values.nothing(text):
                        message = "a time without a date, which is left out"
                        self._warn(row, time, message, f"write the {day.partition('_')[2]} too")

    def _check_parents(self, block: Block) -> None:
        samples, acquisitions = block.column("sample_id"), block.column("acq_id")
        self._found.samples.update(samples)
        known = self._found.acquisitions
        pairs = list(dict.fromkeys(zip(acquisitions, samples, strict=True)))
        for acquisition, sample in pairs:
            known.setdefault(acquisition, sample)
        if all(known[acquisition] == sample for acquisition, sample in pairs if acquisition):
            return
        for row, (acquisition, sample) in enumerate(zip(acquisitions, samples, strict=True)):
            other = known[acquisition]
            if acquisition and other != sample:
                self._error(
                    row,
                    "acq_id",
                    f"acquisition of sample {other!r} too; EcoTaxa wants it in one sample only",
                    "make the id unique, for example sample and acquisition",
                )

    def _check_annotations(self, block: Block) -> None:
        names = ("status", "category", "category_id", "hierarchy", "person_name", "person_email")
        columns = [block.column(f"object_annotation_{name}") for name in names]
        for told, rows in _alike(columns).items():
            word, category, number, hierarchy, person, email = told
            try:
                status = values.status(word)
            except values.CellError:
                continue  # said of its column
            statuses = self._found.statuses
            statuses[status or "U"] = statuses.get(status or "U", 0) + len(rows)
            self._check_status(rows, status, word, category or number)
            if category or number:
                try:
                    key = category, values.whole(number, NUMBER_MOST) if number else None
                except values.CellError:
                    continue  # said of its column
                self._found.taxa[key] = self._found.taxa.get(key) or hierarchy
            if person or email:
                self._found.people.add((person, email.lower()))

    def _check_status(self, rows: Sequence[int], status: str | None, word: str, taxon: str) -> None:
        column, message, remedy = "", "", ""
        if status is None and taxon:
            column, message = "object_annotation_status", "a category without a status"
            remedy = "write predicted, dubious or validated"
        elif status in ("P", "D", "V") and not taxon:
            column, message = "object_annotation_category", f"{word} as what?"
            remedy = "write the taxon, or clear the status"
        if message:
            for row in rows:
                self._error(row, column, message, remedy)

    def _check_images(self, table: Table, block: Block) -> None:
        here = len(self._tables) - 1
        told = block.column("img_file_name")
        fresh: dict[str, int] = {}
        for row, (objid, file) in enumerate(zip(block.column("object_id"), told, strict=True)):
            line = here, block.numbers[row]
            first = self._seen.setdefault((objid, file), line)
            if first != line and objid and file:
                where = f"{self._tables[first[0]]} line {first[1]}"
                message = f"object and image are in {where} already"
                self._error(row, "img_file_name", message, "remove one row")
            name = image_name(table.file, file)
            if name and name not in self._upload:
                self._error(row, "img_file_name", "no such file", "put the image beside the table")
            elif name and name not in self._found.pictures:
                fresh.setdefault(name, row)
        self._open_images(fresh)
        self._found.images = len(self._found.pictures)

    def _open_images(self, fresh: dict[str, int]) -> None:
        """Look into each image; those that are none are said of the first row that names them."""
        if not self._pictures:
            self._found.pictures.update(dict.fromkeys(fresh, PictureKind("", 0, 0)))
            return
        names = list(fresh)
        parts = [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
        with ThreadPoolExecutor(_THREADS) as pool:
            looked = chain.from_iterable(pool.map(self._look_at, parts))
            for name, seen in zip(names, looked, strict=True):
                if isinstance(seen, PictureKind):
                    self._found.pictures[name] = seen
                    continue
                remedy = "save the image again, as PNG or JPEG"
                self._error(fresh[name], "img_file_name", seen, remedy)
                self._found.pictures[name] = PictureKind("", 0, 0)

    def _look_at(self, names: Sequence[str]) -> list[PictureKind | str]:
        return [self._look(name) for name in names]

    def _look(self, name: str) -> PictureKind | str:
        try:
            return check_picture(self._upload.read(name))
        except (UploadError, PictureError) as error:
            return str(error)


def _alike(columns: Sequence[Sequence[str]]) -> dict[tuple[Any, ...], list[int]]:
    """Rows by what stands in the columns: a rule is asked once of those that are alike."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*columns, strict=True)):
        found.setdefault(key, []).append(row)
    return found

"""The first of two passes over an upload: everything is looked at, nothing is written.

What is wrong comes at once, each with file, line, column, value and remedy. What only a person can
say (who "J. Smith" is, which taxon "copepod<egg" means) comes as names to be asked for.

Example:
    >>> with open_upload(path, problems) as upload:
    ...     found = check_upload(upload, problems, pictures=True)
    >>> found.objects, found.people, problems.errors
    (20000, {('J. Smith', 'j@sea.test')}, 0)
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from server.ecotaxa import values
from server.ecotaxa.pictures import PictureError, check_picture
from server.ecotaxa.problems import Problems
from server.ecotaxa.table import Table, read_table
from server.ecotaxa.upload import Upload, UploadError, is_misnamed_table, is_table
from server.ecotaxa.values import CellError
from wire.ecotaxa import FIXED, TEXT_LIMIT, Column

_READ: dict[str, Callable[[str], object]] = {
    "object_date": values.date,
    "object_time": values.time,
    "object_annotation_date": values.date,
    "object_annotation_time": values.time,
    "object_lat": lambda text: values.degrees(text, 90),
    "object_lon": lambda text: values.degrees(text, 180),
    "object_depth_min": values.number,
    "object_depth_max": values.number,
    "img_rank": values.number,
    "object_annotation_category_id": values.number,
    "object_annotation_status": values.status,
}
"""How the text of a fixed column is read; the others are text."""


@dataclass
class Checked:
    """What an upload holds. `categories` are taxa by name, `category_ids` EcoTaxa's numbers;
    `people` are (name, email) of those who annotated."""

    tables: int = 0
    objects: int = 0
    images: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    categories: set[str] = field(default_factory=set)
    category_ids: set[int] = field(default_factory=set)
    people: set[tuple[str, str]] = field(default_factory=set)
    samples: set[str] = field(default_factory=set)
    acquisitions: dict[str, str] = field(default_factory=dict)
    """acquisition id -> the sample that has it."""
    free_columns: dict[str, str] = field(default_factory=dict)
    """name -> "t" or "f", over all tables."""


def tables(upload: Upload, problems: Problems) -> Iterator[Table]:
    """The upload's tables that can be read, in order; the others are problems."""
    names = [name for name in upload.names if is_table(name)]
    for name in filter(is_misnamed_table, upload.names):
        remedy = "write ecotaxa in lower case: EcoTaxa passes this file over"
        problems.error("a table by its name, but not quite", remedy=remedy, file=name)
    if not names and not problems.errors:
        remedy = "name the table ecotaxa_SOMETHING.tsv"
        problems.error("no table found", remedy=remedy, file="the upload")
    for name in names:
        try:
            table = read_table(name, upload.read(name), problems)
        except UploadError as error:
            problems.error(str(error), remedy="pack it again", file=name)
            continue
        if table is not None:
            yield table


def check_upload(upload: Upload, problems: Problems, *, pictures: bool) -> Checked:
    """Look at everything; with `pictures` each image is opened too."""
    found = Checked()
    seen: dict[tuple[str, str], str] = {}
    looked: set[str] = set()
    for table in tables(upload, problems):
        found.tables += 1
        _note_columns(table, found, problems)
        for line, cells in table.rows:
            row = _Row(table, line, cells, problems)
            _check_row(row, found, seen)
            image = image_name(table.file, cells.get("img_file_name", ""))
            if image and image not in upload:
                row.error("img_file_name", "no such file", "put the image beside the table")
            elif image and image not in looked:
                looked.add(image)
                found.images += 1
                if pictures:
                    _check_image(upload, image, row)
    found.objects = len({objid for objid, _ in seen})
    return found


def image_name(table: str, name: str) -> str:
    """The image's name in the upload: paths are relative to the table, with either slash."""
    if not name:
        return ""
    folder = PurePosixPath(table).parent
    return str(folder / PurePosixPath(name.replace("\\", "/")))


@dataclass(frozen=True)
class _Row:
    table: Table
    line: int
    cells: dict[str, str]
    problems: Problems

    def error(self, column: str, message: str, remedy: str) -> None:
        self.problems.error(message, remedy=remedy, **self._where(column))

    def warn(self, column: str, message: str, remedy: str) -> None:
        self.problems.warn(message, remedy=remedy, **self._where(column))

    def _where(self, column: str) -> Any:
        value = self.cells.get(column)
        return {"file": self.table.file, "line": self.line, "column": column, "value": value}


def _note_columns(table: Table, found: Checked, problems: Problems) -> None:
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


def _check_row(row: _Row, found: Checked, seen: dict[tuple[str, str], str]) -> None:
    for column in row.table.columns:
        text = row.cells.get(column.name, "")
        if not values.nothing(text):
            _check_cell(row, column, text)
    for name in ("object_id", "img_file_name"):
        if not row.cells.get(name):
            row.error(name, "missing", "each row needs one")
    _check_parents(row, found)
    _check_annotation(row, found)
    key = row.cells.get("object_id", ""), row.cells.get("img_file_name", "")
    here = f"{row.table.file} line {row.line}"
    earlier = seen.setdefault(key, here)
    if earlier != here and all(key):
        row.error("img_file_name", f"object and image are in {earlier} already", "remove one row")


def _check_cell(row: _Row, column: Column, text: str) -> None:
    read = _READ.get(column.name) or (values.number if column.kind == "f" else None)
    try:
        value = text if read is None else read(text)
    except CellError as problem:
        row.error(column.name, problem.message, problem.remedy)
        return
    if isinstance(value, str) and len(text) > TEXT_LIMIT:
        message = f"{len(text)} characters, and EcoTaxa takes {TEXT_LIMIT}"
        row.error(column.name, message, "shorten it")
    elif isinstance(value, float) and not math.isfinite(value):
        message = "not finite; kept here as it is, stored by EcoTaxa as Infinity"
        row.warn(column.name, message, "leave the cell empty if it was not measured")
    elif column.name.endswith("_time") and values.fraction_cut(text):
        row.warn(column.name, "a fraction of a second is cut off", "nothing, if that is right")


def _check_parents(row: _Row, found: Checked) -> None:
    sample, acquisition = row.cells.get("sample_id", ""), row.cells.get("acq_id", "")
    names = {column.name for column in row.table.columns}
    for name in ("sample_id", "acq_id", "process_id"):
        if name in names and not row.cells.get(name):
            row.error(name, "missing", "each row needs one, since the column is there")
    found.samples.add(sample)
    other = found.acquisitions.setdefault(acquisition, sample)
    if acquisition and other != sample:
        message = f"acquisition of sample {other!r} too; EcoTaxa wants it in one sample only"
        row.error("acq_id", message, "make the id unique, for example sample and acquisition")


def _check_annotation(row: _Row, found: Checked) -> None:
    cells = row.cells
    category = cells.get("object_annotation_category", "")
    number = cells.get("object_annotation_category_id", "")
    word = cells.get("object_annotation_status", "")
    try:
        status = values.status(word)
    except CellError:
        return  # said by _check_cell
    found.statuses[status or "U"] = found.statuses.get(status or "U", 0) + 1
    if status is None and (category or number):
        message = "a category without a status"
        row.error("object_annotation_status", message, "write predicted, dubious or validated")
    elif status in ("P", "D", "V") and not (category or number):
        message = f"{word} as what?"
        row.error("object_annotation_category", message, "write the taxon, or clear the status")
    if category:
        found.categories.add(category)
    elif number.isascii() and number.isdigit():
        found.category_ids.add(int(number))
    person = cells.get("object_annotation_person_name", "")
    email = cells.get("object_annotation_person_email", "").lower()
    if person or email:
        found.people.add((person, email))


def _check_image(upload: Upload, name: str, row: _Row) -> None:
    try:
        check_picture(upload.read(name))
    except (UploadError, PictureError) as error:
        row.error("img_file_name", str(error), "save the image again, as PNG or JPEG")

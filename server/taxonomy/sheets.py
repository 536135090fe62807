"""Tables of a checklist as lines of cells: tab, comma or semicolon; or an Excel workbook.

Everything is bounded and decoded defensively: a file of any content gives lines or problems, never
a trace. Of a workbook the first sheet is read, its texts and numbers, no formulas.

Example:
    >>> for line, cells in lines("taxon.txt", data, problems): ...
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree

from server.ecotaxa.problems import Problems
from server.taxonomy.entries import BYTES_MOST, ENTRIES_MOST, NESTED_MOST

Lines = Iterator[tuple[int, list[str]]]
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
)
"""What a damaged zip raises."""
_CELL_MOST = 100_000
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_COLUMN = re.compile(r"([A-Z]{1,3})\d+$")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET, _STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def decoded(file: str, data: bytes, problems: Problems, encoding: str | None = None) -> str | None:
    """The text, or None: the problem says in which line it is no UTF-8."""
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    try:
        text = data.decode(marked or encoding or "utf-8")
    except UnicodeDecodeError as error:
        problems.error(
            f"not text in {error.encoding.upper()}",
            remedy="save the file as UTF-8",
            file=file,
            line=data.count(b"\n", 0, error.start) + 1,
        )
        return None
    except LookupError:
        problems.error("an unknown encoding", remedy="use UTF-8", file=file, value=encoding)
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        problems.error("a NUL byte", remedy="save the file as text", file=file, line=line)
        return None
    return text


def separator(text: str) -> str:
    """What separates the cells of the first line."""
    head = text.partition("\n")[0]
    return max("\t,;", key=head.count)


def lines(
    file: str, text: str, problems: Problems, apart: str | None = None, quote: str = '"'
) -> Lines:
    """(line number, cells) of each line that is not empty."""
    apart = apart or separator(text)
    csv.field_size_limit(_CELL_MOST)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=apart,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    try:
        before = 0
        for n, cells in enumerate(reader):
            if n > ENTRIES_MOST:
                _too_many(file, problems)
                return
            if any(cell.strip() for cell in cells):
                yield before + 1, [cell.strip() for cell in cells]
            before = reader.line_num
    except csv.Error as error:
        problems.error(
            f"not a table here: {error}",
            remedy="remove the quotation mark that is never closed, or split the line",
            file=file,
            line=reader.line_num,
        )


def member(archive: zipfile.ZipFile, name: str, file: str, problems: Problems) -> bytes | None:
    """What a file in a zip holds, or None: the problem says why not."""
    try:
        info = archive.getinfo(name)
        if info.flag_bits & 1:
            problems.error("encrypted", remedy="save it without a password", file=f"{file}: {name}")
            return None
        with archive.open(info) as stream:
            most = NESTED_MOST if name.endswith(".xml") else BYTES_MOST
            return _bounded(stream, f"{file}: {name}", most, problems)
    except KeyError:
        problems.error("not in the zip", remedy="put it there", file=f"{file}: {name}")
    except BROKEN as error:
        problems.error(f"damaged ({error})", remedy="make the zip anew", file=f"{file}: {name}")
    return None


def _bounded(stream: IO[bytes], file: str, most: int, problems: Problems) -> bytes | None:
    data = stream.read(most + 1)
    if len(data) > most:
        problems.error(f"more than {most // 10**6} MB", remedy="import it in parts", file=file)
        return None
    return data


def _too_many(file: str, problems: Problems) -> None:
    problems.error(f"more than {ENTRIES_MOST} lines", remedy="import it in parts", file=file)


def parsed(file: str, data: bytes, problems: Problems) -> ElementTree.Element | None:
    """The XML, or None. A document type is refused: entities could make gigabytes of it."""
    if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data:
        problems.error("a document type in XML", remedy="remove it", file=file)
        return None
    try:
        return ElementTree.fromstring(data)  # noqa: S314 # bounded, and without entities
    except ElementTree.ParseError as error:
        problems.error(f"not XML ({error})", remedy="save the file anew", file=file)
        return None


def workbook(
    file: str, archive: zipfile.ZipFile, problems: Problems
) -> list[tuple[int, list[str]]]:
    """The lines of a workbook's first sheet."""
    texts: list[str] = []
    if _STRINGS in archive.namelist():
        data = member(archive, _STRINGS, file, problems)
        root = None if data is None else parsed(file, data, problems)
        texts = [] if root is None else ["".join(_texts(one)) for one in root.iter(f"{_MAIN}si")]
    data = member(archive, _SHEET, file, problems)
    root = None if data is None else parsed(f"{file}: {_SHEET}", data, problems)
    if root is None:
        return []
    found = []
    for n, row in enumerate(root.iter(f"{_MAIN}row"), start=1):
        number = row.get("r", "")
        cells = _cells(row, texts)
        if n > ENTRIES_MOST:
            _too_many(file, problems)
            break
        if any(cells):
            found.append((int(number) if number.isdigit() and len(number) < 9 else n, cells))
    return found


def _cells(row: ElementTree.Element, texts: list[str]) -> list[str]:
    cells: dict[int, str] = {}
    for n, cell in enumerate(row.iter(f"{_MAIN}c")):
        place = _COLUMN.match(cell.get("r", ""))
        at = _number(place[1]) if place else n
        value = cell.findtext(f"{_MAIN}v", "").strip()
        if cell.get("t") == "s":
            shared = int(value) if value.isdigit() and len(value) < 9 else -1
            value = texts[shared] if 0 <= shared < len(texts) else ""
        elif cell.get("t") == "inlineStr":
            value = "".join(_texts(cell))
        cells[at] = value.strip()
    return [cells.get(n, "") for n in range(max(cells, default=-1) + 1)]


def _texts(element: ElementTree.Element) -> Iterator[str]:
    return (one.text or "" for one in element.iter(f"{_MAIN}t"))


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1

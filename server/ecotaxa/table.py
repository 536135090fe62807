"""One TSV of EcoTaxa's: a row of names, a row of types, and the objects.

The first row names the columns, the second says `[t]` (text) or `[f]` (number) for each. A table
whose second row is no types is not guessed at: EcoTaxa would eat its first object.

Rows are handed out a block at a time, by column: what is done to a whole column costs a tenth of
what is done to each cell.

Example:
    >>> table = read_table("ecotaxa_a.tsv", data, problems)
    >>> for block in table.blocks(): block.cells["object_lat"]
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.ecotaxa.problems import Problems
from wire.ecotaxa import (
    FIXED,
    OBJECT_NUMBER_LIMIT,
    OBJECT_TEXT_LIMIT,
    PARENT_LIMITS,
    PREFIXES,
    Column,
)

LIMITS = {
    "object_t": OBJECT_TEXT_LIMIT,
    "object_f": OBJECT_NUMBER_LIMIT,
    **PARENT_LIMITS,
}
"""Free columns that EcoTaxa keeps, by level (and kind, for objects)."""
_KINDS = {"[t]": "t", "[f]": "f"}
_PADS = ("\t ", " \t", "\n ", " \n", *"\v\f\x1c\x1d\x1e\x1f")
ROWS = 2000
"""Rows of a block."""
BYTES_MOST = 512 << 20
"""Longest table: all of it is held in memory."""


@dataclass(frozen=True)
class Block:
    """Some rows of a table. `numbers` count lines from 1 as an editor does; `cells` are the texts
    by column, without spaces around them."""

    numbers: Sequence[int]
    lines: Sequence[str]
    cells: dict[str, Sequence[str]]

    def __len__(self) -> int:
        return len(self.numbers)

    def column(self, name: str) -> Sequence[str]:
        """The column's texts; empty ones where the table has no such column."""
        found = self.cells.get(name)
        return ("",) * len(self.numbers) if found is None else found


@dataclass(frozen=True)
class Table:
    file: str
    columns: tuple[Column, ...]
    lines: tuple[str, ...]
    problems: Problems

    imageless: bool = False
    """Whether its objects have no images: one of the files beside a backup."""

    def blocks(self, size: int = ROWS) -> Iterator[Block]:
        """The rows, `size` at a time; empty lines are passed over, wrong ones are problems."""
        for start in range(0, len(self.lines), size):
            some = [
                (number, line)
                for number, line in enumerate(self.lines[start : start + size], start=start + 3)
                if line.strip()
            ]
            block = self._block(some)
            if block is not None:
                yield block

    def _block(self, some: list[tuple[int, str]]) -> Block | None:
        width = len(self.columns)
        rows, numbers, lines = [], [], []
        for number, line in some:
            cells = line.split("\t")
            if len(cells) != width:
                if any(cells[width:]):
                    self._too_wide(number, len(cells))
                    continue
                cells = (cells + [""] * width)[:width]
            rows.append(cells)
            numbers.append(number)
            lines.append(line)
        if not rows:
            return None
        by_column = zip(*rows, strict=True)
        if _padded("\n".join(lines)):
            by_column = zip(*([cell.strip() for cell in row] for row in rows), strict=True)
        names = (column.name for column in self.columns)
        return Block(numbers, lines, dict(zip(names, by_column, strict=True)))

    def _too_wide(self, number: int, cells: int) -> None:
        self.problems.error(
            f"{cells} cells, but {len(self.columns)} columns",
            remedy="remove the tab inside a text, or name the column",
            file=self.file,
            line=number,
        )


def _padded(text: str) -> bool:
    """Whether a cell may have spaces around it; where none has, a million need no look."""
    if not text.isascii() or text[:1] == " " or text[-1:] == " ":
        return True
    return any(mark in text for mark in _PADS)


def read_table(
    file: str, data: bytes, problems: Problems, *, imageless: bool = False
) -> Table | None:
    """The table, or None when its head cannot be used: the problems say why."""
    if len(data) > BYTES_MOST:
        remedy = "make a table for each sample"
        problems.error(f"longer than {BYTES_MOST} bytes", remedy=remedy, file=file)
        return None
    text = _decoded(file, data, problems)
    if text is None:
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) < 2 or not lines[0].strip():
        problems.error("no rows", remedy="write names, types and objects", file=file, line=1)
        return None
    names = [cell.strip().lower() for cell in lines[0].split("\t")]
    while names and not names[-1]:
        names.pop()
    kinds = [cell.strip().lower() for cell in lines[1].split("\t")][: len(names)]
    if not any(kind in _KINDS for kind in kinds):
        problems.error(
            "no row of types",
            remedy="put a second row with [t] or [f] under each name",
            file=file,
            line=2,
            value=lines[1],
        )
        return None
    columns = _columns(file, names, kinds, problems, imageless)
    if columns is None:
        return None
    return Table(file, columns, tuple(lines[2:]), problems, imageless)


def _decoded(file: str, data: bytes, problems: Problems) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        problems.error("UTF-16", remedy="save the table as UTF-8", file=file, line=1)
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad = data[max(0, error.start - 10) : error.start + 10]
        problems.error("not UTF-8", remedy="save as UTF-8", file=file, line=line, value=repr(bad))
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        problems.error("a NUL byte", remedy="save it as plain text again", file=file, line=line)
        return None
    return text


def _columns(
    file: str, names: list[str], kinds: list[str], problems: Problems, imageless: bool
) -> tuple[Column, ...] | None:
    before = problems.errors
    kinds += [""] * (len(names) - len(kinds))
    found = []
    for name, kind in zip(names, kinds, strict=True):
        prefix, _, rest = name.partition("_")
        if prefix not in PREFIXES or not rest:
            remedy = "begin it with " + ", ".join(f"{p}_" for p in PREFIXES)
            problems.error("no column of EcoTaxa's", remedy=remedy, file=file, line=1, column=name)
        elif kind not in _KINDS and name not in FIXED:
            problems.error(
                "expected [t] or [f]",
                remedy="say whether it is text or a number",
                file=file,
                line=2,
                column=name,
                value=kind,
            )
        parent = prefix in ("sample", "acq", "process")
        found.append(Column(name, "t" if parent else _KINDS.get(kind, "t")))
    for name, count in Counter(names).items():
        if count > 1:
            remedy = "give each its own name"
            problems.error(f"named {count} times", remedy=remedy, file=file, line=1, column=name)
    _check_needed(file, set(names), problems, imageless)
    _check_limits(file, found, problems)
    return tuple(found) if problems.errors == before else None


def _check_needed(file: str, names: set[str], problems: Problems, imageless: bool) -> None:
    needed = {"object_id": "each object needs one"}
    if not imageless:
        needed["img_file_name"] = "each object needs an image"
    needed |= {
        f"{prefix}_id": f"needed by the other {prefix}_ columns"
        for prefix in ("sample", "acq", "process")
        if any(name.startswith(f"{prefix}_") for name in names)
    }
    for name, why in needed.items():
        if name not in names:
            problems.error(f"missing: {why}", remedy="add it", file=file, line=1, column=name)


def _check_limits(file: str, columns: list[Column], problems: Problems) -> None:
    counts: Counter[str] = Counter()
    for column in columns:
        if column.name in FIXED:
            continue
        level = f"object_{column.kind}" if column.prefix == "object" else column.prefix
        counts[level] += 1
        if level in LIMITS and counts[level] == LIMITS[level] + 1:
            problems.warn(
                f"the {counts[level]}th free {level} column, and EcoTaxa keeps {LIMITS[level]}",
                remedy="all are kept here; leave some out before going back to EcoTaxa",
                file=file,
                line=1,
                column=column.name,
            )

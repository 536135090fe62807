"""One TSV of EcoTaxa's: a row of names, a row of types, and the objects.

The first row names the columns, the second says `[t]` (text) or `[f]` (number) for each. A table
whose second row is no types is not guessed at: EcoTaxa would eat its first object.

Example:
    >>> table = read_table("ecotaxa_a.tsv", data, problems)
    >>> for line, cells in table.rows: ...
"""

from collections import Counter
from collections.abc import Iterator
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


@dataclass(frozen=True)
class Table:
    file: str
    columns: tuple[Column, ...]
    lines: tuple[str, ...]
    problems: Problems

    @property
    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """(line number, text by column) of each object; empty lines are passed over."""
        for number, line in enumerate(self.lines, start=3):
            if not line.strip():
                continue
            cells = line.split("\t")
            if len(cells) > len(self.columns) and any(cells[len(self.columns) :]):
                self.problems.error(
                    f"{len(cells)} cells, but {len(self.columns)} columns",
                    remedy="remove the tab inside a text, or name the column",
                    file=self.file,
                    line=number,
                )
                continue
            yield number, {c.name: cell.strip() for c, cell in zip(self.columns, cells)}  # noqa: B905 - cells left out at the end are empty


def read_table(file: str, data: bytes, problems: Problems) -> Table | None:
    """The table, or None when its head cannot be used: the problems say why."""
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
    columns = _columns(file, names, kinds, problems)
    return None if columns is None else Table(file, columns, tuple(lines[2:]), problems)


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
    file: str, names: list[str], kinds: list[str], problems: Problems
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
    _check_needed(file, set(names), problems)
    _check_limits(file, found, problems)
    return tuple(found) if problems.errors == before else None


def _check_needed(file: str, names: set[str], problems: Problems) -> None:
    needed = {"object_id": "each object needs one", "img_file_name": "each object needs an image"}
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

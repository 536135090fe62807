"""An upload of EcoTaxa's form that is made from something else: tables and pictures by name.

What another format holds is said once, as rows of EcoTaxa's columns; checking, questions, updates
and writing are then those of every import. Pictures are made when they are read.

Invariant: a cell is never cut: text that a table cannot hold is left out and said.

Example:
    >>> made = Made(problems)
    >>> made.row("D1", {"object_id": "D1_2", "img_file_name": "D1_2.png"}, {"object_area": 7.0})
    >>> made.picture("D1/D1_2.png", lambda: png)
    >>> made.upload().names
    ('D1/ecotaxa_D1.tsv', 'D1/D1_2.png')
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import Upload
from wire.ecotaxa import TEXT_LIMIT

Cells = Mapping[str, str]
Numbers = Mapping[str, float | None]


@dataclass(frozen=True)
class Same:
    """Cells that all rows have, by EcoTaxa's columns."""

    texts: Cells = field(default_factory=dict)
    numbers: Numbers = field(default_factory=dict)


NOTHING_SAME = Same()


_Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of a row's texts and of its numbers."""


@dataclass
class _Table:
    """Rows are kept as the lines they become, a tenth of the room: nearly all have one shape."""

    texts: dict[str, None] = field(default_factory=dict)
    numbers: dict[str, None] = field(default_factory=dict)
    rows: list[tuple[_Shape, str]] = field(default_factory=list)
    shapes: dict[_Shape, _Shape] = field(default_factory=dict)

    def add(self, texts: Cells, numbers: Numbers) -> None:
        shape = tuple(texts), tuple(numbers)
        if shape not in self.shapes:
            self.shapes[shape] = shape
            self.texts.update(dict.fromkeys(texts))
            self.numbers.update(dict.fromkeys(numbers))
        line = "\t".join((*texts.values(), *map(_number, numbers.values())))
        self.rows.append((self.shapes[shape], line))

    def data(self) -> bytes:
        """Names, types, rows."""
        texts = list(self.texts)
        numbers = [name for name in self.numbers if name not in self.texts]
        kinds = ["[t]"] * len(texts) + ["[f]"] * len(numbers)
        lines = ["\t".join(texts + numbers), "\t".join(kinds)]
        whole = tuple(texts), tuple(numbers)
        for shape, line in self.rows:
            if shape != whole:
                cells = dict(zip((*shape[0], *shape[1]), line.split("\t"), strict=True))
                lines.append("\t".join([cells.get(name, "") for name in texts + numbers]))
            else:
                lines.append(line)
        return "\n".join(lines).encode()


class Made:
    """Grows row by row; `folder` is the sample's, with one table in it."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._tables: dict[str, _Table] = {}
        self._pictures: dict[str, Callable[[], bytes]] = {}
        self._said: set[str] = set()

    def row(self, folder: str, texts: Cells, numbers: Numbers) -> None:
        """An object, or a further picture of one."""
        table = self._tables.setdefault(folder, _Table())
        kept = {name: text for name, text in texts.items() if self._fits(folder, name, text)}
        table.add(kept, numbers)

    def picture(self, name: str, read: Callable[[], bytes]) -> None:
        self._pictures[name] = read

    def upload(self) -> Upload:
        readers: dict[str, Callable[[], bytes]] = {}
        for folder, table in self._tables.items():
            last = folder.rpartition("/")[2]
            data = table.data()
            readers[f"{folder}/ecotaxa_{last}.tsv"] = lambda data=data: data  # type: ignore[misc] # a default binds it
        return Upload((*readers, *self._pictures), readers | self._pictures)

    def _fits(self, folder: str, name: str, text: str) -> bool:
        if len(text) <= TEXT_LIMIT and not any(ord(letter) < 32 for letter in text):
            return True
        if (told := f"{folder} {name}") not in self._said:
            self._said.add(told)
            self._problems.warn(
                f"left out: {len(text)} characters, or line breaks among them",
                remedy=f"nothing; a table's cell holds {TEXT_LIMIT} characters of one line",
                file=folder, column=name, value=text,
            )  # fmt: skip
        return False


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.9g}"

"""What a checklist says, whatever its format: one entry a taxon or synonym, with its line.

Keys are the file's own: taxonID, EcoTaxa's id, or a name with those above it. An entry with
`accepted` is another name of that one; as a `signpost` (EcoTaxa's deprecated taxa) it is a taxon
that became the other.

Example:
    >>> Entry(line=2, key="1080", name="Copepoda", parent="1066", rank="Class", aphia_id=1080)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.ecotaxa.problems import Problems
from server.taxonomy.names import NAME_MOST, clean

ENTRIES_MOST = 1_000_000
BYTES_MOST = 600_000_000
NESTED_MOST = 100_000_000
"""Bytes of XML or JSON, which take much more memory than they are long."""
NUMBER_MOST = 2**31 - 1
RANK_MOST = 32
_APHIA = re.compile(r"(?:urn:lsid:marinespecies\.org:taxname:|.*aphia\.php\?.*\bid=)(\d{1,10})$")


@dataclass(frozen=True, slots=True)
class Entry:
    """`loose`: the parent is somewhere above, not right above. `kind` and `rank` None: not said."""

    line: int
    key: str
    name: str
    parent: str | None = None
    rank: str | None = None
    kind: str | None = None
    status: str | None = None
    aphia_id: int | None = None
    ecotaxa_id: int | None = None
    accepted: str | None = None
    signpost: bool = False
    loose: bool = False


@dataclass
class Checklist:
    """`columns` gives the file's word for key, parent, accepted and name; `numbers` says whose the
    keys are: "aphia_id", "ecotaxa_id" or "" (the file's own)."""

    file: str
    format: str
    columns: Mapping[str, str]
    numbers: str = ""
    entries: list[Entry] = field(default_factory=list)


def aphia_of(text: str) -> int | None:
    """WoRMS's number in an LSID or an address of its pages.

    >>> aphia_of("urn:lsid:marinespecies.org:taxname:1080")
    1080
    """
    found = _APHIA.match(text.strip())
    return int(found[1]) if found else None


@dataclass(frozen=True)
class Cells:
    """The cells of one line by column, and the words for what is wrong in them."""

    file: str
    line: int
    texts: Mapping[str, str]
    problems: Problems

    def text(self, column: str) -> str:
        return self.texts.get(column, "")

    def name(self, column: str) -> str:
        """The name; after a problem a stand-in, so that what is below it is not called lost."""
        name = clean(self.text(column))
        if not name:
            self.error(column, "no name", "write one, or remove the line")
            return f"line {self.line}"
        if len(name) > NAME_MOST or any(sign in name for sign in "<>") or not name.isprintable():
            self.error(
                column,
                "not a name",
                f"use at most {NAME_MOST} printable characters without < and >",
            )
            return f"line {self.line}"
        return name

    def number(self, column: str) -> int | None:
        """A whole number above 0, or None when the cell is empty or wrong; "1080.0" as
        spreadsheets write it too."""
        text = self.text(column).removesuffix(".0")
        if not text or text in ("0", "NULL", "None"):
            return None
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
        if 0 < number <= NUMBER_MOST:
            return number
        self.error(column, "expected a whole number above 0", "correct it, or leave it empty")
        return None

    def rank(self, column: str) -> str | None:
        text = self.text(column)
        if len(text) <= RANK_MOST:
            return text or None
        self.error(column, f"a rank has at most {RANK_MOST} characters", "shorten it")
        return None

    def error(self, column: str, message: str, remedy: str) -> None:
        self.problems.error(
            message,
            remedy=remedy,
            file=self.file,
            line=self.line,
            column=column,
            value=self.text(column),
        )

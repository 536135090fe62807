"""What EcoTaxa cannot keep: mended and named on the way into a table that is meant for it.

Refused, with the column named: more free columns than EcoTaxa has places for. Mended, with column
and object named: text above 250 characters, line breaks, numbers that are not finite, parts of a
second; one name for two samples, or for acquisitions of several samples, or for two objects.
In a table for reading nothing is changed; numbers that are not finite are named there too.

Example:
    >>> odd = Odd.of(export, connection, known, Wanted(types=True))
    >>> odd.mend([odd.columns.row(row)])
    [['o1', 43.5, ...]]
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from server.db import exporting
from server.db.exporting import Levels
from server.exports.asked import AskedError
from server.exports.columns import INTERNAL, Columns, Known, Wanted
from server.exports.export import Export
from server.exports.mends import Mends
from wire.ecotaxa import TEXT_LIMIT, EcotaxaError, check_limits

_REMEDY = "; a table without the row of types, or Parquet, holds all columns"


@dataclass(frozen=True)
class Odd:
    columns: Columns
    mends: Mends
    strict: bool
    """Whether the table is for EcoTaxa."""

    @classmethod
    def of(cls, export: Export, connection: Connection, known: Known, wanted: Wanted) -> "Odd":
        """Raises AskedError for what can only be refused."""
        strict = wanted.types and not wanted.annotations
        if not strict:
            return cls(Columns(known, wanted), export.mends, strict)
        shared = frozenset(exporting.ids_shared(connection, export.project_id))
        samples = _samples(known.levels, export.mends)
        acquisitions = _acquisitions(known.levels, export.mends)
        columns = Columns(known, wanted, samples, acquisitions, shared)
        odd = cls(columns, export.mends, strict)
        try:
            check_limits([column for column in columns.table if column.name not in INTERNAL])
        except EcotaxaError as error:
            raise AskedError([f"{error}{_REMEDY}"]) from error
        odd._mend_parents()
        for name in sorted(shared):
            export.mends.note("object_id", "one id of several objects was made unique", name)
        return odd

    def mend(self, rows: list[list[Any]]) -> list[list[Any]]:
        """The rows as they go into the table."""
        if self.strict:
            for place, column in enumerate(self.columns.table):
                if column.kind == "f":
                    self._infinite(rows, place, "a number that is not finite was left empty")
                    continue
                for row in rows:
                    row[place] = self._text(row[place], column.name, str(row[0]))
        return rows

    def look(self, rows: Sequence[Sequence[Any]], text: str) -> None:
        """Name what is odd in rows that stand as they are; `text` are their lines."""
        if "inf" in text and not self.strict:
            for place, column in enumerate(self.columns.table):
                if column.kind == "f":
                    self._infinite(rows, place, "a number is not finite; EcoTaxa keeps it so")

    def _infinite(self, rows: Sequence[Any], place: int, what: str) -> None:
        for row in rows:
            if row[place] is not None and not math.isfinite(row[place]):
                self.mends.note(self.columns.table[place].name, what, f"object {row[0]}")
                if self.strict:
                    row[place] = None

    def _text(self, value: Any, column: str, owner: str) -> Any:
        if not isinstance(value, str) or not value:
            return value
        if column == "object_time" and "." in value:
            self.mends.note(column, "parts of a second were cut", f"object {owner}")
            value = value.partition(".")[0]
        plain = " ".join(value.split()) if not value.isprintable() else value
        if plain != value:
            what = "line breaks, tabs and the like were made spaces"
            self.mends.note(column, what, f"object {owner}")
        if len(plain) > TEXT_LIMIT:
            what = f"text above {TEXT_LIMIT} characters was cut"
            self.mends.note(column, what, f"object {owner}")
        return plain[:TEXT_LIMIT]

    def _mend_parents(self) -> None:
        """What samples, acquisitions and processes say, once for all of their objects."""
        names = [c.name for c in self.columns.table if c.prefix in ("sample", "acq", "process")]
        for number, cells in self.columns.parents.items():
            owner = f"of process {self.columns.known.levels.processes[number].orig_id}"
            self.columns.parents[number] = tuple(
                self._text(cell, name, owner) for name, cell in zip(names, cells, strict=False)
            )


def _samples(levels: Levels, mends: Mends) -> dict[int, str]:
    """Names for samples whose own another one has."""
    counted = Counter(sample.orig_id for sample in levels.samples.values())
    found = {}
    for number, sample in sorted(levels.samples.items()):
        if counted[sample.orig_id] > 1:
            found[number] = f"{sample.orig_id}~{number}"
            what = "one id of several samples was made unique"
            mends.note("sample_id", what, f"sample {sample.orig_id}")
    return found


def _acquisitions(levels: Levels, mends: Mends) -> Mapping[int, str]:
    """Names for acquisitions whose own one of another sample has: EcoTaxa wants them unique."""
    counted = Counter(acquisition.orig_id for acquisition in levels.acquisitions.values())
    found = {}
    for number, acquisition in sorted(levels.acquisitions.items()):
        if counted[acquisition.orig_id] > 1:
            found[number] = f"{acquisition.orig_id}~{acquisition.sample_id}"
            what = "one id in several samples was made unique"
            mends.note("acq_id", what, f"acquisition {acquisition.orig_id}")
    return found

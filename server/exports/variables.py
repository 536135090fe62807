"""The columns that formulas read, as arrays: one value for each of some objects.

An object's column is a free one (`obj.area`, `fre.area`) or one of its own (`obj.depth_min`); a
level's is a free one, whose text must read as a number, or `acq.pixel_um`. `ssm` is EcoTaxa's word
for an acquisition or its process, whichever has the column.

Invariant: a formula's result is a finite number for every object, or VariableError names formula,
column, value and object.

Example:
    >>> variables = Variables.of(known, [Formula.read("subsample_coef", "1/acq.sub_part")])
    >>> variables.work_out(rows)["subsample_coef"]
    array([1. , 0.5, 0.5])
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from server.db.exporting_objects import FIXED, NUMBERS
from server.exports.columns import Known
from server.exports.formulas import Column, Formula, FormulaError, Numbers

_READ = len(NUMBERS)
_LEVEL = {"sam": "sample", "acq": "acquisition", "prc": "process"}


class VariableError(FormulaError):
    """A formula has no result for an object."""


@dataclass(frozen=True)
class Variables:
    """`columns` are what `read_numbers` shall read: place or own column of an object, by column."""

    formulas: tuple[Formula, ...]
    columns: dict[str, str]
    tables: dict[Column, tuple[int, Mapping[int, Any]]]
    """Of the levels' columns: which number of a row leads to the value, and the values."""

    @classmethod
    def of(cls, known: Known, formulas: Sequence[Formula]) -> "Variables":
        """Raises FormulaError for a column that is not there."""
        columns: dict[str, str] = {}
        tables: dict[Column, tuple[int, Mapping[int, Any]]] = {}
        for formula in formulas:
            for column in formula.columns:
                if column.level in ("obj", "fre"):
                    columns[str(column)] = _own(formula, column, known)
                else:
                    tables[column] = _of_level(formula, column, known)
        return cls(tuple(formulas), columns, tables)

    def work_out(self, rows: Sequence[Any]) -> dict[str, Numbers]:
        """Each formula's values by its name. Raises VariableError."""
        raw = {column: self._raw(column, rows) for f in self.formulas for column in f.columns}
        numbers = {
            column: np.array([_number(value) for value in values]) for column, values in raw.items()
        }
        found = {}
        for formula in self.formulas:
            values = formula.work_out(numbers, len(rows))
            bad = np.flatnonzero(~np.isfinite(values))
            if len(bad):
                raise _reason(formula, raw, numbers, rows, int(bad[0]), float(values[bad[0]]))
            found[formula.name] = values
        return found

    def _raw(self, column: Column, rows: Sequence[Any]) -> list[Any]:
        if column in self.tables:
            key, table = self.tables[column]
            return [table.get(row[key]) for row in rows]
        place = _READ + list(self.columns).index(str(column))
        return [row[place] for row in rows]


def _own(formula: Formula, column: Column, known: Known) -> str:
    place = known.places.get(column.name)
    if place is None and column.level == "obj" and column.name in FIXED:
        return column.name
    if place is None:
        there = [*known.places, *(FIXED if column.level == "obj" else ())]
        raise _unknown(formula, column, there)
    return place


def _of_level(formula: Formula, column: Column, known: Known) -> tuple[int, Mapping[int, Any]]:
    levels = known.levels
    samples = {n: level.free for n, level in levels.samples.items()}
    acquisitions = {
        n: {**({} if a.pixel_um is None else {"pixel_um": a.pixel_um}), **a.free}
        for n, a in levels.acquisitions.items()
    }
    processes = {n: level.free for n, level in levels.processes.items()}
    tables: dict[str, tuple[int, dict[int, Any]]] = {
        "sam": (2, samples), "acq": (3, acquisitions), "prc": (4, processes)
    }  # fmt: skip
    wanted = ("acq", "prc") if column.level == "ssm" else (column.level,)
    having = [name for name in wanted if any(column.name in f for f in tables[name][1].values())]
    if len(having) > 1:
        raise FormulaError(
            f"{formula}: {column} is a column of acquisitions and of processes; say "
            f"acq.{column.name} or prc.{column.name}"
        )
    if not having:
        there = {name for level in wanted for free in tables[level][1].values() for name in free}
        raise _unknown(formula, column, sorted(there))
    key, table = tables[having[0]]
    return key, {number: free.get(column.name) for number, free in table.items()}


def _unknown(formula: Formula, column: Column, there: Sequence[str]) -> FormulaError:
    near = get_close_matches(column.name, there, 5, 0.4) or list(there[:8])
    shown = ", ".join(f"{column.level}.{name}" for name in near) or "none at this level"
    return FormulaError(f"{formula}: there is no column {column}; there are {shown}")


def _number(value: Any) -> float:
    """The value as a finite number, else NaN."""
    if value is None:
        return math.nan
    try:
        number = float(value)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _reason(
    formula: Formula,
    raw: Mapping[Column, list[Any]],
    numbers: Mapping[Column, Numbers],
    rows: Sequence[Any],
    at: int,
    value: float,
) -> VariableError:
    objid = f"object {rows[at].orig_id}"
    for column in formula.columns:
        given = raw[column][at]
        if math.isnan(numbers[column][at]):
            said = "is missing" if given in (None, "") else f"is '{given!s:.40}', not a number"
            return VariableError(f"{formula}: {column} {said}, {objid}")
    with_ = ", ".join(f"{column} = {raw[column][at]}" for column in formula.columns)
    return VariableError(f"{formula}: no finite number ({value}), {objid} with {with_ or 'none'}")

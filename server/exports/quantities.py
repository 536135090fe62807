"""Counts, concentrations and biovolumes of a project's objects by group, with EcoTaxa's formulas.

People say with three formulas how to get at what a count stands for:
- `total_water_volume`, m3: the water that the sample stands for;
- `subsample_coef`, in ]0, 1]: the fraction of it that was looked at;
- `individual_volume`, mm3: the volume of one object.
An object then counts for 1 / subsample_coef individuals, for 1 / (subsample_coef
total_water_volume) individuals per m3, and for individual_volume times that, mm3 per m3. A formula
that is not given is not needed for what is asked, or is named as missing; `subsample_coef` is 1
when nobody says otherwise.

Example:
    >>> quantities = Quantities.of(export, connection, known, needed=("total_water_volume",))
    >>> with quantities.reading(selection) as rows: ...
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from server.db import exporting_objects
from server.db.exporting import ProjectRow
from server.db.exporting_objects import Selection
from server.exports.asked import AskedError
from server.exports.columns import Known
from server.exports.export import Export
from server.exports.formulas import Formula, FormulaError, Numbers
from server.exports.variables import Variables

WATER, FRACTION, VOLUME = "total_water_volume", "subsample_coef", "individual_volume"
NAMES = (WATER, FRACTION, VOLUME)
UNITS = {WATER: "m3", FRACTION: "]0, 1]", VOLUME: "mm3"}
_NINES = 999_999.0
"""ZooProcess writes nines for a volume that is not known."""


@dataclass(frozen=True)
class Rows:
    """Some objects. `weight` individuals each stands for, `per_m3` individuals per m3 (NaN without
    a volume of water), `mm3` its own volume (NaN without a formula)."""

    rows: Sequence[Any]
    sample: NDArray[np.int64]
    acquisition: NDArray[np.int64]
    taxon: NDArray[np.int64]
    status: NDArray[np.str_]
    weight: Numbers
    water_m3: Numbers
    mm3: Numbers

    @property
    def per_m3(self) -> Numbers:
        return self.weight / self.water_m3


@dataclass(frozen=True)
class Quantities:
    """`formulas` are those that hold, by name."""

    connection: Connection
    formulas: Mapping[str, Formula]
    variables: Variables

    @classmethod
    def of(
        cls, export: Export, connection: Connection, known: Known, needed: Sequence[str]
    ) -> "Quantities":
        """With the formulas that were asked for, or else the project's. Raises AskedError, for
        those that are `needed` and not there too."""
        texts = formulae(export.project(connection), export.params.get("formulae") or {})
        missing = [name for name in needed if name not in texts and name != FRACTION]
        if missing:
            raise AskedError(
                [
                    f"formulae: {name} ({UNITS[name]}) is needed and neither asked for nor one of "
                    f"the project's; as {_EXAMPLES[name]}"
                    for name in missing
                ]
            )
        wanted = [name for name in NAMES if name in texts and name in (*needed, FRACTION)]
        try:
            formulas = {name: Formula.read(name, texts[name]) for name in wanted}
            variables = Variables.of(known, list(formulas.values()))
        except FormulaError as error:
            raise AskedError([str(error)]) from error
        return cls(connection, formulas, variables)

    @contextmanager
    def reading(self, selection: Selection) -> Iterator[Iterator[Rows]]:
        """All objects, some at a time. Raises AskedError for one whose formulas have no result."""
        columns = self.variables.columns
        with (
            closing(exporting_objects.read_numbers(self.connection, selection, columns)) as read,
            closing(self._rows(read)) as rows,
        ):
            yield rows

    def _rows(self, read: Iterator[Sequence[Any]]) -> Generator[Rows]:
        for rows in read:
            try:
                values = self.variables.work_out(rows)
                for name, numbers in values.items():
                    _check(self.formulas[name], numbers, rows)
            except FormulaError as error:
                raise AskedError([str(error)]) from error
            nothing = np.full(len(rows), np.nan)
            yield Rows(
                rows,
                np.array([row.sample_id for row in rows], np.int64),
                np.array([row.acquisition_id for row in rows], np.int64),
                np.array([row.taxon_id or 0 for row in rows], np.int64),
                np.array([row.status for row in rows]),
                1 / values[FRACTION] if FRACTION in values else np.ones(len(rows)),
                values.get(WATER, nothing),
                values.get(VOLUME, nothing),
            )


def formulae(project: ProjectRow, asked: Mapping[str, str]) -> dict[str, str]:
    """The project's formulas, a map or lines of "name: formula", under those that were asked for.
    Raises AskedError for a name that is none."""
    given = project.settings.get("formulae") or {}
    if isinstance(given, str):
        lines = (line.partition(":") for line in given.splitlines())
        given = {name.strip(): text.strip() for name, _, text in lines if text.strip()}
    unknown = sorted(set(asked) - set(NAMES))
    if unknown:
        raise AskedError(
            [f"formulae: '{name}' is not known; there are {', '.join(NAMES)}" for name in unknown]
        )
    own = {name: str(text) for name, text in given.items() if name in NAMES and text}
    return {**own, **{name: text for name, text in asked.items() if text}}


def _check(formula: Formula, values: Numbers, rows: Sequence[Any]) -> None:
    """Raises FormulaError for a number that cannot be what it is said to be."""
    if formula.name == WATER:
        bad, expected = (values <= 0) | (values == _NINES), "a volume above 0, m3"
    elif formula.name == FRACTION:
        bad, expected = (values <= 0) | (values > 1), "a fraction above 0, at most 1"
    else:
        bad, expected = values < 0, "a volume, mm3"
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise FormulaError(
            f"{formula}: {values[at]:g}, expected {expected}; object {rows[at].orig_id}"
        )


_EXAMPLES = {
    WATER: "sam.tot_vol",
    VOLUME: "4.0/3.0*math.pi*(math.sqrt(obj.area/math.pi)*acq.pixel)**3",
}

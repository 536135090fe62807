"""Abundance, concentration and biovolume by taxon and group, with how sure the counts are.

Only what a person validated is counted unless other statuses are asked for. A taxon that any group
has stands in every group, with zeros where it was not found. `plain` gives EcoTaxa's own table (one
quantity, a row a status, no intervals) instead of a zip.

For a group g and a taxon t, over their objects i (docs/exports.md has units and sources):
    count = n; concentration = sum 1 / (coef_i V_i); biovolume = sum v_i / (coef_i V_i).
By "none" both are means over samples (EcoTaxa's own table has their sums).

Example:
    >>> write_summary(Export(database, packs, 1, {"by": "sample"}, who, 2, folder))
    {'file': 'export_summary_1_20260921_1413.zip', 'rows': 36, 'objects': 812, 'mended': []}
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from server.db import exporting, exporting_objects
from server.exports.archive import Archive, Table, draft
from server.exports.columns import Known
from server.exports.counted import (
    DEEPEST_BIN_M,
    QUANTITIES,
    STATUSES,
    needed,
    statuses_asked,
)
from server.exports.counting import interval
from server.exports.export import Export
from server.exports.grouping import BY, Grouping
from server.exports.provenance import add_provenance, describe
from server.exports.quantities import FRACTION, Quantities
from server.exports.recast import LEFT_OUT, Recast
from server.exports.sums import sum_up
from server.exports.tally import Key


@dataclass(frozen=True)
class Asked:
    quantities: tuple[str, ...]
    by: str
    statuses: tuple[str, ...]
    by_status: bool
    plain: bool
    step_m: float
    mapping: Mapping[int, int | None]

    @classmethod
    def of(cls, export: Export) -> "Asked":
        """Raises AskedError."""
        asked = export.asked()
        quantities = asked.choices("quantities", QUANTITIES, ("abundance",))
        by = asked.choice("by", BY, "sample")
        statuses = statuses_asked(export, asked)
        plain = asked.flag("plain")
        by_status = asked.flag("by_status") or plain
        step = asked.number("depth_bin_m", 5.0, 0.0, DEEPEST_BIN_M)
        mapping = asked.mapping("taxo_mapping")
        asked.texts("formulae")
        if plain and len(quantities) > 1:
            asked.refuse("plain: EcoTaxa's table holds one quantity")
        asked.check()
        return cls(quantities, by, statuses, by_status, plain, step, mapping)


@dataclass
class Group:
    """What was summed up of a taxon in a group."""

    n: float = 0.0
    validated: float = 0.0
    weight: float = 0.0
    per_m3: float = 0.0
    mm3_per_m3: float = 0.0
    squares: float = 0.0

    def add(self, sums: Any, validated: bool) -> None:
        self.n += sums[0]
        self.validated += sums[0] if validated else 0
        self.weight += sums[1]
        self.per_m3 += sums[2]
        self.mm3_per_m3 += sums[3]
        self.squares += sums[4]


def write_summary(export: Export) -> dict[str, Any]:
    """Raises AskedError, OSError, DBAPIError."""
    asked = Asked.of(export)
    exporting.catch_up(export.database)
    path = export.path("summary", ".tsv" if asked.plain else ".zip")
    with exporting.snapshot(export.database) as connection:
        known = export.known(connection)
        summary = Summary.of(export, connection, known, asked)
        provenance = {
            **describe(export, connection, known),
            "statuses_counted": list(asked.statuses),
            "formulae": {n: f.text for n, f in summary.quantities.formulas.items()},
        }
    with draft(path) as stream, Table([summary.head]) as table:
        table.add(list(summary.rows()))
        if asked.plain:
            table.copy_to(stream)
        else:
            with Archive(stream) as archive:
                archive.add_table("summary.tsv", table)
                add_provenance(archive, export, provenance, summary.notes())
        rows = table.count
    return {
        "file": path.name,
        "rows": rows,
        "objects": int(sum(group.n for group in summary.groups.values())),
        "mended": export.mends.lines(),
    }


@dataclass(frozen=True)
class Summary:
    """`groups` by group's key, taxon and status ("" unless by status)."""

    asked: Asked
    known: Known
    grouping: Grouping
    quantities: Quantities
    groups: dict[tuple[Key, int, str], Group]
    samples: int

    @classmethod
    def of(cls, export: Export, connection: Connection, known: Known, asked: Asked) -> "Summary":
        recast = Recast.of(asked.mapping, known.taxa)
        anything = exporting_objects.with_status(
            export.selection(connection, any_taxon=True), asked.statuses
        )
        grouping = Grouping.of(asked.by, asked.step_m, connection, known, anything)
        quantities = Quantities.of(export, connection, known, needed(asked.quantities))
        selection = exporting_objects.with_status(export.selection(connection), asked.statuses)
        tally = sum_up(quantities, selection, grouping, recast)
        groups: dict[tuple[Key, int, str], Group] = {}
        for (*unit, taxon, code), sums in tally.sums.items():
            if taxon == LEFT_OUT:
                continue
            status = STATUSES[code] if asked.by_status else ""
            group = groups.setdefault((tuple(unit), taxon, status), Group())
            group.add(sums, STATUSES[code] == "V")
        samples = exporting_objects.samples_of(connection, anything)
        summary = cls(asked, known, grouping, quantities, groups, len(samples))
        summary._add_zeros(exporting_objects.statuses_of(connection, anything))
        return summary

    def _add_zeros(self, there: set[tuple[int, int, str]]) -> None:
        """A taxon that was found anywhere was looked for everywhere."""
        taxa = {taxon for _, taxon, _ in self.groups}
        for unit in self.grouping.units:
            statuses = {""}
            if self.asked.by_status:
                statuses = {s for sample, a, s in there if _fits(unit, sample, a, self.asked.by)}
            for taxon in taxa:
                for status in statuses:
                    self.groups.setdefault((unit, taxon, status), Group())

    @property
    def head(self) -> list[str]:
        head = [*self.grouping.columns, *(["status"] if self.asked.by_status else []), "taxonid"]
        if self.asked.plain:
            names = {"abundance": "count"}
            return [*head, names.get(self.asked.quantities[0], self.asked.quantities[0])]
        head += ["taxon_number", "count", "count_low", "count_high", "validated_share"]
        head += ["abundance"] if FRACTION in self.quantities.formulas else []
        if "concentration" in self.asked.quantities:
            head += ["concentration", "concentration_low", "concentration_high"]
        if "biovolume" in self.asked.quantities:
            head += ["biovolume", "biovolume_sd"]
        return head

    def rows(self) -> Iterator[list[Any]]:
        """The table's, by group and taxon."""
        found = [
            ((self.grouping.cells(unit), self._name(taxon), status, unit, taxon), group)
            for (unit, taxon, status), group in self.groups.items()
        ]
        for key, group in sorted(found, key=lambda one: _sortable(one[0])):
            cells, name, status, _, taxon = key
            head = [*cells, *([status] if self.asked.by_status else []), name]
            values = self._plain(group) if self.asked.plain else self._full(group, taxon)
            yield [
                *head,
                *(None if value is None or math.isnan(value) else value for value in values),
            ]

    def _plain(self, group: Group) -> list[Any]:
        quantity = self.asked.quantities[0]
        values = {"concentration": group.per_m3, "biovolume": group.mm3_per_m3}
        return [values.get(quantity, int(group.n))]

    def _full(self, group: Group, taxon: int) -> list[Any]:
        low, high = (float(limit) for limit in interval(group.n))
        share = group.validated / group.n if group.n else None
        cells = [taxon or None, int(group.n), low, high, share]
        cells += [group.weight] if FRACTION in self.quantities.formulas else []
        mean = max(self.samples, 1) if self.asked.by == "none" else 1
        if "concentration" in self.asked.quantities:
            each = group.per_m3 / group.n if group.n else 0.0
            top = each * high / mean if group.n else None
            cells += [group.per_m3 / mean, each * low / mean, top]
        if "biovolume" in self.asked.quantities:
            cells += [group.mm3_per_m3 / mean, math.sqrt(group.squares) / mean]
        return cells

    def _name(self, taxon: int) -> str:
        return self.known.taxa[taxon].display_name if taxon else ""

    def notes(self) -> str:
        formulas = "".join(f"  {n} = {f.text}\n" for n, f in self.quantities.formulas.items())
        mean = "concentration, biovolume: means over samples\n" if self.asked.by == "none" else ""
        bins = (
            "depth_min, depth_max  m; a sample's water is shared evenly by its bins\n"
            if self.asked.by == "depth"
            else ""
        )
        return (
            f"summary.tsv, one line for each taxon of each group ({self.asked.by}); zeros where a\n"
            "taxon of another group was not found. Counted: objects of the statuses "
            f"{', '.join(self.asked.statuses)}.\n"
            "count                 objects; count_low, count_high: exact Poisson interval, 95 %\n"
            "validated_share       share of the counted objects that a person validated\n"
            "abundance             individuals: sum of 1 / subsample_coef\n"
            "concentration         individuals per m3: sum of 1 / (subsample_coef"
            " total_water_volume)\n"
            "biovolume             mm3 per m3: sum of individual_volume / (subsample_coef"
            " total_water_volume);\n"
            "                      biovolume_sd: its standard deviation (compound Poisson)\n"
            f"{bins}{mean}Formulas:\n{formulas or '  none'}\n"
        )


def _fits(unit: Key, sample: int, acquisition: int, by: str) -> bool:
    """Whether an acquisition's objects are in the group."""
    if by == "acquisition":
        return unit == (sample, acquisition)
    return not unit or unit[0] == sample


def _sortable(part: Any) -> tuple[Any, ...]:
    """What is not known stands first."""
    if isinstance(part, tuple):
        return tuple(_sortable(one) for one in part)
    return (part is not None, part)

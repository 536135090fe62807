"""The normalised biomass size spectrum: biovolume of each size, over the width of the size's bin.

For bin k of width dv_k (mm3), over its objects i: NBSS_k = sum v_i / (coef_i V_i) / dv_k, in
mm3 m-3 mm-3. Platt & Denman (1978) Rapp. P.-v. Reun. CIEM 173:60-65; octaves of volume as in UVP5's
size classes (Kiko et al. 2022, Earth Syst. Sci. Data 14). Beside it the number spectrum by
diameter, m-3 um-1, as UVP's users have it.

Small objects are missed before they are below a camera's limit: bins below that of the largest NBSS
are marked "below mode", those that reach below a limit that was given "below limit"; fits should
leave both out. A bin without objects between others stands with zeros.

Example:
    >>> write_spectrum(Export(database, packs, 1, {"bins": "10^0.1"}, who, 2, folder))
    {'file': 'export_spectrum_1_20260921_1413.zip', 'rows': 61, 'objects': 812, 'mended': []}
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from server.db import exporting, exporting_objects
from server.exports.archive import Archive, Table, draft
from server.exports.asked import AskedError
from server.exports.columns import Known
from server.exports.counted import DEEPEST_BIN_M, statuses_asked
from server.exports.counting import interval
from server.exports.export import Export
from server.exports.grouping import BY, Grouping
from server.exports.provenance import add_provenance, describe
from server.exports.quantities import VOLUME, WATER, Quantities, Rows
from server.exports.recast import LEFT_OUT, Recast
from server.exports.size_bins import SIZES, SizeBins
from server.exports.tally import Key, Tally

_HEAD = (
    *("volume_low_mm3", "volume_high_mm3", "esd_low_um", "esd_high_um"),
    *("count", "count_low", "count_high", "concentration", "biovolume"),
    *("nbss", "nbss_low", "nbss_high", "number_per_um", "incomplete"),
)


@dataclass(frozen=True)
class Asked:
    by: str
    bins: SizeBins
    statuses: tuple[str, ...]
    step_m: float
    limit: float
    mapping: Mapping[int, int | None]

    @classmethod
    def of(cls, export: Export) -> "Asked":
        """Raises AskedError."""
        asked = export.asked()
        by, size = asked.choice("by", BY, "sample"), asked.choice("size", SIZES, "biovolume")
        bins = SizeBins.of(size, "octave")
        try:
            bins = SizeBins.of(size, asked.text("bins", "octave"))
        except ValueError as error:
            asked.refuse(f"bins: {error}")
        statuses = statuses_asked(export, asked)
        step = asked.number("depth_bin_m", 5.0, 0.0, DEEPEST_BIN_M)
        limit = asked.number("smallest", 0.0, 0.0, 1e12)
        mapping = asked.mapping("taxo_mapping")
        asked.texts("formulae")
        asked.check()
        return cls(by, bins, statuses, step, limit, mapping)


def write_spectrum(export: Export) -> dict[str, Any]:
    """Raises AskedError, OSError, DBAPIError."""
    asked = Asked.of(export)
    exporting.catch_up(export.database)
    path = export.path("spectrum", ".zip")
    with exporting.snapshot(export.database) as connection:
        known = export.known(connection)
        spectrum = Spectrum.of(export, connection, known, asked)
        provenance = {
            **describe(export, connection, known),
            "statuses_counted": list(asked.statuses),
            "formulae": spectrum.formulae,
        }
    with draft(path) as stream, Archive(stream) as archive, Table([spectrum.head]) as table:
        table.add(list(spectrum.rows()))
        archive.add_table("spectrum.tsv", table)
        add_provenance(archive, export, provenance, spectrum.notes())
        rows = table.count
    return {
        "file": path.name,
        "rows": rows,
        "objects": int(sum(sums[0] for sums in spectrum.tally.sums.values())),
        "mended": export.mends.lines(),
    }


@dataclass(frozen=True)
class Spectrum:
    """`tally`: objects, individuals per m3, mm3 per m3 by group and bin; by "none" a mean over
    `samples`."""

    asked: Asked
    grouping: Grouping
    tally: Tally
    samples: int
    formulae: Mapping[str, str]

    @classmethod
    def of(cls, export: Export, connection: Connection, known: Known, asked: Asked) -> "Spectrum":
        recast = Recast.of(asked.mapping, known.taxa)
        anything = exporting_objects.with_status(
            export.selection(connection, any_taxon=True), asked.statuses
        )
        grouping = Grouping.of(asked.by, asked.step_m, connection, known, anything)
        quantities = Quantities.of(export, connection, known, (WATER, VOLUME))
        selection = exporting_objects.with_status(export.selection(connection), asked.statuses)
        tally = Tally(3)
        with quantities.reading(selection) as some:
            for rows in some:
                kept = recast.of_taxa(rows.taxon) != LEFT_OUT
                _check_volumes(rows, kept)
                per_m3 = rows.weight / grouping.water_m3(rows)
                kept &= np.isfinite(per_m3)  # of unknown depth, when bins of depth are asked for
                bins = asked.bins.of_volumes(np.where(rows.mm3 > 0, rows.mm3, 1.0))
                keys = np.column_stack([grouping.keys(rows), bins])
                values = np.column_stack([np.ones(len(kept)), per_m3, per_m3 * rows.mm3])
                tally.add(keys[kept], values[kept])
        formulae = {name: formula.text for name, formula in quantities.formulas.items()}
        samples = exporting_objects.samples_of(connection, anything)
        return cls(asked, grouping, tally, max(len(samples), 1), formulae)

    @property
    def head(self) -> list[str]:
        return [*self.grouping.columns, *_HEAD]

    def rows(self) -> Iterator[list[Any]]:
        """By group and size."""
        groups: dict[Key, dict[int, Any]] = defaultdict(dict)
        for (*unit, number), sums in self.tally.sums.items():
            groups[tuple(unit)][number] = sums
        for key in sorted(groups, key=lambda key: (self.grouping.cells(key), key)):
            held = groups[key]
            mode = max(held, key=lambda number: (self._nbss(number, held[number]), -number))
            for number in range(min(held), max(held) + 1):
                sums = held.get(number, np.zeros(3))
                yield [*self.grouping.cells(key), *self._cells(number, sums, mode)]

    def _nbss(self, number: int, sums: Any) -> float:
        low, high = self.asked.bins.volumes_mm3(number)
        return float(sums[2]) / self._mean / (high - low)

    @property
    def _mean(self) -> int:
        return self.samples if self.asked.by == "none" else 1

    def _cells(self, number: int, sums: Any, mode: int) -> list[Any]:
        volumes, diameters = (
            self.asked.bins.volumes_mm3(number), self.asked.bins.diameters_um(number)
        )  # fmt: skip
        n, per_m3, mm3_per_m3 = int(sums[0]), *(float(s) / self._mean for s in sums[1:])
        low, high = (float(limit) for limit in interval(n))
        nbss = self._nbss(number, sums)
        limits = (nbss / n * low, nbss / n * high) if n else (0.0, None)
        by_um = per_m3 / (diameters[1] - diameters[0])
        incomplete = "below mode" if number < mode else ""
        if self.asked.bins.edges(number)[0] < self.asked.limit:
            incomplete = "below limit"
        head = [*volumes, *diameters, n, low, high, per_m3, mm3_per_m3]
        return [*head, nbss, *limits, by_um, incomplete]

    def notes(self) -> str:
        formulas = "".join(f"  {name} = {text}\n" for name, text in self.formulae.items())
        mean = "Values per m3 are means over samples.\n" if self.asked.by == "none" else ""
        return (
            f"spectrum.tsv, one line for each bin of size of each group ({self.asked.by}); edges\n"
            f"grow by {self.asked.bins.ratio:g} by {self.asked.bins.size}. Counted: objects of the "
            f"statuses {', '.join(self.asked.statuses)}.\n{mean}"
            "concentration   individuals per m3; biovolume: mm3 per m3, of the bin\n"
            "nbss            biovolume over the bin's width, mm3 m-3 mm-3 (Platt & Denman 1978);\n"
            "                nbss_low, nbss_high: by the count's exact Poisson interval, 95 %\n"
            "number_per_um   concentration over the bin's width in diameter, m-3 um-1\n"
            "incomplete      'below mode': smaller than the bin of the largest nbss, 'below\n"
            "                limit': than the limit that was given; leave both out of fits\n"
            f"Formulas:\n{formulas}"
        )


def _check_volumes(rows: Rows, kept: Any) -> None:
    """Raises AskedError for an object without a size."""
    flat = np.flatnonzero(kept & (rows.mm3 <= 0))
    if len(flat):
        orig_id = rows.rows[int(flat[0])].orig_id
        raise AskedError([f"individual_volume: 0, which has no size; object {orig_id}"])

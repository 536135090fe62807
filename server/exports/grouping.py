"""By what objects are summed up: nothing, sample, acquisition, depth bin; and which groups exist.

A group exists when any object of the selection is in it, whatever its taxon: so a taxon that was
looked for and not found has a row of zeros, as in EcoTaxa.

Example:
    >>> grouping = Grouping.of("sample", 5.0, connection, known, selection)
    >>> grouping.units
    [(3,), (4,)]
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from server.db import exporting_objects
from server.db.exporting_objects import Selection
from server.exports.columns import Known
from server.exports.depths import NOWHERE, Depths
from server.exports.quantities import Rows
from server.exports.tally import Key

BY = ("none", "sample", "acquisition", "depth")


@dataclass(frozen=True)
class Grouping:
    """`units` are the keys of all groups; `bins` how many bins each sample reaches into."""

    by: str
    depths: Depths
    known: Known
    units: list[Key]
    bins: dict[int, int]

    @classmethod
    def of(
        cls, by: str, step: float, connection: Connection, known: Known, selection: Selection
    ) -> "Grouping":
        """The groups of a selection, which is not to be narrowed to taxa."""
        depths = Depths(step)
        units: list[Key] = [()]
        bins: dict[int, int] = {}
        if by == "sample":
            units = [(i,) for i in exporting_objects.samples_of(connection, selection)]
        elif by == "acquisition":
            acquisitions = exporting_objects.acquisitions_of(connection, selection)
            units = [(known.levels.acquisitions[i].sample_id, i) for i in acquisitions]
        elif by == "depth":
            units = []
            for sample, low, high in exporting_objects.depths_of(connection, selection):
                covered = depths.covered(low, high)
                bins[sample] = len(covered)
                units += [(sample, number) for number in covered]
        return cls(by, depths, known, sorted(units), bins)

    def keys(self, rows: Rows) -> NDArray[np.int64]:
        """int64 [n, width]: the group of each object. Raises AskedError (see `Depths`)."""
        if self.by == "none":
            return np.empty((len(rows.rows), 0), np.int64)
        if self.by == "sample":
            return rows.sample[:, None]
        if self.by == "acquisition":
            return np.column_stack([rows.sample, rows.acquisition])
        return np.column_stack([rows.sample, self.depths.of_rows(rows.rows)])

    def water_m3(self, rows: Rows) -> NDArray[np.float64]:
        """The water of each object's group: of a bin its share of the sample's, NaN where the depth
        is not known."""
        if self.by != "depth":
            return rows.water_m3
        shares = np.array([max(self.bins.get(int(i), 1), 1) for i in rows.sample], np.float64)
        nowhere = self.depths.of_rows(rows.rows) == NOWHERE
        return np.where(nowhere, np.nan, rows.water_m3 / shares)

    @property
    def columns(self) -> tuple[str, ...]:
        return {
            "none": (),
            "sample": ("sampleid",),
            "acquisition": ("sampleid", "acquisid"),
            "depth": ("sampleid", "depth_min", "depth_max"),
        }[self.by]

    def cells(self, key: Key) -> tuple[Any, ...]:
        """What a table says of a group."""
        if not key:
            return ()
        sample = self.known.levels.samples[key[0]].orig_id
        if self.by == "acquisition":
            return sample, self.known.levels.acquisitions[key[1]].orig_id
        if self.by == "depth":
            limits = (None, None) if key[1] == NOWHERE else self.depths.limits(key[1])
            return sample, *limits
        return (sample,)

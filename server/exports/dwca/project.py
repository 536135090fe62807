"""One project's events, occurrences and measurements, from its objects.

Example:
    >>> found = gather(export, connection, asked)
    >>> len(found.events), found.left_out
    (3, [['cast1', 'detritus', 'taxon without an AphiaID', 512]])
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from server.db import exporting_objects, exporting_stats
from server.db.exporting import ProjectRow
from server.db.exporting_events import read_events
from server.exports.counted import needed
from server.exports.dwca.asked import Asked
from server.exports.dwca.events import Events
from server.exports.dwca.gathering import Gathered, Gathering
from server.exports.dwca.taxa import Names
from server.exports.export import Export
from server.exports.grouping import Grouping
from server.exports.quantities import FRACTION, VOLUME, WATER, Quantities, Rows, formulae
from server.exports.recast import Recast
from server.exports.sums import sum_up


def gather(export: Export, connection: Connection, asked: Asked) -> Gathered:
    """Raises AskedError."""
    project, known = export.project(connection), export.known(connection)
    anything, selection = (
        exporting_objects.with_status(
            export.selection(connection, any_taxon=any_taxon), asked.statuses
        )
        for any_taxon in (True, False)
    )
    by = "depth" if asked.step_m else "sample"
    grouping = Grouping.of(by, asked.step_m or 1.0, connection, known, anything)
    formulas = _needed(project, export.params.get("formulae") or {}, asked.quantities)
    quantities = Quantities.of(export, connection, known, formulas)
    recast = Recast.of(asked.mapping, known.taxa)
    water, fractions = _Single(), _Single()

    def look(rows: Rows) -> None:
        water.add(rows.sample, rows.water_m3)
        fractions.add(rows.sample, 1 / rows.weight)

    tally = sum_up(quantities, selection, grouping, recast, look)
    gathering = Gathering(
        Gathered(project),
        Events(
            project,
            known,
            read_events(connection, anything),
            water.values,
            grouping.depths if asked.step_m else None,
            grouping.bins,
        ),
        Names(known.taxa, asked.coarsen),
        exporting_stats.validators(connection, selection),
        exporting_stats.predictors(connection, selection),
        fractions.values if FRACTION in quantities.formulas else {},
    )
    gathering.add_events(grouping)
    gathering.add_occurrences(tally)
    if asked.absent:
        gathering.add_absent()
    return gathering.finish()


def _needed(
    project: ProjectRow, given: Mapping[str, str], quantities: Sequence[str]
) -> tuple[str, ...]:
    """The formulas that are needed for what was asked, or else all that there are."""
    if quantities:
        return needed(quantities)
    there = formulae(project, given)
    return tuple(name for name in (WATER, VOLUME) if name in there and WATER in there)


class _Single:
    """A number by sample, where it is the same for all of the sample's objects."""

    def __init__(self) -> None:
        self._seen: dict[int, set[float]] = defaultdict(set)

    def add(self, samples: Any, numbers: Any) -> None:
        pairs = np.unique(np.column_stack([samples, numbers]), axis=0)
        for sample, number in pairs[np.isfinite(pairs[:, 1])]:
            self._seen[int(sample)].add(float(number))

    @property
    def values(self) -> dict[int, float]:
        return {sample: next(iter(seen)) for sample, seen in self._seen.items() if len(seen) == 1}

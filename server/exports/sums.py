"""Objects summed up by group, taxon and status: what summaries and archives are made of.

Example:
    >>> sums = sum_up(quantities, selection, grouping, recast)
    >>> sums.sums[3, 17, STATUSES.index("V")]   # sample 3, taxon 17
    array([12., 24., 9.6, 0.3, 0.01])
"""

from collections.abc import Callable

import numpy as np

from server.db.exporting_objects import Selection
from server.exports.counted import STATUSES
from server.exports.grouping import Grouping
from server.exports.quantities import Quantities, Rows
from server.exports.recast import Recast
from server.exports.tally import Tally

WIDTH = 5
"""Objects, individuals, individuals per m3, mm3 per m3, the sum of its squares."""


def sum_up(
    quantities: Quantities,
    selection: Selection,
    grouping: Grouping,
    recast: Recast,
    each: Callable[[Rows], None] = lambda rows: None,
) -> Tally:
    """By (*group, taxon, index of the status); what is left out by `recast` stands under LEFT_OUT.
    `each` is shown all rows. Raises AskedError."""
    tally = Tally(WIDTH)
    with quantities.reading(selection) as some:
        for rows in some:
            per_m3 = rows.weight / grouping.water_m3(rows)
            volume = per_m3 * rows.mm3
            codes = np.array([STATUSES.index(s) for s in rows.status], np.int64)
            keys = [grouping.keys(rows), recast.of_taxa(rows.taxon), codes]
            values = [np.ones(len(codes)), rows.weight, per_m3, volume, volume**2]
            tally.add(np.column_stack(keys), np.column_stack(values))
            each(rows)
    return tally

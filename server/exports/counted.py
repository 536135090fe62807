"""Which objects summaries count, which quantities there are, and what each needs.

Example:
    >>> needed(("abundance", "biovolume"))
    ('total_water_volume', 'individual_volume')
"""

from collections.abc import Sequence

from server.exports.asked import Asked
from server.exports.export import Export
from server.exports.quantities import VOLUME, WATER

QUANTITIES = ("abundance", "concentration", "biovolume")
STATUSES = "UPDVX"
DEEPEST_BIN_M = 10_000
_NEEDED = {"abundance": (), "concentration": (WATER,), "biovolume": (WATER, VOLUME)}


def needed(quantities: Sequence[str]) -> tuple[str, ...]:
    """The formulas without which the quantities cannot be worked out."""
    return tuple(dict.fromkeys(name for q in quantities for name in _NEEDED[q]))


def statuses_asked(export: Export, asked: Asked) -> tuple[str, ...]:
    """Only what a person validated, unless other statuses or a filter of statuses are asked for."""
    chosen = tuple(STATUSES) if "statusfilter" in export.filters else ("V",)
    return asked.choices("statuses", tuple(STATUSES), chosen)

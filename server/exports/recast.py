"""One taxon counted as another, or not at all: EcoTaxa's `taxo_mapping`.

Example:
    >>> Recast.of({456: 956, 7153: None}, known_taxa).of_taxa(np.array([456, 7153, 12]))
    array([956,  -1,  12])
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.exports.asked import AskedError

NO_TAXON, LEFT_OUT = 0, -1


@dataclass(frozen=True)
class Recast:
    """From taxon to taxon; None: left out."""

    mapping: Mapping[int, int | None]

    @classmethod
    def of(cls, mapping: Mapping[int, int | None], known: Mapping[int, Any]) -> "Recast":
        """Raises AskedError for chains, which would hang on the order, and for unknown taxa."""
        errors = [
            f"taxo_mapping: there is no taxon {taxon}"
            for taxon in sorted({*mapping, *(to for to in mapping.values() if to)} - {*known})
        ]
        for chained in sorted(set(mapping) & {to for to in mapping.values() if to}):
            errors.append(f"taxo_mapping: taxon {chained} is replaced and replaces another one")
        if errors:
            raise AskedError(errors)
        return cls(dict(mapping))

    def of_taxa(self, taxa: NDArray[np.int64]) -> NDArray[np.int64]:
        """What each taxon is counted as; LEFT_OUT for what is not counted."""
        result = taxa.copy()
        for taxon, to in self.mapping.items():
            result[taxa == taxon] = LEFT_OUT if to is None else to
        return result

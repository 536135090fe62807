"""The tree of taxa, as the rest of the shore uses it: one face of `server.db.taxa_*`.

Example:
    >>> taxa.resolve(connection, {"Copepoda", "Snow"}, now_ms=now)
    {'Copepoda': 4, 'Snow': 61}
    >>> taxa.by_ecotaxa_id(connection, [45072])
    {45072: 17}
"""

from server.db.taxa_add import (
    TaxonExistsError,
    TaxonRefusedError,
    add,
    add_alias,
    add_synonym,
)
from server.db.taxa_read import (
    TaxonInfo,
    TaxonRow,
    by_aphia_id,
    by_ecotaxa_id,
    by_id,
    current,
    get,
    is_empty,
    rows,
)
from server.db.taxa_resolve import UNPLACED, known, resolve
from server.taxonomy.names import fold

__all__ = [
    "UNPLACED",
    "TaxonExistsError",
    "TaxonInfo",
    "TaxonRefusedError",
    "TaxonRow",
    "add",
    "add_alias",
    "add_synonym",
    "by_aphia_id",
    "by_ecotaxa_id",
    "by_id",
    "current",
    "fold",
    "get",
    "is_empty",
    "known",
    "resolve",
    "rows",
]

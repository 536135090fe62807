"""What EcoTaxa imports: a zip of vignettes and a tab-separated table, checked before written.

``metadata`` reads what the user says about sample, acquisition and process; ``limits`` refuses what
EcoTaxa would refuse (or worse, accept and cut); ``columns`` lays out a run's table; ``archive``
writes the zip so that a half-written one never has the final name.
"""

from edge.ecotaxa.archive import EcotaxaArchive
from edge.ecotaxa.columns import Run, columns_of, row_of
from edge.ecotaxa.metadata import Metadata, MetadataError, read_metadata
from wire.ecotaxa import Column, EcotaxaError

__all__ = [
    "Column",
    "EcotaxaArchive",
    "EcotaxaError",
    "Metadata",
    "MetadataError",
    "Run",
    "columns_of",
    "read_metadata",
    "row_of",
]

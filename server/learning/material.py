"""What there is to learn from in a project, as arrays; or, in words, what is missing.

Example:
    >>> material = gather(connection, project_id=1, bundle=bundle)
    >>> material.examples.embedding.shape
    (812, 48)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from models.bundle import Bundle
from models.head import Examples
from models.measures import MEASURES, MEASURES_VERSION
from models.preprocess import SHAPE_NAMES
from server.db import learning
from server.db.learning import LabelledRow

TAXON_LEAST = 5
"""A taxon takes part with this many validated objects."""
TAXON_MOST = 3000
"""More of one taxon are drawn evenly: the head learns in seconds."""


class NotEnoughError(ValueError):
    """There is too little to learn from; the message says what to validate."""


@dataclass(frozen=True)
class Material:
    examples: Examples
    samples: list[int]
    acquisitions: list[int]
    frames: list[int]
    objids: list[int]
    left_out: dict[str, int]
    """Taxa with too few validated objects: name -> how many."""


def gather(connection: Connection, project_id: int, bundle: Bundle) -> Material:
    """The validated objects of a project that this bundle's network saw. Raises NotEnoughError."""
    network = str(bundle.manifest["network"])
    found = learning.validated_by_taxon(connection, project_id, network)
    usable = [(taxon, name) for taxon, name, n in found if n >= TAXON_LEAST]
    left_out = {name: n for _, name, n in found if n < TAXON_LEAST}
    if len(usable) < 2:
        raise NotEnoughError(_missing([name for _, name in usable], left_out))
    rows = [
        row
        for taxon, _ in usable
        for row in learning.labelled(connection, project_id, network, taxon, TAXON_MOST)
        if _fits(row, bundle)
    ]
    names = {row.taxon for row in rows}
    if len(names) < 2:
        raise NotEnoughError(
            "The validated objects were measured by another version of the measures, or by another "
            "network, than the release to start from: choose another parent."
        )
    rows.sort(key=lambda row: (row.acquisition_id, row.frame_index, row.objid))
    return Material(
        _examples(rows),
        [row.sample_id for row in rows],
        [row.acquisition_id for row in rows],
        [row.frame_index for row in rows],
        [row.objid for row in rows],
        left_out,
    )


def _missing(usable: Sequence[str], left_out: dict[str, int]) -> str:
    least = f"Training needs at least 2 taxa with {TAXON_LEAST} validated objects each"
    have = [f"{name} has enough" for name in usable]
    have += [
        f"{name} has {n}, {TAXON_LEAST - n} more needed"
        for name, n in sorted(left_out.items(), key=lambda item: -item[1])[:10]
    ]
    return f"{least}: {'; '.join(have)}." if have else f"{least}: nothing is validated yet."


def _fits(row: LabelledRow, bundle: Bundle) -> bool:
    return (
        row.measures_version == MEASURES_VERSION
        and len(row.measures) == 4 * len(MEASURES)
        and len(row.shape) == 4 * len(SHAPE_NAMES)
        and len(row.embedding) == 2 * bundle.network.embedding_width
    )


def _examples(rows: Sequence[LabelledRow]) -> Examples:
    return Examples(
        embedding=np.array([np.frombuffer(r.embedding, "<u2") for r in rows], np.uint16),
        shape=np.array([np.frombuffer(r.shape, "<f4") for r in rows], np.float32),
        measures=np.array([np.frombuffer(r.measures, "<f4") for r in rows], np.float32),
        labels=[row.taxon for row in rows],
    )

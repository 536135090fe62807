"""The nearest vectors in a segment, coarsely: some more than wanted, for an exact comparison.

The distance is L2, which is EcoTaxa's too: on the Scripps camera's crops it finds the same taxon as
often as the cosine (60.3 and 60.8 % of the 20 nearest).

Example:
    >>> nearest(segment, wanted, most=200, look=60_000)[:2]       # objids
    array([17, 4711])
"""

import numpy as np
from numpy.typing import NDArray

from server.similar.segment import Int64, Segment

LOOK_LEAST, LOOK_SHARE, LOOK_MOST = 60_000, 20, 500_000
"""Rows that a search looks at: at least, one in so many, at most."""


def rows_to_look_at(rows: int) -> int:
    return min(max(LOOK_LEAST, rows // LOOK_SHARE), LOOK_MOST)


def nearest(segment: Segment, wanted: NDArray[np.uint16], most: int, look: int) -> Int64:
    """Objids of about the `most` nearest to an embedding [W], from the nearest cells that have
    `look` rows together; in no order."""
    query = wanted.astype(np.float32) / np.float32(256)
    parts, ids = [], []
    for cell in _cells(segment, query, look):
        rows = slice(int(segment.starts[cell]), int(segment.starts[cell + 1]))
        products = segment.values[rows].astype(np.float32) @ query
        parts.append(segment.norms[rows] - 2 * products)
        ids.append(segment.objids[rows])
    distance, objids = np.concatenate(parts), np.concatenate(ids)
    if len(objids) <= most:
        return objids
    return objids[np.argpartition(distance, most)[:most]]


def _cells(segment: Segment, query: NDArray[np.float32], look: int) -> list[int]:
    """The nearest cells, until they have `look` rows."""
    away = (segment.centres**2).sum(1) - 2 * (segment.centres @ query)
    order = np.argsort(away)
    rows = np.cumsum(segment.starts[order + 1] - segment.starts[order])
    count = int(np.searchsorted(rows, look)) + 1
    return [int(cell) for cell in order[:count]]

"""Groups vectors into cells around centres, so that a search looks into the nearest cells alone.

Lloyd's k-means on a sample, then every vector to its nearest centre: IVF of Sivic and Zisserman
(2003). Measured here against HNSW and a plain scan: see docs/benchmarks/shore.md.

Example:
    >>> centres = make_centres(sample, cells=1000, dice=np.random.default_rng(1))
    >>> nearest_centre(vectors, centres)            # int32 [n]
"""

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]
ONE_CELL = 20_000
"""So few vectors are looked through whole."""
PER_CELL = 64
"""Vectors of the sample for each cell."""
_TURNS = 6
_ROWS = 8192


def cells_for(rows: int) -> int:
    """How many cells so many vectors are put in: about the root, so that choosing cells and looking
    into them cost alike."""
    return 1 if rows <= ONE_CELL else min(8192, int(rows**0.5))


def make_centres(sample: UInt8, cells: int, dice: np.random.Generator) -> Float32:
    """Centres [cells, W] of a sample [n >= cells, W]."""
    values = sample.astype(np.float32)
    centres = values[dice.choice(len(values), cells, replace=False)]
    for _ in range(_TURNS):
        cell = nearest_centre(sample, centres)
        order = np.argsort(cell, kind="stable")
        filled, starts = np.unique(cell[order], return_index=True)
        sums = np.add.reduceat(values[order], starts, axis=0)
        centres[filled] = sums / np.diff([*starts, len(order)])[:, None]
    return centres


def nearest_centre(vectors: UInt8, centres: Float32) -> NDArray[np.int32]:
    """The nearest centre of each vector [n, W], int32 [n]."""
    found = np.zeros(len(vectors), np.int32)
    if len(centres) > 1:
        half = (centres**2).sum(1) / 2
        for at in range(0, len(vectors), _ROWS):
            some = vectors[at : at + _ROWS].astype(np.float32)
            found[at : at + _ROWS] = np.argmax(some @ centres.T - half, axis=1)
    return found


def coarse(embedding: NDArray[np.uint16]) -> UInt8:
    """An embedding [n, W] in 256ths, rounded to a byte a value: the index's own precision."""
    return ((embedding.astype(np.uint32) + 128) >> 8).clip(0, 255).astype(np.uint8)

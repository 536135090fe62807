"""The measures that an object record carries ahead of its vignette, in short floats.

They are what an operator filters, counts and sizes by before the vignettes have come; every measure
follows exactly with the vignette. See `wire.brief` for the coding and its precision (0.2 %).

Invariant: for one :data:`models.measure_table.MEASURES_VERSION` the list never changes. Values that
a later version adds come last.

Example::

    brief = brief_of(measures)              # 80 bytes
    named(MEASURES_VERSION, brief)["area"]  # 1236.0
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.measure_table import INDEX, names_of
from wire import brief

BRIEF = (
    "area", "area_exc", "%area", "perim.", "convperim", "convarea", "major", "minor", "angle",
    "feret", "minferet", "inscribed", "elongation", "eccentricity", "circ.", "circex", "solidity",
    "extent", "perimferet", "perimareaexc", "fractal", "symetrieh_area", "symetriev_area",
    "skelarea", "thickr", "mean", "stddev", "mode", "min", "max", "median", "histcum1", "histcum3",
    "intden", "skew", "kurt", "cv", "sr", "cdexc", "blur_laplacian",
)  # fmt: skip
COLUMNS = np.array([INDEX[name] for name in BRIEF])
"""Where each of BRIEF is among the measures."""


def brief_of(measures: NDArray[np.float32]) -> bytes:
    """The short form of ``float32 [K]``, two bytes a measure. Raises ValueError for a NaN."""
    return brief.pack(measures[COLUMNS])


def named(version: int, data: bytes) -> dict[str, float]:
    """The measures in a record's ``brief``, by name; ``measure_7`` for one that this version does
    not know. Raises ValueError for an odd number of bytes."""
    values = brief.unpack(data).tolist()
    known = names_of(version, len(INDEX))
    names = [known[column] for column in COLUMNS[: len(values)]]
    names += [f"brief_{place}" for place in range(len(names), len(values))]
    return dict(zip(names, values, strict=True))

"""Measures of ready-made pictures, by the product's own definitions, as free columns.

Example:
    >>> [values] = measured([grey])          # uint8 [h, w]
    >>> values["object_area"]
    412.0
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.measure_table import MEASURES
from models.measures import measure_many
from models.vignettes import Vignette, cut_out

NAMES = tuple(f"object_{measure.name}" for measure in MEASURES)
UInt8 = npt.NDArray[np.uint8]


def measured(pictures: Sequence[UInt8]) -> list[dict[str, float] | None]:
    """By column name, NaN where a measure has no value; None for a picture that shows nothing."""
    vignettes = [_vignette(grey) for grey in pictures]
    there = [v for v in vignettes if v is not None]
    rows = iter(
        measure_many([(v.grey, v.mask, 0, 0, v.field) for v in there]).astype(np.float64).tolist()
        if there
        else []
    )
    return [None if v is None else dict(zip(NAMES, next(rows), strict=True)) for v in vignettes]


def _vignette(grey: UInt8) -> Vignette | None:
    try:
        return cut_out(grey)
    except ValueError:
        return None

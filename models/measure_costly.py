"""The costly measures of an object (none yet in the table)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.measure_table import COSTLY


def costly(filled: NDArray[np.uint8]) -> dict[str, float]:
    """By name, of a filled object ``uint8 [h, w]``."""
    return dict.fromkeys(COSTLY, 0.0 * filled.size)

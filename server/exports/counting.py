"""How sure a count is: the exact interval of a Poisson process.

Garwood F. (1936) Fiducial limits for the Poisson distribution. Biometrika 28:437-442: the limits of
a count n are quantiles of gamma distributions of shape n and n + 1.

Example:
    >>> low, high = interval(np.array([0, 10]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 4.795], [3.689, 18.39])
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95


def interval(counts: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper limit of each count's expectation, two-sided, 95 %."""
    from scipy.special import gammaincinv

    n = np.asarray(counts, np.float64)
    tail = (1 - LEVEL) / 2
    low = np.where(n > 0, gammaincinv(np.maximum(n, 1), tail), 0.0)
    return low, gammaincinv(n + 1, 1 - tail)

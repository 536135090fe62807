"""Numbers shortened to 16 bits, for the measures that go ahead of an object's vignette.

A short float has a sign, 7 bits of exponent and 8 of mantissa, no infinity and no NaN:
`(-1)^s * 2^(e - 64) * (1 + m / 256)`, e from 1 to 127; where e is 0 the number is 0. The exponent
lies in one byte and the mantissa in the other, so that compression finds the exponents alike.

Precision: the nearest short float, so a number from SMALLEST to LARGEST is off by at most 1/512 of
itself (0.2 %), and whole numbers to 512 are exact. What is smaller becomes 0, what is larger
LARGEST.

Example:
    >>> unpack(pack([0.0, 213.0, 1234.5, -0.3])).tolist()
    [0.0, 213.0, 1236.0, -0.30029296875]
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

ERROR = 2.0**-9
"""Largest relative error of a number from SMALLEST to LARGEST."""
SMALLEST, LARGEST = 2.0**-63, (2.0 - 2.0**-8) * 2.0**63
_DROPPED = 23 - 8  # bits of a float32's mantissa that are left out
_BIAS = (127 - 64) << 8  # what the exponents of a float32 and of a short float differ by


def shortened(values: ArrayLike) -> NDArray[np.float32]:
    """The short floats nearest to `values`, same shape. Raises ValueError for what is not
    finite."""
    exact = np.asarray(values, np.float32)
    return unpack(pack(exact)).reshape(exact.shape)


def pack(values: ArrayLike) -> bytes:
    """Numbers as little-endian short floats, two bytes each, in order. Raises ValueError for what
    is not finite."""
    exact = np.asarray(values, np.float32).ravel()
    if not np.isfinite(exact).all():
        raise ValueError("brief: expected finite numbers")
    bits = np.minimum(np.abs(exact), np.float32(LARGEST)).view(np.uint32).astype(np.int64)
    even = (bits >> _DROPPED) & 1  # of two as near, the one with an even mantissa
    words = ((bits + (1 << (_DROPPED - 1)) - 1 + even) >> _DROPPED) - _BIAS
    signs = np.where(exact < 0, 0x8000, 0)
    return np.where(words < 256, 0, words | signs).astype("<u2").tobytes()


def unpack(brief: bytes) -> NDArray[np.float32]:
    """The numbers, float32 [n]. Raises ValueError when `brief` is not of whole words."""
    words = np.frombuffer(brief, "<u2").astype(np.uint32)
    size = words & 0x7FFF
    bits = (size + _BIAS) << _DROPPED | (words & 0x8000) << 16
    return np.where(size < 256, 0, bits).astype(np.uint32).view(np.float32)

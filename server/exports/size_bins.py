"""Bins of size whose edges grow by a constant ratio, by volume or by diameter.

"octave" doubles the volume from edge to edge (so the equivalent spherical diameter grows by the
cube root of 2, as in UVP's size classes); "10^0.1" multiplies the size that was chosen by that.
Edges are powers of the ratio, so that bins of different projects are the same.

Example:
    >>> bins = SizeBins.of("biovolume", "octave")
    >>> bins.of_volumes(np.array([1.0, 3.0])).tolist(), bins.volumes_mm3(1)
    ([0, 1], (2.0, 4.0))
"""

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZES = ("biovolume", "esd")
_STEP = re.compile(r"10\^(0?\.\d{1,3}|1)")


@dataclass(frozen=True)
class SizeBins:
    """`ratio` is from edge to edge of the volume, mm3, or of the diameter, um, by `size`."""

    size: str
    ratio: float

    @classmethod
    def of(cls, size: str, bins: str) -> "SizeBins":
        """Raises ValueError."""
        if bins == "octave":
            return cls(size, 2.0 if size == "biovolume" else 2 ** (1 / 3))
        step = _STEP.fullmatch(bins)
        if step is None or float(step.group(1)) == 0:
            raise ValueError(f"'{bins[:40]}', expected octave, or 10^0.1 and the like")
        return cls(size, 10 ** float(step.group(1)))

    def of_volumes(self, mm3: NDArray[np.float64]) -> NDArray[np.int64]:
        """The bin of each volume, which is above 0."""
        sizes = mm3 if self.size == "biovolume" else esd_um(mm3)
        found = np.floor(np.log(sizes) / math.log(self.ratio))
        found = np.where(sizes >= self.ratio ** (found + 1), found + 1, found)
        return np.where(sizes < self.ratio**found, found - 1, found).astype(np.int64)

    def edges(self, number: int) -> tuple[float, float]:
        return self.ratio**number, self.ratio ** (number + 1)

    def volumes_mm3(self, number: int) -> tuple[float, float]:
        low, high = self.edges(number)
        return (low, high) if self.size == "biovolume" else (volume_mm3(low), volume_mm3(high))

    def diameters_um(self, number: int) -> tuple[float, float]:
        low, high = self.edges(number)
        if self.size == "esd":
            return low, high
        return float(esd_um(np.float64(low))), float(esd_um(np.float64(high)))


def esd_um(mm3: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """Equivalent spherical diameter: (6 v / pi)^(1/3)."""
    return np.asarray(np.cbrt(6 * mm3 / math.pi) * 1000, np.float64)


def volume_mm3(diameter_um: float) -> float:
    return math.pi / 6 * (diameter_um / 1000) ** 3

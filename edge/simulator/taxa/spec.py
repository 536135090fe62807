"""What the simulator knows about one taxon: how big, how deep, how bright, and how to draw one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from edge.simulator.drawing import Shape

Draw: TypeAlias = Callable[[np.random.Generator], list[Shape]]
"""Draws one individual in body coordinates (axis along x, unit length 1, head towards +x)."""


@dataclass(frozen=True)
class TaxonSpec:
    """One taxon. Lengths are lognormal; abundance peaks at a share of the cast's depth.

    ``opacity`` scales how strongly the matter shows, drawn anew for each individual with a
    lognormal spread of ``opacity_sigma``. ``bend`` is the typical curvature in radians over the
    body's length, ``tilt_min`` the strongest foreshortening, ``grain`` how mottled the matter is,
    0 to 1.
    """

    name: str
    draw: Draw
    weight: float
    length_um: float
    length_sigma: float
    length_max_um: float
    depth_share: float
    depth_spread: float
    opacity: float = 1.0
    opacity_sigma: float = 0.25
    bend: float = 0.1
    tilt_min: float = 0.75
    grain: float = 0.25

    def abundance(self, depth_share: float) -> float:
        """Relative abundance at a share 0..1 of the cast's depth; its mean over the cast is 1."""
        return self._profile(depth_share) / _mean_profile(self.depth_share, self.depth_spread)

    def _profile(self, share: float) -> float:
        return _FLOOR + math.exp(-(((share - self.depth_share) / self.depth_spread) ** 2))


_FLOOR = 0.12  # of the peak: nothing is ever quite absent


def _mean_profile(centre: float, spread: float) -> float:
    """The mean of floor + Gaussian over 0..1, in closed form."""
    area = math.erf((1 - centre) / spread) + math.erf(centre / spread)
    return _FLOOR + spread * math.sqrt(math.pi) / 2 * area

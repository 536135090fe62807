"""Segmentation against the exact truth of the simulated instrument, in both fields."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.segment import Background, SegmentSettings, segment
from edge.simulator import Simulator, preset


@pytest.mark.parametrize("instrument", ["darkfield", "brightfield"])
def test_nearly_every_organism_is_found_and_is_in_one_piece(instrument: str) -> None:
    simulator = Simulator(preset(instrument, frames=2, density=40, seed=11, width=1280, height=960))
    background = Background()
    large = found_at_all = whole = 0
    for index in range(2):
        simulated = simulator.frame(index)
        found = segment(simulated.frame.grey, background, SegmentSettings())
        owner = np.zeros(simulated.frame.grey.shape, np.int32)
        for i, region in enumerate(found.regions, start=1):
            h, w = region.mask.shape
            owner[region.by : region.by + h, region.bx : region.bx + w][region.mask] = i
        for truth in simulated.truth:
            if 2 * math.sqrt(truth.area_px / math.pi) < 16:
                continue
            h, w = truth.mask.shape
            here = owner[truth.by : truth.by + h, truth.bx : truth.bx + w][truth.mask]
            pixels = np.bincount(here, minlength=2)
            large += 1
            found_at_all += pixels[1:].any()
            whole += pixels[1:].max() >= 0.8 * truth.area_px
    assert large >= 30
    assert found_at_all >= 0.97 * large
    assert whole >= 0.9 * large

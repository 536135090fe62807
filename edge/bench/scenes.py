"""The frames that are timed: exactly so many objects of one population, noise, and real ones.

Cost against objects can only be compared between frames whose objects are alike. So the objects of
crowded simulated frames are collected once and pasted, without touching, on a frame that holds
specks and noise only: 500 objects are those of the frame of 100 and 400 more drawn from the same.

At 20 um a pixel a simulated object has 1,000 pixels on average and 520 at the median; on the real
frames it is 860 and 280.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.frames import Grey, Mask
from edge.segment import Background, Region, SegmentSettings, segment
from edge.simulator import Simulator, preset
from edge.simulator.real import DARKFIELD, read_greys

PIXEL_UM = 20.0
SETTINGS = SegmentSettings(pixel_um=PIXEL_UM, field="dark")
NOISE_SPECKS = 30_000
_SEED = 5
_GAP_PX = 6  # more than segmentation closes
_TRIES = 2000
_REAL = 3  # frames


@dataclass(frozen=True)
class Scene:
    """A frame of the instrument that nothing but the benchmark knows."""

    name: str
    grey: Grey


def of_objects(counts: Sequence[int]) -> list[Scene]:
    """One frame for each number of objects."""
    base = Simulator(preset("darkfield", seed=_SEED, density=0, pixel_um=PIXEL_UM)).frame(0)
    population = _population(max(counts))
    return [
        Scene(f"{count} objects", _paste(base.frame.grey, population[:count])) for count in counts
    ]


def of_noise() -> Scene:
    """Single bright pixels on an otherwise empty frame: specks, and nothing to keep."""
    grey = Simulator(preset("darkfield", seed=_SEED, density=0, specks=0, pixel_um=PIXEL_UM))
    noisy = grey.frame(0).frame.grey.copy()
    at = np.random.default_rng(_SEED).choice(noisy.size, NOISE_SPECKS, replace=False)
    noisy.ravel()[at] = 200
    return Scene(f"{NOISE_SPECKS} specks of noise", noisy)


def of_instruments() -> list[Scene] | str:
    """Real dark-field frames from the folder that SEADRIFT_DATA names, or why there are none."""
    path = Path(os.environ.get("SEADRIFT_DATA", "../shared/data")) / DARKFIELD
    if not path.exists():
        return f"not measured ({path} is missing; set SEADRIFT_DATA)"
    greys = read_greys(path)[:_REAL]
    return [Scene(f"real dark field {i + 1}", grey) for i, grey in enumerate(greys)]


def _population(count: int) -> list[Region]:
    """Whole objects of simulated frames, in an order that has nothing to do with their size."""
    simulator = Simulator(preset("darkfield", seed=_SEED, density=120, pixel_um=PIXEL_UM))
    found: list[Region] = []
    for index in range(100):
        if len(found) >= count:
            break
        frame = simulator.frame(index).frame
        regions = segment(frame.grey, Background("dark"), SETTINGS).regions
        found += [region for region in regions if not region.touches_border]
    order = np.random.default_rng(_SEED).permutation(len(found))
    return [found[i] for i in order[:count]]


def _paste(base: Grey, objects: Sequence[Region]) -> Grey:
    """Objects on a frame, the largest placed first, none nearer to another than the gap."""
    frame, taken = base.copy(), np.zeros(base.shape, np.uint8)
    background = np.uint8(np.median(base))
    random = np.random.default_rng(_SEED)
    for region in sorted(objects, key=lambda region: -region.mask.size):
        y, x = _place(random, taken, region.mask)
        height, width = region.mask.shape
        bright = np.minimum(255, region.signal.astype(np.uint16) + background).astype(np.uint8)
        frame[y : y + height, x : x + width][region.mask] = bright[region.mask]
    return frame


def _place(random: np.random.Generator, taken: Grey, mask: Mask) -> tuple[int, int]:
    """A free place for an object, which is then taken, with a gap round it."""
    height, width = mask.shape
    for _ in range(_TRIES):
        y = int(random.integers(_GAP_PX, taken.shape[0] - height - _GAP_PX))
        x = int(random.integers(_GAP_PX, taken.shape[1] - width - _GAP_PX))
        if not taken[y : y + height, x : x + width][mask].any():
            wide = np.pad(mask, _GAP_PX).astype(np.uint8)
            grown = cv2.dilate(wide, np.ones((2 * _GAP_PX + 1,) * 2, np.uint8))
            there = taken[y - _GAP_PX : y + height + _GAP_PX, x - _GAP_PX : x + width + _GAP_PX]
            np.maximum(there, grown, out=there)
            return y, x
    raise RuntimeError(f"no room for an object of {width} x {height} px")

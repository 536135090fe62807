"""The simulated instrument: frames with exact truth, the same for equal settings in any order.

Example::

    simulator = Simulator(preset("darkfield", seed=1, density=40))
    frame, truth = (shot := simulator.frame(12)).frame, shot.truth
    for item in truth:
        print(item.taxon, item.bx, item.by, item.mask.shape, item.border)

    for frame in SimSource(simulator.settings, start=100):  # resumes at frame 100
        ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edge.frames import BadFrame, Frame, Mask
from edge.simulator.cast import Cast
from edge.simulator.drawing import Plane, rasterize
from edge.simulator.optics import Optics
from edge.simulator.scene import Organism, scene
from edge.simulator.settings import SimSettings
from edge.simulator.specks import haze_effect, speck_effect
from edge.simulator.streams import Purpose, stream


@dataclass(frozen=True, eq=False)
class TrueObject:
    """One organism as the camera could see it at best.

    ``mask`` holds the pixels of the frame where the organism alone, without noise and without its
    neighbours, differs from the background by at least ``visible_grey``; (bx, by) is the corner of
    its tight box. It may have several parts (a faint antenna), and masks of neighbours may overlap.
    ``border`` says that the mask touches the frame's first or last row or column; ``defocus_px`` is
    the sigma by which the organism is blurred beyond the lens's best.
    """

    taxon: str
    bx: int
    by: int
    mask: Mask
    border: bool
    defocus_px: float
    area_px: int


@dataclass(frozen=True, eq=False)
class SimFrame:
    """A frame and everything in it that can be seen and is not a speck."""

    frame: Frame
    truth: tuple[TrueObject, ...]


class Simulator:
    """A simulated instrument; what all its frames share is computed when it is made."""

    def __init__(self, settings: SimSettings) -> None:
        self.settings = settings
        self._cast = Cast.of(settings)
        self._optics = Optics.of(settings)

    def frame(self, index: int) -> SimFrame:
        """Frame ``index`` (0 or more), whatever was rendered before it."""
        settings = self.settings
        if index < 0:
            raise ValueError(f"index: expected 0 or more, got {index}")
        fix = self._cast.fix(index)
        brightness = self._optics.brightness(index)
        total = self._specks(index)
        truth: list[TrueObject] = []
        for organism in scene(settings, index, fix.depth_m):
            seen = self._draw(organism, total, brightness)
            if seen is not None:
                truth.append(seen)
        noise = stream(settings.seed, Purpose.NOISE, index)
        frame = Frame(
            name=f"sim_{settings.seed}_{index:06d}.png",
            index=index,
            grey=self._optics.expose(total, brightness, noise),
            utc_ms=fix.utc_ms,
            lat_deg=fix.lat_deg,
            lon_deg=fix.lon_deg,
            depth_m=fix.depth_m,
            temperature_c=fix.temperature_c,
        )
        return SimFrame(frame, tuple(truth))

    def _specks(self, index: int) -> Plane:
        """A frame's effects before any organism is in it."""
        rng = stream(self.settings.seed, Purpose.SPECKS, index)
        total = speck_effect(self.settings, rng)
        total += haze_effect(self.settings, rng)
        total *= np.float32(self._optics.typical_effect)
        return total

    def _draw(self, organism: Organism, total: Plane, brightness: float) -> TrueObject | None:
        """Add an organism's effect to the frame; its truth, or None if no pixel of it shows."""
        height, width = total.shape
        margin = self._optics.margin_px(organism)
        matter = rasterize(organism.shapes, organism.pose, width, height, margin)
        if matter is None:
            return None
        effect = self._optics.effect(matter, organism)
        x0, y0 = max(0, matter.x0), max(0, matter.y0)
        inside = effect[y0 - matter.y0 : height - matter.y0, x0 - matter.x0 : width - matter.x0]
        total[y0 : y0 + inside.shape[0], x0 : x0 + inside.shape[1]] += inside
        signal = self._optics.signal(inside, y0, x0, brightness)
        return _truth(organism, signal >= self.settings.visible_grey, x0, y0, width, height)


def _truth(
    organism: Organism, visible: Mask, x0: int, y0: int, width: int, height: int
) -> TrueObject | None:
    """The tight box around the visible pixels of a patch whose corner is (x0, y0)."""
    rows, cols = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
    if rows.size == 0:
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
    mask = np.ascontiguousarray(visible[top:bottom, left:right])
    bx, by = int(x0 + left), int(y0 + top)
    border = bx == 0 or by == 0 or x0 + right == width or y0 + bottom == height
    area = int(np.count_nonzero(mask))
    return TrueObject(organism.taxon, bx, by, mask, bool(border), organism.defocus_px, area)


class SimSource:
    """The frames of a simulated run as a source; a restart gives ``start`` and loses nothing."""

    def __init__(self, settings: SimSettings, start: int = 0) -> None:
        if start < 0:
            raise ValueError(f"start: expected 0 or more, got {start}")
        self.settings = settings
        self.start = start
        self.simulator = Simulator(settings)

    def __iter__(self) -> Iterator[Frame | BadFrame]:
        for index in range(self.start, self.settings.frames):
            yield self.simulator.frame(index).frame

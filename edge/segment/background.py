"""What is behind the objects: one grey per tile of the frame, estimated from the frame itself.

A background averaged over time, pixel by pixel, is the usual way, and it fails where an instrument
needs it: on the first frame, on a slow scene (an animal that stays becomes background), on a single
picture. So each frame gives its own estimate, a quantile of each tile on the side away from the
objects, bent to a smooth surface where a tile is covered by one. The run's estimate, a running
integer mean of these, only holds a frame's estimate near to what the run has seen.

Invariant: :meth:`Background.correct` never lets one frame move the run by more than
``_STEP`` sixteenths of a grey level in any tile, so an object that covers half of the frame
does not become background; a frame that differs nearly everywhere (another size, another lamp,
another slide) restarts the run and says so.

Example::

    background = Background("auto")
    corrected = background.correct(grey)     # uint8 [H, W]
    corrected.signal                         # uint8 [H, W], 0 where nothing is
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.segment import native_background
from edge.segment.backdrop import SIXTEENTHS, Grid, Tiles

DARK_FIELD_BELOW = 64
"""A frame whose median grey is below this is dark field."""

_STEP = 16  # at most one grey level a frame
_NEAR_GREY = 6  # a frame's tile may differ so much from the run's and be believed
_ALIKE_PERCENT = 60  # of a frame's tiles agree with the run's, or the run starts anew


@dataclass(frozen=True, eq=False)
class Corrected:
    """A frame without its background. Lengths in pixels, levels in grey."""

    signal: NDArray[np.uint8]
    field: str
    brightness: float
    """Median grey of the background."""
    drift: float
    """``brightness`` less that of the run's first frame."""
    noise: float
    """Robust standard deviation of the background."""
    message: str | None
    """Why the run's estimate was started anew with this frame, if it was."""


class Background:
    """The background of a run of frames."""

    def __init__(self, field: str = "auto", by_definition: bool = False) -> None:
        """``field``: "dark", "bright", or "auto" (decided by the first frame with light in it).

        ``by_definition``: by numpy even where the C library is there, to the same result.
        """
        self._defined = by_definition
        self._wanted = field
        self._field: str | None = None if field == "auto" else field
        self._tiles: Tiles | None = None
        self._size: tuple[int, int] | None = None
        self._first_brightness: float | None = None

    @property
    def field(self) -> str | None:
        """ "dark" or "bright"; None while undecided."""
        return self._field

    def correct(self, grey: NDArray[np.uint8]) -> Corrected:
        """Subtract the background from a frame ``uint8 [H, W]`` and learn from it.

        Raises ValueError if it is not a grey 8-bit picture of at least one pixel.
        """
        if grey.dtype != np.uint8 or grey.ndim != 2 or grey.size == 0:
            raise ValueError(
                f"a frame is 8-bit grey, uint8 [H, W], not {grey.dtype} {list(grey.shape)}"
            )
        message = self._restart_if_resized(grey)
        field = self._field_for(grey)
        grid = Grid.of(grey.shape)
        steps = native_background.DEFINITION if self._defined else native_background.steps(grid)
        own = steps.estimate(grey, grid, field)
        brightness = _median(own) / SIXTEENTHS
        if self._tiles is not None and not _alike(self._moved(brightness), own):
            message = f"the light changed (background {brightness:.0f}): background restarted"
            self._restart()
        used = self._believe(own, brightness)
        offset, noise = _mode_and_noise(steps.residuals(grey, used, grid, field))
        level = _shifted(used, -offset if field == "bright" else offset)
        signal = steps.subtract(grey, level, grid, field)
        if self._first_brightness is None:
            self._first_brightness = brightness
        drift = brightness - self._first_brightness
        return Corrected(signal, field, brightness, drift, noise, message)

    def _restart(self) -> None:
        self._tiles = None
        self._first_brightness = None

    def _restart_if_resized(self, grey: NDArray[np.uint8]) -> str | None:
        height, width = grey.shape
        before, self._size = self._size, (height, width)
        if before in (None, self._size):
            return None
        assert before is not None
        self._restart()
        return (
            f"the frame is {width} x {height} pixels, the one before was "
            f"{before[1]} x {before[0]}: background restarted"
        )

    def _field_for(self, grey: NDArray[np.uint8]) -> str:
        if self._field is not None:
            return self._field
        field = field_of(grey)
        if grey.max() >= DARK_FIELD_BELOW // 8:  # else the lamp was off: not a proof
            self._field = field
        return field

    def _moved(self, brightness: float) -> Tiles:
        """The run's tiles as they would be at this frame's brightness."""
        assert self._tiles is not None
        before = _median(self._tiles) / SIXTEENTHS
        if before < DARK_FIELD_BELOW:  # an offset of the sensor rather than more light
            return _shifted(self._tiles, brightness - before)
        brighter: Tiles = np.rint(self._tiles * (brightness / before)).astype(np.int16)
        return brighter

    def _believe(self, own: Tiles, brightness: float) -> Tiles:
        """The frame's own tiles, held near the run's; the run learns from them."""
        if self._tiles is None:
            self._tiles = own
            return own
        run = self._moved(brightness)
        near = np.int16(_NEAR_GREY * SIXTEENTHS)
        self._tiles = run + np.clip((own - run) >> 3, -_STEP, _STEP).astype(np.int16)
        return np.clip(own, run - near, run + near)


def field_of(grey: NDArray[np.uint8]) -> str:
    """ "dark" or "bright", by the median grey of a frame."""
    step = max(1, max(grey.shape) // 512)
    return "dark" if np.median(grey[::step, ::step]) < DARK_FIELD_BELOW else "bright"


def _shifted(tiles: Tiles, levels: float) -> Tiles:
    moved: Tiles = tiles + np.int16(round(levels * SIXTEENTHS))
    return moved


def _median(tiles: Tiles) -> float:
    """``np.median``, without what it costs on so few numbers."""
    ordered = np.sort(tiles, axis=None)
    half = len(ordered) // 2
    return (int(ordered[half]) + int(ordered[(len(ordered) - 1) // 2])) / 2


def _alike(run: Tiles, own: Tiles) -> bool:
    """Whether most tiles of a frame agree with the run, brightness apart."""
    near = np.count_nonzero(np.abs(own - run) <= 2 * _NEAR_GREY * SIXTEENTHS)
    return bool(near * 100 >= _ALIKE_PERCENT * own.size)


def _mode_and_noise(histogram: NDArray[np.int32]) -> tuple[int, float]:
    """How far the true background lies from the estimate (its mode), and its noise.

    The noise is taken on the side away from objects only, so that a crowd does not count as noise.
    """
    smooth = np.convolve(histogram, (1, 2, 3, 2, 1), "same")
    offset = int(smooth.argmax()) - 255
    below = histogram[: offset + 256][::-1]  # distances 0, 1, 2... from the mode
    cumulative = below.cumsum()
    half = cumulative[-1] / 2
    k = int(np.searchsorted(cumulative, half))
    # Within a grey level the pixels are spread evenly: without this a noise below 1 reads as 0.
    inside = (half - (cumulative[k - 1] if k else 0)) / max(1, below[k])
    return offset, 1.4826 * max(0.0, k - 0.5 + float(inside))

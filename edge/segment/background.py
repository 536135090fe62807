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

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.segment import native

DARK_FIELD_BELOW = 64
"""A frame whose median grey is below this is dark field."""

_TILES_LONG = 32
_SAMPLES = 16  # per side of a tile
_SIXTEENTHS = 16  # the run's estimate is kept in 1/16 grey level
_STEP = 16  # at most one grey level a frame
_QUANTILE = 0.35  # of a tile's grey, counted from the background's side
_NEAR_GREY = 6  # a frame's tile may differ so much from the run's and be believed

Tiles = NDArray[np.int16]
"""Grey of each tile in sixteenths, ``int16 [rows, columns]``."""


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

    def __init__(self, field: str = "auto") -> None:
        """``field``: "dark", "bright", or "auto" (decided by the first frame with light in it)."""
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
        stride = max(1, round(max(grey.shape) / (_TILES_LONG * _SAMPLES)))
        sample = grey[::stride, ::stride]
        own = _estimate(sample, field)
        brightness = float(np.median(own)) / _SIXTEENTHS
        if self._tiles is not None and not _alike(self._moved(brightness), own):
            message = f"the light changed (background {brightness:.0f}): background restarted"
            self._restart()
        used = self._believe(own, brightness)
        shown = _enlarge(used, sample.shape, 1)
        offset, noise = _residual(sample, shown, field)
        signal = _subtract(grey, used, stride, offset, field)
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
        if cv2.minMaxLoc(grey)[1] >= DARK_FIELD_BELOW // 8:  # else the lamp was off: not a proof
            self._field = field
        return field

    def _moved(self, brightness: float) -> Tiles:
        """The run's tiles as they would be at this frame's brightness."""
        assert self._tiles is not None
        before = float(np.median(self._tiles)) / _SIXTEENTHS
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
        near = np.int16(_NEAR_GREY * _SIXTEENTHS)
        self._tiles = run + np.clip((own - run) >> 3, -_STEP, _STEP).astype(np.int16)
        return np.clip(own, run - near, run + near)


def field_of(grey: NDArray[np.uint8]) -> str:
    """ "dark" or "bright", by the median grey of a frame."""
    step = max(1, max(grey.shape) // 512)
    return "dark" if np.median(grey[::step, ::step]) < DARK_FIELD_BELOW else "bright"


def _shifted(tiles: Tiles, levels: float) -> Tiles:
    moved: Tiles = tiles + np.int16(round(levels * _SIXTEENTHS))
    return moved


def _alike(run: Tiles, own: Tiles) -> bool:
    """Whether most tiles of a frame agree with the run, brightness apart."""
    apart = np.abs(own - run)
    return bool(np.quantile(apart, 0.6) <= 2 * _NEAR_GREY * _SIXTEENTHS)


def _estimate(sample: NDArray[np.uint8], field: str) -> Tiles:
    """A frame's own background, from every ``stride``-th pixel ``uint8 [h, w]``."""
    height, width = sample.shape
    rows, columns = -(-height // _SAMPLES), -(-width // _SAMPLES)
    padded = np.pad(
        sample,
        ((0, rows * _SAMPLES - height), (0, columns * _SAMPLES - width)),
        mode="symmetric" if min(height, width) >= _SAMPLES else "edge",
    )
    squares = padded.reshape(rows, _SAMPLES, columns, _SAMPLES).swapaxes(1, 2)
    tiles = squares.reshape(rows, columns, _SAMPLES * _SAMPLES)
    share = _QUANTILE if field == "dark" else 1 - _QUANTILE
    k = int(share * (tiles.shape[2] - 1))
    level = native.kth_smallest(tiles, k).astype(np.float32)  # [rows, columns]
    surface = _surface(level, field)
    towards = level - surface if field == "dark" else surface - level
    covered = towards > max(4.0, 3 * _spread(towards))
    level[covered] = surface[covered]
    even = cv2.medianBlur(level, 3) if min(rows, columns) >= 3 else level
    even = cv2.GaussianBlur(even, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
    return np.rint(np.asarray(even) * _SIXTEENTHS).astype(np.int16)


def _surface(level: NDArray[np.float32], field: str) -> NDArray[np.float32]:
    """The smooth surface (cubic in x and y) that most tiles lie on, objects' tiles apart."""
    rows, columns = level.shape
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    degree = 3 if min(rows, columns) >= 6 else 0
    terms = [x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)]
    basis = np.stack(terms, axis=-1).reshape(-1, len(terms))
    values = level.ravel().astype(np.float64)
    weight = np.ones_like(values)
    tiny = 1e-9 * len(values) * np.eye(len(terms))
    fitted = values
    for _ in range(6):
        weighted = basis * weight[:, None]
        # Normal equations, 10 x 10: least squares by SVD takes a hundred times as long.
        fitted = basis @ np.linalg.solve(weighted.T @ basis + tiny, weighted.T @ values)
        towards = values - fitted if field == "dark" else fitted - values
        spread = max(1.0, _spread(towards))
        weight = np.where(towards > 0, 1 / (1 + (towards / spread) ** 2) ** 2, 1.0)
    return fitted.reshape(rows, columns).astype(np.float32)


def _spread(values: NDArray[np.floating]) -> float:
    """Standard deviation by the median of the distances from the median (MAD)."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _enlarge(tiles: Tiles, shape: tuple[int, ...], stride: int) -> NDArray[np.uint8]:
    """The tiles as a background picture ``uint8 [h, w]``, between tile centres linear."""
    side = _SAMPLES * stride
    levels = np.clip((tiles + _SIXTEENTHS // 2) >> 4, 0, 255).astype(np.uint8)
    size = (levels.shape[1] * side, levels.shape[0] * side)
    picture = cv2.resize(levels, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(picture[: shape[0], : shape[1]], np.uint8)


def _residual(
    sample: NDArray[np.uint8], background: NDArray[np.uint8], field: str
) -> tuple[int, float]:
    """How far the true background lies from the estimate (its mode), and its noise.

    The noise is taken on the side away from objects only, so that a crowd does not count as noise.
    """
    away = sample.astype(np.int16) - background
    if field == "bright":
        away = -away
    histogram = np.bincount(away.ravel() + 255, minlength=511)
    smooth = np.convolve(histogram, (1, 2, 3, 2, 1), "same")
    offset = int(smooth.argmax()) - 255
    below = histogram[: offset + 256][::-1]  # distances 0, 1, 2... from the mode
    cumulative = below.cumsum()
    half = cumulative[-1] / 2
    k = int(np.searchsorted(cumulative, half))
    # Within a grey level the pixels are spread evenly: without this a noise below 1 reads as 0.
    inside = (half - (cumulative[k - 1] if k else 0)) / max(1, below[k])
    return offset, 1.4826 * max(0.0, k - 0.5 + float(inside))


def _subtract(
    grey: NDArray[np.uint8], tiles: Tiles, stride: int, offset: int, field: str
) -> NDArray[np.uint8]:
    towards = offset if field == "dark" else -offset
    background = _enlarge(_shifted(tiles, towards), grey.shape, stride)
    if field == "dark":
        return np.asarray(cv2.subtract(grey, background), np.uint8)
    return np.asarray(cv2.subtract(background, grey), np.uint8)

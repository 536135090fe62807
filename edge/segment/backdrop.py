"""The background of one frame: the definition, by numpy, and the way without a C compiler.

A frame is looked at through every ``stride``-th pixel, 16 x 16 of these to a tile. Each tile gives
a quantile of its greys on the side away from the objects; tiles that an object covers are bent to
the smooth surface that the others lie on; between tile centres the background is linear.

Invariant: edge/native/background.c gives the same numbers. So all is done in whole numbers but the
fit of the surface, whose single operations have a fixed order (hence ``cumsum``, not ``sum``).

Example::

    grid = Grid.of(grey.shape)
    tiles = estimate(grey, grid, "dark")              # int16 [rows, columns], 1/16 grey level
    subtract(grey, tiles, grid, "dark")               # uint8 [H, W]
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TILES_LONG = 32
"""Tiles along the longer side of a frame, about."""
SAMPLES = 16
"""Per side of a tile."""
SIXTEENTHS = 16
"""Tiles are in sixteenths of a grey level."""
DARK_SHARE = 35
"""The quantile of a tile's greys in percent; in bright field 100 less this."""

_TOP = 255 * SIXTEENTHS
_FINE = 8
_ROUNDS = 6
_FIT = 64  # a grey level while fitting
_FAR = 500 * _FIT
_COVERED = 4
_SPREAD = 1.4826

Grey = NDArray[np.uint8]
Tiles = NDArray[np.int16]
"""Grey of each tile in sixteenths, ``int16 [rows, columns]``."""
Float = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """How a frame is divided: every ``stride``-th pixel is looked at."""

    stride: int
    rows: int
    columns: int

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Grid:
        """For a frame ``[H, W]``."""
        stride = max(1, round(max(shape) / (TILES_LONG * SAMPLES)))
        rows, columns = (math.ceil(math.ceil(side / stride) / SAMPLES) for side in shape)
        return cls(stride, rows, columns)

    @property
    def side(self) -> int:
        """Pixels along the side of a tile."""
        return SAMPLES * self.stride


def estimate(grey: Grey, grid: Grid, field: str) -> Tiles:
    """A frame's own background."""
    level = _quantiles(grey[:: grid.stride, :: grid.stride], grid, field)
    heights, off = _surface(level, -1.0 if field == "bright" else 1.0)
    covered = (off > _COVERED * _FIT) & (off > 3.0 * (_SPREAD * _spread(off)))
    tiles = np.clip(np.where(covered, heights, level * SIXTEENTHS), 0, _TOP)
    if min(tiles.shape) >= 3:
        tiles = np.median(_neighbours(tiles, 1), axis=0).astype(np.int64)
    return _even(tiles)


def residuals(grey: Grey, tiles: Tiles, grid: Grid, field: str) -> NDArray[np.int32]:
    """How many samples lie how far from the background, ``int32 [511]``: 255 is no distance."""
    height, width = grey.shape
    ys, xs = np.arange(0, height, grid.stride), np.arange(0, width, grid.stride)
    away = grey[:: grid.stride, :: grid.stride].astype(np.int64) - _picture(tiles, grid, ys, xs)
    towards = -away if field == "bright" else away
    return np.bincount(towards.ravel() + 255, minlength=511).astype(np.int32)


def subtract(grey: Grey, tiles: Tiles, grid: Grid, field: str) -> Grey:
    """Every pixel's distance from the background, 0 on the side away from the objects."""
    height, width = grey.shape
    picture = _picture(tiles, grid, np.arange(height), np.arange(width)).astype(np.uint8)
    if field == "bright":
        return np.asarray(np.maximum(grey, picture) - grey, np.uint8)
    return np.asarray(grey - np.minimum(grey, picture), np.uint8)


def _quantiles(sample: Grey, grid: Grid, field: str) -> NDArray[np.int64]:
    """Of each tile's samples; those at the right and lower edge may have fewer."""
    height, width = sample.shape
    missing = ((0, grid.rows * SAMPLES - height), (0, grid.columns * SAMPLES - width))
    padded = np.pad(sample, missing, constant_values=255)  # sorts behind all others
    squares = padded.reshape(grid.rows, SAMPLES, grid.columns, SAMPLES).swapaxes(1, 2)
    ordered = np.sort(squares.reshape(grid.rows, grid.columns, -1), axis=-1)
    tall = np.minimum(SAMPLES, height - SAMPLES * np.arange(grid.rows))
    wide = np.minimum(SAMPLES, width - SAMPLES * np.arange(grid.columns))
    share = 100 - DARK_SHARE if field == "bright" else DARK_SHARE
    k = (np.outer(tall, wide) - 1) * share // 100
    return np.take_along_axis(ordered, k[..., None], axis=-1)[..., 0].astype(np.int64)


def _surface(level: NDArray[np.int64], sign: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The smooth surface (cubic in x and y) that most tiles lie on, in sixteenths, and how far each
    tile lies off it towards the objects, in 1/64 grey level. Iteratively reweighted least squares.
    """
    degree = 3 if min(level.shape) >= 6 else 0
    x, y = _powers(level.shape[1]), _powers(level.shape[0])
    terms = [np.outer(y[j], x[i]) for i in range(degree + 1) for j in range(degree + 1 - i)]
    basis = np.stack(terms, axis=-1).reshape(level.size, -1)
    values = level.ravel().astype(np.float64)
    off = np.zeros(level.size, np.int64)
    for _ in range(_ROUNDS):
        per = 1.0 / max(float(_FIT), _SPREAD * _spread(off))
        cut = 1.0 + (np.maximum(off, 0) * per) ** 2
        weight = 1.0 / (cut * cut)
        weighted = basis * weight[:, None]
        matrix = np.cumsum(weighted[:, :, None] * basis[:, None, :], axis=0)[-1]
        right = np.cumsum(weighted * values[:, None], axis=0)[-1]
        fit = _solved(matrix + 1e-9 * len(values) * np.eye(len(matrix)), right)
        heights = np.cumsum(basis * fit, axis=1)[:, -1]
        off = _rounded((values - heights) * sign * _FIT, _FAR)
    return _rounded(heights * SIXTEENTHS, 2 * _TOP).reshape(level.shape), off.reshape(level.shape)


def _powers(n: int) -> list[Float]:
    """1, v, v^2, v^3 of n places from -1 to 1."""
    places = -1.0 + np.arange(n) * (2.0 / max(1, n - 1))
    v = np.asarray(places, np.float64)
    return [np.ones(n, np.float64), v, np.asarray(v * v), np.asarray(v * v * v)]


def _solved(matrix: Float, right: Float) -> Float:
    """Elimination on the upper half of a symmetric matrix."""
    n = len(right)
    for p in range(n):
        for r in range(p + 1, n):
            factor = matrix[p, r] / matrix[p, p]
            matrix[r, r:] -= factor * matrix[p, r:]
            right[r] -= factor * right[p]
    fit = np.zeros(n)
    for p in reversed(range(n)):
        rest = right[p]
        for q in range(p + 1, n):
            rest = rest - matrix[p, q] * fit[q]
        fit[p] = rest / matrix[p, p]
    return fit


def _rounded(values: Float, most: int) -> NDArray[np.int64]:
    """To whole numbers, halves up, within ``most`` of 0."""
    return (np.clip(values, -most, most) + (most + 0.5)).astype(np.int64) - most


def _spread(off: NDArray[np.int64]) -> int:
    """The median of the distances from the median, in each case the lower of two."""
    k = (off.size - 1) // 2
    away = np.abs(off - np.partition(off, k, axis=None)[k])
    return int(np.partition(np.minimum(away, _FAR), k, axis=None)[k])


def _neighbours(tiles: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """``[n, rows, columns]``: every tile's square of tiles, the outermost ones repeated."""
    rows, columns = tiles.shape
    wide = np.pad(tiles, reach, mode="edge")
    steps = range(2 * reach + 1)
    return np.stack([wide[dy : dy + rows, dx : dx + columns] for dy in steps for dx in steps])


def _even(tiles: NDArray[np.int64]) -> Tiles:
    """Binomial smoothing, a Gaussian of one tile."""
    line = np.array([1, 4, 6, 4, 1])
    weights = np.outer(line, line).ravel()
    sums = (_neighbours(tiles, 2) * weights[:, None, None]).sum(axis=0)
    return np.asarray((sums + 128) >> 8, np.int16)


def _picture(
    tiles: Tiles, grid: Grid, ys: NDArray[np.int64], xs: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The background in whole grey levels, ``[len(ys), len(xs)]``: between tile centres linear."""
    nodes = np.pad(np.clip(tiles.astype(np.int64), 0, _TOP) * _FINE, 1, mode="edge")
    weights = ((2 * np.arange(grid.side) + 1) << 14) // grid.side  # of the next tile, of 2^15
    down, across = ys + grid.side // 2, xs + grid.side // 2
    row, j = down // grid.side, across // grid.side
    lines = _between(nodes[:, j], nodes[:, j + 1], weights[across % grid.side][None, :])
    fine = _between(lines[row], lines[row + 1], weights[down % grid.side][:, None])
    half = SIXTEENTHS * _FINE // 2
    return (fine + half) // (SIXTEENTHS * _FINE)


def _between(
    a: NDArray[np.int64], b: NDArray[np.int64], weight: NDArray[np.int64]
) -> NDArray[np.int64]:
    return a + 2 * (((b - a) * weight) >> 16)

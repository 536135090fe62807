"""The curves by which a simulated frame is held against a real one.

Everything is computed from grey levels alone, in the same way for both: a background as the median
of blocks, a fixed threshold above it, local noise as the robust spread of the finest detail. So the
comparison says how alike two sets of pictures are, not how well either is segmented.

Example::

    real, simulated = curves(real_frames), curves(simulated_frames)
    histogram_distance(real, simulated)     # 0: alike, 1: no level in common
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.frames import Grey

BLOCK_PX = 64
THRESHOLD_GREY = 15  # above the background: a region's pixel
NOISE_EDGES = np.array([8, 14, 16, 18, 20, 24, 32, 48, 64, 96, 128, 192])  # grey levels
SIZE_EDGES_PX = np.geomspace(2, 256, 22)  # ESD
SPECTRUM_BINS = 28

Curve = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curves:
    """What is compared. Shares sum to 1; ``sizes`` are numbers per megapixel above each ESD."""

    histogram: Curve  # [256] share of pixels at each grey level
    noise: Curve  # [len(NOISE_EDGES) - 1] grey levels; NaN where too few pixels
    noise_p90: Curve  # the same in the noisier places: the 90 % quantile of the local detail
    sizes: Curve  # [len(SIZE_EDGES_PX)] regions per megapixel with at least this ESD
    signal: Curve  # [256] share of the regions' pixels at each level above the background
    spectrum: Curve  # [SPECTRUM_BINS] power by spatial frequency, decibels
    block_medians: Curve  # [blocks] grey levels of the background
    foreground: float  # share of pixels above the threshold
    corner_ratio: float  # background in the corners over that in the middle


def background(grey: Grey) -> NDArray[np.float32]:
    """The median of blocks, smoothly joined, float32 [H, W]."""
    medians = _block_medians(grey).astype(np.float32)
    height, width = grey.shape
    smooth = cv2.medianBlur(medians, 5)
    joined = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(joined, np.float32)


def _block_medians(grey: Grey) -> NDArray[np.float64]:
    rows, cols = grey.shape[0] // BLOCK_PX, grey.shape[1] // BLOCK_PX
    blocks = grey[: rows * BLOCK_PX, : cols * BLOCK_PX].reshape(rows, BLOCK_PX, cols, BLOCK_PX)
    medians: NDArray[np.float64] = np.median(blocks.swapaxes(1, 2), axis=(2, 3))
    return medians


def _noise(grey: Grey) -> tuple[Curve, Curve]:
    """Robust spread of the finest detail by local brightness: 1.4826 MAD, and the 90 % quantile."""
    light = grey.astype(np.float32)
    detail = light - cv2.GaussianBlur(light, (0, 0), 1.5)
    local = cv2.GaussianBlur(light, (0, 0), 4.0)
    places = np.digitize(local, NOISE_EDGES) - 1
    middle = np.full(len(NOISE_EDGES) - 1, np.nan)
    noisy = middle.copy()
    for k in range(len(middle)):
        here = np.abs(detail[places == k])
        if here.size >= 2000:
            middle[k] = 1.4826 * np.median(here)
            noisy[k] = np.quantile(here, 0.9)
    return middle, noisy


def _regions(above: NDArray[np.bool_]) -> Curve:
    """The ESD in pixels of every region of at least 3 pixels."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(above.astype(np.uint8), connectivity=8)
    areas = np.asarray(stats[1:, cv2.CC_STAT_AREA], np.float64)
    return 2 * np.sqrt(areas[areas >= 3] / np.pi)


def _spectrum(grey: Grey) -> Curve:
    """Mean power by spatial frequency, in dB, from 1/512 to 1/2 cycle a pixel."""
    side = 1024
    part = grey[: side * (grey.shape[0] // side), : side * (grey.shape[1] // side)]
    window = np.outer(np.hanning(side), np.hanning(side))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    edges = np.geomspace(1 / 512, 0.5, SPECTRUM_BINS + 1)
    where = np.digitize(frequency, edges) - 1
    power = np.zeros(SPECTRUM_BINS)
    tiles = [
        part[y : y + side, x : x + side]
        for y in range(0, part.shape[0], side)
        for x in range(0, part.shape[1], side)
    ]
    for tile in tiles:
        energy = np.abs(np.fft.rfft2((tile - tile.mean()) * window)) ** 2 / window.sum()
        power += [energy[where == k].mean() for k in range(SPECTRUM_BINS)]
    return np.asarray(10 * np.log10(power / len(tiles)))


def _one(grey: Grey) -> Curves:
    water = background(grey)
    above = grey.astype(np.float32) - water
    regions = above > THRESHOLD_GREY
    esd = _regions(regions)
    signal = np.bincount(np.clip(above[regions], 0, 255).astype(np.intp), minlength=256)
    noise, noisy = _noise(grey)
    medians = _block_medians(grey)
    corners = medians[[0, 0, -1, -1], [0, -1, 0, -1]].mean()
    rows, cols = medians.shape
    middle = medians[rows // 2 - 2 : rows // 2 + 2, cols // 2 - 2 : cols // 2 + 2]
    return Curves(
        histogram=np.bincount(grey.ravel(), minlength=256) / grey.size,
        noise=noise,
        noise_p90=noisy,
        sizes=np.array([(esd >= edge).sum() for edge in SIZE_EDGES_PX]) / (grey.size / 1e6),
        signal=signal / max(int(signal.sum()), 1),
        spectrum=_spectrum(grey),
        block_medians=np.sort(medians.ravel()),
        foreground=float(regions.mean()),
        corner_ratio=float(corners / np.median(middle)),
    )


def curves(frames: Iterable[Grey]) -> Curves:
    """The curves of several frames of equal size, each averaged over them."""
    each = [_one(grey) for grey in frames]
    if not each:
        raise ValueError("curves: expected at least one frame")

    def mean(name: str) -> Curve:
        return np.asarray(np.mean([getattr(one, name) for one in each], axis=0), np.float64)

    return Curves(
        histogram=mean("histogram"),
        noise=mean("noise"),
        noise_p90=mean("noise_p90"),
        sizes=mean("sizes"),
        signal=mean("signal"),
        spectrum=mean("spectrum"),
        block_medians=mean("block_medians"),
        foreground=float(mean("foreground")),
        corner_ratio=float(mean("corner_ratio")),
    )


def quantile(histogram: Curve, share: float) -> int:
    """The grey level below which this share of a histogram lies."""
    return int(np.searchsorted(np.cumsum(histogram), share * histogram.sum()))


def histogram_distance(left: Curves, right: Curves) -> float:
    """Half the sum of absolute differences of the grey histograms: 0 alike, 1 nothing in common."""
    return float(np.abs(left.histogram - right.histogram).sum() / 2)


def size_distance(left: Curves, right: Curves) -> float:
    """The largest difference of the two cumulative distributions of ESD (Kolmogorov, Smirnov)."""
    return float(np.abs(left.sizes / left.sizes[0] - right.sizes / right.sizes[0]).max())

"""What an object could also have looked like: turned, nearer, brighter, noisier, out of focus.

Plankton has no up and no left, so rotations and mirror images are as likely as the original.
Brightness, sharpness, noise and how tightly the mask was cut belong to the instrument, and the
network must not rely on them. Nor may it rely on where an object lies on the grid of 2x2 blocks:
random strides (Graham 2014) move the block boundaries inside an object; here the object itself is
shifted by up to a block of the coarsest level, with its size drawn anew, which does the same and
leaves the site tables what they are on the instrument.

`augment` draws all that costs time and is done a few times for each object; `turned`, which is
exact and quick, each time that one of these is shown.

Invariant: the result of `augment` is a Prepared again, tight and within the size limit; level and
shape values follow what a true change of size would give.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.preprocess import CHANNELS, MAX_AREA_PX, Bool, Prepared, UInt8, prepare

COARSEST = 16
"""Pixels of a block of level 4."""


@dataclass(frozen=True)
class AugmentSettings:
    rotate: float = 0.6  # share turned by any angle; all are turned by quarters and mirrored
    scale_ln: float = 0.12  # standard deviation of ln(size)
    gain_ln: float = 0.25  # standard deviation of ln(brightness)
    offset: float = 4.0  # standard deviation of added signal
    noise: float = 3.0  # largest standard deviation of pixel noise
    defocus: float = 0.15  # share that is blurred
    defocus_px: float = 1.2  # largest standard deviation of the blur
    tighter: float = 0.3  # share of objects whose mask loses its dim edge
    tighter_signal: int = 16  # up to which signal


def augment(one: Prepared, settings: AugmentSettings, random: np.random.Generator) -> Prepared:
    """A random variant of one object."""
    signal, mask = one.x[..., 0], one.mask
    if random.random() < settings.tighter:
        mask = _tighter(signal, mask, int(random.integers(1, settings.tighter_signal)))
    if random.random() < settings.rotate:
        ln_scale = float(random.normal(0, settings.scale_ln))
        area = int(np.count_nonzero(mask)) * np.exp(2 * ln_scale)
        if not 4 < area < MAX_AREA_PX:
            ln_scale = 0.0
        signal, mask = _turn(signal, mask, float(random.uniform(0, 360)), float(np.exp(ln_scale)))
    if random.random() < settings.defocus:
        blur = float(random.uniform(0.3, settings.defocus_px))
        signal = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(signal), (0, 0), blur), np.uint8)
    new = prepare(_brightness(signal, settings, random), np.ascontiguousarray(mask))
    shape = new.shape.copy()
    shape[0] = one.shape[0] + np.log(max(mask.sum(), 1) / one.mask.sum()) / 8  # ln(ESD) / 4
    shape[1] = (one.level + new.level) / 4
    return Prepared(new.x, new.mask, one.level + new.level, shape)


def turned(one: Prepared, random: np.random.Generator) -> Prepared:
    """Turned by quarters, mirrored, and shifted on the grid of blocks: every pixel kept as it is.

    The result is not tight: empty rows above and columns to the left make the shift.
    """
    quarter, mirror = int(random.integers(4)), bool(random.integers(2))
    down, right = (int(random.integers(COARSEST)) for _ in range(2))
    x, mask = np.rot90(one.x, quarter), np.rot90(one.mask, quarter)
    if mirror:
        x, mask = x[:, ::-1], mask[:, ::-1]
    height, width = mask.shape
    moved = np.zeros((height + down, width + right, CHANNELS), np.uint8)
    present = np.zeros((height + down, width + right), np.bool_)
    moved[down:, right:], present[down:, right:] = x, mask
    return Prepared(moved, present, one.level, one.shape)


def _brightness(signal: UInt8, settings: AugmentSettings, random: np.random.Generator) -> UInt8:
    gain = np.exp(random.normal(0, settings.gain_ln))
    strength = random.uniform(0, settings.noise)
    noise = random.standard_normal(signal.shape, np.float32) * np.float32(strength)
    values = signal * np.float32(gain) + np.float32(random.normal(0, settings.offset)) + noise
    bright: UInt8 = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return bright


def _tighter(signal: UInt8, mask: Bool, threshold: int) -> Bool:
    """The largest part of the mask above the threshold, if it keeps at least half of the object."""
    kept = mask & (signal >= threshold)
    if 2 * np.count_nonzero(kept) < np.count_nonzero(mask):
        return mask
    _, labels, stats, _ = cv2.connectedComponentsWithStats(kept.view(np.uint8), connectivity=8)
    largest: Bool = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return largest if 2 * np.count_nonzero(largest) >= np.count_nonzero(mask) else mask


def _turn(signal: UInt8, mask: Bool, degrees: float, scale: float) -> tuple[UInt8, Bool]:
    """Turned about the middle and scaled, on a canvas that holds it; unchanged if it vanishes."""
    height, width = mask.shape
    side = int(np.ceil(np.hypot(height, width) * scale)) + 2
    middle = ((width - 1) / 2, (height - 1) / 2)
    turn = np.asarray(cv2.getRotationMatrix2D(middle, degrees, scale), np.float64)  # [2, 3]
    turn[:, 2] += (side - 1) / 2 - np.array(middle)
    size, smooth = (side, side), cv2.INTER_LINEAR
    filled = cv2.warpAffine(mask.astype(np.uint8) * 255, turn, size, flags=smooth)
    turned_signal = cv2.warpAffine(np.ascontiguousarray(signal), turn, size, flags=smooth)
    inside: Bool = np.asarray(filled) >= 128
    return (np.asarray(turned_signal, np.uint8), inside) if inside.any() else (signal, mask)

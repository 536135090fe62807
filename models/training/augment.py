"""What an object could also have looked like: turned, nearer, brighter, noisier, cut closer.

Plankton has no up and no left, so rotations and mirror images are as likely as the original.
Brightness, noise and how tightly the mask was cut belong to the instrument, and the network must
not rely on them.

Invariant: the result is a Prepared again, tight and within the size limit; level and shape values
follow what a true change of size would give.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.preprocess import MAX_AREA_PX, Bool, Prepared, UInt8, prepare


@dataclass(frozen=True)
class AugmentSettings:
    rotate: float = 0.6  # share turned by any angle; all are turned by quarters and mirrored
    scale_ln: float = 0.12  # standard deviation of ln(size)
    gain_ln: float = 0.25  # standard deviation of ln(brightness)
    offset: float = 4.0  # standard deviation of added signal
    noise: float = 3.0  # largest standard deviation of pixel noise
    tighter: float = 0.3  # share of objects whose mask loses its dim edge
    tighter_signal: int = 16  # up to which signal


def augment(one: Prepared, settings: AugmentSettings, random: np.random.Generator) -> Prepared:
    """A random variant of one object."""
    signal, mask = one.x[..., 0], one.mask
    if random.random() < settings.tighter:
        mask = _tighter(signal, mask, int(random.integers(1, settings.tighter_signal)))
    ln_scale = 0.0
    if random.random() < settings.rotate:
        ln_scale = float(random.normal(0, settings.scale_ln))
        area = int(np.count_nonzero(mask)) * np.exp(2 * ln_scale)
        if not 4 < area < MAX_AREA_PX:
            ln_scale = 0.0
        signal, mask = _turn(signal, mask, float(random.uniform(0, 360)), float(np.exp(ln_scale)))
    quarter, mirror = int(random.integers(4)), bool(random.integers(2))
    signal, mask = np.rot90(signal, quarter), np.rot90(mask, quarter)
    if mirror:
        signal, mask = signal[:, ::-1], mask[:, ::-1]
    new = prepare(_brightness(signal, settings, random), np.ascontiguousarray(mask))
    shape = new.shape.copy()
    shape[0] = one.shape[0] + np.log(max(mask.sum(), 1) / one.mask.sum()) / 8  # ln(ESD) / 4
    shape[1] = (one.level + new.level) / 4
    return Prepared(new.x, new.mask, one.level + new.level, shape)


def _brightness(signal: UInt8, settings: AugmentSettings, random: np.random.Generator) -> UInt8:
    gain = np.exp(random.normal(0, settings.gain_ln))
    noise = random.normal(0, random.uniform(0, settings.noise) + 1e-6, signal.shape)
    values = signal * gain + random.normal(0, settings.offset) + noise
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
    turned = cv2.warpAffine(np.ascontiguousarray(signal), turn, size, flags=smooth)
    inside: Bool = np.asarray(filled) >= 128
    return (np.asarray(turned, np.uint8), inside) if inside.any() else (signal, mask)

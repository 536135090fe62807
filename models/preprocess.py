"""From a region to the network's input: own pixels only, halved until it is small enough.

Why: big objects would hold most of all sites (five of a hundred hold 82 %), so an object is halved
until its ESD is at most 64 px; its true size and its level go to the head instead. Everything here
is integer arithmetic, so that the training, the shore and every instrument give the network the
same bytes.

Invariant: `prepare` never changes which object it is about: pixels outside the mask have no
influence.

Example:
    >>> prepared = prepare(signal, mask)      # uint8 [h, w], bool [h, w]
    >>> prepared.x.shape                      # (h', w', 2)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CHANNELS = 2
SHAPE_NAMES = ("ln_esd_px / 4", "level / 4", "ellipse_fill", "ln_elongation")
MAX_ESD_PX = 64.0
MAX_AREA_PX = int(np.floor(np.pi * (MAX_ESD_PX / 2) ** 2))  # 3216: ESD = 2 sqrt(area / pi)

UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Prepared:
    """One object as the network sees it."""

    x: UInt8  # [h', w', 2]: signal, and 255 where the object is ("dark" is not "missing")
    mask: Bool  # [h', w'], tight: touches all four sides
    level: int  # how often it was halved
    shape: Float32  # [4], see SHAPE_NAMES; of the object before halving


def prepare(signal: UInt8, mask: Bool) -> Prepared:
    """The network's input for one object.

    signal: uint8 [h, w], distance from the background (0 = background); mask: bool [h, w].
    Raises ValueError when the arrays do not fit together or the mask is empty.
    """
    if signal.ndim != 2 or signal.shape != mask.shape:
        raise ValueError(f"signal {signal.shape} and mask {mask.shape} must be two equal planes")
    if signal.dtype != np.uint8 or mask.dtype != np.bool_:
        raise ValueError(f"signal must be uint8 and mask bool, not {signal.dtype} and {mask.dtype}")
    if not mask.any():
        raise ValueError("the mask is empty: an object has at least one pixel")
    rows, columns = _extent(mask)
    signal, mask = signal[rows, columns], mask[rows, columns]
    values = signal * mask  # uint8, 0 outside
    present, level = mask, 0
    while int(np.count_nonzero(present)) > MAX_AREA_PX:
        values, present = _halve(values, present)
        level += 1
    x = np.empty((*values.shape, CHANNELS), np.uint8)
    x[..., 0] = values
    x[..., 1] = present
    x[..., 1] *= 255
    return Prepared(x, np.ascontiguousarray(present), level, shape_values(mask, level))


def shape_values(mask: Bool, level: int) -> Float32:
    """What halving hides, float32 [4], unchanged by rotation and mirroring (see SHAPE_NAMES).

    The ellipse has the mask's second moments (each pixel a unit square, hence the 1/12), as
    ImageJ's EllipseFitter; fill is area over the ellipse's area: 1 for a solid ellipse, small for
    limbs and loops.
    """
    height, width = mask.shape
    y, x = np.arange(height, dtype=np.float64), np.arange(width, dtype=np.float64)
    cells = mask.astype(np.float64)
    in_row, in_column = cells.sum(axis=1), cells.sum(axis=0)
    area = in_row.sum()  # these sums are whole numbers, so they are exact in any order
    mean_y, mean_x = in_row @ y / area, in_column @ x / area
    yy = in_row @ (y * y) / area - mean_y**2 + 1 / 12
    xx = in_column @ (x * x) / area - mean_x**2 + 1 / 12
    xy = y @ (cells @ x) / area - mean_y * mean_x
    spread = np.sqrt((yy - xx) ** 2 / 4 + xy * xy)
    major = 4 * np.sqrt((yy + xx) / 2 + spread)
    minor = 4 * np.sqrt(max((yy + xx) / 2 - spread, 1 / 12))
    esd_px = 2 * np.sqrt(area / np.pi)
    fill = area / (np.pi / 4 * major * minor)
    return np.array([np.log(esd_px) / 4, level / 4, fill, np.log(major / minor)], np.float32)


def _extent(mask: Bool) -> tuple[slice, slice]:
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _halve(values: UInt8, mask: Bool) -> tuple[UInt8, Bool]:
    """Mean over each 2x2 block's object pixels, rounded half up; a block with any of them stays."""
    height, width = values.shape
    even = (height + height % 2, width + width % 2)
    total, count = np.zeros(even, np.uint16), np.zeros(even, np.uint16)  # 4 * 255 fits by far
    total[:height, :width], count[:height, :width] = values, mask
    total = total[0::2] + total[1::2]
    count = count[0::2] + count[1::2]
    total = total[:, 0::2] + total[:, 1::2]
    count = count[:, 0::2] + count[:, 1::2]
    mean = (2 * total + count) // np.maximum(2 * count, 1)
    return mean.astype(np.uint8), count > 0

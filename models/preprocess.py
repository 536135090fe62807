"""From a region to the network's input: own pixels only, halved until it is small enough.

Why: big objects would hold most of all sites (five of a hundred hold 82 %), so an object is halved
until its ESD is at most 64 px; its true size and its level go to the head instead. Everything here
is integer arithmetic, so that the training, the shore and every instrument give the network the
same bytes.

Invariants: `prepare_numpy` (the definition) and the C library give identical bytes; pixels outside
the mask have no influence.

Example:
    >>> prepared = prepare(signal, mask)      # uint8 [h, w], bool [h, w]
    >>> prepared.x.shape                      # (h', w', 2)
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models import native

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
    area = int(np.count_nonzero(mask))
    if area == 0:
        raise ValueError("the mask is empty: an object has at least one pixel")
    if native.LIBRARY is None or max(mask.shape) > _NATIVE_MAX_SIDE:
        return prepare_numpy(signal, mask)
    return _prepare_native(native.LIBRARY, signal, mask, area)


def prepare_numpy(signal: UInt8, mask: Bool) -> Prepared:
    """The definition, for arguments that `prepare` has checked."""
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
    return _shape_of(
        (
            area,
            in_row @ y,
            in_column @ x,
            in_row @ (y * y),
            in_column @ (x * x),
            np.float64(y @ (cells @ x)),
        ),
        level,
    )


def _shape_of(sums: Iterable[float], level: int) -> Float32:
    shape: Float32 = shapes_of(np.array([list(sums)], np.float64), np.array([level]))[0]
    return shape


def shapes_of(sums: npt.NDArray[Any], levels: npt.NDArray[Any]) -> Float32:
    """`shape_values` of n objects, float32 [n, 4].

    sums [n, 6]: over each object's pixels 1, y, x, y^2, x^2, x y; whole numbers below 2^53.
    """
    area, *moments = sums.astype(np.float64).T
    mean_y, mean_x, mean_yy, mean_xx, mean_xy = (moment / area for moment in moments)
    yy = mean_yy - mean_y * mean_y + 1 / 12
    xx = mean_xx - mean_x * mean_x + 1 / 12
    xy = mean_xy - mean_y * mean_x
    spread = np.sqrt((yy - xx) * (yy - xx) / 4 + xy * xy)
    major = 4 * np.sqrt((yy + xx) / 2 + spread)
    minor = 4 * np.sqrt(np.maximum((yy + xx) / 2 - spread, 1 / 12))
    esd_px = 2 * np.sqrt(area / np.pi)
    fill = area / (np.pi / 4 * major * minor)
    values = (np.log(esd_px) / 4, levels / 4, fill, np.log(major / minor))
    return np.stack(values, axis=1).astype(np.float32)


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


# --- the same in C (edge/native/prepare.h)

_NATIVE_MAX_SIDE = 8192  # SEADRIFT_PREPARE_MAX_SIDE
_OK = 0


class _Object(ctypes.Structure):
    """`seadrift_object` of edge/native/prepare.h, field for field."""

    _fields_ = (
        ("signal", ctypes.c_void_p),
        ("mask", ctypes.c_void_p),
        ("signal_stride", ctypes.c_int64),
        ("mask_stride", ctypes.c_int64),
        ("height", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("max_area", ctypes.c_int64),
        ("x", ctypes.c_void_p),
        ("present", ctypes.c_void_p),
        ("scratch", ctypes.c_void_p),
        ("cells", ctypes.c_int64),
        ("out_height", ctypes.c_int32),
        ("out_width", ctypes.c_int32),
        ("level", ctypes.c_int32),
        ("sums", ctypes.c_int64 * 6),
    )


def _prepare_native(library: ctypes.CDLL, signal: UInt8, mask: Bool, area: int) -> Prepared:
    """The same object by the C library. Raises RuntimeError with its code if it refuses."""
    if signal.strides[1] != 1:
        signal = np.ascontiguousarray(signal)
    if mask.strides[1] != 1:
        mask = np.ascontiguousarray(mask)
    height, width = mask.shape
    halved = area > MAX_AREA_PX
    cells = ((height + 1) // 2) * ((width + 1) // 2) if halved else height * width
    x = np.empty(cells * CHANNELS, np.uint8)
    present, scratch = np.empty(cells, np.bool_), np.empty(cells if halved else 1, np.uint8)
    call = _Object(
        signal.ctypes.data, mask.ctypes.data, signal.strides[0], mask.strides[0], height, width,
        MAX_AREA_PX, x.ctypes.data, present.ctypes.data, scratch.ctypes.data, cells,
    )  # fmt: skip
    code = int(library.seadrift_prepare(ctypes.byref(call)))
    if code != _OK:
        raise RuntimeError(f"seadrift_prepare refused an object of {mask.shape}: code {code}")
    shape = (int(call.out_height), int(call.out_width))
    used = shape[0] * shape[1]
    if used < cells:  # hold no more memory than the object needs
        x, present = x[: used * CHANNELS].copy(), present[:used].copy()
    level = int(call.level)
    return Prepared(
        x.reshape(*shape, CHANNELS), present.reshape(shape), level, _shape_of(call.sums, level)
    )

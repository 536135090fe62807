"""Memory that is used again from frame to frame: fresh pages cost more than the work done in them.

A buffer is lent as an array; once nobody holds that array or a part of it any more, the next frame
gets the same memory. Nobody has to give anything back, and a result that is kept stays untouched.

Example::

    signal = lend(height * width).reshape(height, width)
"""

from __future__ import annotations

import sys
import threading

import numpy as np
from numpy.typing import NDArray

MOST = 12
"""Buffers of one thread that are remembered: four a frame, with two results held meanwhile."""
_SMALLEST = 1 << 16  # bytes; less comes cheaply from the allocator


class _Shelf(threading.local):
    def __init__(self) -> None:
        self.buffers: list[NDArray[np.uint8]] = []


_SHELF = _Shelf()


def lend(size: int) -> NDArray[np.uint8]:
    """An array ``uint8 [size]`` of whatever was there before."""
    if size < _SMALLEST:
        return np.empty(size, np.uint8)
    buffers = _SHELF.buffers
    for i in range(len(buffers)):
        if size <= len(buffers[i]) <= 4 * size and _holders(buffers, i) == _IDLE:
            buffers.append(buffers.pop(i))  # the one used last goes last
            return buffers[-1][:size]
    buffers.append(np.empty(size + size // 4, np.uint8))
    del buffers[:-MOST]
    return buffers[-1][:size]


def _holders(buffers: list[NDArray[np.uint8]], i: int) -> int:
    """Of an array: whoever has it or a part of it, counted as this Python counts."""
    return sys.getrefcount(buffers[i])


_IDLE = _holders([np.empty(1, np.uint8)], 0)

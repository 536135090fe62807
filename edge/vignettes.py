"""Vignettes of a frame: every object's crop with a margin, one after another in a flat array.

A vignette is background-corrected (dark field: background 0; bright field: 255). Its margin is an
eighth of the object's longer side, 4 to 32 pixels, less at the frame's edge.

Example::

    vignettes = cut_vignettes(found)          # of a Segmentation
    vignettes.grey(0)                         # uint8 [h, w], a view
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.segment import Segmentation, buffers, native

SMALLEST_MARGIN, LARGEST_MARGIN = 4, 32


@dataclass(frozen=True, eq=False)
class Vignettes:
    """Of n objects, in their order."""

    boxes: NDArray[np.int32]  # [n, 4]: bx, by, width, height, in the frame
    starts: NDArray[np.int64]  # [n + 1]
    greys: NDArray[np.uint8]  # [starts[n]]

    def __len__(self) -> int:
        return len(self.boxes)

    def grey(self, i: int) -> NDArray[np.uint8]:
        """``uint8 [h, w]``, a view."""
        width, height = int(self.boxes[i, 2]), int(self.boxes[i, 3])
        return self.greys[self.starts[i] : self.starts[i + 1]].reshape(height, width)


def cut_vignettes(found: Segmentation) -> Vignettes:
    """The vignettes of all objects of a frame."""
    boxes = _with_margins(found.crops.boxes, *found.signal.shape)
    starts = np.zeros(len(boxes) + 1, np.int64)
    np.cumsum(boxes[:, 2].astype(np.int64) * boxes[:, 3], out=starts[1:])
    vignettes = Vignettes(boxes, starts, buffers.lend(int(starts[-1])))
    inverted = found.field == "bright"
    if not native.cut_boxes(found.signal, boxes, inverted, vignettes.greys):
        for i, (x, y, width, height) in enumerate(boxes.tolist()):
            crop = found.signal[y : y + height, x : x + width]
            vignettes.grey(i)[:] = np.bitwise_not(crop) if inverted else crop
    return vignettes


def _with_margins(boxes: NDArray[np.int32], height: int, width: int) -> NDArray[np.int32]:
    longest = boxes[:, 2:].max(axis=1, initial=0)
    margin = np.clip(longest // 8, SMALLEST_MARGIN, LARGEST_MARGIN)[:, None]
    corners = np.maximum(0, boxes[:, :2] - margin)
    ends = np.minimum((width, height), boxes[:, :2] + boxes[:, 2:] + margin)
    return np.concatenate([corners, ends - corners], axis=1).astype(np.int32)

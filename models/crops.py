"""The objects of a frame, tight box after tight box, in two flat arrays.

Why: a frame holds hundreds of objects of a thousand pixels. As arrays of their own each would cost
more to make than to measure; laid one after another they go through the C library in one call, and
memory is what the pixels need.

Invariant: box i is the cells ``starts[i] .. starts[i + 1]`` of both planes, row after row, and
holds at least one pixel of the object on each of its four sides.

Example::

    crops = Crops.of([(signal, mask, 120, 64)])     # uint8 [h, w], bool [h, w], bx, by
    crops.signal(0).shape == crops.mask(0).shape
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Crops:
    """n objects. ``masks`` holds 1 where a pixel is the object's own, else 0."""

    boxes: npt.NDArray[np.int32]  # [n, 4]: bx, by, width, height, in the frame
    starts: npt.NDArray[np.int64]  # [n + 1]
    masks: UInt8  # [starts[n]]
    signals: UInt8  # [starts[n]]: distance from the background, 0 = background

    @classmethod
    def of(cls, objects: Iterable[tuple[UInt8, Bool, int, int]]) -> Crops:
        """From (signal uint8 [h, w], mask bool [h, w], bx, by) of each object, in tight boxes."""
        every = list(objects)
        boxes = [(bx, by, mask.shape[1], mask.shape[0]) for _, mask, bx, by in every]
        sizes = [mask.size for _, mask, _, _ in every]
        none = [np.zeros(0, np.uint8)]
        return cls(
            np.array(boxes, np.int32).reshape(-1, 4),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate(none + [mask.ravel().astype(np.uint8) for _, mask, _, _ in every]),
            np.concatenate(none + [signal.ravel() for signal, _, _, _ in every]),
        )

    def __len__(self) -> int:
        return len(self.boxes)

    def mask(self, i: int) -> Bool:
        """``bool [h, w]``, a view."""
        view: Bool = self._plane(self.masks, i).view(np.bool_)
        return view

    def signal(self, i: int) -> UInt8:
        """``uint8 [h, w]``, a view."""
        return self._plane(self.signals, i)

    def _plane(self, flat: UInt8, i: int) -> UInt8:
        width, height = int(self.boxes[i, 2]), int(self.boxes[i, 3])
        return flat[self.starts[i] : self.starts[i + 1]].reshape(height, width)

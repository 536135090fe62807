"""The truth of a simulated frame as JSON: one line a frame, one entry an organism.

Masks are run lengths over the box, row by row, of background and object in turn, beginning with
background (0 if the first pixel is the object's).

Example::

    line = frame_record(simulator.frame(3))
    line["objects"][0]      # {"taxon": "Copepoda", "bx": 310, "by": 42, "w": 90, "h": 71, ...}
    mask = decode_mask(line["objects"][0]["runs"], h=71, w=90)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edge.frames import Mask
from edge.simulator.simulator import SimFrame, TrueObject


def encode_mask(mask: Mask) -> list[int]:
    """The run lengths of a ``bool [h, w]``; they add up to h times w."""
    flat = np.concatenate([[False], mask.ravel(), [not mask.flat[-1]]]) if mask.size else [False]
    changes = np.flatnonzero(np.diff(np.asarray(flat, np.int8)))
    return [int(run) for run in np.diff(np.concatenate([[0], changes]))]


def decode_mask(runs: Sequence[int], h: int, w: int) -> Mask:
    """The mask of these run lengths; raises ValueError if they do not fill h times w."""
    if sum(runs) != h * w or min(runs, default=0) < 0:
        raise ValueError(f"runs: expected run lengths adding up to {h * w}, got {sum(runs)}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, np.asarray(runs, np.intp)).reshape(h, w)


def object_record(true: TrueObject) -> dict[str, Any]:
    """One organism, as plain data."""
    height, width = true.mask.shape
    return {
        "taxon": true.taxon,
        "bx": true.bx,
        "by": true.by,
        "w": width,
        "h": height,
        "area_px": true.area_px,
        "border": true.border,
        "defocus_px": round(true.defocus_px, 3),
        "runs": encode_mask(true.mask),
    }


def frame_record(simulated: SimFrame) -> dict[str, Any]:
    """One frame and its organisms, as plain data for ``json.dumps``."""
    frame = simulated.frame
    return {
        "frame": frame.name,
        "index": frame.index,
        "width": frame.grey.shape[1],
        "height": frame.grey.shape[0],
        "utc_ms": frame.utc_ms,
        "lat_deg": frame.lat_deg,
        "lon_deg": frame.lon_deg,
        "depth_m": frame.depth_m,
        "temperature_c": frame.temperature_c,
        "objects": [object_record(true) for true in simulated.truth],
    }

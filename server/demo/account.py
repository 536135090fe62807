"""The reckoning: everything that the instruments accepted against everything that the shore holds.

Lost: frames that an instrument finished, or objects and vignettes that a frame's own record
announces, which the shore does not hold. Duplicated: what it holds more than once. Both are counted
from the two sides' own books, not from what the demonstration believes it sent.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Account:
    """Totals over all instruments; `lost` and `duplicated` count frames, objects and vignettes."""

    frames: int
    objects: int
    vignettes: int
    lost: int
    duplicated: int
    pending: int

    @property
    def clean(self) -> bool:
        return self.lost == self.duplicated == self.pending == 0


def reckon(
    statuses: dict[str, dict[str, Any]],
    frames: Iterable[dict[str, Any]],
    objects: Iterable[dict[str, Any]],
) -> Account:
    """Compares the instruments' `status --json` (by device name) with what the shore holds.

    Each instrument numbers its frames from 0 without a gap, so `frames` of its status says exactly
    which ones the shore must hold.
    """
    shore_frames = list(frames)
    shore_objects = list(objects)
    held = Counter((f["device"], f["frame_index"]) for f in shore_frames)
    wanted = {(n, i) for n, status in statuses.items() for i in range(status["frames_done"])}
    found = Counter((o["device"], o["frame_index"], o["index_in_frame"]) for o in shore_objects)
    announced = {
        (f["device"], f["frame_index"], k) for f in shore_frames for k in range(f["objects"])
    }
    pictures = sum(o["image"] is not None for o in shore_objects)
    return Account(
        frames=len(held),
        objects=len(found),
        vignettes=pictures,
        lost=len(wanted - held.keys())
        + len(announced - found.keys())
        + (len(shore_objects) - pictures),
        duplicated=sum(n - 1 for n in held.values())
        + sum(n - 1 for n in found.values())
        + len(held.keys() - wanted)
        + len(found.keys() - announced),
        pending=sum(status["pending"] for status in statuses.values()),
    )

"""What every source of pictures hands to the pipeline: a frame, or the reason why there is none.

A source is anything that can be iterated: a folder, a zip, a camera, the simulated instrument.
Two rules hold for all of them:

- a picture that cannot be read becomes a :class:`BadFrame` at its own index; it never stops the
  frames behind it and is never silently left out;
- indices rise and do not depend on where the iteration began, so a source whose ``start`` is 120
  gives the very frames that a full run would have given from its 120th on.

Example::

    for item in source:
        if isinstance(item, BadFrame):
            quarantine(item)
        else:
            pipeline.process(item)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Grey: TypeAlias = NDArray[np.uint8]
"""Pixels of one frame, ``uint8 [H, W]``."""

Mask: TypeAlias = NDArray[np.bool_]
"""Which pixels belong to an object, ``bool [h, w]``."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One camera image and what the instrument knew when it was taken (None: it did not know)."""

    name: str
    index: int
    grey: Grey
    utc_ms: int | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    depth_m: float | None = None
    temperature_c: float | None = None


@dataclass(frozen=True)
class BadFrame:
    """A frame that could not be had; ``reason`` is one sentence for a person."""

    name: str
    index: int
    reason: str
    path: Path | None = None


class Source(Protocol):
    """An iterable of frames; ``start`` is the index of the first one to give."""

    @property
    def start(self) -> int: ...

    def __iter__(self) -> Iterator[Frame | BadFrame]: ...

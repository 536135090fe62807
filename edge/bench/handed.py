"""Frames handed to another process, which may have little installed: nothing but numpy here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]


def save(path: Path, frames: Mapping[str, Grey]) -> None:
    """Frames by name, uint8 [H, W] each."""
    np.savez(path, np.array(list(frames)), *frames.values())


def load(path: Path) -> dict[str, Grey]:
    """In the order in which they were saved."""
    with np.load(path) as arrays:
        names = [str(name) for name in arrays["arr_0"]]
        return {name: arrays[f"arr_{i + 1}"] for i, name in enumerate(names)}

"""Real frames to compare with, read in place from the folder that SEADRIFT_DATA names.

They belong to others: nothing here writes one anywhere.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from edge.frames import Grey

DARKFIELD = "darkfield-frames.zip"
FLOWCAM = "flowcam.zip"


def read_greys(archive: Path, containing: str = "", suffix: str = ".png") -> list[Grey]:
    """The pictures of a zip whose names hold ``containing``, as luminance, in order of name."""
    with zipfile.ZipFile(archive) as members:
        names = [name for name in members.namelist() if name.lower().endswith(suffix)]
        return [_grey(members.read(name)) for name in sorted(names) if containing in name]


def _grey(data: bytes) -> Grey:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("L"), np.uint8)

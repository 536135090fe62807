"""Measures against what a FlowCam wrote beside its masks.

They hold the numbers of `models.measure_agreement`, that is of docs/measures.md.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models import measure_agreement as agreement
from models.crops import Crops
from models.measures import MEASURES, measure_crops

Mask = NDArray[np.bool_]
Grey = NDArray[np.uint8]
DATA = Path(os.environ.get("SEADRIFT_DATA", "../shared/data"))


def flowcam_rows(text: str) -> list[dict[str, str]]:
    """A FlowCam ``.lst``: version, number of fields, their names, then a line for each object."""
    lines = text.splitlines()
    count = int(lines[1].partition("|")[2])
    names = [line.partition("|")[0] for line in lines[2 : 2 + count]]
    return [dict(zip(names, line.split("|"), strict=False)) for line in lines[2 + count :] if line]


def flowcam_objects(archive: Path) -> Iterator[tuple[dict[str, str], Grey, Mask]]:
    """Of each object its row of the listing, its grey and its mask."""
    with zipfile.ZipFile(archive) as flowcam:
        pictures: dict[str, tuple[Grey, Mask]] = {}
        for listing in sorted(n for n in flowcam.namelist() if n.endswith(".lst")):
            for row in flowcam_rows(flowcam.read(listing).decode("latin-1")):
                stem = f"{listing.rpartition('/')[0]}/{row['collage_file'].removesuffix('.tif')}"
                if f"{stem}_bin.tif" not in flowcam.NameToInfo:
                    continue
                if stem not in pictures:
                    colour = np.asarray(Image.open(BytesIO(flowcam.read(f"{stem}.tif"))))
                    # FlowCam weighs red and blue the wrong way round.
                    grey = np.asarray(Image.fromarray(colour[:, :, ::-1].copy()).convert("L"))
                    own = Image.open(BytesIO(flowcam.read(f"{stem}_bin.tif"))).convert("L")
                    pictures[stem] = grey, np.asarray(own) > 0
                x, y, w, h = (int(row[f"image_{k}"]) for k in ("x", "y", "w", "h"))
                grey, mask = pictures[stem]
                yield row, grey[y : y + h, x : x + w], mask[y : y + h, x : x + w]


def flowcam_truth(row: dict[str, float], ours: dict[str, float]) -> dict[str, float]:
    n = ours["area"]
    box = ours["width"] + ours["height"]
    truth = {
        "area_exc": row["raw_area"],
        "area": row["raw_filled_area"],
        "convperim": row["raw_convex_perimeter"] + 4,
        "convarea": row["raw_convex_hull_area"] + box - 1,
        "feret": row["raw_feret_max"],
        "minferet": row["raw_feret_min"],
    }
    if ours["area"] == ours["area_exc"]:  # FlowCam's grey is that of the mask
        truth |= {
            "mean": row["intensity"],
            "intden": row["sum_intensity"],
            "stddev": row["sigma_intensity"] * math.sqrt(n / max(1, n - 1)),
        }
    return truth


@pytest.mark.data
def test_flowcam_measures_the_same() -> None:
    archive = DATA / "flowcam.zip"
    if not archive.exists():
        pytest.skip(f"no real data: {archive} is missing (set SEADRIFT_DATA)")
    objects = list(flowcam_objects(archive))
    crops = Crops.of((255 - grey, mask, 0, 0) for _, grey, mask in objects)
    measured = measure_crops(crops, "bright", "fast").astype(float).tolist()
    worst = dict.fromkeys(agreement.FLOWCAM, 0.0)
    times = dict.fromkeys(agreement.FLOWCAM, 0)
    names = [m.name for m in MEASURES]
    for (texts, _, _), row in zip(objects, measured, strict=True):
        ours = dict(zip(names, row, strict=True))
        numbers = (k for k in texts if k.startswith("raw") or "intensity" in k or "hu" in k)
        listed = {k: float(texts[k]) for k in numbers}
        truth = flowcam_truth(listed, ours)
        away = {name: abs(ours[name] - true) for name, true in truth.items()}
        away["hu_moment-1"] = abs(
            1 / (2 * math.pi * ours["hu_moment-1"]) - listed["circularity_hu"]
        )
        for name, difference in away.items():
            worst[name], times[name] = max(worst[name], difference), times[name] + 1
    assert times["area"] == 3000
    assert min(times.values()) > 2700
    for name, (_, within) in agreement.FLOWCAM.items():
        assert worst[name] <= within, name
        assert within <= 2 * worst[name], f"{name}: the table could say less"

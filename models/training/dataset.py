"""Labelled vignettes from a zip of folders, split by time.

Neighbouring frames show the same animal, so a random split would flatter. A name tells where and
when: `SPC-PWSSC-<unix time>-<frame>-<roi>-<x>-<y>-<w>-<h>`. Times form
deployments (separated by a week without images) and bursts (separated by an hour). Of each
deployment the last part is held out, cut between two bursts, so that no animal is on both sides. A
name without a trusted time could be on either side, so it is dropped, and counted.

Example:
    >>> class_map = ClassMap.load(SPC_CLASSES)
    >>> data = read_zip("spc.zip", class_map, progress=print)
    >>> len(data.train), len(data.validation), len(data.test)
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from models.measure_table import MEASURES
from models.measures import measure
from models.preprocess import Bool, Float32, Prepared, UInt8, prepare
from models.splitting import split_by_time, time_of
from models.training.classes import ClassMap

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Item:
    """One labelled object, decoded and prepared."""

    name: str
    taxon: str
    time_s: int
    prepared: Prepared
    measures: Float32  # [K]


@dataclass(frozen=True)
class Dataset:
    train: list[Item]
    validation: list[Item]
    test: list[Item]
    dropped: dict[str, int] = field(default_factory=dict)  # reason -> images

    @property
    def taxa(self) -> tuple[str, ...]:
        return tuple(sorted({item.taxon for item in self.train}))


def read_zip(path: str | Path, class_map: ClassMap, progress: Progress) -> Dataset:
    """Reads, prepares, measures and splits. Bad images are counted under their reason, never fatal.

    Raises ValueError if the zip has a folder that the class map does not know, or nothing usable.
    """
    dropped: Counter[str] = Counter()
    items: list[Item] = []
    with open_zip(path) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/")]
        for count, name in enumerate(names):
            if count % 1000 == 0:
                progress(f"reading {count} of {len(names)} images")
            folder = PurePosixPath(name).parent.name
            if folder in class_map.dropped:
                dropped[f"folder {folder}: {class_map.dropped[folder]}"] += 1
                continue
            if folder not in class_map.taxon_of:
                raise ValueError(f"{path}: folder {folder!r} is not in the class map")
            time_s = time_of(name)
            if time_s is None:
                dropped["no trusted time in the name: could leak across the split"] += 1
                continue
            try:
                items.append(_read_item(archive, name, class_map.taxon_of[folder], time_s))
            except (OSError, ValueError, zipfile.BadZipFile) as error:
                dropped[f"unreadable: {type(error).__name__}"] += 1
                progress(f"set aside {name}: {error}")
    if not items:
        raise ValueError(f"{path}: no usable image")
    part = split_by_time(np.array([item.time_s for item in items], np.int64))
    groups = [[item for item, p in zip(items, part, strict=True) if p == k] for k in range(3)]
    return Dataset(groups[0], groups[1], groups[2], dict(dropped))


def open_zip(path: str | Path) -> zipfile.ZipFile:
    """Raises ValueError naming the file if it is not a zip, OSError if it cannot be read."""
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path}: not a zip of labelled images ({error})") from error


def _read_item(archive: zipfile.ZipFile, name: str, taxon: str, time_s: int) -> Item:
    signal, mask = decode(archive.read(name))
    values = measure(signal, mask, 0, 0, "dark")
    return Item(name, taxon, time_s, prepare(signal, mask), values)


def decode(data: bytes) -> tuple[UInt8, Bool]:
    """(signal uint8 [h, w], mask bool [h, w]) of one dark-field vignette whose background is zero.

    Grey is Pillow's L; the mask is the largest connected part of the pixels where any colour is not
    0.
    """
    with Image.open(io.BytesIO(data)) as image:
        colour = np.asarray(image.convert("RGB"))
        grey = np.asarray(image.convert("L"))
    mask = largest_part(np.asarray(colour.any(axis=2), np.bool_))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.where(mask, grey, 0).astype(np.uint8)[box], np.ascontiguousarray(mask[box])


def largest_part(mask: Bool) -> Bool:
    """The largest 8-connected part. Raises ValueError if there is none."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    if count < 2:
        raise ValueError("the image is empty: no pixel above zero")
    largest: Bool = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return largest


def measures_of(items: Sequence[Item]) -> Float32:
    """float32 [n, K]."""
    return np.array([item.measures for item in items], np.float32).reshape(-1, len(MEASURES))


def counts(items: Sequence[Item]) -> dict[str, int]:
    """Objects per taxon, by name."""
    return dict(sorted(Counter(item.taxon for item in items).items()))

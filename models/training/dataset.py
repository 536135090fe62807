"""Labelled vignettes of any instrument, read, cut out, measured and divided into three parts.

A zip or a folder of class folders (`models/labelled.py`). The object is told from its background as
everywhere else (`models/vignettes.py`), so the network learns what the instrument and the shore
will show it. A class map, if there is one, says which folder becomes which taxon; without one every
folder is a taxon. What is held out is decided by `models/splitting.py`: later images where the
names tell the time, else a fifth of each taxon.

Invariant: every image is in one part, or counted in `dropped` under its reason.

Example:
    >>> data = read_images(Path("spc.zip"), ClassMap.load(SPC_CLASSES), progress=print)
    >>> len(data.train), len(data.validation), len(data.test)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.class_map import ClassMap
from models.crops import Crops
from models.decode import decode
from models.labelled import ImageSetError, LabelledImages, open_labelled
from models.measure_table import MEASURES
from models.measures import measure_crops
from models.preprocess import Float32, Prepared, prepare
from models.splitting import TEST, TRAIN, UNTIMED, VALIDATION, is_by_time, parts
from models.vignettes import cut_out

FEWEST = 5
"""A taxon of fewer images is left out: nothing could be learnt, nothing held out."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Item:
    """One labelled object, decoded and prepared."""

    name: str
    taxon: str
    prepared: Prepared
    measures: Float32  # [K]


@dataclass(frozen=True)
class Dataset:
    train: list[Item]
    validation: list[Item]
    test: list[Item]
    split: str  # "time" or "random"
    dropped: dict[str, int] = field(default_factory=dict)  # reason -> images

    @property
    def taxa(self) -> tuple[str, ...]:
        return tuple(sorted({item.taxon for item in self.train}))


def read_images(
    path: Path, class_map: ClassMap | None, progress: Progress, seed: int = 0
) -> Dataset:
    """Reads and splits. A bad image is counted under its reason and never stops the rest.

    Raises ImageSetError (a ValueError) if the path holds no image in a class folder, a folder that
    the class map does not know, or fewer than two taxa to learn.
    """
    dropped: Counter[str] = Counter()
    with open_labelled(path) as images:
        dropped.update(images.ignored)
        part_of = dict(zip(images.names, parts(images.names, images.labels, seed), strict=True))
        split = "time" if is_by_time(images.names, images.labels) else "random"
        wanted = _wanted(images, class_map, dropped)
        items = list(_read(images, wanted, dropped, progress))
    items = _without_rare(items, dropped)
    if len({item.taxon for item in items}) < 2:
        raise ImageSetError(
            f"{path}: training needs at least two taxa with {FEWEST} readable images each; "
            f"there are {sorted({item.taxon for item in items}) or 'none'}; "
            f"left out: {dict(dropped) or 'nothing'}"
        )
    train, validation, test, untimed = (
        [item for item in items if part_of[item.name] == part]
        for part in (TRAIN, VALIDATION, TEST, UNTIMED)
    )
    dropped["no trusted time in the name: could leak across the split"] += len(untimed)
    return Dataset(train, validation, test, split, dict(+dropped))


def _wanted(
    images: LabelledImages, class_map: ClassMap | None, dropped: Counter[str]
) -> list[tuple[str, str]]:
    """(name, taxon) of each image that the class map lets in."""
    if class_map is None:
        return list(zip(images.names, images.labels, strict=True))
    wanted = []
    for name, folder in zip(images.names, images.labels, strict=True):
        if folder in class_map.dropped:
            dropped[f"folder {folder}: {class_map.dropped[folder]}"] += 1
        elif folder in class_map.taxon_of:
            wanted.append((name, class_map.taxon_of[folder]))
        else:
            raise ImageSetError(f"{images.path}: folder {folder!r} is not in the class map")
    return wanted


def _read(
    images: LabelledImages,
    wanted: Sequence[tuple[str, str]],
    dropped: Counter[str],
    progress: Progress,
) -> Iterable[Item]:
    for count, (name, taxon) in enumerate(wanted):
        if count % 1000 == 0:
            progress(f"reading {count} of {len(wanted)} images")
        try:
            seen = cut_out(decode(images.read(name)))
        except ValueError as error:  # UnreadableError and BlankVignetteError among them
            dropped[f"unreadable or blank: {type(error).__name__}"] += 1
            progress(f"set aside {name}: {error}")
            continue
        crops = Crops.of([(seen.signal, seen.mask, 0, 0)])
        values = measure_crops(crops, seen.field)[0]
        yield Item(name, taxon, prepare(seen.signal, seen.mask), values)


def _without_rare(items: Sequence[Item], dropped: Counter[str]) -> list[Item]:
    few = {taxon: n for taxon, n in counts(items).items() if n < FEWEST}
    for taxon, n in few.items():
        dropped[f"taxon {taxon}: fewer than {FEWEST} images"] += n
    return [item for item in items if item.taxon not in few]


def measures_of(items: Sequence[Item]) -> Float32:
    """float32 [n, K]."""
    return np.array([item.measures for item in items], np.float32).reshape(-1, len(MEASURES))


def counts(items: Sequence[Item]) -> dict[str, int]:
    """Objects per taxon, by name."""
    return dict(sorted(Counter(item.taxon for item in items).items()))

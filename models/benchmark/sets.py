"""The labelled sets of the table: where each lies, which of its images count, and their taxa.

Example:
    >>> labelled = read_labels(SETS["spc"], Path("../shared/data"), Path("build/benchmark"))
    >>> len(labelled.names), labelled.by_time
    (8936, True)
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.archive import ArchiveError
from models.class_map import SPC_CLASSES, ClassMap
from models.labelled import open_labelled
from models.splitting import is_by_time, parts

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledSet:
    name: str
    what: str  # one line for the table
    under: str = ""  # only what lies in this folder of the zip
    classes: Path | None = None  # class map


SETS = {
    one.name: one
    for one in (
        LabelledSet("ndsb", "ISIIS shadowgraph, National Data Science Bowl 2015, white background"),
        LabelledSet("spc", "Scripps Plankton Camera, colour dark field", classes=SPC_CLASSES),
        LabelledSet("zooscan", "ZooScan, flatbed scanner, white background"),
        LabelledSet("flowcam", "FlowCam, imaging flow cytometer", under="labelled"),
    )
}


@dataclass(frozen=True)
class Labels:
    """The images of a set that count, with their taxa and their part."""

    path: Path  # the zip that holds exactly the set
    names: list[str]
    taxa: list[str]
    part: Int64  # [n], models/splitting.py
    by_time: bool
    left_out: dict[str, int]  # reason -> images
    catch_alls: tuple[str, ...] = ()  # taxa that are the annotators' "something else"


def read_labels(which: LabelledSet, data: Path, build: Path) -> Labels:
    """Raises ImageSetError, OSError or ArchiveError if the zip is not there or no such set, and
    ValueError if it has a folder that its class map does not know."""
    path = set_zip(which, data, build)
    with open_labelled(path) as images:
        part = parts(images.names, images.labels)
        by_time = is_by_time(images.names, images.labels)
        names, labels = images.names, images.labels
    class_map = None if which.classes is None else ClassMap.load(which.classes)
    taxa: list[str] = []
    kept: list[int] = []
    left_out: dict[str, int] = {}
    for i, label in enumerate(labels):
        taxon = label if class_map is None else class_map.taxon(label)
        if part[i] < 0 or taxon is None:
            why = class_map.dropped[label] if class_map and taxon is None else ""
            reason = f"{label} ({why})" if why else "without a time in the name"
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        kept.append(i)
        taxa.append(taxon)
    catch_alls = () if class_map is None else class_map.card.catch_alls
    return Labels(path, [names[i] for i in kept], taxa, part[kept], by_time, left_out, catch_alls)


def set_zip(which: LabelledSet, data: Path, build: Path) -> Path:
    """The zip with exactly the set's images: the one in `data`, or made from it under `build`."""
    source = data / f"{which.name}.zip"
    if not which.under:
        return source
    target = build / "data" / source.name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".part")
        _copy_under(source, which.under, partial)
        partial.replace(target)
    return target


def _copy_under(source: Path, folder: str, target: Path) -> None:
    try:
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
            for member in _within(old.infolist(), folder):
                new.writestr(member, old.read(member))
    except zipfile.BadZipFile as error:
        raise ArchiveError(f"{source}: not a zip of labelled images ({error})") from error


def _within(members: Sequence[zipfile.ZipInfo], folder: str) -> list[zipfile.ZipInfo]:
    return [m for m in members if m.filename.startswith(f"{folder}/") and not m.is_dir()]

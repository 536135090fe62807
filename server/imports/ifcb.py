"""One bin of an Imaging FlowCytobot: `.hdr` (settings), `.adc` (a line a trigger), `.roi` (pixels).

Two generations write differently. Names `IFCB5_2012_028_081515` (day of the year, time) have 15
columns and a header of quoted texts; `D20130526T095207_IFCB013` have the columns that the header's
ADCFileFormat names, and a header of `key: value`. Both count triggers from 1: an image is named by
the number of its line. A line whose image is 0 x 0 is a trigger without one.

The older instrument may cut one particle into two images of the same trigger that overlap; they are
joined to one, what neither shows being filled with the mean of their borders, and the second is no
object of its own.

Water looked at (ml): 0.25 ml a minute of the time in which the camera could trigger: run time less
inhibit time as the newer header says them; of the older one the time of the last image less what
passed between an image and the next trigger, at least 0.073 s each.

Sources: the files' own headers; the columns and formulas as in WHOI's pyifcb and ifcb-analysis
(Olson and Sosik 2007).

Example:
    >>> bin = read_bin("D20130526T095207_IFCB013", hdr, adc, roi, problems, file="a.adc")
    >>> bin.ml_analyzed, [len(one.places) for one in bin.images][:2]
    (5.08, [1, 1])
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from server.ecotaxa.problems import Problems
from server.imports.ifcb_text import AGAIN, NEEDED, OLD_COLUMNS, columns_of, header_of, rows_of

OLD = re.compile(r"IFCB(?P<number>\d+)_(?P<day>\d{4}_\d{3}_\d{6})")
NEW = re.compile(r"D(?P<day>\d{8}T\d{6})_IFCB(?P<number>\d+)")
ML_PER_S = 0.25 / 60
_PROCESSING_LEAST_S = 0.073
_DAY_S = 86_400.0
SIDE_MOST = 10_000
"""Pixels; the cameras have 1,380 x 1,034."""
_OVERLAP_PX = 2
UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Place:
    """One image in the `.roi`; `number` is that of its trigger's line, from 1."""

    number: int
    x: int
    y: int
    width: int
    height: int
    start: int


@dataclass(frozen=True)
class BinImage:
    """One particle: its image, or the two that the instrument cut it into."""

    places: tuple[Place, ...]
    values: dict[str, float]  # the trigger's columns

    @property
    def number(self) -> int:
        return self.places[0].number

    def pixels(self, roi: bytes) -> UInt8:
        """uint8 [h, w]."""
        parts = [_cut(roi, place) for place in self.places]
        return parts[0] if len(parts) == 1 else _joined(self.places, parts)


@dataclass
class Bin:
    """`seconds` of each image after the beginning; times None where they cannot be told."""

    name: str
    instrument: str
    began: dt.datetime
    header: dict[str, str]
    triggers: int = 0
    images: list[BinImage] = field(default_factory=list)
    run_s: float | None = None
    look_s: float | None = None

    @property
    def ml_analyzed(self) -> float | None:
        return None if self.look_s is None else self.look_s * ML_PER_S


def is_bin(name: str) -> bool:
    """Whether a file's name without its end is a bin's."""
    return bool(OLD.fullmatch(name) or NEW.fullmatch(name))


def read_bin(
    name: str, hdr: bytes, adc: bytes, roi: bytes, problems: Problems, *, file: str
) -> Bin | None:
    """The bin; None when it cannot be used, and the problems say why. `file` is the `.adc`."""
    before = problems.errors
    old = OLD.fullmatch(name)
    began = _began(name, problems, file)
    header = header_of(hdr, file.removesuffix(".adc") + ".hdr", problems)
    if began is None or header is None:
        return None
    columns = OLD_COLUMNS if old else columns_of(header)
    rows = rows_of(adc, columns, file, problems)
    instrument = "IFCB" + str(int((old or NEW.fullmatch(name)).group("number")))  # type: ignore[union-attr] # _began found one
    found = Bin(name, instrument, began, header, len({row["trigger"] for _, row in rows}))
    found.images = _images(rows, len(roi), file, problems)
    if problems.errors > before:
        return None
    if old:
        found.images = _stitched(found.images)
        found.run_s, found.look_s = _old_times([row for _, row in rows])
    else:
        found.run_s, found.look_s = _new_times(header, [row for _, row in rows])
    return found


def _began(name: str, problems: Problems, file: str) -> dt.datetime | None:
    old, new = OLD.fullmatch(name), NEW.fullmatch(name)
    try:
        if old:
            moment = dt.datetime.strptime(old["day"] + "+0000", "%Y_%j_%H%M%S%z")
        elif new:
            moment = dt.datetime.strptime(new["day"] + "+0000", "%Y%m%dT%H%M%S%z")
        else:
            raise ValueError("neither D20130526T095207_IFCB013 nor IFCB5_2012_028_081515")
    except ValueError as error:
        remedy = "give the bin the name that the instrument gave it"
        problems.error(f"no moment in the name: {error}", remedy=remedy, file=file, value=name)
        return None
    return moment


def _images(
    rows: Sequence[tuple[int, dict[str, float]]], size: int, file: str, problems: Problems
) -> list[BinImage]:
    found = []
    for line, values in rows:
        x, y, width, height, start = (int(values[name]) for name in NEEDED[1:])
        if width == height == 0:
            continue
        where: Any = {"file": file, "line": line}
        if not (0 < width <= SIDE_MOST and 0 < height <= SIDE_MOST):
            message = f"an image of {width} x {height} pixels"
            problems.error(message, remedy=AGAIN, column="roi_width", value=width, **where)
        elif start < 0 or start + width * height > size:
            message = f"its image ends at byte {start + width * height}, the .roi has {size}"
            remedy = f"{AGAIN}; the .roi was cut short, or is another bin's"
            problems.error(message, remedy=remedy, column="start_byte", value=start, **where)
        else:
            found.append(BinImage((Place(line, x, y, width, height, start),), values))
    return found


def _stitched(images: Sequence[BinImage]) -> list[BinImage]:
    """Neighbouring images of one trigger that overlap, as one."""
    found: list[BinImage] = []
    joined = False
    for image in images:
        before = found[-1] if found and not joined else None
        joined = before is not None and _overlap(before, image)
        if before is not None and joined:
            found[-1] = BinImage((*before.places, *image.places), before.values)
        else:
            found.append(image)
    return found


def _overlap(one: BinImage, other: BinImage) -> bool:
    a, b = one.places[0], other.places[0]
    return (
        one.values["trigger"] == other.values["trigger"]
        and a.x < b.x + b.width - _OVERLAP_PX
        and a.x + a.width > b.x + _OVERLAP_PX
        and a.y < b.y + b.height - _OVERLAP_PX
        and a.y + a.height > b.y + _OVERLAP_PX
    )


def _cut(roi: bytes, place: Place) -> UInt8:
    size = place.width * place.height
    pixels = np.frombuffer(roi, np.uint8, size, place.start)
    return pixels.reshape(place.height, place.width)


def _joined(places: Sequence[Place], parts: Sequence[UInt8]) -> UInt8:
    left, top = min(p.x for p in places), min(p.y for p in places)
    width = max(p.x + p.width for p in places) - left
    height = max(p.y + p.height for p in places) - top
    edges = np.concatenate([np.concatenate([p[0], p[-1], p[:, 0], p[:, -1]]) for p in parts])
    whole = np.full((height, width), round(float(edges.mean())), np.uint8)
    for place, part in zip(places, parts, strict=True):
        whole[place.y - top :, place.x - left :][: place.height, : place.width] = part
    return whole


def _new_times(
    header: dict[str, str], rows: Sequence[dict[str, float]]
) -> tuple[float | None, float | None]:
    """Run time and what of it could trigger: as the header says, else as the last line does."""
    last = rows[-1] if rows else {}
    run = _float(header.get("runTime"), last.get("runtime"))
    inhibited = _float(header.get("inhibitTime"), last.get("inhibittime"))
    if run is None or inhibited is None or not 0 <= inhibited <= run:
        return run, None
    return run, run - inhibited


def _float(text: str | None, otherwise: float | None) -> float | None:
    try:
        return float(text) if text is not None else otherwise
    except ValueError:
        return otherwise


def _after(seconds: float) -> float:
    """A time below 0 is of the next day."""
    return seconds + _DAY_S if seconds < 0 else seconds


def _old_times(rows: Sequence[dict[str, float]]) -> tuple[float | None, float | None]:
    """The first line of each trigger counts."""
    first: dict[float, dict[str, float]] = {}
    for row in rows:
        first.setdefault(row["trigger"], row)
    times = [
        (_after(row["trigger_open_time"]), _after(row["frame_grab_time"])) for row in first.values()
    ]
    if not times:
        return None, None
    run = times[-1][1]
    busy = sum(max(_PROCESSING_LEAST_S, b[0] - a[1]) for a, b in pairwise(times))
    return run, max(0.0, run - busy)

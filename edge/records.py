"""From what the pipeline found to what crosses the link.

Invariant: a frame's records go into the outbox in one commit, the frame first, then its objects in
order, then their vignettes, each vignette pointing at its object's place in that commit. Vignettes
lie together so that giving some up leaves a gap record of few ranges.

An object record is short, for all of them go over the link and many vignettes never do: sizes are
short floats (`wire.brief`), scores whole 1024ths. The measures go exactly with the vignette.

Example:
    >>> outbox.commit(frame_drafts(result, acquisition, release), cursor="18")
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.config import AcquisitionConfig, Config, FramesConfig
from edge.frames import BadFrame, Frame
from edge.outbox import Draft, Whole
from edge.pipeline import FrameResult, ObjectResult
from edge.png import encode
from models.brief import brief_of
from models.measure_table import MEASURES_VERSION
from wire import records as wire
from wire.brief import shortened
from wire.codec import RECORD_MAX
from wire.tus import SIZE_MAX

NAME_MAX = 250
_CONTROL = re.compile(r"[\x00-\x1f]")
PNG_MAX = RECORD_MAX - 4096
"""Largest vignette file in bytes: the record around it, with the exact values, needs the rest."""


def frame_drafts(
    result: FrameResult, acquisition: AcquisitionConfig, release: str | None
) -> list[Draft]:
    """Everything that one frame gives: its summary, its objects, their vignettes."""
    objects = [
        Draft(_object(item, place, result.frame, acquisition, release))
        for place, item in enumerate(result.objects)
    ]
    vignettes = [_vignette(item, place) for place, item in enumerate(result.objects)]
    return [Draft(_summary(result, acquisition)), *objects, *vignettes]


def context(config: Config, release: str | None, software: str) -> wire.Context:
    """What stands above the object; sent whenever it changes."""
    acquisition = config.acquisition
    settings = {f"segment.{key}": str(value) for key, value in asdict(config.segment).items()}
    settings["measures.tier"] = config.measures.tier
    return wire.Context(
        project=acquisition.project,
        sample=acquisition.sample,
        acquisition=acquisition.acquisition,
        process=acquisition.process,
        instrument=acquisition.instrument,
        pixel_um=acquisition.pixel_um,
        optical_field=acquisition.field,
        software=software,
        release=release or "",
        measures_version=MEASURES_VERSION,
        settings=settings,
    )


def bad_frame(bad: BadFrame) -> wire.BadFrame:
    return wire.BadFrame(frame=bad.name, frame_index=bad.index, reason=bad.reason[:1000])


def is_kept(index: int, frames: FramesConfig) -> bool:
    """Whether this frame goes to shore in all its pixels."""
    return bool(frames.keep_every) and index % frames.keep_every == 0


def whole(frame: Frame) -> Whole:
    """A frame in all its pixels, as PNG."""
    height, width = frame.grey.shape
    name = frame.name[-NAME_MAX:]
    return Whole("frame", encode(frame.grey), name=name, width=width, height=height)


def whole_of(path: Path | None, bad: BadFrame) -> Whole | None:
    """A bad frame's file as it is, when a copy was kept and is not larger than a blob may be."""
    try:
        if path is None or path.stat().st_size > SIZE_MAX:
            return None
        return Whole("frame", path.read_bytes(), name=_CONTROL.sub("_", bad.name)[-NAME_MAX:])
    except OSError:
        return None


def _vignette(item: ObjectResult, place: int) -> Draft:
    """The crop with the exact values; one too large for a record goes whole as a blob besides."""
    whole = vignette(item.vignette)
    fitting = halved(item.vignette, whole)
    blob = None
    if fitting is not whole:
        blob = Whole("vignette", whole.data, width=whole.width, height=whole.height)
    return Draft(_with_values(fitting, item), about=1 + place, whole=blob)


def vignette(grey: NDArray[np.uint8]) -> wire.Vignette:
    """The crop `uint8 [h, w]` as PNG."""
    height, width = grey.shape
    data = encode(grey)
    return wire.Vignette(object_seq=0, rank=0, format="png", width=width, height=height, data=data)


def halved(grey: NDArray[np.uint8], image: wire.Vignette) -> wire.Vignette:
    """`image`, which shows `grey`, halved until it fits into a record."""
    while len(image.data) > PNG_MAX:
        grey = _halved(grey)
        image = vignette(grey)
    return image


def _halved(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mean of each 2 x 2 pixels; an odd last row or column is left out, a single one kept."""
    height, width = grey.shape
    tall, wide = min(2, height), min(2, width)
    even = grey[: height // tall * tall, : width // wide * wide].astype(np.uint16)
    blocks = even.reshape(height // tall, tall, width // wide, wide)
    return np.asarray(blocks.mean(axis=(1, 3)) + 0.5).astype(np.uint8)


def _summary(result: FrameResult, acquisition: AcquisitionConfig) -> wire.FrameSummary:
    frame, found = result.frame, result.segmentation
    height, width = frame.grey.shape
    return wire.FrameSummary(
        frame=frame.name,
        frame_index=frame.index,
        **_place(acquisition),
        width=width,
        height=height,
        objects=len(result.objects),
        specks=found.specks,
        dropped=found.dropped,
        brightness=float(found.brightness),
        ms=_milliseconds(result.ms),
        **_circumstances(frame),
    )


def _milliseconds(stages: Mapping[str, float]) -> dict[str, float]:
    named = {name: round(float(ms), 3) for name, ms in stages.items() if name != "total"}
    return {**named, "total": round(sum(named.values()), 3)}


def _object(
    item: ObjectResult,
    place: int,
    frame: Frame,
    acquisition: AcquisitionConfig,
    release: str | None,
) -> wire.ObjectBody:
    region = item.region
    height, width = region.mask.shape
    classified = bool(item.taxon)
    return wire.ObjectBody(
        frame=frame.name,
        frame_index=frame.index,
        index_in_frame=place,
        **_place(acquisition),
        bx=int(region.bx),
        by=int(region.by),
        width=int(width),
        height=int(height),
        esd_um=float(shortened(region.esd_um)),
        border=bool(region.touches_border),
        measures_version=MEASURES_VERSION,
        measures=b"",
        embedding=b"",
        shape=b"",
        release=release if classified else None,
        taxon=item.taxon if classified else None,
        score=_score(item.score) if classified else None,
        top=tuple((taxon, _score(score)) for taxon, score in item.top),
        **_circumstances(frame),
        brief=brief_of(item.measures),
    )


def _with_values(shown: wire.Vignette, item: ObjectResult) -> wire.Vignette:
    """The vignette with all that was measured on its object."""
    return replace(
        shown,
        measures_version=MEASURES_VERSION,
        measures=_floats(item.measures),
        embedding=np.ascontiguousarray(item.embedding, "<u2").tobytes(),
        shape=_floats(item.shape),
    )


def _score(score: float) -> float:
    """In whole 1024ths: three bytes of CBOR."""
    return round(float(score) * 1024) / 1024


def _place(acquisition: AcquisitionConfig) -> dict[str, Any]:
    return {
        "sample": acquisition.sample,
        "acquisition": acquisition.acquisition,
        "process": acquisition.process,
    }


def _circumstances(frame: Frame) -> dict[str, Any]:
    """When and where, as the instrument knew it."""
    return {
        "utc_ms": frame.utc_ms,
        "lat_deg": frame.lat_deg,
        "lon_deg": frame.lon_deg,
        "depth_m": frame.depth_m,
        "temperature_c": frame.temperature_c,
    }


def _floats(values: Sequence[float] | NDArray[np.float32]) -> bytes:
    return np.ascontiguousarray(values, "<f4").tobytes()

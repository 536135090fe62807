"""The layout of a run's table, and one object's row in it.

Identity: an acquisition's id must be unique in a project and an object's everywhere, so both carry
the sample's name and, if the user gives no id, a fingerprint of the input. The same input gives the
same ids, so that a second import of the same run is recognised as such.

The classifier's score has a column of its own, ``object_seadrift_score``: EcoTaxa takes a column
``object_annotation_score`` for a free one and sets its own score of an imported prediction to 1.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.ecotaxa.metadata import Metadata, MetadataError, Value
from edge.frames import Frame
from edge.pipeline import ObjectResult
from edge.segment import SegmentSettings
from models.measures import MEASURES, MEASURES_VERSION
from wire.ecotaxa import Column

_PLACE = ("lat", "lon", "date", "time", "depth_min", "depth_max")
_PLACE_IS_TEXT = ("date", "time")


@dataclass(frozen=True)
class Run:
    """What holds for every object of a run."""

    sample: str
    fingerprint: str
    """Names the input: the same frames give the same."""
    settings: SegmentSettings
    software_version: str
    metadata: Metadata = field(default_factory=Metadata)
    release_id: str = ""
    release_name: str = ""
    runtime: str = ""
    tier: str = "all"
    """Of the measures: "fast" leaves the costly ones 0."""
    has_place: bool = False
    """Whether the frames know where and when they were taken."""

    def __post_init__(self) -> None:
        """Raises MetadataError if the metadata gives a process field that the program sets."""
        for name in self.metadata.process:
            if name in self.process_fields():
                raise MetadataError(f"metadata: process_{name}: this is set by the program")

    @property
    def sample_id(self) -> str:
        return str(self.metadata.sample.get("id", self.sample))

    @property
    def acq_id(self) -> str:
        return str(self.metadata.acq.get("id", f"{self.sample_id}_{self.fingerprint[:8]}"))

    @property
    def process_id(self) -> str:
        what = self.release_id[:8] or "unclassified"
        return str(self.metadata.process.get("id", f"{self.acq_id}_{what}"))

    @property
    def is_classified(self) -> bool:
        return bool(self.release_id)

    def process_fields(self) -> dict[str, Value]:
        """What was done, so that it can be done again."""
        s = self.settings
        ours: dict[str, Value] = {
            "software": "seadrift",
            "version": self.software_version,
            "measures_version": MEASURES_VERSION,
            "measures_tier": self.tier,
            "pixel_um": s.pixel_um,
            "esd_min_um": s.esd_min_px * s.pixel_um,
            "field": s.field,
            "low_noises": s.low_noises,
            "low_floor": s.low_floor,
            "low_ceiling": s.low_ceiling,
            "high_noises": s.high_noises,
            "high_floor": s.high_floor,
            "high_ceiling": s.high_ceiling,
        }
        if s.esd_max_um is not None:
            ours["esd_max_um"] = s.esd_max_um
        if self.is_classified:
            ours |= {
                "release_id": self.release_id,
                "release_name": self.release_name,
                "runtime": self.runtime,
            }
        return ours

    def parents(self) -> dict[str, Value]:
        """The sample_, acq_ and process_ columns and their values, the same in every row."""
        fields: dict[str, Value] = {"sample_id": self.sample_id}
        fields |= {f"sample_{k}": v for k, v in self.metadata.sample.items()}
        fields["acq_id"] = self.acq_id
        fields |= {f"acq_{k}": v for k, v in self.metadata.acq.items()}
        fields["process_id"] = self.process_id
        fields |= {f"process_{k}": v for k, v in self.process_fields().items()}
        fields |= {f"process_{k}": v for k, v in self.metadata.process.items()}
        return fields


def columns_of(run: Run) -> list[Column]:
    """The columns of a run's table, in order."""
    columns = [Column("img_file_name", "t"), Column("img_rank", "f"), Column("object_id", "t")]
    for name in _PLACE:
        if run.has_place or name in run.metadata.object:
            columns.append(Column(f"object_{name}", "t" if name in _PLACE_IS_TEXT else "f"))
    if run.is_classified:
        columns += [
            Column("object_annotation_category", "t"),
            Column("object_annotation_status", "t"),
            Column("object_seadrift_score", "f"),
        ]
    for name, value in run.metadata.object.items():
        if name not in _PLACE:
            columns.append(Column(f"object_{name}", "t" if isinstance(value, str) else "f"))
    columns += [Column("object_frame", "t"), Column("object_esd_um", "f")]
    columns.append(Column("object_touches_border", "f"))
    columns += [Column(f"object_{measure.name}", "f") for measure in MEASURES]
    # EcoTaxa keeps every field of these levels as text.
    return columns + [Column(name, "t") for name in run.parents()]


def object_id(run: Run, frame: Frame, number: int) -> str:
    """An object's id: acquisition, frame, place in the frame's reading order."""
    return f"{run.acq_id}_{frame.index:06d}_{number:04d}"


def image_name(objid: str) -> str:
    """The file of an object's vignette in the zip."""
    return re.sub(r"[^\w.-]+", "_", objid) + ".png"


def row_of(run: Run, frame: Frame, number: int, found: ObjectResult) -> dict[str, object]:
    """One object's values by column; what is absent is an empty cell."""
    objid = object_id(run, frame, number)
    row: dict[str, object] = {
        "img_file_name": image_name(objid),
        "img_rank": 0,
        "object_id": objid,
        "object_frame": frame.name[-250:],
        "object_esd_um": round(found.region.esd_um, 3),
        "object_touches_border": int(found.region.touches_border),
    }
    row |= {f"object_{k}": v for k, v in run.metadata.object.items()}
    row |= {f"object_{k}": v for k, v in place_of(frame).items()}
    if found.taxon:
        row |= {
            "object_annotation_category": found.taxon,
            "object_annotation_status": "predicted",
            "object_seadrift_score": round(found.score, 6),
        }
    row |= _measures(found.measures)
    return row | run.parents()


def place_of(frame: Frame) -> Mapping[str, Value]:
    """Where and when a frame was taken, as far as it is known, in EcoTaxa's words."""
    place: dict[str, Value] = {}
    if frame.lat_deg is not None and frame.lon_deg is not None:
        place |= {"lat": round(frame.lat_deg, 6), "lon": round(frame.lon_deg, 6)}
    if frame.utc_ms is not None:
        moment = datetime.datetime.fromtimestamp(frame.utc_ms / 1000, datetime.UTC)
        place |= {"date": moment.strftime("%Y%m%d"), "time": moment.strftime("%H%M%S")}
    if frame.depth_m is not None:
        depth_m = round(frame.depth_m, 3)
        place |= {"depth_min": depth_m, "depth_max": depth_m}
    return place


def _measures(values: NDArray[np.float32]) -> dict[str, object]:
    return {f"object_{m.name}": values[i] for i, m in enumerate(MEASURES)}

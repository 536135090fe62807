"""An object of the shore as rows of EcoTaxa's table: one for each image.

Free columns are the measures (`object_area`), the prediction (`object_seadrift_score`,
`object_seadrift_release`: EcoTaxa would replace a score of its own name by 1), and where the object
was seen. What EcoTaxa cannot keep (a number that is not finite, text above 250 characters, one id
for two things) is mended, and said.

Example:
    >>> layout = Layout.of(samples, shared_acquisitions, shared_ids)
    >>> layout.row(sample, row)
    {'object_id': 'cast1_a_f_0', 'object_area': '120', ...}
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import brief
from models.measure_table import MEASURES, names_of
from server.db.export import SampleInfo
from wire.ecotaxa import PARENT_LIMITS, TEXT_LIMIT, Column

STATUS = {"P": "predicted", "D": "dubious", "V": "validated", "X": "discarded"}
_HEAD = (
    *(Column("img_file_name", "t"), Column("img_rank", "f"), Column("object_id", "t")),
    *(Column(f"object_{name}", "f") for name in ("lat", "lon")),
    *(Column(f"object_{name}", "t") for name in ("date", "time")),
    *(Column(f"object_{name}", "f") for name in ("depth_min", "depth_max")),
    *(
        Column(f"object_annotation_{name}", "t")
        for name in ("category", "status", "person_name", "person_email", "date", "time")
    ),
    Column("object_seadrift_score", "f"),
    Column("object_seadrift_release", "t"),
    Column("object_seadrift_objid", "t"),
    Column("object_frame", "t"),
    Column("object_esd_um", "f"),
    Column("object_touches_border", "f"),
    Column("object_temperature", "f"),
)
_PARENTS = (
    *(("acq", name) for name in ("id", "instrument", "pixel_um", "optical_field")),
    *(("process", name) for name in ("id", "software", "measures_version")),
    *(("sample", name) for name in ("id", "device", "device_id")),
)
_SETTINGS_MOST = PARENT_LIMITS["process"] - 2


@dataclass
class Layout:
    """Columns of a project's tables, and names that are unique where EcoTaxa wants them so.
    `mended` counts what was changed, by sentence."""

    sample_names: Mapping[int, str]
    shared_acquisitions: frozenset[str]
    shared_ids: frozenset[str]
    mended: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, samples: Iterable[SampleInfo], acquisitions: Iterable[str], ids: Iterable[str]
    ) -> "Layout":
        found = list(samples)
        names = [sample.orig_id for sample in found]
        layout = cls({}, frozenset(acquisitions), frozenset(ids))
        layout.sample_names = {
            sample.sample_id: layout.text(
                f"{sample.orig_id} {sample.device_id}"
                if names.count(sample.orig_id) > 1
                else sample.orig_id,
                "sample_id",
            )
            for sample in found
        }
        return layout

    def columns(self, settings: Iterable[str]) -> list[Column]:
        """The columns of a sample's table; `settings` names its process's settings."""
        measures = [Column(f"object_{measure.name}", "f") for measure in MEASURES]
        parents = [Column(f"{prefix}_{name}", "t") for prefix, name in _PARENTS]
        more = [Column(f"process_{_word(name)}", "t") for name in settings]
        return [*_HEAD, *measures, *parents, *more[:_SETTINGS_MOST]]

    def row(self, sample: SampleInfo, row: Any) -> dict[str, str]:
        """An object's cells by column; what is absent is empty. The image's are still to come."""
        said_ms = row.said_ms if row.said_ms is not None else row.received_ms
        date, time = _moment(row.utc_ms)
        said_date, said_time = _moment(said_ms if row.status != "U" else None)
        cells = {
            "object_id": self._object_id(row),
            "object_lat": self._number(row.lat_deg, "object_lat"),
            "object_lon": self._number(row.lon_deg, "object_lon"),
            "object_date": date,
            "object_time": time,
            "object_depth_min": self._number(row.depth_m, "object_depth_min"),
            "object_depth_max": self._number(row.depth_m, "object_depth_max"),
            "object_annotation_category": self.text(row.taxon or "", "object_annotation_category"),
            "object_annotation_status": STATUS.get(row.status, ""),
            "object_annotation_person_name": self.text(row.person or "", "person_name"),
            "object_annotation_person_email": row.email or "",
            "object_annotation_date": said_date,
            "object_annotation_time": said_time,
            "object_seadrift_score": "" if row.pred_taxon_id is None else f"{row.score:.6g}",
            "object_seadrift_release": row.release_id or "",
            "object_seadrift_objid": str(row.objid),
            "object_frame": self.text(row.frame, "object_frame"),
            "object_esd_um": self._number(row.esd_um, "object_esd_um"),
            "object_touches_border": str(int(row.border)),
            "object_temperature": self._number(row.temperature_c, "object_temperature"),
        }
        return {**cells, **self._measures(row), **self._parents(sample, row)}

    def _object_id(self, row: Any) -> str:
        name = f"{row.orig_id}~{row.objid}" if row.orig_id in self.shared_ids else row.orig_id
        return self.text(name, "object_id")

    def _measures(self, row: Any) -> dict[str, str]:
        if row.measures is None:
            return self._brief(row)
        values = np.frombuffer(row.measures, "<f4")
        names = names_of(row.measures_version, len(values))
        texts = _texts(values)
        for place in np.flatnonzero(~np.isfinite(values)):
            texts[place] = self._number(float(values[place]), f"object_{names[place]}")
        return {f"object_{name}": text for name, text in zip(names, texts, strict=False)}

    def _brief(self, row: Any) -> dict[str, str]:
        """What the object's record tells of the measures, where the exact ones have not come."""
        named = brief.named(row.measures_version, row.brief)
        if named:
            self.mend("measures: rounded to 0.2 % where the vignette's record has not come yet")
        return {f"object_{name}": f"{value:.4g}" for name, value in named.items()}

    def _parents(self, sample: SampleInfo, row: Any) -> dict[str, str]:
        acquisition = row.acquisition
        if acquisition in self.shared_acquisitions:
            acquisition = f"{acquisition}~{sample.sample_id}"
            self.mend("acq_id: one id in several samples was made unique")
        settings = json.loads(row.settings) if row.settings else {}
        return {
            "acq_id": self.text(acquisition, "acq_id"),
            "acq_instrument": self.text(row.instrument or "", "acq_instrument"),
            "acq_pixel_um": "" if row.pixel_um is None else f"{row.pixel_um:g}",
            "acq_optical_field": row.optical_field or "",
            "process_id": self.text(f"{acquisition} {row.process}", "process_id"),
            "process_software": self.text(row.software or "", "process_software"),
            "process_measures_version": str(row.measures_version),
            "sample_id": self.sample_names[sample.sample_id],
            "sample_device": self.text(sample.device, "sample_device"),
            "sample_device_id": sample.device_id,
            **{f"process_{_word(k)}": self.text(str(v), k) for k, v in settings.items()},
        }

    def _number(self, value: float | None, column: str) -> str:
        if value is None:
            return ""
        if not math.isfinite(value):
            self.mend(f"{column}: a number that is not finite was left out")
            return ""
        return repr(float(value))

    def text(self, value: str, column: str) -> str:
        """The text as a cell: one line, at most 250 characters."""
        plain = " ".join(value.split())
        if plain != value:
            self.mend(f"{column}: line breaks and tabs were made spaces")
        if len(plain) > TEXT_LIMIT:
            self.mend(f"{column}: text above {TEXT_LIMIT} characters was cut")
        return plain[:TEXT_LIMIT]

    def mend(self, sentence: str) -> None:
        """Count that something was changed, in words for a person."""
        self.mended[sentence] = self.mended.get(sentence, 0) + 1


def _texts(values: NDArray[np.float32]) -> list[str]:
    """The shortest of 7 or 9 digits that reads back as the same float32."""
    texts = [f"{value:.7g}" for value in values.tolist()]
    for place in np.flatnonzero(np.array(texts, np.float64).astype(np.float32) != values):
        texts[place] = f"{values[place]:.9g}"
    return texts


def _word(name: str) -> str:
    """A setting's name as part of a column's: lower case, no spaces."""
    return "".join(c if c.isalnum() or c == "_" else "_" for c in name.lower())


def _moment(utc_ms: int | None) -> tuple[str, str]:
    """Date and time as EcoTaxa writes them; its times are whole seconds."""
    if utc_ms is None:
        return "", ""
    moment = datetime.fromtimestamp(utc_ms / 1000, UTC)
    return moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")

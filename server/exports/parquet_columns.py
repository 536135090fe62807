"""The columns of a Parquet file of objects: their types, units, definitions, and their values.

Example:
    >>> layout = Layout(columns, {"seadrift": "{...}"})
    >>> layout.schema.field("object_depth_min").metadata
    {b'unit': b'm', b'definition': b'shallowest depth of the object'}
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from models.measure_table import MEASURES
from server.db.free import kind_of
from server.exports.columns import MANUAL, STATUS, Columns

WORDS = pa.dictionary(pa.int32(), pa.string())
"""Texts that repeat."""
MOMENT = pa.timestamp("ms", "UTC")
_FIXED: tuple[tuple[str, Any, str, str], ...] = (
    ("objid", pa.int64(), "", "number of the object on the shore"),
    ("object_id", pa.string(), "", "name of the object in its project"),
    ("object_lat", pa.float64(), "degrees", "latitude, WGS 84"),
    ("object_lon", pa.float64(), "degrees", "longitude, WGS 84"),
    ("object_datetime", MOMENT, "UTC", "when it was seen"),
    ("object_has_time", pa.bool_(), "", "whether the time of day is known, not the date alone"),
    ("object_depth_min", pa.float64(), "m", "shallowest depth of the object"),
    ("object_depth_max", pa.float64(), "m", "deepest depth of the object"),
    ("object_sunpos", WORDS, "", "the sun's position: D day, N night, A dawn, U dusk"),
    ("object_link", pa.string(), "", "address that its table gave"),
    ("object_annotation_status", WORDS, "", "predicted, validated, dubious, discarded"),
    ("object_annotation_category", WORDS, "", "taxon, with its parent where the name is not one's"),
    ("object_annotation_hierarchy", WORDS, "", "names from the root, with > between"),
    ("object_annotation_category_id", pa.int32(), "", "number of the taxon on the shore"),
    ("object_annotation_aphia_id", pa.int32(), "", "number of the taxon in WoRMS"),
    ("object_annotation_person_name", WORDS, "", "who gave the status, when a person did"),
    ("object_annotation_datetime", MOMENT, "UTC", "when they did"),
    ("object_seadrift_score", pa.float64(), "", "probability of the latest prediction"),
    ("object_seadrift_release", WORDS, "", "release whose prediction it is"),
    ("object_seadrift_frame", pa.string(), "", "frame that it was cut from"),
    ("object_seadrift_esd_um", pa.float64(), "um", "equivalent spherical diameter, by a device"),
    ("object_seadrift_touches_border", pa.bool_(), "", "whether the frame cuts it, by a device"),
    ("object_seadrift_temperature", pa.float64(), "degC", "water temperature, by a device"),
)
_MEASURES = {measure.name: measure for measure in MEASURES}


class Layout:
    """`schema` of the file, and batches of it."""

    def __init__(self, columns: Columns, metadata: Mapping[str, str]) -> None:
        self.columns = columns
        self._devices = any(s.device_id for s in columns.known.levels.samples.values())
        fixed = [_field(name, kind, unit, text) for name, kind, unit, text in _FIXED]
        taken = {field.name for field in fixed}
        self._free = {
            place: _unique(f"object_{name}", taken) for name, place in columns.known.places.items()
        }
        free = [
            self._free_field(name, place)
            for name, place in zip(columns.known.places, self._free, strict=True)
        ]
        levels = [c.name for c in columns.table if c.prefix in ("sample", "process", "acq")]
        fields = [*fixed, *free, *(_field(name, WORDS, "", "") for name in levels)]
        self.schema = pa.schema(fields, {key: text.encode() for key, text in metadata.items()})

    def batch(self, rows: Sequence[Any]) -> pa.RecordBatch:
        """Rows of `server.db.exporting_objects.read` as columns."""
        fixed = zip(*(self._said(row) for row in rows), strict=True)
        given = list(zip(*rows, strict=True))
        free = given[len(given) - len(self._free) :] if self._free else []
        parents = zip(*(self.columns.parents[row.process_id] for row in rows), strict=True)
        values = [*fixed, *free, *([cell or None for cell in cells] for cells in parents)]
        arrays = [
            pa.array(cells, field.type.value_type).dictionary_encode()
            if field.type == WORDS
            else pa.array(cells, field.type)
            for cells, field in zip(values, self.schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _said(self, row: Any) -> tuple[Any, ...]:
        """The fixed columns of an object."""
        known, manual, device = self.columns.known, row.status in MANUAL, row.device_id != 0
        taxon = known.taxa.get(row.taxon_id)
        name = known.people.get(row.user_id, (None,))[0] if manual else None
        has_time = None if row.utc_ms is None else row.utc_source != "day"
        return (
            row.objid, row.orig_id, row.lat_deg, row.lon_deg, row.utc_ms, has_time,
            row.depth_m, row.depth_max_m, row.sunpos or None, row.link, STATUS.get(row.status),
            taxon and taxon.display_name, taxon and taxon.path, row.taxon_id,
            taxon and taxon.aphia_id, name, row.said_ms if manual else None,
            None if row.pred_taxon_id is None else row.score,
            known.releases.get(row.release_no, (None,))[0], row.frame or None,
            row.esd_um if device else None, row.border if device else None, row.temperature_c,
        )  # fmt: skip

    def _free_field(self, name: str, place: str) -> pa.Field:
        kind = pa.float64() if kind_of(place) == "f" else pa.string()
        measure = _MEASURES.get(name) if self._devices else None
        if measure is None:
            return _field(self._free[place], kind, "", "free column of the project")
        said = f"{measure.definition} ({measure.source}); as instruments of this shore measure it"
        return _field(self._free[place], kind, measure.unit, said)


def _field(name: str, kind: Any, unit: str, definition: str) -> pa.Field:
    said = {"unit": unit, "definition": definition}
    return pa.field(name, kind, metadata={key: text for key, text in said.items() if text})


def _unique(name: str, taken: set[str]) -> str:
    """A free column's name, told apart from our own."""
    while name in taken:
        name = f"{name}_"
    taken.add(name)
    return name

"""The columns of EcoTaxa's general table, in its order, and a row of them for each object.

What an object says of itself comes first, then its free columns, then sample, process and
acquisition with theirs. Names and order are those of EcoTaxa's export (June 2026); what EcoTaxa
does not have (the release that predicted, the frame) is named `object_seadrift_*` or as in our
backup, and follows the free columns.

Example:
    >>> columns = Columns.of(context, Wanted(types=True))
    >>> [column.name for column in columns.table][:3]
    ['object_id', 'object_lat', 'object_lon']
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from server.db.exporting import Levels, TaxonRow
from server.db.free import kind_of
from wire.ecotaxa import Column

STATUS = {"P": "predicted", "D": "dubious", "V": "validated", "X": "discarded"}
MANUAL = frozenset("VDX")
"""States that a person gave, so that there is a date of it."""
_DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()
_DESCRIBED = (
    *(("lat", "f"), ("lon", "f"), ("date", "t"), ("time", "t"), ("link", "t")),
    *(("depth_min", "f"), ("depth_max", "f")),
)
_ANNOTATION = ("status", "person_name", "person_email", "date", "time", "category")
_OURS = (
    *(("seadrift_score", "f"), ("seadrift_release", "t"), ("frame", "t"), ("esd_um", "f")),
    *(("touches_border", "f"), ("temperature", "f")),
)
_FIXED = {
    "sample": ("id", "device", "device_id"),
    "process": ("id", "software"),
    "acq": ("id", "instrument", "pixel_um", "optical_field"),
}
_INTERNAL = (
    *(("objid", "t"), ("processid_internal", "t"), ("acq_id_internal", "t")),
    *(("sample_id_internal", "t"), ("classif_id", "t"), ("classif_who", "t")),
    *(("classif_auto_id", "t"), ("classif_auto_name", "t"), ("classif_auto_score", "f")),
    *(("classif_auto_when", "t"), ("object_random_value", "t"), ("object_sunpos", "t")),
)
INTERNAL = frozenset(name for name, _ in _INTERNAL)


@dataclass(frozen=True)
class Wanted:
    """`types`: a second line with the columns' types; `annotations`: what people and releases say
    alone, with dates as an import has them (20260921, 141320)."""

    types: bool = False
    annotations: bool = False
    internal: bool = False


@dataclass(frozen=True)
class Known:
    """What rows name by number."""

    levels: Levels
    taxa: Mapping[int, TaxonRow]
    people: Mapping[int, tuple[str, str]]
    releases: Mapping[int, tuple[str, str]]
    places: Mapping[str, str]


@dataclass
class Columns:
    """`table` are the columns but the image's; `row` gives a row's cells in their order. The
    names are what samples and acquisitions are called where not by their own name; an object whose
    name is in `shared_ids` is told apart by its number."""

    known: Known
    wanted: Wanted
    sample_names: Mapping[int, str] = field(default_factory=dict)
    acquisition_names: Mapping[int, str] = field(default_factory=dict)
    shared_ids: Set[str] = frozenset()
    table: list[Column] = field(init=False)
    parents: dict[int, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        devices = any(sample.device_id for sample in self.known.levels.samples.values())
        ours = [name for name, _ in _OURS] if devices else ["seadrift_score"]
        self._ours = [name for name in ours if name not in self.known.places]
        self.table = list(self._table())
        self.parents = {} if self.wanted.annotations else self._parents()

    def _table(self) -> list[Column]:
        if self.wanted.annotations:
            return [*self._head(()), Column("object_annotation_category_id", "t")]
        free = [Column(f"object_{n}", kind_of(at)) for n, at in self.known.places.items()]
        ours = [Column(f"object_{n}", kind) for n, kind in _OURS if n in self._ours]
        internal = [Column(name, kind) for name, kind in _INTERNAL] if self.wanted.internal else []
        hierarchy = Column("object_annotation_hierarchy", "t")
        return [
            *self._head(_DESCRIBED),
            hierarchy,
            *free,
            *ours,
            *self._parent_columns(),
            *internal,
        ]

    @staticmethod
    def _head(described: Sequence[tuple[str, str]]) -> list[Column]:
        return [
            Column("object_id", "t"),
            *(Column(f"object_{name}", kind) for name, kind in described),
            *(Column(f"object_annotation_{name}", "t") for name in _ANNOTATION),
        ]

    def _parent_columns(self) -> list[Column]:
        """Free columns as they are there; of the others, those that say something."""
        self._names: dict[str, list[str]] = {level: [] for level in _FIXED}
        for said in self._said():
            for level, cells in said.items():
                self._names[level] += (name for name in cells if name not in self._names[level])
        return [
            Column(f"{level}_{name}", "t") for level, names in self._names.items() for name in names
        ]

    def _parents(self) -> dict[int, tuple[str, ...]]:
        """The cells of sample, process and acquisition, by process."""
        return {
            number: tuple(
                said[level].get(name, "") for level, names in self._names.items() for name in names
            )
            for number, said in zip(self.known.levels.processes, self._said(), strict=True)
        }

    def _said(self) -> Iterator[dict[str, dict[str, str]]]:
        """What each process, its acquisition and its sample say, by level and name."""
        levels = self.known.levels
        for process in levels.processes.values():
            acquisition = levels.acquisitions[process.acquisition_id]
            sample = levels.samples[acquisition.sample_id]
            number = acquisition.acquisition_id
            own: dict[str, dict[str, str | None]] = {
                "sample": {
                    "id": self.sample_names.get(sample.sample_id, sample.orig_id),
                    "device": sample.device or None,
                    "device_id": sample.device_id or None,
                },
                "process": {"id": process.orig_id, "software": process.software},
                "acq": {
                    "id": self.acquisition_names.get(number, acquisition.orig_id),
                    "instrument": acquisition.instrument or "",
                    "pixel_um": (acquisition.pixel_um and f"{acquisition.pixel_um:g}") or None,
                    "optical_field": acquisition.optical_field,
                },
            }
            free = {"sample": sample.free, "process": process.free, "acq": acquisition.free}
            yield {
                level: {
                    **{name: cell for name in _FIXED[level] if (cell := cells[name]) is not None},
                    **{name: str(text) for name, text in free[level].items()},
                }
                for level, cells in own.items()
            }

    def row(self, row: Any) -> list[Any]:
        """An object's cells, without its image's."""
        known, wanted, status = self.known, self.wanted, row.status
        manual = status in MANUAL
        name, email = known.people.get(row.user_id, ("", "")) if manual else ("", "")
        said_s = row.said_ms // 1000 if manual and row.said_ms is not None else None
        said_date, said_time = moment(said_s and said_s * 1000, wanted.annotations)
        taxon = known.taxa.get(row.taxon_id)
        annotation = (
            STATUS.get(status, ""), name, email, said_date, said_time,
            taxon.display_name if taxon else "",
        )  # fmt: skip
        orig_id = f"{row.orig_id}~{row.objid}" if row.orig_id in self.shared_ids else row.orig_id
        if wanted.annotations:
            return [orig_id, *annotation, row.taxon_id]
        day, time = moment(row.utc_ms, plain=False)
        time = "" if row.utc_source == "day" else time
        return [
            orig_id, row.lat_deg, row.lon_deg, day, time, row.link, row.depth_m, row.depth_max_m,
            *annotation, taxon.path if taxon else "", *row[_SAID:], *self._our_cells(row),
            *self.parents[row.process_id], *(self._internal(row) if wanted.internal else ()),
        ]  # fmt: skip

    def _our_cells(self, row: Any) -> list[Any]:
        score = None if row.pred_taxon_id is None else row.score
        if len(self._ours) < 2:
            return [score] if self._ours else []
        of_device = row.device_id != 0
        cells = {
            "seadrift_score": score,
            "seadrift_release": self.known.releases.get(row.release_no, ("",))[0],
            "frame": row.frame,
            "esd_um": row.esd_um if of_device else None,
            "touches_border": int(row.border) if of_device else None,
            "temperature": row.temperature_c,
        }
        return [cells[name] for name in self._ours]

    def _internal(self, row: Any) -> list[Any]:
        predicted = row.status == "P"
        auto = self.known.taxa.get(row.taxon_id) if predicted else None
        when = " ".join(moment(row.said_ms, plain=False)) if predicted else ""
        return [
            row.objid, row.acquisition_id, row.acquisition_id, row.sample_id, row.taxon_id,
            row.user_id, row.taxon_id if predicted else None, auto.name if auto else "",
            row.score if predicted else None, when.strip(), row.shuffle, row.sunpos,
        ]  # fmt: skip


_SAID = 26
"""Cells of a row before its free columns: `server.db.exporting_objects.SAID`."""


def moment(ms: int | None, plain: bool) -> tuple[str, str]:
    """Date and time, UTC; with thousandths of a second where there are some."""
    if ms is None:
        return "", ""
    day, rest = divmod(ms, _DAY_MS)
    second, milli = divmod(rest, 1000)
    time = _time(second, plain)
    return _date(day, plain), f"{time}.{milli:03}" if milli else time


@lru_cache(4096)
def _date(day: int, plain: bool) -> str:
    text = date.fromordinal(_EPOCH + day).isoformat()
    return text.replace("-", "") if plain else text


@lru_cache(100_000)
def _time(second: int, plain: bool) -> str:
    hour, minute = divmod(second // 60, 60)
    mark = "" if plain else ":"
    return f"{hour:02}{mark}{minute:02}{mark}{second % 60:02}"

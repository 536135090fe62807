"""The columns of a backup's tables: within EcoTaxa's limits, each with a name that it takes.

A free column has the project's own name, in lower case and without spaces, apart from others and
from EcoTaxa's own. What has no room (a 21st text, a 501st number, a 61st of samples) stands beside
the tables, and is named.

Example:
    >>> layout = Layout.of(columns={"area": "n001"}, parents={"sample": ["ship"]}, own=())
    >>> layout.free["area"], layout.parents["sample"]["ship"]
    ('object_area', 'sample_ship')
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from server.db.free import kind_of
from wire.ecotaxa import FIXED, OBJECT_NUMBER_LIMIT, OBJECT_TEXT_LIMIT, PARENT_LIMITS, Column

HEAD = (
    *(Column("img_file_name", "t"), Column("img_rank", "f"), Column("object_id", "t")),
    *(Column(f"object_{name}", "f") for name in ("lat", "lon")),
    *(Column(f"object_{name}", "t") for name in ("date", "time")),
    *(Column(f"object_{name}", "f") for name in ("depth_min", "depth_max")),
    Column("object_link", "t"),
    *(
        Column(f"object_annotation_{name}", "t")
        for name in (
            *("category", "hierarchy", "status", "person_name", "person_email", "date", "time"),
        )
    ),
)
OWN_OBJECT = (
    Column("object_seadrift_score", "f"),
    Column("object_seadrift_release", "t"),
    Column("object_seadrift_objid", "t"),
    Column("object_frame", "t"),
    Column("object_esd_um", "f"),
    Column("object_touches_border", "f"),
    Column("object_temperature", "f"),
)
"""What an instrument's objects have that is no free column here."""
OWN_PARENTS = {
    "acq": ("pixel_um", "optical_field"),
    "process": ("software", "measures_version"),
    "sample": ("device", "device_id"),
}
IDS = (*(Column(name, "t") for name in ("sample_id", "acq_id", "acq_instrument", "process_id")),)
_ODD = re.compile(r"[\s\x00-\x1f\x7f]")


@dataclass
class Layout:
    """`free` and `parents` give the table's column of each name that has one; `own` are the shore's
    own columns. `left_out` counts sentences of what has no room."""

    free: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    parents: dict[str, dict[str, str]] = field(default_factory=dict)
    own: tuple[Column, ...] = ()
    left_out: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        columns: Mapping[str, str],
        parents: Mapping[str, Iterable[str]],
        own: Sequence[Column],
        own_parents: Mapping[str, Sequence[str]],
    ) -> "Layout":
        """`columns` are the project's free columns of objects with their places."""
        layout = cls()
        used = set(FIXED) | {column.name for column in HEAD}
        layout._take_free(columns, own, used)
        for prefix, names in parents.items():
            wanted = [*own_parents.get(prefix, ()), *names]
            layout.parents[prefix] = layout._take_parents(prefix, wanted, used)
        return layout

    def table(self) -> tuple[Column, ...]:
        """All columns, in their order."""
        free = [Column(name, self.kinds[name]) for name in self.free.values()]
        parents = [Column(name, "t") for names in self.parents.values() for name in names.values()]
        return (*HEAD, *self.own, *free, *IDS, *parents)

    def _take_free(self, columns: Mapping[str, str], own: Sequence[Column], used: set[str]) -> None:
        room = {"f": OBJECT_NUMBER_LIMIT, "t": OBJECT_TEXT_LIMIT}
        taken = {column_name("object", name) for name in columns}
        self.own = tuple(column for column in own if column.name not in taken)
        for column in self.own:
            room[column.kind] -= 1
            used.add(column.name)
        words = {"f": "numeric", "t": "text"}
        limits = {"f": OBJECT_NUMBER_LIMIT, "t": OBJECT_TEXT_LIMIT}
        for name, place in columns.items():
            kind = kind_of(place)
            if not room[kind]:
                self.left_out.append(
                    f"object_{name}: EcoTaxa takes {limits[kind]} {words[kind]} columns of "
                    "objects; this one stands beside the tables alone"
                )
                continue
            room[kind] -= 1
            self.free[name] = _apart(column_name("object", name), used)
            self.kinds[self.free[name]] = kind

    def _take_parents(self, prefix: str, names: Iterable[str], used: set[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        room = PARENT_LIMITS[prefix] - (prefix == "acq")  # one is acq_instrument
        for name in dict.fromkeys(names):
            if len(found) >= room:
                self.left_out.append(
                    f"{prefix}_{name}: EcoTaxa takes {PARENT_LIMITS[prefix]} {prefix}_ columns; "
                    "this one stands beside the tables alone"
                )
                continue
            found[name] = _apart(column_name(prefix, name), used)
        return found


def column_name(prefix: str, name: str) -> str:
    """A free column's name as EcoTaxa takes it."""
    plain = _ODD.sub("_", name.lower()) or "unnamed"
    return f"{prefix}_{plain}"


def _apart(name: str, used: set[str]) -> str:
    """The name, or with a number behind it where it is used."""
    found, number = name, 2
    while found in used:
        found, number = f"{name}_{number}", number + 1
    used.add(found)
    return found

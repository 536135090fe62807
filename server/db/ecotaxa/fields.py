"""EcoTaxa's names of fields, `obj.orig_id` or `fre.area`, and what each is in our tables.

A field is an expression, the tables beside `objects` that it needs, and how its value is shown.
Names that are not known are refused by name, never dropped: a dropped column shifts all after it.

Example:
    >>> Names(places={"area": "n003"}).field("fre.area").needs
    ('free',)
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import String, and_, case, cast, func, null, select
from sqlalchemy.orm import aliased

from server.db.ecotaxa import dates
from server.db.tables import (
    Acquisition,
    Action,
    Event,
    Image,
    Object,
    ObjectFree,
    Process,
    Sample,
    Taxon,
    User,
)

MANUAL = ("V", "D", "X")
"""The states that only a person gives."""
Present = aliased(Event, name="present")
"""The event whose outcome an object shows."""
Said = aliased(Action, name="said")
"""What a person did to bring it about."""
Shown = aliased(Image, name="shown")
"""An object's visible image: that of the lowest rank."""
Above = aliased(Taxon, name="above")
FREE: Any = ObjectFree.__table__
Show = Callable[[Any], Any]


class FieldError(ValueError):
    """There is no such field; the message names it."""


@dataclass(frozen=True)
class Field:
    """`needs` are names of JOINS. A field that is never null can be walked along an index when it
    sorts; `order` is what it is sorted by when that is something else, `nulls_small` says that what
    is not there counts as the smallest, `sorts` whether objects can be sorted by it at all."""

    expression: Any
    needs: tuple[str, ...] = ()
    show: Show | None = None
    nullable: bool = True
    order: Any = None
    nulls_small: bool = False
    sorts: bool = True


_FIRST = (
    select(Image.id)
    .where(Image.objid == Object.objid)
    .order_by(Image.rank, Image.id)
    .limit(1)
    .correlate(Object)
    .scalar_subquery()
)
JOINS: dict[str, tuple[Any, Any]] = {
    "free": (FREE, FREE.c.objid == Object.objid),
    "present": (Present, Present.id == Object.event_id),
    "said": (Said, Said.id == Present.action_id),
    "person": (User, and_(User.id == Said.user_id, Object.status.in_(MANUAL))),
    "taxon": (Taxon, Taxon.id == Object.taxon_id),
    "above": (Above, Above.id == Taxon.parent_id),
    "image": (Shown, Shown.id == _FIRST),
    "sample": (Sample, Sample.id == Object.sample_id),
    "acquisition": (Acquisition, Acquisition.id == Object.acquisition_id),
    "process": (Process, Process.id == Object.process_id),
}


def joined(query: Any, needs: Sequence[str]) -> Any:
    """The query with the tables of `needs` joined to `objects`."""
    for name, (table, condition) in JOINS.items():
        if name in needs:
            query = query.outerjoin(table, condition)
    return query


WHO = case((Object.status.in_(MANUAL), Said.user_id))
WHEN = case((Object.status != "U", func.coalesce(Present.created_ms, Object.received_ms)))
_SCORE = case((Object.pred_taxon_id.is_not(None), Object.score))
_IMAGES = (
    select(func.count())
    .select_from(Image)
    .where(Image.objid == Object.objid)
    .correlate(Object)
    .scalar_subquery()
)


_FILE = cast(Shown.id, String) + "." + Shown.format


def vault_name(file: str | None) -> str | None:
    """Where EcoTaxa's scripts look for an image, below `/vault/`.

    >>> vault_name("376456.PNG")
    '0037/6456.png'
    """
    if file is None:
        return None
    number, _, form = file.partition(".")
    return f"{int(number) // 10_000:04d}/{int(number) % 10_000:04d}.{form.lower()}"


def qualification(status: str) -> str | None:
    return None if status == "U" else status


OBJECT: dict[str, Field] = {
    "objid": Field(Object.objid, nullable=False),
    "acquisid": Field(Object.acquisition_id, nullable=False),
    "orig_id": Field(Object.orig_id, nullable=False),
    "objdate": Field(Object.utc_ms, show=dates.day_of),
    "objtime": Field(
        case((Object.utc_source != "day", Object.utc_ms)),
        show=dates.time_of,
        order=case((Object.utc_source != "day", dates.time_of_day(Object.utc_ms))),
    ),
    "latitude": Field(Object.lat_deg),
    "longitude": Field(Object.lon_deg),
    "depth_min": Field(Object.depth_m),
    "depth_max": Field(func.coalesce(Object.depth_max_m, Object.depth_m)),
    "sunpos": Field(FREE.c.sunpos, ("free",)),
    "object_link": Field(FREE.c.link, ("free",)),
    "complement_info": Field(null()),
    "classif_id": Field(Object.taxon_id),
    "classif_qual": Field(Object.status, (), qualification, order=func.nullif(Object.status, "U")),
    "classif_who": Field(WHO, ("present", "said")),
    "classif_when": Field(WHEN, ("present",), dates.moment, nulls_small=True),
    "classif_score": Field(case((Object.status == "P", _SCORE))),
    "classif_auto_id": Field(Object.pred_taxon_id),
    "classif_auto_score": Field(_SCORE),
    "classif_auto_when": Field(
        case((Object.status == "P", WHEN), (Object.pred_taxon_id.is_not(None), Object.received_ms)),
        ("present",),
        dates.moment,
        nulls_small=True,
    ),
    "classif_crossvalidation_id": Field(null()),
    "similarity": Field(null()),
    "random_value": Field(Object.shuffle, nullable=False),
    "imgcount": Field(_IMAGES, nullable=False),
}
IMAGE: dict[str, Field] = {
    "imgid": Field(Shown.id),
    "objid": Field(Shown.objid),
    "imgrank": Field(Shown.rank),
    "width": Field(Shown.width),
    "height": Field(Shown.height),
    "file_name": Field(_FILE, show=vault_name),
    "orig_file_name": Field(Shown.file_name),
    "thumb_file_name": Field(null()),
    "thumb_width": Field(null()),
    "thumb_height": Field(null()),
}


def _taxon(table: Any) -> dict[str, Field]:
    return {
        "id": Field(table.id),
        "parent_id": Field(table.parent_id),
        "name": Field(table.name),
        "display_name": Field(table.display_name),
        "taxotype": Field(table.kind),
        "taxostatus": Field(table.status),
        "rename_to": Field(table.rename_to),
        "aphia_id": Field(table.aphia_id),
        "creation_datetime": Field(table.created_ms, show=dates.moment),
        "lastupdate_datetime": Field(table.created_ms, show=dates.moment),
        **dict.fromkeys(
            (
                "id_source", "id_instance", "source_desc", "source_url", "creator_email",
                "nbrobj", "nbrobjcum",
            ),
            Field(null()),
        ),
    }  # fmt: skip


_SETS: dict[str, tuple[tuple[str, ...], dict[str, Field]]] = {
    "obj": ((), OBJECT),
    "img": (("image",), IMAGE),
    "txo": (("taxon",), _taxon(Taxon)),
    "txp": (("taxon", "above"), _taxon(Above)),
    "usr": (
        ("present", "said", "person"),
        {
            "id": Field(User.id),
            "name": Field(User.name),
            "email": Field(User.email),
            "organisation": Field(User.organisation),
        },
    ),
    "sam": (
        ("sample",),
        {
            "sampleid": Field(Sample.id),
            "projid": Field(Sample.project_id),
            "orig_id": Field(Sample.orig_id),
            "dataportal_descriptor": Field(null()),
        },
    ),
    "acq": (
        ("acquisition",),
        {
            "acquisid": Field(Acquisition.id),
            "acq_sample_id": Field(Acquisition.sample_id),
            "orig_id": Field(Acquisition.orig_id),
            "instrument": Field(Acquisition.instrument),
        },
    ),
    "prc": (
        ("process",),
        {"processid": Field(Process.id), "orig_id": Field(Process.orig_id)},
    ),
}
_FREE_OF = {"sam": Sample.free, "acq": Acquisition.free, "prc": Process.free}


def _member(name: str) -> Show:
    """Shows the member `name` of a JSON object."""

    def show(free: str | None) -> Any:
        return None if free is None else json.loads(free).get(name)

    return show


@dataclass(frozen=True)
class Names:
    """The names that hold in one project: `places` of its objects' free columns, and by prefix
    (`sam`, `acq`, `prc`) those of the levels above."""

    places: Mapping[str, str]
    above: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def field(self, name: str) -> Field:
        """What the name means. Raises FieldError."""
        prefix, dot, rest = name.strip().partition(".")
        if not dot:
            raise FieldError(f"'{name}' has no prefix: write obj.{name} or fre.{name}")
        if prefix == "fre" and rest in self.places:
            return Field(FREE.c[self.places[rest]], ("free",))
        needs, known = _SETS.get(prefix, ((), {}))
        if rest in known:
            found = known[rest]
            return replace(found, needs=(*needs, *found.needs))
        if rest in self.above.get(prefix, ()):
            return Field(_FREE_OF[prefix], needs, _member(rest), sorts=False)
        raise FieldError(f"'{name}' is no field of this project; {self._hint(prefix)}")

    def _hint(self, prefix: str) -> str:
        if prefix == "fre":
            return f"its free columns are {', '.join(self.places) or 'none'}"
        if prefix in _SETS:
            return f"{prefix}. has {', '.join((*_SETS[prefix][1], *self.above.get(prefix, ())))}"
        return f"prefixes are fre, {', '.join(_SETS)}"

"""EcoTaxa's filters of objects, as conditions on our tables.

What the database is given are parameters, never text. Few rows (samples, acquisitions, processes,
taxa) are looked through here, and their numbers given to the query.

Example:
    >>> Filters({"taxo": "4,5", "statusfilter": "V"}).conditions(scope).objects
    [...]
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_
from sqlalchemy.orm import aliased

from server.db.ecotaxa import dates
from server.db.ecotaxa.fields import FREE, MANUAL, Names, Present, Said
from server.db.ecotaxa.given import Given
from server.db.ecotaxa.levels import with_instrument, with_text
from server.db.ecotaxa.lists import among
from server.db.tables import Action, Event, Object
from server.db.taxa_tree import subtree

_STATUSES = {
    "NV": ("U", "P", "D", "X"),
    "PV": ("P", "V"),
    "PVD": ("P", "V", "D"),
    "UP": ("U", "P"),
    "NVM": ("V",),
    "VM": ("V",),
    **{letter: (letter,) for letter in "UPDVX"},
}
_LEVELS = {"s": "sam", "a": "acq", "p": "prc"}


@dataclass(frozen=True)
class Scope:
    """Where a filter holds: a project, who asks, the names of its free columns."""

    connection: Connection
    project_id: int
    user_id: int
    names: Names


@dataclass
class Conditions:
    """On `objects`, on `object_free`, and which further tables (`fields.JOINS`) they need."""

    objects: list[Any] = field(default_factory=list)
    free: list[Any] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)


class Filters:
    """The filters of one request. Raises FilterError for what one can tell without a project."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = Given(given)
        if "statusfilter" in self.given and self.given.text("statusfilter") not in _STATUSES:
            raise self.given.wrong("statusfilter", f"expected one of {', '.join(_STATUSES)}")

    @property
    def statuses(self) -> tuple[str, ...] | None:
        """Those that are asked for; None: all."""
        return _STATUSES.get(self.given.text("statusfilter"))

    def simple(self) -> tuple[list[int] | None, tuple[str, ...] | None] | None:
        """(taxa or None, statuses or None) when the kept counts tell how many objects fit."""
        status = self.given.text("statusfilter")
        above = "taxo" in self.given and self.given.text("taxochild") == "Y"
        if set(self.given.texts) - {"taxo", "taxochild", "statusfilter"} or above:
            return None
        if status in ("VM", "NVM"):
            return None
        taxa = self.given.numbers("taxo") if "taxo" in self.given else None
        return taxa, self.statuses

    def free_places(self) -> list[str]:
        """Columns of `object_free` that are filtered by number."""
        if "freenum" not in self.given or self.given.text("freenum")[1:] == "score":
            return []
        return [f"n{self.given.column_number('freenum'):03d}"]

    def conditions(self, scope: Scope) -> Conditions:
        """Raises FilterError."""
        found = Conditions()
        for keys, build in _BUILDERS:
            if all(key in self.given for key in keys):
                build(self.given, scope, found)
        return found


def _taxa(given: Given, scope: Scope, found: Conditions) -> None:
    taxa = given.numbers("taxo")
    if given.text("taxochild") == "Y":
        taxa = subtree(scope.connection, taxa)
    found.objects.append(among(scope.connection, Object.taxon_id, taxa))


def _status(given: Given, scope: Scope, found: Conditions) -> None:
    word = given.text("statusfilter")
    found.objects.append(Object.status.in_(_STATUSES[word]))
    if word in ("VM", "NVM"):
        mine = Said.user_id == scope.user_id
        found.needs += ["present", "said"]
        found.objects.append(mine if word == "VM" else or_(~mine, Said.user_id.is_(None)))


def _map(given: Given, _scope: Scope, found: Conditions) -> None:
    north, west, east, south = (given.number(key) for key in ("MapN", "MapW", "MapE", "MapS"))
    found.objects.append(Object.lat_deg.between(south, north))
    inside = (Object.lon_deg >= west, Object.lon_deg <= east)
    found.objects.append(and_(*inside) if west <= east else or_(*inside))


def _depth(given: Given, _scope: Scope, found: Conditions) -> None:
    low, high = given.number("depthmin"), given.number("depthmax")
    found.objects.append(Object.depth_m.between(low, high))
    found.objects.append(func.coalesce(Object.depth_max_m, Object.depth_m).between(low, high))


def _samples(given: Given, scope: Scope, found: Conditions) -> None:
    found.objects.append(among(scope.connection, Object.sample_id, given.numbers("samples")))


def _instrument(given: Given, scope: Scope, found: Conditions) -> None:
    fitting = with_instrument(scope.connection, scope.project_id, given.text("instrum"))
    if fitting is not None:
        found.objects.append(among(scope.connection, Object.acquisition_id, fitting))


def _daytime(given: Given, _scope: Scope, found: Conditions) -> None:
    letters = [letter.strip() for letter in given.text("daytime").split(",")]
    if not set(letters) <= set("DUNAT"):
        raise given.wrong("daytime", "expected D, U, N or A, with commas between")
    found.free.append(FREE.c.sunpos.in_(letters))


def _month(given: Given, _scope: Scope, found: Conditions) -> None:
    found.objects.append(dates.MonthOf(Object.utc_ms).in_(given.numbers("month")))


def _from_date(given: Given, _scope: Scope, found: Conditions) -> None:
    found.objects.append(Object.utc_ms >= given.date("fromdate", dates.read_day))


def _to_date(given: Given, _scope: Scope, found: Conditions) -> None:
    last = given.date("todate", dates.read_day)
    found.objects.append(Object.utc_ms < last + dates.DAY_MS)


def _times(given: Given, _scope: Scope, found: Conditions) -> None:
    first = given.maybe_date("fromtime", dates.read_time)
    last = given.maybe_date("totime", dates.read_time)
    at = dates.time_of_day(Object.utc_ms)
    inverted = given.text("inverttime") == "1"
    if inverted and first is not None and last is not None:
        found.objects += [Object.utc_source != "day", or_(at <= first, at >= last)]
    elif not inverted and (first is not None or last is not None):
        found.objects.append(Object.utc_source != "day")
        found.objects += [at >= first] if first is not None else []
        found.objects += [at <= last] if last is not None else []


def _validated(given: Given, _scope: Scope, found: Conditions) -> None:
    first = given.maybe_date("validfromdate", dates.read_moment)
    last = given.maybe_date("validtodate", dates.read_moment)
    if first is None and last is None:
        return
    found.needs.append("present")
    found.objects.append(Object.status.in_(MANUAL))
    found.objects += [Present.created_ms >= first] if first is not None else []
    found.objects += [Present.created_ms <= last] if last is not None else []


def _free_number(given: Given, scope: Scope, found: Conditions) -> None:
    low, high = given.maybe_number("freenumst"), given.maybe_number("freenumend")
    if given.text("freenum")[1:] == "score":
        column: Any = Object.score
        into = found.objects
        into.append(Object.pred_taxon_id.is_not(None))
    else:
        column = FREE.c[_place(given, scope, "freenum", "n")]
        into = found.free
    into += [column >= low] if low is not None else []
    into += [column <= high] if high is not None else []


def _free_text(given: Given, scope: Scope, found: Conditions) -> None:
    level = given.text("freetxt")[0]
    wanted = given.text("freetxtval")
    if level == "o":
        column = FREE.c[_place(given, scope, "freetxt", "t")]
        pattern = f"%{wanted}%".replace("\\", "\\\\")  # % and _ are EcoTaxa's too, ^ and $ ends
        pattern = pattern.removeprefix("%^") if wanted.startswith("^") else pattern
        pattern = pattern.removesuffix("$%") if wanted.endswith("$") else pattern
        found.free.append(column.ilike(pattern, escape="\\"))
        return
    if level not in _LEVELS:
        raise given.wrong("freetxt", "expected s, a, p or o and the column's number, as st01")
    known = scope.names.above.get(_LEVELS[level], ())
    number = given.column_number("freetxt")
    if not 0 < number <= len(known):
        raise given.wrong("freetxt", f"this level has {len(known)} free columns")
    fitting = with_text(
        scope.connection, scope.project_id, _LEVELS[level], known[number - 1], wanted
    )
    columns = {"s": Object.sample_id, "a": Object.acquisition_id, "p": Object.process_id}
    found.objects.append(among(scope.connection, columns[level], fitting))


def _place(given: Given, scope: Scope, key: str, letter: str) -> str:
    """The column of `object_free` that a filter names."""
    place = f"{letter}{given.column_number(key):03d}"
    if place not in scope.names.places.values():
        used = sum(known[0] == letter for known in scope.names.places.values())
        kind = "numbers" if letter == "n" else "texts"
        raise given.wrong(key, f"the project has {used} free columns of {kind}")
    return place


def _annotators(given: Given, _scope: Scope, found: Conditions) -> None:
    """Whoever validated it at any time."""
    event, action = aliased(Event), aliased(Action)
    found.objects.append(
        exists()
        .where(event.objid == Object.objid, event.action_id == action.id)
        .where(action.user_id.in_(given.numbers("filt_annot")), event.new_status.in_(MANUAL))
    )


def _last_annotators(given: Given, _scope: Scope, found: Conditions) -> None:
    if "filt_annot" in given:
        return  # EcoTaxa looks at one of the two
    found.needs += ["present", "said"]
    people = given.numbers("filt_last_annot")
    found.objects += [Object.status.in_(MANUAL), Said.user_id.in_(people)]


_BUILDERS: tuple[tuple[tuple[str, ...], Callable[[Given, Scope, Conditions], None]], ...] = (
    (("taxo",), _taxa),
    (("statusfilter",), _status),
    (("MapN", "MapW", "MapE", "MapS"), _map),
    (("depthmin", "depthmax"), _depth),
    (("samples",), _samples),
    (("instrum",), _instrument),
    (("daytime",), _daytime),
    (("month",), _month),
    (("fromdate",), _from_date),
    (("todate",), _to_date),
    ((), _times),
    ((), _validated),
    (("freenum",), _free_number),
    (("freetxt", "freetxtval"), _free_text),
    (("filt_annot",), _annotators),
    (("filt_last_annot",), _last_annotators),
)
"""What a filter needs to be looked at, as in EcoTaxa: of the map's sides all four."""

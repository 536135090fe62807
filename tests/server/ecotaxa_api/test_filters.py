"""EcoTaxa's filters choose the objects that their description in plain Python does, on both
databases."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from server.db import projects
from server.db.ecotaxa import levels, sets
from server.db.ecotaxa.fields import FieldError
from server.db.ecotaxa.filters import Filters, Scope
from server.db.ecotaxa.given import FilterError
from server.db.ecotaxa.sets import Wanted
from server.shore import Shore
from tests.server.ecotaxa_api.material import Cast, Thing, fill

DAY = 86_400_000


@pytest.fixture
def cast(shore: Shore) -> Cast:
    with shore.database.write() as connection:
        mine, foreign = (
            projects.create(connection, title=title, user_id=1, now_ms=1) for title in "ab"
        )
    fill(shore, foreign, 1, objects=10, seed=2)  # what must never be seen
    return fill(shore, mine, 1)


@pytest.fixture
def scope(shore: Shore, cast: Cast) -> Iterator[Scope]:
    with shore.database.read() as connection:
        names = levels.names(connection, cast.project_id)
        yield Scope(connection, cast.project_id, cast.user_id, names)


def at(thing: Thing) -> datetime:
    assert thing.ms is not None
    return datetime.fromtimestamp(thing.ms / 1000, UTC)


def clock(thing: Thing) -> str:
    return "" if thing.ms is None or thing.day_only else at(thing).strftime("%H:%M:%S")


def day(thing: Thing) -> str:
    return "" if thing.ms is None else at(thing).date().isoformat()


def moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


Fits = Callable[[Cast, Thing], Any]
CASES: list[tuple[str, dict[str, Any], Fits]] = [
    ("none", {}, lambda c, t: True),
    ("empty", {"taxo": "", "samples": None, "statusfilter": ""}, lambda c, t: True),
    ("taxo", {"taxo": "{taxa[1]},{taxa[2]}"}, lambda c, t: t.taxon in c.taxa[1:]),
    ("one taxon", {"taxo": "{taxa[0]}"}, lambda c, t: t.taxon == c.taxa[0]),
    ("taxochild", {"taxo": "{taxa[0]}", "taxochild": "Y"}, lambda c, t: t.taxon in c.taxa[:2]),
    *[
        (f"status {word}", {"statusfilter": word}, lambda c, t, s=letters: t.status in s)
        for word, letters in {
            "NV": "UPDX", "PV": "PV", "PVD": "PVD", "U": "U", "UP": "UP", "V": "V", "D": "D",
        }.items()
    ],
    ("VM", {"statusfilter": "VM"}, lambda c, t: t.status == "V" and t.who == c.user_id),
    ("NVM", {"statusfilter": "NVM"}, lambda c, t: t.status == "V" and t.who != c.user_id),
    (
        "taxon and status",
        {"taxo": "{taxa[1]}", "statusfilter": "V"},
        lambda c, t: t.taxon == c.taxa[1] and t.status == "V",
    ),
    (
        "map",
        {"MapN": "40", "MapS": "-20.5", "MapW": "-100", "MapE": 60},
        lambda c, t: t.lat is not None and -20.5 <= t.lat <= 40 and -100 <= t.lon <= 60,
    ),
    (
        "map over the date line",
        {"MapN": "90", "MapS": "-90", "MapW": "170", "MapE": "-100"},
        lambda c, t: t.lat is not None and (t.lon >= 170 or t.lon <= -100),
    ),
    ("three sides only", {"MapN": "40", "MapS": "-20", "MapW": "-100"}, lambda c, t: True),
    (
        "depths",
        {"depthmin": "50", "depthmax": "200"},
        lambda c, t: t.depth and t.depth[0] >= 50 and t.depth[1] <= 200,
    ),
    ("samples", {"samples": "{samples[0]}, {samples[2]}"}, lambda c, t: t.sample != c.samples[1]),
    ("a foreign sample", {"samples": "987654"}, lambda c, t: False),
    ("instrument of the project", {"instrum": "UVP6"}, lambda c, t: True),
    ("instrument", {"instrum": "uvp5"}, lambda c, t: t.acquisition == c.acquisitions[1]),
    ("daytime", {"daytime": "D,U"}, lambda c, t: t.sunpos in "DU"),
    ("month", {"month": "2,3"}, lambda c, t: t.ms is not None and at(t).month in (2, 3)),
    ("fromdate", {"fromdate": "2020-02-10"}, lambda c, t: day(t) >= "2020-02-10"),
    (
        "days",
        {"fromdate": "2020-02-10", "todate": "2020-02-20"},
        lambda c, t: "2020-02-10" <= day(t) <= "2020-02-20",
    ),
    ("fromtime", {"fromtime": "13:30:00"}, lambda c, t: clock(t) >= "13:30:00"),
    (
        "times",
        {"fromtime": "5:45:07", "totime": "13:15:07"},
        lambda c, t: "05:45:07" <= clock(t) <= "13:15:07",
    ),
    (
        "inverted times",
        {"fromtime": "05:45:07", "totime": "13:15:07", "inverttime": "1"},
        lambda c, t: clock(t) and not "05:45:07" < clock(t) < "13:15:07",
    ),
    (
        "validated from",
        {"validfromdate": "2020-02-25 06:00"},
        lambda c, t: t.when and moment(t.when) >= "2020-02-25 06:00",
    ),
    (
        "validated between",
        {"validfromdate": "2020-02-15", "validtodate": "2020-02-25 06:00:00"},
        lambda c, t: t.when and "2020-02-15 00:00" <= moment(t.when) < "2020-02-25 06:00",
    ),
    (
        "free number",
        {"freenum": "on01", "freenumst": "10", "freenumend": "30"},
        lambda c, t: 10 <= t.free["area"] <= 30,
    ),
    ("as documented", {"freenum": "n01", "freenumst": "40"}, lambda c, t: t.free["area"] >= 40),
    (
        "free number that may be missing",
        {"freenum": "on03", "freenumend": 0.5},
        lambda c, t: t.free["esd"] is not None and t.free["esd"] <= 0.5,
    ),
    (
        "score",
        {"freenum": "oscore", "freenumst": "0.5"},
        lambda c, t: t.predicted is not None and t.score >= 0.5,
    ),
    ("no bound", {"freenum": "on01"}, lambda c, t: True),
    (
        "free text",
        {"freetxt": "ot01", "freetxtval": "ONE"},
        lambda c, t: t.free["shape"] == "Long one",
    ),
    (
        "free text from its beginning to its end",
        {"freetxt": "ot01", "freetxtval": "^round$"},
        lambda c, t: t.free["shape"] == "round",
    ),
    (
        "free text with a sign",
        {"freetxt": "ot01", "freetxtval": "50%_odd"},
        lambda c, t: t.free["shape"] == "50%_odd",
    ),
    (
        "text of a sample",
        {"freetxt": "st01", "freetxtval": "suroit"},
        lambda c, t: t.sample == c.samples[1],
    ),
    (
        "text of an acquisition",
        {"freetxt": "at01", "freetxtval": "^3"},
        lambda c, t: t.acquisition == c.acquisitions[2],
    ),
    (
        "text of a process",
        {"freetxt": "p01", "freetxtval": "zooprocess"},
        lambda c, t: t.process != c.processes[0],
    ),
    ("annotator", {"filt_annot": "{other_id}"}, lambda c, t: t.who == c.other_id),
    (
        "last annotator",
        {"filt_last_annot": "{user_id},{other_id}"},
        lambda c, t: t.who is not None,
    ),
    (
        "many at once",
        {"taxo": "{taxa[0]}", "taxochild": "Y", "freenum": "on01", "freenumst": "5", "daytime": "D",
         "fromdate": "2020-02-01", "filt_last_annot": "{user_id}"},
        lambda c, t: t.taxon in c.taxa[:2] and t.free["area"] >= 5 and t.sunpos == "D"
        and day(t) >= "2020-02-01" and t.who == c.user_id,
    ),
]  # fmt: skip


def filled(cast: Cast, given: dict[str, Any]) -> dict[str, Any]:
    texts = {k: v.format(**vars(cast)) for k, v in given.items() if isinstance(v, str)}
    return {**given, **texts}


@pytest.mark.databases
def test_each_filter_chooses_what_its_description_says(scope: Scope, cast: Cast) -> None:
    for name, given, fits in CASES:
        expected = [t.objid for t in cast.objects if fits(cast, t)]
        filters = Filters(filled(cast, given))
        found = sets.window(scope, filters, Wanted())
        assert [ids[0] for ids in found.ids] == expected, name
        assert found.total == len(expected), name
        part = sets.window(scope, filters, Wanted(start=3, size=4))
        assert [ids[0] for ids in part.ids] == expected[3:7], name
        assert part.total == len(expected), name
        assert sets.objids(scope, filters) == expected, name
        assert sets.total(scope, filters) == len(expected), name
        statuses = [t.status for t in cast.objects if t.objid in set(expected)]
        assert {s: n for s, n in sets.by_status(scope, filters).items() if n} == {
            s: statuses.count(s) for s in set(statuses)
        }, name
    used = {key for _, given, _ in CASES for key in given}
    from server.db.ecotaxa.given import KEYS

    assert used == set(KEYS)


ORDERS: list[tuple[str, Callable[[Thing], Any]]] = [
    ("obj.objid", lambda t: t.objid),
    ("obj.orig_id", lambda t: t.orig_id),
    ("obj.depth_min", lambda t: t.depth and t.depth[0]),
    ("obj.classif_auto_score", lambda t: None if t.predicted is None else t.score),
    ("fre.area", lambda t: t.free["area"]),
    ("fre.esd", lambda t: t.free["esd"]),
    ("obj.objtime", lambda t: clock(t) or None),
    ("obj.classif_who", lambda t: t.who),
]


@pytest.mark.databases
def test_orders_are_whole_and_what_is_missing_comes_last(scope: Scope, cast: Cast) -> None:
    for name, value in ORDERS:
        up = sorted(cast.objects, key=lambda t: _missing_last(value(t), t.objid))
        for order, expected in ((name, up), (f"-{name}", up[::-1])):
            found = sets.window(scope, Filters({}), Wanted(order=order))
            assert [ids[0] for ids in found.ids] == [t.objid for t in expected], order
            for start in (20, 95, 110):
                part = sets.window(scope, Filters({}), Wanted(order=order, start=start, size=15))
                ids = [ids[0] for ids in part.ids]
                assert ids == [t.objid for t in expected[start : start + 15]], (order, start)
                assert part.total == len(cast.objects)
    predicted = sorted(
        (t for t in cast.objects if t.status == "P"), key=lambda t: (t.score, t.objid)
    )
    for order, expected in (
        ("obj.classif_score", predicted),
        ("-obj.classif_score", predicted[::-1]),
    ):
        found = sets.window(scope, Filters({"statusfilter": "P"}), Wanted(order=order, size=9))
        assert [ids[0] for ids in found.ids] == [t.objid for t in expected[:9]]
    free = Filters({"freenum": "on01", "freenumst": "25"})
    found = sets.window(scope, free, Wanted(order="-fre.mean", size=10))
    best = [t for t in cast.objects if t.free["area"] >= 25]
    best.sort(key=lambda t: -t.free["mean"])
    assert [ids[0] for ids in found.ids] == [t.objid for t in best[:10]]


def _missing_last(value: Any, objid: int) -> tuple[Any, ...]:
    return (1, 0, objid) if value is None else (0, value, objid)


@pytest.mark.databases
def test_fields_are_shown_as_ecotaxa_shows_them(scope: Scope, cast: Cast) -> None:
    names = (
        "obj.objid", "obj.acquisid", "obj.orig_id", "obj.objdate", "obj.objtime", "obj.latitude",
        "obj.depth_min", "obj.depth_max", "obj.sunpos", "obj.classif_qual", "obj.classif_id",
        "obj.classif_who", "obj.imgcount", "fre.area", "fre.shape", "txo.display_name", "txp.id",
        "img.file_name", "img.orig_file_name", "img.imgrank", "usr.name", "sam.orig_id", "sam.ship",
        "acq.instrument", "acq.sub_part", "prc.orig_id", "prc.software", "obj.classif_when",
        "obj.complement_info", "usr.email",
    )  # fmt: skip
    found = sets.window(scope, Filters({}), Wanted(names))
    for thing, values in zip(cast.objects, found.details, strict=True):
        row = dict(zip(names, values, strict=True))
        assert row["obj.objid"] == thing.objid
        assert row["obj.objdate"] == (day(thing) or None)
        assert row["obj.objtime"] == (clock(thing) or None)
        assert (row["obj.depth_min"], row["obj.depth_max"]) == (thing.depth or (None, None))
        assert row["obj.classif_qual"] == (None if thing.status == "U" else thing.status)
        assert row["obj.classif_who"] == thing.who
        assert row["usr.email"] == (
            None if thing.who is None else {1: "admin@sea.test"}.get(thing.who, "other@sea.test")
        )
        assert row["obj.imgcount"] == len(thing.images)
        assert (row["fre.area"], row["fre.shape"]) == (thing.free["area"], thing.free["shape"])
        if thing.images:
            first = min(thing.images)
            assert row["img.file_name"] == f"{first // 10_000:04d}/{first % 10_000:04d}.png"
            assert row["img.imgrank"] == 1
        assert row["txo.display_name"] is None if thing.taxon is None else row["txo.display_name"]
        assert row["txp.id"] == (cast.parent if thing.taxon == cast.taxa[1] else row["txp.id"])
        assert (
            row["sam.ship"] == (None, "Tara", "Suroit")[(cast.samples.index(thing.sample) + 1) % 3]
        )
        assert row["acq.sub_part"] == str(cast.acquisitions.index(thing.acquisition) + 1)
        if thing.when is not None:
            assert datetime.fromisoformat(row["obj.classif_when"]) == datetime.fromtimestamp(
                thing.when / 1000, UTC
            ).replace(tzinfo=None)
        assert all(not isinstance(v, float) or math.isfinite(v) for v in values)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"taxon": "4"}, "taxon"),
    ({"taxo": "4;5"}, "taxo"),
    ({"statusfilter": "Z"}, "statusfilter"),
    ({"depthmin": "deep", "depthmax": "1"}, "depthmin"),
    ({"MapN": "nan", "MapS": "1", "MapW": "1", "MapE": "1"}, "MapN"),
    ({"fromdate": "10/02/2020"}, "fromdate"),
    ({"totime": "25:00:00"}, "totime"),
    ({"validtodate": "yesterday"}, "validtodate"),
    ({"freenum": "on77", "freenumst": "1"}, "freenum"),
    ({"freenum": "area", "freenumst": "1"}, "freenum"),
    ({"freetxt": "ot09", "freetxtval": "x"}, "freetxt"),
    ({"freetxt": "st07", "freetxtval": "x"}, "freetxt"),
    ({"freetxt": "zt01", "freetxtval": "x"}, "freetxt"),
    ({"daytime": "Q"}, "daytime"),
    ({"samples": "1' OR 1=1"}, "samples"),
    ({"filt_annot": ["1"]}, "filt_annot"),
]


def test_what_cannot_be_used_is_named(scope: Scope) -> None:
    for given, named in WRONG:
        with pytest.raises(FilterError, match=named):
            sets.window(scope, Filters(given), Wanted())
    for name in ("fre.nothing", "obj.password", "usr.password_hash", "area", "x.y"):
        with pytest.raises(FieldError, match=name):
            sets.window(scope, Filters({}), Wanted((name,)))
        with pytest.raises(FieldError, match=name):
            sets.window(scope, Filters({}), Wanted(order=f"-{name}"))


@pytest.mark.databases
def test_long_lists_of_numbers_are_taken(scope: Scope, cast: Cast) -> None:
    many = ",".join(str(n) for n in [*range(10**6, 10**6 + 40_000), *cast.samples])
    assert sets.window(scope, Filters({"samples": many[:95_999]}), Wanted(size=1)).total == 0
    few = ",".join(str(n) for n in [*cast.samples, *range(10**6, 10**6 + 9_000)])
    assert sets.window(scope, Filters({"samples": few}), Wanted(size=1)).total == 120

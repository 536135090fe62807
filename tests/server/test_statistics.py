"""Who said what, when and how fast, by what is kept as it happens; held against what the events
and actions themselves say."""

import datetime
import itertools
import uuid
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from models.bundle import Bundle
from server.auth.passwords import hash_password
from server.clock import now_ms
from server.db import classify, statistics, turns, users
from server.db.changes import Request
from server.db.recounting import recount_days
from server.db.statistics import Period
from server.db.tables import CountDay, Object, WorkDay, WorkTaxon
from server.db.work import DAY_MS, PAUSE_MS
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record

pytestmark = pytest.mark.databases

START = 20_600 * DAY_MS + 9 * 3_600_000
HYDROZOA = "Hydrozoa"


@pytest.fixture
def objids(shore: Shore, device: SimulatedDevice, bundle: Bundle) -> list[int]:
    """Eight objects that a release predicted."""
    copepods = {"taxon": "Copepoda", "score": 0.9, "top": (("Copepoda", 0.9),)}
    device.ingest([make_record(n, make_object(bundle, n, **copepods)) for n in range(1, 9)])
    with shore.database.read() as connection:
        return list(connection.execute(select(Object.objid).order_by(Object.objid)).scalars())


class Person:
    """Somebody at work in project 1, at times of ours."""

    def __init__(self, shore: Shore, user_id: int) -> None:
        self.shore, self.user_id = shore, user_id

    def act(self, kind: str, objids: Sequence[int], at_ms: int, taxon: int | None = None) -> None:
        request = Request(1, self.user_id, kind, tuple(objids), taxon, str(uuid.uuid4()))
        with self.shore.database.write() as connection:
            classify.act(connection, request, at_ms)

    def turn(self, word: str, at_ms: int) -> None:
        with self.shore.database.write() as connection:
            getattr(turns, word)(connection, 1, self.user_id, str(uuid.uuid4()), at_ms)


def join(shore: Shore, name: str) -> Person:
    with shore.database.write() as connection:
        user_id = users.add(
            connection, email=f"{name}@sea.test", name=name, role="annotator",
            password_hash=hash_password("pass phrase"), now_ms=now_ms(),
        )  # fmt: skip
    return Person(shore, user_id)


def taxon_of(client: httpx.Client, name: str) -> int:
    found = client.get("/api/taxa/search", params={"q": name}).json()
    return int(next(one["taxon_id"] for one in found if one["display_name"] == name))


def kept(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """The kept tables without their shards and zeros."""
    days: dict[tuple[int, int, str], int] = {}
    for row in connection.execute(select(CountDay)):
        key = (row.project_id, row.day, row.status)
        days[key] = days.get(key, 0) + row.n
    work = connection.execute(select(WorkDay)).all()
    taxa = connection.execute(select(WorkTaxon)).all()
    return {
        "count_days": sorted((*key, n) for key, n in days.items() if n),
        "work_days": sorted(tuple(row) for row in work),
        "work_taxa": sorted(tuple(row) for row in taxa if row.n),
    }


def test_sessions_of_work_give_the_speed(
    shore: Shore, client: httpx.Client, objids: list[int]
) -> None:
    ann, minute = join(shore, "ann"), 60_000
    ann.act("validate", objids[:1], START)
    ann.act("validate", objids[1:4], START + 2 * minute)
    ann.act("discard", objids[4:6], START + 2 * minute + PAUSE_MS)
    ann.act("validate", objids[6:], START + 2 * minute + 2 * PAUSE_MS + 1)  # another session
    ann.act("dubious", objids[:1], START + DAY_MS)
    [row] = client.get("/api/projects/1/statistics/people").json()
    assert (row["name"], row["objects"], row["actions"]) == ("ann", 9, 5)
    assert (row["sessions"], row["active_ms"], row["days"]) == (3, 2 * minute + PAUSE_MS, 2)
    assert row["objects_per_h"] == round(5 / (7 / 60))
    first, second = client.get("/api/projects/1/statistics/days").json()
    assert (first["day"], first["objects"], first["sessions"]) == ("2026-05-27", 8, 2)
    assert (second["day"], second["objects"], second["objects_per_h"]) == ("2026-05-28", 1, None)
    period = {"since": "2026-05-28", "until": "2026-05-28"}
    [row] = client.get("/api/projects/1/statistics/people", params=period).json()
    assert row["objects"] == 1


def test_what_was_undone_is_taken_off(
    shore: Shore, client: httpx.Client, objids: list[int]
) -> None:
    ann, hydrozoa = join(shore, "ann"), taxon_of(client, HYDROZOA)
    ann.act("relabel", objids[:3], START, hydrozoa)
    ann.act("validate", objids[3:4], START)
    ann.turn("undo", START + DAY_MS)
    rows = client.get("/api/projects/1/statistics/taxa").json()
    assert [(row["taxon"], row["V"]) for row in rows] == [(HYDROZOA, 3)]
    ann.turn("undo", START + DAY_MS)
    assert client.get("/api/projects/1/statistics/taxa").json() == []
    ann.turn("redo", START + DAY_MS)
    [row] = client.get("/api/projects/1/statistics/taxa", params={"user_id": ann.user_id}).json()
    assert (row["taxon_id"], row["V"]) == (hydrozoa, 3)
    assert client.get("/api/projects/1/statistics/taxa?user_id=1").json() == []


def test_progress_is_the_state_at_the_end_of_each_day(
    shore: Shore, client: httpx.Client, objids: list[int]
) -> None:
    ann = join(shore, "ann")
    today = now_ms() // DAY_MS
    ann.act("validate", objids[:5], (today + 1) * DAY_MS)
    ann.act("discard", objids[4:6], (today + 3) * DAY_MS)
    rows = client.get("/api/projects/1/statistics/progress").json()
    shown = [(row["arrived"], row["P"], row["V"], row["X"]) for row in rows]
    assert shown == [(8, 8, 0, 0), (0, 3, 5, 0), (0, 2, 4, 2)]
    assert rows[0]["day"] == statistics.name(today)


def test_releases_are_agreed_with_by_taxon(
    shore: Shore, client: httpx.Client, objids: list[int], bundle: Bundle
) -> None:
    ann, hydrozoa = join(shore, "ann"), taxon_of(client, HYDROZOA)
    predicted = client.get(f"/api/objects/{objids[0]}").json()["predicted_taxon"]
    ann.act("validate", objids[:4], START)
    ann.act("relabel", objids[4:6], START, hydrozoa)
    ann.act("dubious", objids[6:7], START)
    [row] = client.get("/api/projects/1/statistics/agreement").json()
    assert (row["release"], row["judged"], row["confirmed"]) == (bundle.release_id, 6, 4)
    [one] = row["taxa"]
    assert (one["taxon"], one["judged"], one["confirmed"]) == (predicted, 6, 4)
    assert row["pairs"] == [{"predicted": predicted, "taxon": HYDROZOA, "n": 2}]


def test_samples_have_their_objects_by_status(
    shore: Shore, client: httpx.Client, objids: list[int]
) -> None:
    join(shore, "ann").act("validate", objids[:3], START)
    found = client.get("/api/projects/1/statistics/samples").json()
    assert found["total"] == 1
    assert (found["samples"][0]["V"], found["samples"][0]["P"]) == (3, 5)
    assert client.get("/api/projects/1/statistics/samples?offset=1").json()["samples"] == []


def test_a_period_that_ends_before_it_begins_is_refused(client: httpx.Client, project: int) -> None:
    for asked in ({"since": "2026-02-02", "until": "2026-02-01"}, {"since": "yesterday"}):
        answer = client.get(f"/api/projects/{project}/statistics/people", params=asked)
        assert answer.status_code == 422
    period = Period(datetime.date(2026, 2, 2))
    with pytest.raises(AttributeError):
        period.since = None  # type: ignore[misc] # frozen


RUNS = itertools.count()
STEP = st.tuples(
    st.sampled_from(["validate", "dubious", "discard", "relabel", "reset", "undo", "redo"]),
    st.integers(0, 1),
    st.sets(st.integers(0, 7), min_size=1, max_size=5),
    st.sampled_from([0, 1, 1000, PAUSE_MS, PAUSE_MS + 1, 3_600_000, DAY_MS, 3 * DAY_MS]),
)


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, max_size=10))
def test_what_is_kept_is_what_the_events_say(
    shore: Shore, client: httpx.Client, objids: list[int], steps: list[Any]
) -> None:
    people, hydrozoa = _two(shore), taxon_of(client, HYDROZOA)
    at_ms = START + next(RUNS) * 100 * DAY_MS  # time goes on from example to example
    for kind, who, chosen, wait_ms in steps:
        at_ms += wait_ms
        if kind in ("undo", "redo"):
            people[who].turn(kind, at_ms)
        else:
            wanted = [objids[n] for n in sorted(chosen)]
            people[who].act(kind, wanted, at_ms, hydrozoa if kind == "relabel" else None)
    with shore.database.write() as connection:
        before = kept(connection)
        recount_days(connection)
        assert kept(connection) == before


def _two(shore: Shore) -> list[Person]:
    with shore.database.read() as connection:
        found = {one.name: one.id for one, _ in users.all_users(connection)}
    names = ("ann", "bo")
    return [Person(shore, found[n]) if n in found else join(shore, n) for n in names]

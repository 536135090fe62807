"""What an instrument measured is in its free columns soon after it came: exact, once, for each."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from models.brief import brief_of
from models.bundle import Bundle
from models.measure_table import MEASURES
from server.db import free, spreading
from server.db.tables import FreeWaiting, Object, ObjectFree
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette

databases = pytest.mark.databases
NAMES = [measure.name for measure in MEASURES]


def spread_all(shore: Shore, at_once: int = spreading.AT_ONCE) -> list[int]:
    """How many objects each transaction spread, until none waits."""
    done = []
    while True:
        with shore.database.write() as connection:
            n = spreading.spread(connection, at_once)
        if not n:
            return done
        done.append(n)


def columns(shore: Shore) -> dict[int, dict[str, Any]]:
    """The measures in the free columns, by seq and name."""
    with shore.database.read() as connection:
        assert not spreading.is_behind(connection)
        places = free.places(connection, 1)
        query = select(Object.seq, *(ObjectFree.__table__.c[place] for place in places.values()))
        rows = connection.execute(query.join(ObjectFree, ObjectFree.objid == Object.objid)).all()
    assert len(rows) == len({row[0] for row in rows})
    return {row[0]: dict(zip(places, row[1:], strict=True)) for row in rows}


@databases
def test_every_object_s_measures_are_spread_once_in_transactions_of_a_bounded_size(
    shore: Shore, device: SimulatedDevice, bundle: Bundle
) -> None:
    whole = {n: make_object(bundle, n) for n in range(1, 251)}
    for first in (1, 101, 201):
        device.ingest([make_record(n, whole[n]) for n in range(first, min(first + 100, 251))])
    with shore.database.read() as connection:
        assert len(connection.execute(select(FreeWaiting.id)).all()) <= 5, "ranges, not objects"
    done = spread_all(shore, at_once=100)
    assert sum(done) == 250
    assert max(done) < 200
    found = columns(shore)
    assert set(found) == set(whole)
    for n, body in whole.items():
        measures = np.frombuffer(body.measures, "<f4").astype(float)
        assert found[n] == dict(zip(NAMES, measures, strict=True))


@databases
def test_exact_values_take_the_place_of_those_in_brief(
    shore: Shore, device: SimulatedDevice, bundle: Bundle
) -> None:
    whole = make_object(bundle, 3)
    measures = np.frombuffer(whole.measures, "<f4")
    exact = {"measures_version": whole.measures_version, "measures": whole.measures}
    brief = brief_of(measures)
    ahead = replace(whole, measures=b"", embedding=b"", shape=b"", brief=brief)
    device.ingest([make_record(1, ahead)])
    assert spread_all(shore) == [1]
    assert columns(shore)[1]["area"] == pytest.approx(measures[NAMES.index("area")], rel=0.004)
    device.ingest([make_record(2, make_vignette(1, **exact))])
    assert spread_all(shore) == [1]
    assert columns(shore)[1] == dict(zip(NAMES, measures.astype(float), strict=True))


@given(st.sets(st.integers(1, 5000), min_size=1, max_size=300), st.integers(1, 2500))
def test_ranges_hold_each_object_once_and_are_bounded(scattered: set[int], run: int) -> None:
    objids = scattered | set(range(10_000, 10_000 + run))
    rows = spreading.in_ranges(objids)
    assert sorted(one for first, last in rows for one in range(first, last + 1)) == sorted(objids)
    assert all(last - first < 100 for first, last in rows)

"""Free columns: a name keeps its place, an instrument's measures are found by their names."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select

from models.brief import brief_of
from models.bundle import Bundle
from models.measure_table import INDEX, MEASURES, MEASURES_VERSION
from server.clock import now_ms
from server.db import free, projects
from server.db.free import ColumnsFullError, KindError
from server.db.spreading import is_behind, spread
from server.db.tables import ObjectFree
from server.jobs.worker import spread_some
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from wire.records import Vignette

pytestmark = pytest.mark.databases


@pytest.fixture
def bay(shore: Shore) -> int:
    with shore.database.write() as connection:
        return projects.create(connection, title="Bay", user_id=1, now_ms=now_ms())


def test_names_keep_their_places(shore: Shore, bay: int) -> None:
    with shore.database.write() as connection:
        given = free.give_places(connection, bay, [("area", "f"), ("lens", "t"), ("b%|'", "f")])
        assert given == {"area": "n001", "lens": "t001", "b%|'": "n002"}
        assert free.give_places(connection, bay, [("x", "f"), ("area", "f")])["area"] == "n001"
        assert list(free.places(connection, bay)) == ["area", "lens", "b%|'", "x"]
        with pytest.raises(KindError, match="area: text here, a number in the project"):
            free.give_places(connection, bay, [("area", "t")])


def test_a_project_that_is_full_says_so(shore: Shore, bay: int) -> None:
    with shore.database.write() as connection:
        free.give_places(connection, bay, [(f"t{n}", "t") for n in range(100)])
        with pytest.raises(ColumnsFullError, match="one more: the project has 100 columns"):
            free.give_places(connection, bay, [("one more", "t")])


def test_two_at_once_do_not_get_one_place(shore: Shore, bay: int) -> None:
    def give(who: int) -> None:
        for n in range(20):
            with shore.database.write() as connection:
                free.give_places(connection, bay, [(f"{who}-{n}", "f"), (f"both-{n}", "f")])

    threads = [threading.Thread(target=give, args=(who,)) for who in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with shore.database.read() as connection:
        places = free.places(connection, bay)
    assert len(places) == len(set(places.values())) == 80


def columns(shore: Shore, project: int) -> list[dict[str, float | None]]:
    """The numbers by name of each object that has free columns."""
    with shore.database.read() as connection:
        places = free.places(connection, project)
        rows = connection.execute(select(ObjectFree.__table__).order_by("objid")).mappings()
        return [{name: row[place] for name, place in places.items()} for row in rows]


def test_measures_of_an_instrument_become_free_columns_first_brief_then_exact(
    shore: Shore, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    exact = np.linspace(1, 90, len(MEASURES)).astype("<f4")
    body = replace(make_object(bundle, 0), brief=brief_of(exact))
    device.ingest([make_record(1, replace(body, measures=b"", embedding=b"", shape=b""))])
    assert spread_some(shore)
    [first] = columns(shore, project)
    assert first["area"] == pytest.approx(exact[INDEX["area"]], rel=0.002)
    vignette = make_vignette(1)
    assert isinstance(vignette, Vignette)
    vignette = replace(
        vignette,
        measures_version=MEASURES_VERSION,
        measures=exact.tobytes(),
        embedding=body.embedding,
        shape=body.shape,
    )
    device.ingest([make_record(2, vignette)])
    while spread_some(shore):
        pass
    [then] = columns(shore, project)
    assert then == {m.name: float(v) for m, v in zip(MEASURES, exact, strict=True)}


def spread_and_break(shore: Shore) -> None:
    with shore.database.write() as connection:
        assert spread(connection, at_once=2)
        raise RuntimeError("the power is cut")


def test_what_waits_is_taken_off_with_what_was_done(
    shore: Shore, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    device.ingest([make_record(n, make_object(bundle, n)) for n in range(1, 6)])
    with pytest.raises(RuntimeError, match="cut"):
        spread_and_break(shore)
    with shore.database.read() as connection:
        assert is_behind(connection)
    with shore.database.write() as connection:
        assert [spread(connection, at_once=2) for _ in range(4)] == [2, 2, 1, 0]
    assert len(columns(shore, project)) == 5

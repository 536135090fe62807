"""Free columns in the review: shown under vignettes, filtered and sorted by, told of one object."""

import math
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, update

from models.bundle import Bundle
from server.db import free
from server.db.tables import Object, ObjectFree
from server.jobs.worker import run_waiting
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record

pytestmark = pytest.mark.databases

AREAS = [5.0, 700.0, None, 30.0, math.inf]
LENSES = ["macro 2x", "Macro_5x", None, "wide", "100%"]


@pytest.fixture
def objids(shore: Shore, device: SimulatedDevice, bundle: Bundle) -> list[int]:
    """Five objects of which a table told areas and lenses; a sixth has no free columns at all."""
    device.ingest([make_record(n, make_object(bundle, n)) for n in range(1, 7)])
    with shore.database.write() as connection:
        found = list(connection.execute(select(Object.objid).order_by(Object.objid)).scalars())
        places = free.give_places(connection, 1, [("my_area", "f"), ("lens", "t")])
        for objid, area, lens in zip(found, AREAS, LENSES, strict=False):
            row = {"objid": objid, "project_id": 1, places["my_area"]: area, places["lens"]: lens}
            connection.execute(insert(ObjectFree).values(row))
    return found


def page(client: httpx.Client, **asked: Any) -> list[int]:
    answer = client.get("/api/projects/1/objects", params=asked)
    assert answer.status_code == 200, answer.text
    found = [row["objid"] for row in answer.json()["objects"]]
    assert answer.json()["total"] == len(found)
    return found


def test_a_number_is_sought_from_to(client: httpx.Client, objids: list[int]) -> None:
    one, two, _, four, five, _ = objids
    assert page(client, free="my_area", free_min=6, sort="objid") == [two, four, five]
    assert page(client, free="my_area", free_max=30, sort="objid") == [one, four]
    assert page(client, free="my_area", free_min=6, free_max=30) == [four]
    assert len(page(client, free="my_area")) == 6, "a column alone narrows nothing"


def test_a_text_is_sought_in_any_case_and_as_it_stands(
    client: httpx.Client, objids: list[int]
) -> None:
    one, two, _, _, five, _ = objids
    assert page(client, free="lens", free_text="MACRO", sort="objid") == [one, two]
    assert page(client, free="lens", free_text="o_5") == [two]
    assert page(client, free="lens", free_text="%") == [five]


def test_objects_are_sorted_by_a_column_and_those_without_come_last(
    client: httpx.Client, objids: list[int]
) -> None:
    one, two, three, four, five, six = objids
    assert page(client, sort="free.my_area") == [one, four, two, five, three, six]
    assert page(client, sort="-free.my_area") == [five, two, four, one, six, three]
    assert page(client, sort="-free.lens", status="P", free="my_area", free_max=900) == page(
        client, sort="-free.lens", free="my_area", free_max=900
    )


def test_chosen_columns_are_in_each_row_in_their_order(
    client: httpx.Client, objids: list[int]
) -> None:
    settings = "/api/projects/1/settings"
    assert client.patch(settings, json={"shown": ["lens", "my_area"]}).status_code == 200
    rows = client.get("/api/projects/1/objects", params={"sort": "objid"}).json()["objects"]
    assert rows[0]["free"] == [["lens", "macro 2x"], ["my_area", 5.0]]
    assert rows[4]["free"] == [["lens", "100%"], ["my_area", "inf"]], "JSON has no infinity"
    assert rows[5]["free"] == []
    one = client.get(f"/api/objects/{objids[0]}").json()
    assert one["free"] == [["my_area", 5.0], ["lens", "macro 2x"]]
    listed = client.get("/api/projects/1/columns").json()
    assert listed == [{"name": "my_area", "kind": "number"}, {"name": "lens", "kind": "text"}]
    too_many = {"shown": ["lens"] * 7}
    assert client.patch(settings, json=too_many).status_code == 422


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"free": "nothing", "free_min": 1}, "no free column nothing"),
    ({"sort": "free.nothing"}, "no free column nothing"),
    ({"free_min": 1}, "which free column"),
    ({"free": "lens", "free_min": 1}, "holds texts"),
    ({"free": "my_area", "free_text": "x"}, "holds numbers"),
    ({"free": "my_area", "free_min": "inf"}, "free_min"),
    ({"sort": "free."}, "sort"),
]


def test_what_cannot_be_sought_is_said(client: httpx.Client, objids: list[int]) -> None:
    assert objids
    for asked, word in WRONG:
        answer = client.get("/api/projects/1/objects", params=asked)
        assert answer.status_code == 422, asked
        assert word in answer.json()["error"]["message"]


def test_another_projects_columns_are_not_sought(
    shore: Shore, client: httpx.Client, objids: list[int]
) -> None:
    other = client.post("/api/projects", json={"title": "Other"}).json()["project_id"]
    path = f"/api/projects/{other}/objects"
    assert client.get(path, params={"free": "my_area", "free_min": 1}).status_code == 422
    with shore.database.write() as connection:
        free.give_places(connection, other, [("my_area", "f")])
        connection.execute(update(Object).where(Object.objid == objids[5]).values(project_id=other))
    found = client.get(path, params={"free": "my_area", "free_min": 1}).json()
    assert found["objects"] == []


def test_measures_of_an_instrument_are_columns_too(
    shore: Shore, client: httpx.Client, device: SimulatedDevice, bundle: Bundle
) -> None:
    device.ingest([make_record(n, make_object(bundle, n)) for n in (1, 2)])
    run_waiting(shore)
    names = [one["name"] for one in client.get("/api/projects/1/columns").json()]
    assert "area" in names
    first = client.get("/api/objects/1").json()
    assert dict(first["free"])["area"] == pytest.approx(first["measures"]["area"])

"""Dates of what a device without a clock saw: filled in, marked, the same in whatever order."""

import random
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle import Bundle
from server.db.clocks import date
from server.simulated import SimulatedDevice, make_object, make_record
from wire.records import Body, Clock, FrameSummary, Record, Summary

START = 1_800_000_000_000


def at(seq: int, body: Body, mono_ms: int, boot: int = 1, **more: Any) -> Record:
    return replace(make_record(seq, body), mono_ms=mono_ms, boot=boot, **more)


def dates(client: httpx.Client, project: int) -> list[tuple[int, int | None, str]]:
    """(mono_ms, utc_ms, utc_source) of every object, in order of the first."""
    found = client.get(f"/api/projects/{project}/objects", params={"limit": 500}).json()["objects"]
    every = [client.get(f"/api/objects/{one['objid']}").json() for one in found]
    return sorted((one["mono_ms"], one["utc_ms"], one["utc_source"]) for one in every)


@pytest.mark.databases
def test_a_clock_record_dates_what_came_before_and_after_it(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    frame = FrameSummary("f0", 0, "cast1", "a1", "p1", 64, 64, 1, 0, 0, 9.0, {})
    device.ingest([at(1, make_object(bundle, 0), 1000), at(2, frame, 900)])
    assert dates(client, project) == [(1000, None, "unknown")]
    device.ingest([at(3, Clock(1, 5000, START + 5000, "shore"), 5000)])
    device.ingest([at(4, make_object(bundle, 1), 6000)])
    assert dates(client, project) == [
        (1000, START + 1000, "filled"),
        (6000, START + 6000, "filled"),
    ]
    [kept] = client.get(f"/api/projects/{project}/frames").json()
    assert (kept["utc_ms"], kept["utc_source"]) == (START + 900, "filled")


@pytest.mark.databases
def test_what_the_device_says_is_left_alone_and_boots_are_kept_apart(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    bodies = [make_object(bundle, n) for n in range(4)]
    device.ingest(
        [
            at(1, replace(bodies[0], utc_ms=START - 7), 1000),
            at(2, bodies[1], 2000, utc_ms=START + 2500),
            at(3, bodies[2], 3000, boot=2),
            replace(at(1, bodies[3], 4000), epoch=8),
            at(4, Clock(1, 10, START + 10, "shore"), 10),
        ]
    )
    assert dates(client, project) == [
        (1000, START - 7, "frame"),
        (2000, START + 2500, "device"),
        (3000, None, "unknown"),
        (4000, None, "unknown"),
    ]


@pytest.mark.databases
@pytest.mark.parametrize("seed", range(2))
def test_dates_do_not_depend_on_the_order_of_records(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle, seed: int
) -> None:
    """A clock that drifts: of several readings the nearest counts, as the oracle below says."""
    readings = [(1000, START + 1000), (9000, START + 9100), (20_000, START + 20_400)]
    monos = [0, 900, 4999, 5000, 5001, 9000, 14_500, 14_501, 30_000]
    records = [at(n + 1, make_object(bundle, n), mono) for n, mono in enumerate(monos)]
    records += [at(50 + n, Clock(1, *r, "network"), r[0]) for n, r in enumerate(readings)]
    random.Random(seed).shuffle(records)
    for start in range(0, len(records), 2):
        device.ingest(records[start : start + 2])
    nearest = [min(readings, key=lambda r: (abs(r[0] - mono), r[0])) for mono in monos]
    assert dates(client, project) == [
        (mono, mono + utc - own, "filled") for mono, (own, utc) in zip(monos, nearest, strict=True)
    ]


def test_a_device_that_lost_its_outbox_does_not_double_what_was_dated_afterwards(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    device.ingest([at(1, make_object(bundle, 0), 5), at(2, Clock(1, 5, START, "shore"), 5)])
    device.ingest([replace(at(1, make_object(bundle, 0), 5), epoch=8)])
    assert dates(client, project) == [(5, START, "filled")]


READING = st.tuples(st.integers(0, 100), st.integers(-50, 50))


@given(
    st.lists(READING, min_size=1, unique_by=lambda r: r[0]),
    st.integers(0, 100),
)
def test_the_nearest_reading_counts(readings: list[tuple[int, int]], mono: int) -> None:
    body = FrameSummary("f0", 0, "s", "a", "p", 1, 1, 0, 0, 0, 0.0, {})
    nearest = min(readings, key=lambda r: (abs(r[0] - mono), r[0]))
    assert date(at(1, body, mono), body, {1: sorted(readings)}) == (mono + nearest[1], "filled")


@pytest.mark.parametrize(
    "body",
    [
        Clock(1, -1, START, "shore"),
        Clock(2**32, 1, START, "shore"),
        Clock(1, 1, -START, "shore"),
        Clock(1, 1, START, "s" * 17),
        Summary(bytes(341)),
    ],
)
def test_clocks_and_messages_that_cannot_be_are_refused(
    device: SimulatedDevice, body: Clock | Summary
) -> None:
    assert [r.seq for r in device.ingest([make_record(1, body)]).rejections] == [1]

"""Exact values come with whichever record has them, in any order; the page says which it shows."""

from dataclasses import replace
from itertools import permutations

import httpx
import numpy as np
import pytest
from sqlalchemy import select

from models.brief import BRIEF, brief_of
from models.bundle import Bundle
from models.measure_table import INDEX
from server.db.tables import ExactValues, WaitingValues
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from wire.records import ObjectBody, Record, Vignette

pytestmark = pytest.mark.databases


def in_brief(whole: ObjectBody) -> ObjectBody:
    """The object as a device sends it ahead of its vignette."""
    brief = brief_of(np.frombuffer(whole.measures, "<f4"))
    return replace(whole, measures=b"", embedding=b"", shape=b"", brief=brief)


def exactly(whole: ObjectBody, object_seq: int, rank: int = 0) -> Vignette:
    """The vignette that brings what was measured."""
    return make_vignette(
        object_seq,
        rank=rank,
        measures_version=whole.measures_version,
        measures=whole.measures,
        embedding=whole.embedding,
        shape=whole.shape,
    )


def measures(client: httpx.Client, project: int, n: int = 0) -> tuple[str, dict[str, float]]:
    """Precision and measures of the n-th object."""
    listed = client.get(f"/api/projects/{project}/objects", params={"sort": "objid"}).json()
    one = client.get(f"/api/objects/{listed['objects'][n]['objid']}").json()
    return one["precision"], one["measures"]


def pair(bundle: Bundle, n: int = 0) -> tuple[ObjectBody, list[Record]]:
    whole = make_object(bundle, n)
    seq = 2 * n + 1
    return whole, [make_record(seq, in_brief(whole)), make_record(seq + 1, exactly(whole, seq))]


def test_brief_until_the_vignette_comes_then_exact(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    whole, [first, second] = pair(bundle)
    exact = dict(zip(INDEX, np.frombuffer(whole.measures, "<f4").tolist(), strict=True))
    device.ingest([first])
    precision, named = measures(client, project)
    assert precision == "brief"
    assert list(named) == list(BRIEF)
    assert named == pytest.approx({name: exact[name] for name in BRIEF}, rel=1 / 512)
    device.ingest([second])
    assert measures(client, project) == ("exact", exact)


def test_in_any_order_the_same_is_stored(
    device: SimulatedDevice, project: int, bundle: Bundle, shore: Shore
) -> None:
    """Two objects and their vignettes, each in a batch of its own; each order in its own epoch."""
    sent = set()
    for epoch, order in enumerate(permutations(range(4)), start=100):
        (one, first), (two, second) = pair(bundle, 2 * epoch), pair(bundle, 2 * epoch + 1)
        records = [replace(record, epoch=epoch) for record in (*first, *second)]
        for place in order:
            device.ingest([records[place]])
        sent |= {(one.measures, one.embedding), (two.measures, two.embedding)}
    with shore.database.read() as connection:
        query = select(ExactValues.measures, ExactValues.embedding)
        found = [(bytes(m), bytes(e)) for m, e in connection.execute(query)]
        assert not connection.execute(select(WaitingValues)).all()
    assert len(found) == 48
    assert set(found) == sent


def test_values_that_come_twice_are_kept_as_they_came_first(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    whole = make_object(bundle, 0)
    other = make_object(bundle, 1)
    device.ingest([make_record(1, whole), make_record(2, exactly(other, 1))])
    device.ingest([make_record(3, exactly(other, 1, rank=1))])
    _, named = measures(client, project)
    assert list(named.values()) == np.frombuffer(whole.measures, "<f4").tolist()


def test_a_later_release_brings_its_own_embedding_with_its_vignette(
    device: SimulatedDevice, project: int, bundle: Bundle, shore: Shore
) -> None:
    """The embedding that is learnt from is that of the network that predicted."""
    _, first = pair(bundle)
    device.ingest(first)
    later = replace(make_object(bundle, 0, release="b" * 64), embedding=b"\1\0" * 112)
    again = [make_record(1, in_brief(later), epoch=8), make_record(2, exactly(later, 1), epoch=8)]
    for record in reversed(again):
        device.ingest([record])
    with shore.database.read() as connection:
        [embedding] = connection.execute(select(ExactValues.embedding)).scalars()
    assert bytes(embedding) == later.embedding


def test_an_object_without_any_values_says_so(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    bare = replace(in_brief(make_object(bundle, 0)), brief=b"")
    device.ingest([make_record(1, bare), make_record(2, make_vignette(1))])
    assert measures(client, project) == (None, {})


def test_values_that_cannot_be_are_refused(device: SimulatedDevice, bundle: Bundle) -> None:
    whole = make_object(bundle, 0)
    nan = np.float32(np.nan).tobytes()
    wrong = [
        replace(in_brief(whole), brief=b"odd"),
        replace(in_brief(whole), brief=bytes(258)),
        replace(exactly(whole, 1), measures=nan),
        replace(exactly(whole, 1), shape=b"1234"),
        replace(exactly(whole, 1), embedding=b"odd"),
    ]
    ack = device.ingest([make_record(n + 1, body) for n, body in enumerate(wrong)])
    assert [r.seq for r in ack.rejections] == [1, 2, 3, 4, 5]

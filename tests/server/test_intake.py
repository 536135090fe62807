"""Intake over the link: exactly once, in any order, and a bad record never stops the rest."""

import random
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cbor2
import httpx
import pytest
from sqlalchemy import text

from models.bundle import Bundle
from server.db import counts
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from wire.codec import encode_batch, encode_record
from wire.records import (
    BadFrame,
    Context,
    Deployment,
    FrameSummary,
    Gap,
    Health,
    Record,
)

Enrol = Callable[[str], SimulatedDevice]
pytestmark = pytest.mark.databases


def objects(client: httpx.Client, project: int, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/api/projects/{project}/objects", params={"limit": 500, **query})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["objects"]
    return found


def quarantine(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/quarantine").json()
    return found


def pairs(bundle: Bundle, n: int) -> list[Record]:
    """n objects, each followed by its vignette."""
    return [
        record
        for i in range(n)
        for record in (
            make_record(2 * i + 1, make_object(bundle, i)),
            make_record(2 * i + 2, make_vignette(2 * i + 1)),
        )
    ]


def test_objects_and_vignettes_arrive(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    assert device.ingest(pairs(bundle, 20)).upto == 40
    found = objects(client, project)
    assert len(found) == 20
    assert {o["status"] for o in found} == {"P"}
    assert found[0]["release"] == bundle.release_id
    image = client.get(found[0]["image"])
    assert image.status_code == 200
    assert image.content.startswith(b"\x89PNG")
    assert "immutable" in image.headers["cache-control"]


def test_what_a_newer_device_says_more_is_taken_and_its_bytes_are_kept(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    plain = make_record(1, make_object(bundle, 0))
    newer = replace(plain, body={**plain.body, "salinity_psu": 35.1})
    assert device.ingest([newer]).upto == 1
    assert device.ingest([newer]).upto == 1
    assert len(objects(client, project)) == 1
    [kept] = quarantine(client)
    assert kept["code"] == "newer"
    assert "salinity_psu" in kept["detail"]


def test_the_same_batch_again_is_acknowledged_without_effect(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle, shore: Shore
) -> None:
    records = pairs(bundle, 5)
    first, again = device.ingest(records), device.ingest(records)
    assert first == again
    assert len(objects(client, project)) == 5
    packs = list(shore.settings.packs.iterdir())
    assert sum(p.stat().st_size for p in packs) < 10 * 200 + 100  # no image was stored twice


def test_two_requests_with_the_same_records_at_once_store_them_once(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    """A device that gave up waiting and asked again, while the first request was still at work."""
    records = [encode_record(r) for r in pairs(bundle, 60)]
    answers: list[str] = []

    def send(counter: int) -> None:
        with httpx.Client(base_url=client.base_url, timeout=60) as http:
            twin = replace(device, http=http, counter=counter)
            try:
                answers.append(f"upto {twin.ingest(records).upto}")
            except RuntimeError as error:
                answers.append(str(error)[:3])

    threads = [threading.Thread(target=send, args=(10 + i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 4
    assert set(answers) <= {"upto 120", "401"}  # 401: overtaken by a higher counter
    assert "upto 120" in answers
    assert len(objects(client, project)) == 60


def test_other_bytes_under_a_known_key_are_a_cloned_card(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    device.ingest([make_record(1, make_object(bundle, 1))])
    ack = device.ingest(
        [make_record(1, make_object(bundle, 2)), make_record(2, make_object(bundle, 3))]
    )
    assert [(r.seq, r.code, r.retry) for r in ack.rejections] == [(1, "hash_conflict", False)]
    assert ack.upto == 2
    assert {o["esd_um"] for o in objects(client, project)} == {101.0, 103.0}
    [kept] = quarantine(client)
    assert (kept["code"], kept["seq"]) == ("hash_conflict", 1)


def test_bad_records_are_set_aside_and_the_rest_is_taken(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    good = make_record(1, make_object(bundle, 1))
    wrong_body = replace(make_record(2, make_object(bundle, 2)), body={"frame": "f"})
    wrong_kind = replace(make_record(3, make_object(bundle, 3)), kind="poem")
    too_long = make_record(4, make_object(bundle, 4, sample="s" * 251))
    negative = make_record(5, make_object(bundle, 5, esd_um=-1.0))
    infinite = make_record(6, make_object(bundle, 6, measures=b"\0\0\x80\x7f"))
    last = make_record(7, make_object(bundle, 7))
    batch = [good, wrong_body, wrong_kind, too_long, negative, infinite, b"\xff\xff", b"", last]
    ack = device.ingest(batch)
    assert ack.upto == 7
    assert [r.seq for r in ack.rejections] == [2, 3, 4, 5, 6]
    assert {r.code for r in ack.rejections} == {"schema"}
    assert not any(r.retry for r in ack.rejections)
    assert "sample" in ack.rejections[2].detail
    assert len(objects(client, project)) == 2
    assert len(quarantine(client)) == 7
    again = device.ingest(batch)
    assert [r.seq for r in again.rejections] == [2, 3, 4, 5, 6]
    assert len(quarantine(client)) == 7


_REFUSE_THREE = {
    "sqlite": (
        "CREATE TRIGGER refuse BEFORE INSERT ON objects WHEN NEW.bx = 3 "
        "BEGIN SELECT RAISE(ABORT, 'not three'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE integrity_constraint_violation USING MESSAGE = 'not three'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON objects FOR EACH ROW WHEN (NEW.bx = 3) "
        "EXECUTE FUNCTION refuse()",
    ),
}


def test_a_record_that_the_database_itself_refuses_is_set_aside(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle, shore: Shore
) -> None:
    with shore.database.write() as connection:
        for statement in _REFUSE_THREE[shore.database.engine.dialect.name]:
            connection.execute(text(statement))
    ack = device.ingest(pairs(bundle, 6))
    assert [(r.seq, r.code) for r in ack.rejections] == [(7, "schema")]
    assert "not three" in ack.rejections[0].detail
    assert ack.upto == 12
    assert len(objects(client, project)) == 5


def test_an_object_too_big_is_named_and_refused(device: SimulatedDevice, bundle: Bundle) -> None:
    huge = make_record(1, make_object(bundle, 1, embedding=bytes(200_000)))
    ack = device.ingest([huge, make_record(2, make_object(bundle, 2))])
    assert [(r.seq, r.code) for r in ack.rejections] == [(1, "too_big")]
    assert ack.upto == 2


def _bomb() -> bytes:
    """A PNG header of 16 x 12 pixels before 2 MB of zeros."""
    data = make_vignette(1).data
    start = data.index(b"IDAT") - 4
    content = zlib.compress(bytes(2 << 20))
    chunk = b"IDAT" + content
    body = len(content).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    end = data[data.index(b"IEND") - 4 :]
    return data[:start] + body + end


def test_an_image_that_is_not_what_it_says_is_refused(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    good = make_vignette(1)
    wrong = [
        make_vignette(1, data=b"GIF89a"),
        make_vignette(1, data=good.data[:-20]),
        make_vignette(1, width=17),
        make_vignette(1, data=good.data[:40] + b"\x00" + good.data[41:]),
        make_vignette(1, data=_bomb()),
        make_vignette(1, width=100_000, height=100_000),
        make_vignette(1, format="svg"),
    ]
    records = [make_record(1, make_object(bundle, 1))]
    records += [make_record(2 + i, body) for i, body in enumerate(wrong)]
    records += [make_record(20, good), make_record(21, good)]
    ack = device.ingest(records)
    assert sorted(r.seq for r in ack.rejections) == [*range(2, 2 + len(wrong)), 21]
    assert client.get(objects(client, project)[0]["image"]).content == good.data


@pytest.mark.parametrize("seed", range(3))
def test_any_order_and_any_repeats_give_the_same_shore(
    client: httpx.Client,
    device: SimulatedDevice,
    project: int,
    bundle: Bundle,
    shore: Shore,
    seed: int,
) -> None:
    """Vignettes before their objects, batches twice, holes that close late."""
    dice = random.Random(seed)
    records = pairs(bundle, 30)
    sent = records + dice.sample(records, 20)
    dice.shuffle(sent)
    while sent:
        size = dice.randint(1, 15)
        ack, sent = device.ingest(sent[:size]), sent[size:]
    assert ack.upto == 60
    assert ack.sack == ()
    found = objects(client, project)
    assert len(found) == 30
    for one in found:
        place = one["esd_um"] - 100  # make_object's own number
        image = client.get(one["image"]).content
        assert image == make_vignette(2 * int(place) + 1).data
    with shore.database.read() as connection:
        assert counts.kept(connection) == counts.recount(connection)


def test_the_acknowledgement_tells_ranges_until_a_hole_closes(
    device: SimulatedDevice, bundle: Bundle
) -> None:
    records = [make_record(n + 1, make_object(bundle, n)) for n in range(10)]
    ack = device.ingest([records[0], records[4], records[5], records[8]])
    assert (ack.upto, ack.sack) == (1, ((5, 6), (9, 9)))
    gap = Gap("vignette", 2, 999, "the disk was full", ((2, 3),))
    ack = device.ingest([make_record(20, gap)])
    assert ack.upto == 3
    assert device.hello(next_seq=21)["ack"]
    ack = device.ingest([records[3]])
    assert ack.upto == 6


def test_a_device_that_lost_its_outbox_does_not_double_its_objects(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    """A new epoch over the same frames: the same regions are the same objects."""
    device.ingest(pairs(bundle, 12)[:-1])  # the last image is still missing
    device.epoch = 99
    again = [replace(record, epoch=99) for record in pairs(bundle, 12)]
    assert device.ingest(again).upto == 24
    found = objects(client, project)
    assert len(found) == 12
    assert all(o["image"] for o in found)


def test_a_later_release_predicts_again_but_never_over_a_person(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle, shore: Shore
) -> None:
    device.ingest([make_record(n + 1, make_object(bundle, n)) for n in range(2)])
    first, _ = objects(client, project, sort="objid")
    body = {"action": "validate", "objids": [first["objid"]], "key": "0" * 32}
    assert client.post(f"/api/projects/{project}/classify", json=body).status_code == 200
    taxon = bundle.classes[5]
    later = [
        make_record(
            n + 1, make_object(bundle, n, taxon=taxon, score=0.99, release="b" * 64), epoch=8
        )
        for n in range(2)
    ]
    device.ingest(later)
    now_first, now_second = objects(client, project, sort="objid")
    assert (now_first["status"], now_first["taxon"]) == ("V", first["taxon"])
    assert now_first["predicted_taxon"] == taxon
    assert (now_second["status"], now_second["taxon"]) == ("P", taxon)
    history = client.get(f"/api/objects/{first['objid']}").json()["history"]
    assert [(e["action"], e["applied"]) for e in history] == [
        ("validate", True),
        ("predict", False),
    ]
    reset = {"action": "reset", "objids": [first["objid"]], "key": "1" * 32}
    client.post(f"/api/projects/{project}/classify", json=reset)
    assert objects(client, project, sort="objid")[0]["taxon"] == taxon
    with shore.database.read() as connection:
        assert counts.kept(connection) == counts.recount(connection)


def test_two_instruments_with_the_same_names_never_meet(
    client: httpx.Client, enrol: Enrol, project: int, bundle: Bundle
) -> None:
    for name in ("north", "south"):
        enrol(name).ingest(pairs(bundle, 3))
    assert len(objects(client, project)) == 6
    samples = client.get(f"/api/projects/{project}").json()["samples"]
    assert [s["name"] for s in samples] == ["cast1", "cast1"]


def test_context_frames_health_and_steps_are_kept(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    context = Context(
        "Baltic", "cast1", "a1", "p1", "SPC", 7.4, "dark", "seadrift 0.1", bundle.release_id, 1
    )
    frame = FrameSummary(
        "f00000", 0, "cast1", "a1", "p1", 2048, 1536, 1, 40, 2, 18.5, {"total": 31.5}
    )
    health = Health(12.0, 3, 900, 812.0, bundle.release_id, bad_frames=1)
    step = Deployment(1, "c" * 64, "refused", "golden vectors differ")
    bad = BadFrame("f00001", 1, "truncated\nafter 12 bytes")
    bodies = [make_object(bundle, 0), context, frame, health, step, bad]
    ack = device.ingest([make_record(n + 1, body) for n, body in enumerate(bodies)])
    assert (ack.upto, ack.rej) == (6, ())
    objid = objects(client, project)[0]["objid"]
    one = client.get(f"/api/objects/{objid}").json()
    assert (one["pixel_um"], one["instrument"], one["acquisition"]) == (7.4, "SPC", "a1")
    assert one["units"].keys() == one["measures"].keys()
    [kept] = client.get(f"/api/projects/{project}/frames").json()
    assert (kept["objects"], kept["ms"]) == (1, {"total": 31.5})
    device.hello(next_seq=10)
    [state] = client.get("/api/devices").json()
    assert (state["held"], state["lag"], state["pending"]) == (6, 3, 3)
    assert state["health"]["disk_free_mb"] == 812.0


def test_an_older_health_record_does_not_replace_a_newer_one(
    client: httpx.Client, device: SimulatedDevice
) -> None:
    for seq, pending in ((5, 50), (2, 20)):
        device.ingest([make_record(seq, Health(1.0, pending, 0, 1.0, None))])
    assert client.get("/api/devices").json()[0]["pending"] == 50


def test_random_bytes_never_harm(device: SimulatedDevice, bundle: Bundle) -> None:
    dice = random.Random(5)
    good = encode_batch([encode_record(r) for r in pairs(bundle, 3)])
    for turn in range(60):
        body = bytearray(good if turn % 2 else dice.randbytes(dice.randint(0, 3000)))
        for _ in range(turn % 7):
            if body:
                body[dice.randrange(len(body))] = dice.randrange(256)
        assert device.send("POST", "/v1/ingest", bytes(body)).status_code in (200, 400)
    assert device.ingest(pairs(bundle, 3)).covers(6)


def test_hostile_records_never_harm(device: SimulatedDevice, bundle: Bundle) -> None:
    """Well-formed CBOR with wrong values in every place of a record."""
    base = cbor2.loads(encode_record(make_record(1, make_object(bundle, 1))))
    values: Sequence[Any] = (None, -1, 2**70, "x" * 300, b"\0", [], {}, float("nan"), True, "\0")
    records, seq = [], 1
    for part in (base, base["body"]):
        for name, kept in list(part.items()):
            for value in values:
                part[name] = value
                if name not in ("seq", "epoch"):
                    base["seq"] = seq = seq + 1
                records.append(cbor2.dumps(base))
                part[name] = kept
    for start in range(0, len(records), 100):
        device.ingest(records[start : start + 100])
    assert device.ingest([make_record(100_000, make_object(bundle, 7))]).covers(100_000)


def test_a_device_page_tells_what_is_missing_and_since_when(
    client: httpx.Client, device: SimulatedDevice, bundle: Bundle
) -> None:
    def life() -> dict[str, Any]:
        found: dict[str, Any] = client.get(f"/api/devices/{device.device_id}").json()
        return dict(found["epochs"][0])

    device.ingest([make_record(1, make_object(bundle, 0)), make_record(5, make_object(bundle, 1))])
    behind = life()
    assert (behind["held"], behind["upto"], behind["lag"]) == (2, 1, 3)
    assert behind["missing"] == [[2, 4]]
    assert behind["behind_since_ms"] > 0
    device.ingest([make_record(2, make_object(bundle, 2))])
    assert life()["behind_since_ms"] == behind["behind_since_ms"]
    device.ingest([make_record(6, Gap("vignette", 2, 99, "the disk was full", ((3, 4),)))])
    whole = life()
    assert (whole["lag"], whole["missing"], whole["behind_since_ms"]) == (0, [], None)
    device.hello(next_seq=8)
    assert life()["lag"] == 1
    assert life()["behind_since_ms"] is not None

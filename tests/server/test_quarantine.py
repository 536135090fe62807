"""The quarantine as an administrator uses it: look, repair, take in after all, discard; no bytes
are lost, nothing is taken in twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from models.bundle import Bundle
from server.cli import main
from server.db import fleet, health, quarantine
from server.intake.batch import hold_revoked
from server.quarantine.actor import Actor
from server.quarantine.replay import CLONE, RefusedReplayError, replay
from server.quarantine.tree import walk
from server.quarantine.typed import TypedError, parse, written
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from wire.codec import RECORD_MAX, encode_batch, encode_record
from wire.records import Gap, Health, Record

API = "/api/quarantine"
ANN = Actor("ann@sea.org", "10.0.0.7")


def entries(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(API, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def only(client: httpx.Client, **query: Any) -> dict[str, Any]:
    [entry] = entries(client, **query)
    found: dict[str, Any] = client.get(f"{API}/{entry['id']}").json()
    return found


def act(client: httpx.Client, word: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"{API}/{word}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def sizes(client: httpx.Client, project: int) -> list[float]:
    answer = client.get(f"/api/projects/{project}/objects", params={"limit": 500, "sort": "esd_um"})
    return [row["esd_um"] for row in answer.json()["objects"]]


def wrong(seq: int, bundle: Bundle) -> Record:
    """A record of an object of no size."""
    return make_record(seq, make_object(bundle, seq, esd_um=-1.0))


@pytest.mark.databases
def test_a_bad_field_repaired_by_hand_becomes_an_object_once(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    bad = wrong(2, bundle)
    device.ingest([make_record(1, make_object(bundle, 1)), bad, make_vignette_of(2, 3)])
    seen = only(client)
    assert seen["original"]["wrong"] == ["body", "esd_um"]
    [marked] = [line for line in seen["original"]["lines"] if line["wrong"]]
    assert (marked["kind"], marked["text"]) == ("float", "-1.0")
    edited = seen["original"]["text"].replace('"esd_um": -1.0', '"esd_um": 312')
    path = f"{API}/{seen['id']}/repair"
    still_wrong = seen["original"]["text"].replace('"width": 12', '"width": 0')
    refused = client.post(path, json={"text": still_wrong.replace("-1.0", "3")})
    assert refused.status_code == 422
    assert "ObjectBody.width: expected above 0" in refused.json()["error"]["message"]
    repaired = client.post(path, json={"text": edited}).json()
    assert repaired["state"] == "repaired"
    assert repaired["repaired"]["problem"] is None
    assert act(client, "replay", ids=[seen["id"]]) == {"done": 1, "refused": []}
    assert sizes(client, project) == [101.0, 312.0]
    [found] = client.get(f"/api/projects/{project}/objects?sort=-esd_um").json()["objects"][:1]
    assert client.get(found["image"]).status_code == 200, "its vignette was waiting for it"
    act(client, "replay", ids=[seen["id"]])
    assert len(sizes(client, project)) == 2
    again = device.ingest([bad])
    assert (again.upto, again.rej) == (3, ()), "the device's repeat is known as held"
    kept = only(client, state="replayed")
    assert [(e["kind"], e["who"]) for e in kept["events"]] == [
        ("repair", "admin@sea.test"),
        ("replay", "admin@sea.test"),
    ]
    assert client.get(f"{API}/{seen['id']}/bytes").content == encode_record(bad)


def make_vignette_of(object_seq: int, seq: int) -> Record:
    return make_record(seq, make_vignette(object_seq))


def test_what_is_not_even_cbor_is_shown_as_far_as_it_goes_and_written_anew(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    whole = encode_record(make_record(1, make_object(bundle, 4)))
    device.ingest([whole[:300]])
    seen = only(client)
    assert (seen["seq"], seen["original"]["text"]) == (None, None)
    assert "cut short" in seen["original"]["stopped"]
    assert len(seen["original"]["lines"]) > 3
    anew = written(cbor2.loads(whole))
    assert client.post(f"{API}/{seen['id']}/repair", json={"text": anew}).status_code == 422, (
        "long byte strings are gone: they cannot be named"
    )
    short = make_record(1, make_object(bundle, 4, measures=b"", embedding=b"", shape=b""))
    text_ = written(cbor2.loads(encode_record(short)))
    assert client.post(f"{API}/{seen['id']}/repair", json={"text": text_}).status_code == 200
    assert act(client, "replay", ids=[seen["id"]])["done"] == 1
    assert sizes(client, project) == [104.0]
    assert device.ingest([short]).rej == ()


def test_a_record_that_is_too_big_can_be_cut_down(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    record = make_record(1, make_object(bundle, 1))
    device.ingest([replace(record, body={**record.body, "notes": "n" * RECORD_MAX})])
    seen = only(client, code="too_big")
    assert act(client, "replay", ids=[seen["id"]])["refused"][0]["message"].startswith("record of")
    fixed = client.post(f"{API}/{seen['id']}/repair", json={"drop": ["body.notes"]})
    assert fixed.status_code == 200, fixed.text
    assert act(client, "replay", ids=[seen["id"]])["done"] == 1
    assert sizes(client, project) == [101.0]


@pytest.mark.databases
def test_a_cloned_card_gets_an_identity_of_its_own(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle, shore: Shore
) -> None:
    device.ingest([make_record(1, make_object(bundle, 1)), make_vignette_of(1, 2)])
    clone = [make_record(1, make_object(bundle, 5)), make_record(2, make_vignette(1, rank=1))]
    third = make_record(1, make_object(bundle, 6))
    device.ingest([*clone])
    device.ingest([third])
    assert len(entries(client, code="hash_conflict")) == 3
    assert act(client, "replay", filter={"code": "hash_conflict"}) == {"done": 3, "refused": []}
    assert sizes(client, project) == [101.0, 105.0, 106.0]
    with shore.database.read() as connection:
        query = "SELECT epoch FROM objects ORDER BY esd_um"
        assert list(connection.execute(text(query)).scalars()) == [7, 7 + CLONE, 7 + 2 * CLONE]
        joined = "SELECT o.epoch FROM images i JOIN objects o ON o.objid = i.objid WHERE rank = 1"
        assert connection.execute(text(joined)).scalar() == 7 + CLONE
    [row] = client.get("/api/devices").json()
    assert (row["held"], row["lag"]) == (2, 0), "the device's own account is as it was"


def test_a_revoked_devices_batch_is_taken_in_whole_when_somebody_trusts_it(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    device.ingest([make_record(1, make_object(bundle, 1))])
    client.post(f"/api/devices/{device.device_id}/revoke")
    body = [make_record(1, make_object(bundle, 1)), make_record(2, make_object(bundle, 2))]
    for _ in range(2):
        answer = device.send("POST", "/v1/ingest", encode_batch([*map(encode_record, body), b"?"]))
        assert answer.status_code == 403
    seen = only(client, code="revoked")
    assert [r["kind"] for r in seen["original"]["records"]] == ["object", "object", None]
    refused = client.post(f"{API}/{seen['id']}/repair", json={"drop": ["v"]})
    assert refused.status_code == 422
    assert act(client, "replay", ids=[seen["id"]])["done"] == 1
    assert sizes(client, project) == [101.0, 102.0]
    assert [row["code"] for row in entries(client)] == ["schema"], "what was bad in it waits"


@pytest.mark.databases
def test_what_a_newer_device_said_completes_its_object_once_the_shore_understands_it(
    client: httpx.Client, device: SimulatedDevice, bundle: Bundle, project: int, shore: Shore
) -> None:
    plain = make_record(1, make_object(bundle, 0))
    device.ingest([replace(plain, body={**plain.body, "salinity_psu": 35.1})])
    seen = only(client, code="newer")
    assert seen["original"]["wrong"] == ["body", "salinity_psu"]
    [refused] = act(client, "replay", ids=[seen["id"]])["refused"]
    assert refused["message"] == "this shore still has no place for salinity_psu"
    with shore.database.write() as connection:  # as a shore that had no place for depths took it
        connection.execute(text("UPDATE objects SET depth_m = NULL, lat_deg = 4"))
    drop = {"drop": ["body.salinity_psu"]}
    assert client.post(f"{API}/{seen['id']}/repair", json=drop).status_code == 200
    assert act(client, "replay", ids=[seen["id"]])["done"] == 1
    [found] = client.get(f"/api/projects/{project}/objects").json()["objects"]
    assert (found["depth_m"], found["lat_deg"]) == (0.0, 4.0)


def test_gaps_and_health_that_were_refused_count_when_they_are_taken_in(
    client: httpx.Client, device: SimulatedDevice, shore: Shore
) -> None:
    gap = make_record(9, Gap("object", 3, 900, "full", ((6, 8),)))
    broken = replace(gap, body={**gap.body, "kind": "o" * 300})
    report = make_record(10, Health(3.0, 4, 5, 9.0, None))
    tall = replace(report, body={**report.body, "board": "b" * 300})
    device.ingest([broken, tall])
    for entry in entries(client):
        seen = client.get(f"{API}/{entry['id']}").json()
        mended = seen["original"]["text"].replace("o" * 300, "object").replace("b" * 300, "pi")
        assert client.post(f"{API}/{entry['id']}/repair", json={"text": mended}).status_code == 200
    assert act(client, "replay", filter={"state": "repaired"})["done"] == 2
    [row] = client.get("/api/devices").json()
    assert (row["gaps"], row["pending"]) == (3, 4)
    with shore.database.read() as connection:
        assert [r["pending"] for r in health.history(connection, 1, 0)] == [4]


def test_discarded_bytes_stay_and_can_be_taken_in_later(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    device.ingest([wrong(1, bundle)])
    seen = only(client)
    assert client.post(f"{API}/discard", json={"ids": [seen["id"]]}).status_code == 422
    act(client, "discard", ids=[seen["id"]], reason="a dry run on deck")
    assert entries(client) == []
    device.ingest([replace(wrong(1, bundle), mono_ms=1), wrong(1, bundle)])
    kept = only(client, state="discarded")
    assert kept["events"][0]["detail"] == "a dry run on deck"
    text_ = kept["original"]["text"].replace("-1.0", "5.5")
    assert client.post(f"{API}/{seen['id']}/repair", json={"text": text_}).status_code == 200
    assert act(client, "replay", ids=[seen["id"], 999])["refused"] == [
        {"id": 999, "message": "there is no such entry"}
    ]
    assert sizes(client, project) == [5.5]
    settled = act(client, "discard", ids=[seen["id"]], reason="no")["refused"]
    assert settled[0]["message"] == "it was taken in before"


@pytest.mark.databases
def test_a_shore_killed_between_taking_in_and_marking_has_done_neither(
    client: httpx.Client,
    device: SimulatedDevice,
    project: int,
    bundle: Bundle,
    shore: Shore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device.ingest([wrong(1, bundle)])
    seen = only(client)
    text_ = seen["original"]["text"].replace("-1.0", "5.5")
    client.post(f"{API}/{seen['id']}/repair", json={"text": text_})

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(quarantine, "add_event", killed)
        with pytest.raises(KeyboardInterrupt):
            replay(shore.stores, seen["id"], ANN, original=False, now_ms=5)
    assert sizes(client, project) == []
    assert device.ingest([wrong(1, bundle)]).rejections[0].code == "schema"
    assert "taken in" in replay(shore.stores, seen["id"], ANN, original=False, now_ms=5)
    assert sizes(client, project) == [5.5]


def test_another_record_under_its_key_is_never_overwritten(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle, shore: Shore
) -> None:
    """Bytes without a readable key are written anew under a key that is taken."""
    device.ingest([make_record(1, make_object(bundle, 1)), b"\xff"])
    seen = only(client)
    other = make_record(1, make_object(bundle, 2, measures=b"", embedding=b""))
    text_ = written(cbor2.loads(encode_record(other)))
    assert client.post(f"{API}/{seen['id']}/repair", json={"text": text_}).status_code == 200
    with pytest.raises(RefusedReplayError, match="other bytes came under this key"):
        replay(shore.stores, seen["id"], ANN, original=False, now_ms=5)
    assert sizes(client, project) == [101.0]


def test_a_second_image_of_a_rank_is_refused_until_its_rank_is_changed(
    client: httpx.Client, device: SimulatedDevice, bundle: Bundle
) -> None:
    device.ingest([make_record(1, make_object(bundle, 1)), make_vignette_of(1, 2)])
    device.ingest([make_vignette_of(1, 3)])
    seen = only(client)
    assert seen["original"]["image"] == [16, 12]
    shown = client.get(f"{API}/{seen['id']}/image")
    assert shown.content.startswith(b"\x89PNG")
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    [refused] = act(client, "replay", ids=[seen["id"]])["refused"]
    assert "has an image of rank 0 already" in refused["message"]
    text_ = seen["original"]["text"].replace('"rank": 0', '"rank": 1')
    client.post(f"{API}/{seen['id']}/repair", json={"text": text_})
    assert act(client, "replay", ids=[seen["id"]])["done"] == 1


def test_who_may(
    client: httpx.Client, stranger: httpx.Client, login: Callable[[str, str], httpx.Client],
    device: SimulatedDevice, bundle: Bundle, shore: Shore, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    device.ingest([wrong(1, bundle)])
    seen = only(client)
    assert stranger.get(API).status_code == 401
    monkeypatch.setenv("SEADRIFT_USER_PASSWORD", "a long password")
    for role, may_look in (("manager", 200), ("annotator", 403)):
        data = ["--data", str(shore.settings.data)]
        assert main(["user", "add", f"{role}@sea.org", "--role", role, *data]) == 0
        person = login(f"{role}@sea.org", "a long password")
        assert person.get(API).status_code == may_look
        assert person.get(f"{API}/{seen['id']}").status_code == may_look
        for word, body in (("replay", {"ids": [1]}), ("discard", {"ids": [1], "reason": "r"})):
            assert person.post(f"{API}/{word}", json=body).status_code == 403
        repair = person.post(f"{API}/{seen['id']}/repair", json={"drop": ["body.esd_um"]})
        assert repair.status_code == 403
    capsys.readouterr()


def test_the_commands_do_the_same(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle, shore: Shore,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    def run(*words: str) -> tuple[int, Any]:
        code = main(["quarantine", *words, "--data", str(shore.settings.data), "--json"])
        found = capsys.readouterr()
        return code, json.loads(found.out) if found.out else found.err

    def told(*words: str) -> str:
        assert main(["quarantine", "list", *words, "--data", str(shore.settings.data)]) == 0
        return capsys.readouterr().out

    assert told() == "nothing was set aside\n"
    device.ingest([wrong(1, bundle), wrong(2, bundle), b"nonsense"])
    assert [row["seq"] for row in run("list")[1]] == [2, 1, None]
    number = str(run("list")[1][1]["id"])
    file = tmp_path / "entry.json"
    assert run("show", number)[1]["original"]["wrong"] == ["body", "esd_um"]
    assert main(["quarantine", "show", number, "--text", "--data", str(shore.settings.data)]) == 0
    file.write_text(capsys.readouterr().out.replace("-1.0", "7.25"))
    assert main(["quarantine", "show", number, "--data", str(shore.settings.data)]) == 0
    assert "esd_um: float -1.0  <-- here" in capsys.readouterr().out
    assert run("repair", number, "--text", str(file))[0] == 0
    assert run("replay", number) == (0, {"done": 1, "refused": []})
    assert sizes(client, project) == [7.25]
    assert run("discard", "--reason", "r") == (
        3, "seadrift quarantine discard: say which: entries by number, or --device or --code\n",
    )  # fmt: skip
    code = main(["quarantine", "discard", "--code", "schema", "--reason", "noise",
                 "--data", str(shore.settings.data)])  # fmt: skip
    assert (code, capsys.readouterr().out) == (0, "discarded: 2; refused: 0\n")
    assert told() == "nothing is open; there are 2 discarded, 1 replayed (--state all)\n"
    assert told("--code", "newer") == "nothing was set aside\n"
    assert run("show", "99") == (3, "seadrift quarantine show: entry 99: there is none here with "
                                    "this name or number.\n")  # fmt: skip


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=600)
)
keys = st.text(max_size=4) | st.integers(0, 99) | st.binary(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_editing_nothing_changes_nothing(value: Any) -> None:
    back = parse(written(value), value)
    assert cbor2.dumps(back, canonical=True) == cbor2.dumps(value, canonical=True)


@given(st.binary(max_size=200) | values.map(cbor2.dumps))
def test_any_bytes_can_be_walked(data: bytes) -> None:
    lines, problem = walk(data)
    assert lines or problem
    try:
        cbor2.loads(data)
    except (cbor2.CBORError, ValueError, OverflowError):
        return
    assert problem is None or "bytes follow" in problem


@pytest.mark.parametrize(
    ("text_", "says"),
    [("{", "Expecting"), ('{"a": NaN}', '"$float": "nan"'), ('{"a": 1, "a": 2}', "'a' is there"),
     ('{"$same": "00"}', "nothing that the original holds"), ('{"$cbor": "ff"}', "CBOR")],
)  # fmt: skip
def test_a_text_that_is_no_value_says_why(text_: str, says: str) -> None:
    with pytest.raises(TypedError) as error:
        parse(text_, {})
    assert says in str(error.value)


def test_health_is_kept_whole_for_two_days_and_by_the_hour_before(
    device: SimulatedDevice, shore: Shore
) -> None:
    hour, now = health.HOUR_MS, 1000 * health.HOUR_MS
    with shore.database.write() as connection:
        pk = fleet.device(connection, device.device_id)
        assert pk is not None
        for n in range(24 * 12):  # four days, a record every 20 minutes, told on the way
            at = now - 96 * hour + n * hour // 3
            record = replace(make_record(n + 1, Health(1, n, 0, 1, None)), utc_ms=at)
            body = Health(1, n, 0, 1, None)
            health.add(connection, pk.pk, 7, [(record, body)], at)
        late = replace(make_record(999, Health(1, 7, 0, 1, None)), utc_ms=now - 90 * hour)
        health.add(connection, pk.pk, 7, [(late, Health(1, 7, 0, 1, None))], now)
        rows = health.history(connection, pk.pk, 0)
    old = [row for row in rows if row["at_ms"] < now - 48 * hour]
    assert len({row["at_ms"] // hour for row in old}) == len(old) == 48
    assert len(rows) - len(old) == 48 * 3
    assert [row["pending"] for row in rows if row["pending"] == 24 * 12 - 1] == [24 * 12 - 1]


def test_a_held_batch_that_is_no_batch_stays(
    client: httpx.Client, device: SimulatedDevice, shore: Shore
) -> None:
    with shore.database.read() as connection:
        info = fleet.device(connection, device.device_id)
    assert info is not None
    hold_revoked(shore.stores, info, b"no batch", 5)
    seen = only(client)
    assert "zstd" in seen["original"]["problem"]
    [refused] = act(client, "replay", ids=[seen["id"]])["refused"]
    assert "zstd" in refused["message"]
    assert only(client)["state"] == "waiting"

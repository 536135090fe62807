"""Commands for devices: signed, numbered, handed over until answered, shown with their state."""

from collections.abc import Callable

import httpx
import pytest

from models.bundle import Bundle
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from wire.commands import check_command
from wire.records import Answer
from wire.signing import PublicKey


def told(device: SimulatedDevice) -> list[tuple[int, str, object]]:
    key = PublicKey.from_text(device.release_key)
    found = [check_command(key, device.device_id, blob) for blob in device.hello()["commands"]]
    return [(command.number, command.name, command.argument) for command in found]


@pytest.mark.databases
def test_a_command_is_told_until_it_is_answered(
    client: httpx.Client, device: SimulatedDevice
) -> None:
    path = f"/api/devices/{device.device_id}/commands"
    body = {"name": "policy", "argument": {"satellite.every_h": 2}}
    assert client.post(path, json=body).json() == {"number": 1, "state": "queued"}
    client.post(path, json={"name": "wipe"})
    assert [c["state"] for c in client.get(path).json()] == ["queued", "queued"]
    assert (
        told(device) == told(device) == [(1, "policy", {"satellite.every_h": 2}), (2, "wipe", None)]
    )
    assert [c["state"] for c in client.get(path).json()] == ["sent", "sent"]
    device.ingest([make_record(1, Answer(1, True)), make_record(2, Answer(1, False, "late"))])
    listed = client.get(path).json()
    assert [(c["number"], c["state"], c["text"]) for c in listed] == [
        (2, "sent", ""),
        (1, "done", ""),
    ]
    assert listed[1]["user"] == "admin@sea.test"
    assert [number for number, _, _ in told(device)] == [2]


def test_what_a_person_says_easily_is_what_the_device_understands(
    client: httpx.Client, device: SimulatedDevice, bundle: Bundle
) -> None:
    path = f"/api/devices/{device.device_id}/commands"
    device.ingest([make_record(1, make_object(bundle, 0)), make_record(2, make_vignette(1))])
    [objid] = [o["objid"] for o in client.get("/api/projects/1/objects").json()["objects"]]
    taxon = bundle.classes[2]
    for name, argument in (
        ("vignettes", {"objids": [objid]}),
        ("thresholds", {"release": bundle.release_id, "taxa": {taxon: 0.75}}),
        ("assign", {"release": bundle.release_id}),
    ):
        answer = client.post(path, json={"name": name, "argument": argument})
        assert answer.status_code == 201, answer.text
    release = bundle.release_id
    assert told(device) == [
        (1, "vignettes", [[7, 1]]),
        (2, "thresholds", {"release": release[:8], "nodes": {2: 0.75}}),
        (3, "assign", [1, release[:16]]),
    ]


def test_nonsense_is_refused_with_what_was_expected(
    client: httpx.Client, device: SimulatedDevice
) -> None:
    path = f"/api/devices/{device.device_id}/commands"
    for name, argument in (
        ("dance", None),
        ("policy", {"x": 1}),
        ("vignettes", {"objids": [999]}),
        ("thresholds", {"release": "no", "taxa": {"Copepoda": 0.5}}),
        ("assign", {"release": "ab"}),
        ("assign", {}),
        ("priorities", [1]),
    ):
        answer = client.post(path, json={"name": name, "argument": argument})
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "command"
    assert client.get(path).json() == []


def test_only_a_manager_commands_and_only_what_there_is(
    client: httpx.Client, stranger: httpx.Client, device: SimulatedDevice,
    enrol: Callable[[str], SimulatedDevice],
) -> None:  # fmt: skip
    path = f"/api/devices/{device.device_id}/commands"
    assert stranger.post(path, json={"name": "wipe"}).status_code == 401
    assert client.post("/api/devices/nobody/commands", json={"name": "wipe"}).status_code == 404
    other = enrol("two")
    client.post(path, json={"name": "wipe"})
    assert told(other) == []

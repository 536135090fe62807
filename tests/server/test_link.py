"""The link as an attacker and as a bad network see it: enrolment, signatures, replay, sizes."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from models.bundle import Bundle
from server.auth.tokens import token_hash
from server.db import fleet
from server.shore import Shore
from server.simulated import LinkError, SimulatedDevice, make_object, make_record
from wire.ack import decode_ack
from wire.codec import encode_batch, encode_record
from wire.signing import PrivateKey, sign_request

Enrol = Callable[[str], SimulatedDevice]


def code(answer: httpx.Response) -> str:
    found: str = answer.json()["error"]["code"]
    return found


def post_enrol(http: httpx.Client, claim: str, key: PrivateKey) -> httpx.Response:
    body = {"claim": claim, "name": "n", "public_key": key.public.text, "board": "b"}
    return http.post("/v1/enrol", json=body)


def test_ping_tells_a_shore_from_another_program(stranger: httpx.Client) -> None:
    answer = stranger.get("/v1/ping").json()
    assert answer["service"] == "seadrift"
    assert answer["api"] == 1


@pytest.mark.databases
def test_a_claim_is_used_once_but_a_lost_reply_can_be_asked_for_again(
    client: httpx.Client, stranger: httpx.Client, project: int
) -> None:
    body = {"project_id": project, "name": "north", "valid_h": 1}
    claim = client.post("/api/claims", json=body).json()["claim"]
    mine, other = PrivateKey.make(), PrivateKey.make()
    first, again = post_enrol(stranger, claim, mine), post_enrol(stranger, claim, mine)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["device_id"] == again.json()["device_id"]
    refused = post_enrol(stranger, claim, other)
    assert (refused.status_code, code(refused)) == (403, "claim")
    assert [d["name"] for d in client.get("/api/devices").json()] == ["north"]


@pytest.mark.databases
def test_two_devices_race_for_one_claim_and_one_wins(
    client: httpx.Client, stranger: httpx.Client, project: int
) -> None:
    body = {"project_id": project, "name": "north", "valid_h": 1}
    claim = client.post("/api/claims", json=body).json()["claim"]
    statuses: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: statuses.append(
                httpx.post(
                    f"{stranger.base_url}/v1/enrol",
                    json={"claim": claim, "public_key": PrivateKey.make().public.text},
                    timeout=60,
                ).status_code
            )
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [201, 403, 403, 403]


@pytest.mark.databases
def test_an_expired_claim_is_refused(shore: Shore, stranger: httpx.Client, project: int) -> None:
    with shore.database.write() as connection:
        fleet.add_claim(
            connection,
            token_hash=token_hash("old"),
            project_id=project,
            name="late",
            user_id=1,
            now_ms=0,
            expires_ms=1,
        )
    refused = post_enrol(stranger, "old", PrivateKey.make())
    assert refused.status_code == 403
    never = post_enrol(stranger, "never made", PrivateKey.make())
    assert refused.json() == never.json(), "guessing must tell nothing"


def test_guessing_claims_is_slowed_down(stranger: httpx.Client) -> None:
    statuses = {
        post_enrol(stranger, f"guess {i}", PrivateKey.make()).status_code for i in range(10)
    }
    assert statuses == {403}
    slowed = post_enrol(stranger, "guess again", PrivateKey.make())
    assert slowed.status_code == 429
    assert int(slowed.headers["Retry-After"]) > 0


@pytest.mark.parametrize("key", ["", "not base64!", "AAAA"])
def test_a_wrong_public_key_is_refused(stranger: httpx.Client, key: str) -> None:
    answer = stranger.post("/v1/enrol", json={"claim": "x", "public_key": key})
    assert answer.status_code in (400, 422)


def test_what_is_not_signed_by_the_device_is_refused(
    stranger: httpx.Client, device: SimulatedDevice, bundle: Bundle
) -> None:
    body = encode_batch([encode_record(make_record(1, make_object(bundle, 1)))])

    def post(headers: dict[str, str], content: bytes = body) -> httpx.Response:
        return stranger.post("/v1/ingest", content=content, headers=headers)

    def signed(key: PrivateKey, device_id: str, path: str = "/v1/ingest") -> dict[str, str]:
        return sign_request(key, device_id, 50, "POST", path, body)

    stranger_key = PrivateKey.make()
    tries = [
        post({}),
        post(signed(stranger_key, device.device_id)),
        post(signed(stranger_key, "dunknown")),
        post(signed(device.key, device.device_id, "/v1/hello")),
        post(signed(device.key, device.device_id), body + b"x"),
        post({**signed(device.key, device.device_id), "Seadrift-Counter": "51"}),
        post({**signed(device.key, device.device_id), "Seadrift-Counter": "-1"}),
        post({**signed(device.key, device.device_id), "Seadrift-Signature": "%%"}),
    ]
    assert {answer.status_code for answer in tries} == {401}
    assert {code(answer) for answer in tries} == {"signature"}
    assert post(signed(device.key, device.device_id)).status_code == 200


@pytest.mark.databases
def test_a_recorded_request_cannot_be_played_again(
    stranger: httpx.Client, device: SimulatedDevice, bundle: Bundle
) -> None:
    body = encode_batch([encode_record(make_record(1, make_object(bundle, 1)))])
    headers = sign_request(device.key, device.device_id, 5, "POST", "/v1/ingest", body)
    assert stranger.post("/v1/ingest", content=body, headers=headers).status_code == 200
    again = stranger.post("/v1/ingest", content=body, headers=headers)
    assert (again.status_code, code(again)) == (401, "counter")


@pytest.mark.databases
def test_a_revoked_device_is_refused_and_its_data_kept(
    client: httpx.Client, device: SimulatedDevice, bundle: Bundle, project: int
) -> None:
    assert client.post(f"/api/devices/{device.device_id}/revoke").status_code == 200
    with pytest.raises(LinkError, match="403"):
        device.ingest([make_record(1, make_object(bundle, 1))])
    with pytest.raises(LinkError, match="403"):
        device.hello()
    assert [q["code"] for q in client.get("/api/quarantine").json()] == ["revoked"]
    assert client.get(f"/api/projects/{project}/objects").json()["total"] == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"\x28\xb5\x2f\xfd", b"garbage" * 100, encode_batch([])[:-3]],
    ids=["empty", "only a magic", "garbage", "cut short"],
)
def test_a_malformed_batch_is_a_clear_400(device: SimulatedDevice, body: bytes) -> None:
    answer = device.send("POST", "/v1/ingest", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "batch"


def test_a_compression_bomb_is_refused(device: SimulatedDevice) -> None:
    bomb = encode_batch([bytes(40 << 20)])
    assert len(bomb) < 10_000
    answer = device.send("POST", "/v1/ingest", bomb)
    assert answer.status_code == 400
    assert "unpacks to more" in answer.json()["error"]["message"]


def test_a_body_that_is_too_large_is_stopped_while_it_comes(stranger: httpx.Client) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(4000):
            sent += 65536
            yield bytes(65536)

    with contextlib.suppress(httpx.NetworkError, httpx.RemoteProtocolError):  # closed on us
        assert stranger.post("/v1/ingest", content=endless()).status_code == 413
    assert sent < 64 << 20


def test_a_body_that_announces_too_much_is_refused_before_it_comes(stranger: httpx.Client) -> None:
    head = b"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1099511627776\r\n\r\n"
    with socket.create_connection((stranger.base_url.host, stranger.base_url.port or 0), 20) as raw:
        raw.sendall(head)
        assert b" 413 " in raw.recv(100)


@pytest.mark.parametrize("said", [b"", b"\xa0", b"\xff", b"\xa1eepoch\x20"])
def test_a_malformed_hello_is_a_clear_400(device: SimulatedDevice, said: bytes) -> None:
    answer = device.send("POST", "/v1/hello", said)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "hello")


@pytest.mark.databases
def test_hello_tells_what_the_shore_holds(device: SimulatedDevice, bundle: Bundle) -> None:
    device.ingest([make_record(seq, make_object(bundle, seq)) for seq in (1, 2, 5)])
    answer = device.hello(next_seq=9)
    ack = decode_ack(answer["ack"])
    assert (ack.upto, ack.sack) == (2, ((5, 5),))
    assert answer["assignment"] is None
    assert answer["time_ms"] > 1_700_000_000_000

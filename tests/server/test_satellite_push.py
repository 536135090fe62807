"""What a gateway pushes: kept at once, counted once, and believed only with a device's key."""

import base64
import json

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from sqlalchemy import select

from server.db.satellite import unread
from server.db.tables import SatelliteMessage, SatelliteOut
from server.satellite.intake import read_new
from server.satellite.push import PushError, check_jwt, read_push
from server.shore import Shore
from server.simulated import SimulatedDevice, make_record
from wire.codec import encode_batch, encode_record
from wire.records import BadFrame, Record
from wire.short import UP_MAX, Kind, Message, opened, seal, short_id
from wire.shorthand import pack_greeting, pack_record, read_ack, split
from wire.summary import Summary
from wire.summary_bits import encode

IMEI = "300234010753370"


class Gateway:
    """Seals what a device would, and posts it as a gateway does."""

    def __init__(self, shore: Shore, http: httpx.Client, device: SimulatedDevice) -> None:
        self.shore, self.http = shore, http
        self.name, self.key = device.device_id, shore.link_keys.of(device.device_id)
        self.momsn = 0

    def sealed(self, kind: Kind, body: bytes) -> bytes:
        return seal(self.key, Message(kind, short_id(self.name), body), UP_MAX)

    def push(self, data: bytes, momsn: int | None = None) -> httpx.Response:
        self.momsn += 1
        form = {"imei": IMEI, "momsn": str(momsn or self.momsn), "data": data.hex()}
        form |= {"transmit_time": "26-11-24 10:41:50", "iridium_latitude": "52.3867"}
        return self.http.post(f"/v1/satellite/{self.shore.link_keys.gateway}", data=form)

    def settle(self) -> None:
        """Wait until everything was read: the push was answered before that."""
        while True:
            read_new(self.shore)
            with self.shore.database.read() as connection:
                if not unread(connection):
                    return

    def inbox(self) -> list[tuple[str, str, int]]:
        self.settle()
        with self.shore.database.read() as connection:
            columns = SatelliteMessage.state, SatelliteMessage.reason, SatelliteMessage.times
            rows = connection.execute(select(*columns).order_by(SatelliteMessage.id))
            return [(state, reason, times) for state, reason, times in rows]

    def down(self) -> list[bytes]:
        self.settle()
        with self.shore.database.read() as connection:
            query = select(SatelliteOut.data).order_by(SatelliteOut.id)
            return [bytes(data) for data in connection.execute(query).scalars()]


@pytest.fixture
def gateway(shore: Shore, stranger: httpx.Client, device: SimulatedDevice) -> Gateway:
    return Gateway(shore, stranger, device)


def a_summary(seq: int) -> bytes:
    [data] = encode(Summary("5f1c09aa", 10.0, (3.0,), {(0, 1): {2: 5}}))
    packed = pack_record(encode_record(Record(7, seq, "summary", 1, 1, 1, None, {"data": data})))
    assert packed is not None
    return packed


@pytest.mark.databases
def test_repeats_and_any_order_do_no_harm(gateway: Gateway, client: httpx.Client) -> None:
    batch = encode_batch(
        [encode_record(make_record(n, BadFrame(f"f{n}", n, "r" * n * 9))) for n in range(2, 30)]
    )
    blobs = [gateway.sealed(Kind.PART, body) for body in split(batch)]
    blobs.append(gateway.sealed(Kind.SUMMARY, a_summary(1)))
    assert len(blobs) > 2
    for round_ in (reversed(blobs), blobs):
        for blob in round_:
            assert gateway.push(blob).text == "OK"
    assert gateway.push(blobs[0], momsn=1).status_code == 200
    assert {state for state, _, _ in gateway.inbox()} == {"taken"}
    assert client.get("/api/devices").json()[0]["held"] == 29
    acks = [read_ack(opened(gateway.key, blob).body) for blob in gateway.down()]
    assert [(ack.epoch, ack.upto) for ack in acks] == [(7, 29)]


@pytest.mark.databases
def test_a_retried_push_is_one_message(gateway: Gateway) -> None:
    blob = gateway.sealed(Kind.SUMMARY, a_summary(1))
    for _ in range(3):
        gateway.push(blob, momsn=5)
    assert gateway.inbox() == [("taken", "", 3)]


def test_what_cannot_be_believed_stays_with_the_reason(gateway: Gateway) -> None:
    good = gateway.sealed(Kind.SUMMARY, a_summary(1))
    for bad in (
        b"",
        b"hello",
        good[:-1] + bytes([good[-1] ^ 1]),
        seal(bytes(32), Message(Kind.SUMMARY, short_id(gateway.name), a_summary(1)), UP_MAX),
        gateway.sealed(Kind.ACK, b""),
        gateway.sealed(Kind.HELLO, b"\x80"),
        gateway.sealed(Kind.SUMMARY, b"\xff" * 30),
        gateway.sealed(Kind.PART, b"abcd\x02\x01x"),
    ):
        assert gateway.push(bad).status_code == 200
    found = gateway.inbox()
    assert {state for state, _, _ in found} == {"refused"}
    assert all(reason for _, reason, _ in found)
    assert gateway.down() == []


def test_a_body_that_is_no_push_is_kept_too(gateway: Gateway, stranger: httpx.Client) -> None:
    path = f"/v1/satellite/{gateway.shore.link_keys.gateway}"
    for body in (b"{", b"imei=x", b"imei=1&data=zz", b"\xff\x00"):
        assert stranger.post(path, content=body).status_code == 200
    assert [state for state, _, _ in gateway.inbox()] == ["refused"] * 4


def test_json_does_as_well(gateway: Gateway, stranger: httpx.Client) -> None:
    said = {"imei": IMEI, "momsn": 9, "data": gateway.sealed(Kind.SUMMARY, a_summary(1)).hex()}
    path = f"/v1/satellite/{gateway.shore.link_keys.gateway}"
    assert stranger.post(path, json=said).status_code == 200
    assert gateway.inbox() == [("taken", "", 1)]


def test_an_old_hello_played_again_changes_nothing(gateway: Gateway, client: httpx.Client) -> None:
    said = {"epoch": 7, "next_seq": 5, "software": "new", "release": None, "deploy_seq": 0}
    old = gateway.sealed(Kind.HELLO, pack_greeting(1, {**said, "software": "old"}))
    gateway.push(gateway.sealed(Kind.HELLO, pack_greeting(2, said)))
    gateway.push(old)
    gateway.settle()
    assert client.get("/api/devices").json()[0]["software"] == "new"


def test_a_command_goes_down_with_the_next_word_from_the_device(
    gateway: Gateway, client: httpx.Client
) -> None:
    client.post(f"/api/devices/{gateway.name}/commands", json={"name": "wipe"})
    for seq in (1, 2):
        gateway.push(gateway.sealed(Kind.SUMMARY, a_summary(seq)))
    kinds = [blob[0] & 15 for blob in gateway.down()]
    assert kinds == [Kind.ACK, Kind.COMMAND]


def test_a_revoked_device_is_kept_aside(gateway: Gateway, client: httpx.Client) -> None:
    client.post(f"/api/devices/{gateway.name}/revoke")
    gateway.push(gateway.sealed(Kind.SUMMARY, a_summary(1)))
    assert gateway.down() == []
    assert client.get("/api/devices").json()[0]["held"] == 0


def test_strangers_do_not_find_the_address(stranger: httpx.Client) -> None:
    codes = [
        stranger.post("/v1/satellite/guess", data={"imei": "1"}).status_code for _ in range(12)
    ]
    assert codes == [404] * 10 + [429] * 2


def test_a_signed_push_is_signed_by_the_gateway_for_that_message() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def part(data: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    fields = {"imei": IMEI, "momsn": "7", "data": "48"}
    signed = f"{part({'alg': 'RS256'})}.{part(fields)}"
    seal_ = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    jwt = f"{signed}.{base64.urlsafe_b64encode(seal_).decode()}"
    check_jwt(pem, {**fields, "JWT": jwt})
    for wrong in ({**fields}, {**fields, "JWT": jwt, "data": "49"}, {**fields, "JWT": "a.b.c"}):
        with pytest.raises(PushError, match="JWT"):
            check_jwt(pem, wrong)


def test_positions_that_make_no_sense_are_none() -> None:
    push = read_push(b"imei=1&momsn=7&data=&iridium_latitude=nan&iridium_longitude=181", "")
    assert (push.lat_deg, push.lon_deg, push.data) == (None, None, b"")

"""Blobs by tus 1.0: what the protocol says, and that cuts anywhere cost no more than a piece."""

import base64
import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from edge.config import ShoreConfig
from edge.identity import Identity
from edge.links import LinkError, RefusedError
from edge.links.bad_network import BadNetwork, Weather
from edge.links.https import HttpsLink
from edge.links.tus import PIECE_FIRST, PIECE_MAX, Sending
from models.bundle import Bundle
from server.db import blobs
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from wire.signing import sign_request
from wire.tus import PATH, TYPE, BlobMeta, checksum, metadata, signed_part

Connect = Callable[..., HttpsLink]
DATA = hashlib.shake_256(b"frame").digest(300_000)


def frame(data: bytes = DATA, name: str = "a.png") -> BlobMeta:
    return BlobMeta("frame", name, hashlib.sha256(data).hexdigest())


@pytest.fixture
def identity(
    client: httpx.Client, stranger: httpx.Client, project: int, tmp_path: Path
) -> Identity:
    body = {"project_id": project, "name": "north", "valid_h": 1}
    claim = client.post("/api/claims", json=body).json()["claim"]
    made = Identity.load_or_make(tmp_path / "north")
    with_link = HttpsLink(ShoreConfig(url=str(stranger.base_url)), made, timeout_s=20)
    answer = with_link.enrol(claim, "north", "desktop", "seadrift")
    with_link.close()
    made.enrol(answer.device_id, answer.release_key, claim)
    return made


@pytest.fixture
def connect(identity: Identity, stranger: httpx.Client) -> Iterator[Connect]:
    """Opens links to the shore, or to a port in front of it."""
    links = []

    def enter(port: int | None = None) -> HttpsLink:
        url = str(stranger.base_url) if port is None else f"http://127.0.0.1:{port}"
        links.append(HttpsLink(ShoreConfig(url=url), identity, timeout_s=20))
        return links[-1]

    yield enter
    for link in links:
        link.close()


@pytest.fixture
def link(connect: Connect) -> HttpsLink:
    return connect(None)


def send(link: HttpsLink, meta: BlobMeta, data: bytes, sending: Sending | None = None) -> int:
    """Send it all, whatever happens; how many requests failed."""
    sending, failed = sending or Sending(link), 0
    while True:
        try:
            if sending.step(meta, len(data), lambda at, size: data[at : at + size]):
                return failed
        except RefusedError:
            raise
        except LinkError:
            failed += 1
            assert failed < 2000


def begin(link: HttpsLink, data: bytes = DATA, **more: str) -> str:
    headers = {"Upload-Length": str(len(data)), "Upload-Metadata": metadata(frame(data)), **more}
    return link.tus("POST", PATH, headers, b"")[1]["location"]


def patch(link: HttpsLink, where: str, at: int, data: bytes, **more: str) -> dict[str, str]:
    headers = {"Content-Type": TYPE, "Upload-Offset": str(at), **more}
    return link.tus("PATCH", where, headers, data)[1]


def refused(link: HttpsLink, where: str, at: int, data: bytes, **more: str) -> int:
    with pytest.raises(RefusedError) as error:
        patch(link, where, at, data, **more)
    return error.value.status


@pytest.mark.databases
def test_a_frame_arrives_whole_and_can_be_fetched(link: HttpsLink, client: httpx.Client) -> None:
    assert send(link, frame(), DATA) == 0
    [found] = client.get("/api/blobs").json()
    assert (found["name"], found["length"], found["state"]) == ("a.png", len(DATA), "done")
    answer = client.get(f"/api/blobs/{found['id']}")
    assert answer.content == DATA
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert send(link, frame(), DATA) == 0  # told again, it is there already
    assert len(client.get("/api/blobs").json()) == 1


def test_the_protocol_is_kept(link: HttpsLink, stranger: httpx.Client) -> None:
    able = stranger.options(PATH)
    assert (able.status_code, able.headers["Tus-Version"]) == (204, "1.0.0")
    assert able.headers["Tus-Extension"] == "creation,expiration,checksum,termination"
    assert "sha1" in able.headers["Tus-Checksum-Algorithm"]  # the least that a server must know
    where = begin(link)
    status, headers = link.tus("HEAD", where, {}, b"")
    assert (status, headers["upload-offset"], headers["upload-length"]) == (200, "0", "300000")
    assert headers["cache-control"] == "no-store"
    after = patch(link, where, 0, DATA[:1000])
    assert after["upload-offset"] == "1000"
    assert after["upload-expires"].endswith(" GMT")
    assert link.tus("DELETE", where, {}, b"")[0] == 204
    with pytest.raises(LinkError):
        link.tus("HEAD", where, {}, b"")


def test_what_a_server_must_refuse(
    link: HttpsLink, identity: Identity, stranger: httpx.Client
) -> None:
    where = begin(link)
    patch(link, where, 0, DATA[:1000])
    assert refused(link, where, 999, DATA[:10]) == 409
    assert refused(link, where, 1001, DATA[:10]) == 409
    assert refused(link, where, 1000, DATA[:10], **{"Content-Type": "text/plain"}) == 415
    wrong = checksum("sha256", hashlib.sha256(b"other").digest())
    assert refused(link, where, 1000, DATA[1000:1010], **{"Upload-Checksum": wrong}) == 460
    assert refused(link, where, 1000, b"x", **{"Upload-Checksum": "md4 AAAA"}) == 400
    assert refused(link, f"{PATH}/{'0' * 32}", 0, b"x") == 404
    assert link.tus("HEAD", where, {}, b"")[1]["upload-offset"] == "1000"
    patch(link, where, 1000, DATA[1000:200_000])
    assert refused(link, where, 200_000, DATA[200_000:] + b"beyond") == 413
    for text, length, status in (
        (metadata(frame()), str((32 << 20) + 1), 413),
        (metadata(frame()), "-1", 400),
        (metadata(frame(name="b.png")).replace("kind", "sort"), "100", 400),
        ("sha256 " + base64.b64encode(b"..").decode(), "100", 400),
    ):
        with pytest.raises(RefusedError) as error:
            link.tus("POST", PATH, {"Upload-Length": length, "Upload-Metadata": text}, b"")
        assert error.value.status == status
    headers = {"Tus-Resumable": "0.2.2"}
    headers |= identity.sign("POST", PATH, signed_part(headers, b""))
    assert stranger.post(PATH, headers=headers).status_code == 412


def test_the_protocols_headers_are_signed_too(
    link: HttpsLink, identity: Identity, stranger: httpx.Client
) -> None:
    """Somebody on the way cannot move a piece to another offset, nor play it again."""
    where = begin(link)
    said = {"Tus-Resumable": "1.0.0", "Content-Type": TYPE, "Upload-Offset": "5"}
    signed = said | identity.sign("PATCH", where, signed_part(said, b"piece"))
    moved = stranger.patch(where, content=b"piece", headers=signed | {"Upload-Offset": "0"})
    assert moved.status_code == 401
    said["Upload-Offset"] = "0"
    signed = said | identity.sign("PATCH", where, signed_part(said, DATA[:5]))
    assert stranger.patch(where, content=DATA[:5], headers=signed).status_code == 204
    again = stranger.patch(where, content=DATA[:5], headers=signed)
    assert again.status_code == 401


def test_bytes_that_are_not_what_was_announced_begin_anew(link: HttpsLink) -> None:
    where = begin(link, DATA[:10])
    assert refused(link, where, 0, b"0123456789") == 460
    with pytest.raises(LinkError):
        link.tus("HEAD", where, {}, b"")
    assert send(link, frame(DATA[:10]), DATA[:10]) == 0


CUTS = {"up": (700, 1_000, 9_000, 20_011, 50_000), "down": (1, 60, 200, 300, 400)}


@pytest.mark.parametrize("way", CUTS)
def test_cuts_at_many_bytes_cost_at_most_a_piece_each(
    connect: Connect,
    stranger: httpx.Client,
    client: httpx.Client,
    way: str,
) -> None:
    """Of each three connections two are reset, in requests or in answers, after so many bytes."""
    address, data = stranger.base_url, DATA
    with BadNetwork((address.host, int(address.port or 0))) as network:
        link = connect(network.port)
        for cut in CUTS[way]:
            bad = Weather(reset_up=cut) if way == "up" else Weather(reset_down=cut)
            meta, sending = frame(data, f"{cut}.png"), Sending(link)
            before, failed, turn, done = network.count.up_bytes, 0, 0, False
            while not done:
                network.drop()
                network.weather = Weather() if turn % 3 == 2 else bad
                turn += 1
                try:
                    done = sending.step(meta, len(data), lambda at, size: data[at : at + size])
                except LinkError:
                    failed += 1
            sent = network.count.up_bytes - before
            assert failed
            assert sent <= len(data) + failed * PIECE_MAX + turn * 1500
        found = client.get("/api/blobs").json()
        assert {row["sha256"] for row in found} == {hashlib.sha256(data).hexdigest()}
        assert [row["state"] for row in found] == ["done"] * len(CUTS[way])


@pytest.mark.databases
def test_a_large_vignette_takes_the_place_of_its_small_one(
    device: SimulatedDevice, bundle: Bundle, shore: Shore, client: httpx.Client, project: int
) -> None:
    device.ingest([make_record(1, make_object(bundle, 0)), make_record(2, make_vignette(1))])
    [listed] = client.get(f"/api/projects/{project}/objects").json()["objects"]
    png = make_png(300, 200)
    meta = BlobMeta("vignette", "1", hashlib.sha256(png).hexdigest(), 7, 1, 300, 200)
    where = tus(device, "POST", PATH, length=len(png), meta=meta).headers["Location"]
    done = tus(device, "PATCH", where, body=png, offset=0)
    assert done.status_code == 204
    assert client.get(f"/api/objects/{listed['objid']}/image").content == png
    [now] = client.get(f"/api/projects/{project}/objects").json()["objects"]
    assert now["image"] != listed["image"], "a browser keeps what it got under the old address"
    kept = client.get(now["image"])
    assert kept.content == png
    assert "immutable" in kept.headers["Cache-Control"]
    assert client.get(listed["image"]).headers["Cache-Control"] == "private, no-cache"
    assert list(shore.blobs.folder.iterdir()) == []


def test_what_is_no_image_is_kept_and_asked_for_no_more(
    device: SimulatedDevice, client: httpx.Client
) -> None:
    bomb = b"\x89PNG\r\n\x1a\n" + bytes(100)
    meta = BlobMeta("vignette", "1", hashlib.sha256(bomb).hexdigest(), 7, 1, 300, 200)
    where = tus(device, "POST", PATH, length=len(bomb), meta=meta).headers["Location"]
    done = tus(device, "PATCH", where, body=bomb, offset=0)
    assert (done.status_code, done.headers["Upload-Offset"]) == (204, str(len(bomb)))
    [found] = client.get("/api/blobs?kind=vignette").json()
    assert found["state"] == "refused"
    assert "PNG" in found["reason"]
    assert client.get(f"/api/blobs/{found['id']}").content == bomb


def test_two_requests_for_one_piece_store_it_once(link: HttpsLink, connect: Connect) -> None:
    where = begin(link)
    outcomes: list[int] = []

    def go(mine: HttpsLink) -> None:
        try:
            patch(mine, where, 0, DATA[:PIECE_FIRST])
            outcomes.append(204)
        except RefusedError as error:
            outcomes.append(error.status)

    threads = [threading.Thread(target=go, args=(connect(None),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(204) == 1
    assert set(outcomes) <= {204, 401, 409, 423}
    assert link.tus("HEAD", where, {}, b"")[1]["upload-offset"] == str(PIECE_FIRST)


def test_an_upload_that_nobody_goes_on_with_is_forgotten(
    link: HttpsLink, shore: Shore, client: httpx.Client
) -> None:
    where = begin(link)
    patch(link, where, 0, DATA[:1000])
    with shore.database.write() as connection:
        [old] = blobs.expired(connection, 2**52)
        assert blobs.expired(connection, old.expires_ms) == []
        connection.exec_driver_sql("UPDATE blobs SET expires_ms = 1")
    begin(link, DATA[:50])
    with pytest.raises(LinkError):
        link.tus("HEAD", where, {}, b"")
    assert [path.name for path in shore.blobs.folder.iterdir() if path.name == old.file] == []


def tus(
    device: SimulatedDevice,
    method: str,
    where: str,
    *,
    body: bytes = b"",
    length: int | None = None,
    meta: BlobMeta | None = None,
    offset: int | None = None,
) -> httpx.Response:
    headers = {"Tus-Resumable": "1.0.0"}
    if length is not None:
        headers["Upload-Length"] = str(length)
    if meta is not None:
        headers["Upload-Metadata"] = metadata(meta)
    if offset is not None:
        headers |= {"Upload-Offset": str(offset), "Content-Type": TYPE}
    device.counter += 1
    part = signed_part(headers, body)
    headers |= sign_request(device.key, device.device_id, device.counter, method, where, part)
    answer = device.http.request(method, where, content=body, headers=headers)
    assert isinstance(answer, httpx.Response)
    return answer


def make_png(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((width, height), 50).save(stream, "png")
    return stream.getvalue()

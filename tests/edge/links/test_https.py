"""HTTPS against real sockets: what is a shore's answer, and what only looks like one."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cbor2
import pytest

from edge.config import ShoreConfig
from edge.identity import Identity
from edge.links import BusyError, LinkError, NotSeadriftError, RefusedError
from edge.links.address import check_url
from edge.links.https import ANSWER_MAX, BATCH_TYPE, HttpsLink
from edge.tables import ConfigError
from wire.ack import Ack, encode_ack
from wire.signing import PrivateKey, verify_request

Answer = tuple[int, dict[str, str], bytes]
Answers = Callable[[str, str, dict[str, str], bytes], Answer]
HTML = b"<html><body>Welcome to Harbour WiFi, please log in</body></html>"


class Server:
    """A real HTTP server on loopback whose answers a test decides."""

    def __init__(self) -> None:
        self.answer: Answers = lambda *_: (200, {"Content-Type": "text/html"}, HTML)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = (self.command, self.path, dict(self.headers), body)
                outer.requests.append(request)
                status, headers, data = outer.answer(*request)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _do  # noqa: N815 - the names that http.server asks for

            def log_message(self, *args: object) -> None:
                """Silent."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever)
    thread.start()
    yield made
    made.http.shutdown()
    thread.join()
    made.http.server_close()


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    made = Identity.load_or_make(tmp_path)
    made.enrol("d7", PrivateKey.make().public.text, "claim")
    return made


@pytest.fixture
def link(server: Server, identity: Identity) -> Iterator[HttpsLink]:
    made = HttpsLink(ShoreConfig(url=server.url), identity, timeout_s=5.0)
    yield made
    made.close()


def cbor(data: Any) -> Answer:
    return 200, {"Content-Type": "application/cbor"}, cbor2.dumps(data)


def text(data: Any, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(data).encode()


def test_requests_are_signed_and_the_counter_rises(
    server: Server, link: HttpsLink, identity: Identity
) -> None:
    server.answer = lambda *_: (200, {}, encode_ack(Ack(1, 2)))
    assert link.send(b"body") == Ack(1, 2)
    link.send(b"body")
    counters = [
        verify_request(identity.public, headers, method, path, body)
        for method, path, headers, body in server.requests
    ]
    assert counters[0] < counters[1]
    assert server.requests[0][2]["Content-Type"] == BATCH_TYPE
    assert server.requests[0][1] == "/v1/ingest"


def test_the_path_of_a_shore_behind_a_prefix_is_signed_too(
    server: Server, identity: Identity
) -> None:
    link = HttpsLink(ShoreConfig(url=server.url + "/sea/"), identity, timeout_s=5.0)
    server.answer = lambda *_: (200, {}, encode_ack(Ack(1, 2)))
    link.send(b"x")
    method, path, headers, body = server.requests[0]
    assert path == "/sea/v1/ingest"
    verify_request(identity.public, headers, method, path, body)
    link.close()


def test_ping_tells_a_shore_from_another_program(server: Server, link: HttpsLink) -> None:
    server.answer = lambda *_: text({"service": "seadrift", "api": 1, "version": "9"})
    assert link.ping() == "9"
    for stranger in (text({"service": "other"}), text([1]), (200, {}, HTML), (404, {}, HTML)):
        server.answer = lambda *_, answer=stranger: answer  # type: ignore[misc]  # a default that mypy cannot infer
        with pytest.raises(NotSeadriftError, match=r"not a Seadrift shore.*check \[shore\] url"):
            link.ping()
    server.answer = lambda *_: text({"service": "seadrift", "api": 2, "version": "9"})
    with pytest.raises(LinkError, match="speaks api 2"):
        link.ping()


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Content-Type": "text/html"}, HTML),
        (200, {}, b""),
        (200, {}, cbor2.dumps({"epoch": "x", "upto": 1})),
        (200, {}, cbor2.dumps({"epoch": 1, "upto": 1, "rej": [{"seq": "x"}]})),
        (200, {}, cbor2.dumps({"epoch": 1, "upto": 1}) + b"more"),
        (302, {"Location": "http://portal.test/"}, HTML),
        (502, {}, b"bad gateway"),
    ],
)
def test_what_is_no_acknowledgement(server: Server, link: HttpsLink, answer: Answer) -> None:
    server.answer = lambda *_: answer
    with pytest.raises(NotSeadriftError):
        link.send(b"batch")


def test_refusals_and_patience(server: Server, link: HttpsLink) -> None:
    server.answer = lambda *_: text({"error": {"code": "batch", "message": "bad"}}, 400)
    with pytest.raises(RefusedError, match=r"400 batch\): bad") as refused:
        link.send(b"x")
    assert (refused.value.status, refused.value.code) == (400, "batch")
    for status in (429, 503):
        server.answer = lambda *_, s=status: (s, {"Retry-After": "17"}, b"")  # type: ignore[misc]  # as above
        with pytest.raises(BusyError) as busy:
            link.send(b"x")
        assert busy.value.retry_after_s == 17.0


def test_hello_carries_what_the_device_is_and_brings_an_assignment(
    server: Server, link: HttpsLink
) -> None:
    ack = encode_ack(Ack(7, 3))
    server.answer = lambda *_: cbor({"ack": ack, "time_ms": 5, "assignment": b"signed"})
    reply = link.hello(7, 9, "seadrift 1", "ab", 2)
    assert (reply.ack.upto, reply.time_ms, reply.assignment) == (3, 5, b"signed")
    sent = cbor2.loads(server.requests[0][3])
    assert sent == {
        "epoch": 7,
        "next_seq": 9,
        "software": "seadrift 1",
        "release": "ab",
        "deploy_seq": 2,
    }


def test_enrolment_is_not_signed_and_its_answer_is_checked(server: Server, link: HttpsLink) -> None:
    server.answer = lambda *_: text({"device_id": "d1", "release_key": "k", "time_ms": 1}, 201)
    assert link.enrol("c", "n", "b", "s").device_id == "d1"
    assert "Seadrift-Signature" not in server.requests[0][2]
    server.answer = lambda *_: text({"device_id": 4}, 201)
    with pytest.raises(LinkError, match="makes no sense"):
        link.enrol("c", "n", "b", "s")


DATA = bytes(range(256)) * 1000


def ranged(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
    first = int(headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    if first >= len(DATA):
        return 416, {}, b""
    return (206 if first else 200), {}, DATA[first:]


def test_a_download_goes_on_where_it_stopped(server: Server, link: HttpsLink) -> None:
    server.answer = ranged
    assert b"".join(link.fetch("ab", 0)) == DATA
    assert b"".join(link.fetch("ab", 100_001)) == DATA[100_001:]
    assert b"".join(link.fetch("ab", len(DATA))) == b""


def test_a_server_without_ranges_still_gives_the_rest(server: Server, link: HttpsLink) -> None:
    server.answer = lambda *_: (200, {}, DATA)
    assert b"".join(link.fetch("ab", 70_000)) == DATA[70_000:]


def test_an_endless_answer_is_not_read_to_its_end(server: Server, link: HttpsLink) -> None:
    server.answer = lambda *_: (200, {}, b"x" * (ANSWER_MAX + 1))
    with pytest.raises(NotSeadriftError, match="more than"):
        link.send(b"x")


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, as PEM."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shore")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "shore.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_https_needs_a_certificate_that_is_trusted(
    server: Server, identity: Identity, tmp_path: Path
) -> None:
    pem = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    server.answer = lambda *_: text({"service": "seadrift", "api": 1, "version": "9"})
    url = server.url.replace("http://", "https://")
    stranger = HttpsLink(ShoreConfig(url=url), identity, timeout_s=5.0)
    with pytest.raises(LinkError, match="certificate"):
        stranger.ping()
    stranger.close()
    friend = HttpsLink(ShoreConfig(url=url, ca=pem.name), identity, timeout_s=5.0, folder=tmp_path)
    assert friend.ping() == "9"
    friend.close()


def test_nobody_there(identity: Identity) -> None:
    link = HttpsLink(ShoreConfig(url="http://127.0.0.1:9"), identity, timeout_s=2.0)
    with pytest.raises(LinkError, match=r"127\.0\.0\.1:9"):
        link.ping()
    link.close()


@pytest.mark.parametrize(
    ("url", "insecure", "message"),
    [
        ("http://shore.example", False, "plain http to another machine.*insecure = true"),
        ("http://192.168.1.4:8765", False, "plain http to another machine"),
        ("ftp://x", True, "expected https"),
        ("shore.example", True, "expected https"),
        ("https://", True, "expected https"),
        ("https://u:p@shore.example", True, "scheme, host and path alone"),
        ("https://shore.example:99999", False, "out of range"),
    ],
)
def test_addresses_that_are_refused(url: str, insecure: bool, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_url(url, insecure=insecure)


@pytest.mark.parametrize(
    ("url", "insecure"),
    [
        ("https://shore.example", False),
        ("http://127.0.0.1:8765", False),
        ("http://[::1]:8765", False),
        ("http://localhost", False),
        ("http://10.0.0.2", True),
    ],
)
def test_addresses_that_are_taken(url: str, insecure: bool) -> None:
    assert check_url(url + "/", insecure=insecure) == url


def test_a_certificate_file_that_is_none(identity: Identity, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    shore = ShoreConfig(url="https://shore.example", ca="ca.pem")
    with pytest.raises(ConfigError, match=r"\[shore\] ca: .*ca.pem: not a PEM certificate"):
        HttpsLink(shore, identity, timeout_s=1.0, folder=tmp_path)

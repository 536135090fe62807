"""HTTPS through the networks of the world: proxies, portals that lie, links that break anywhere."""

import contextlib
import gzip
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edge.agent.sender import Sender
from edge.config import ShoreConfig
from edge.identity import Identity
from edge.links import LinkError, NotSeadriftError
from edge.links.bad_network import BadNetwork, Weather
from edge.links.https import ANSWER_MAX, OVERHEAD_BYTES, HttpsLink
from edge.links.unpacking import unpacked
from edge.outbox import Draft, Outbox
from wire.ack import Ack, encode_ack
from wire.records import BadFrame
from wire.signing import PrivateKey

HTML = b"<html>Welcome to Harbour WiFi, please log in</html>"
ACK = encode_ack(Ack(1, 2))


def answer(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {length or len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


LIES = {
    "a page": answer("200 OK", HTML, "Content-Type: text/html"),
    "a redirect": answer("302 Found", b"", "Location: http://login.harbour/"),
    "511": answer("511 Network Authentication Required", HTML, "Content-Type: text/html"),
    "a page that says it is CBOR": answer("200 OK", HTML, "Content-Type: application/cbor"),
    "json": answer("200 OK", b'{"ok": true}', "Content-Type: application/json"),
    "nothing": answer("204 No Content", b""),
    "cut short": answer("200 OK", ACK, "Content-Type: application/cbor", length=len(ACK) + 5),
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "the answer to a hello": answer("200 OK", b"\xa2cack@gtime_ms\x00"),
    "a bomb": answer("200 OK", gzip.compress(bytes(64 << 20)), "Content-Encoding: gzip"),
    "damaged gzip": answer("200 OK", gzip.compress(ACK)[:-6] + b"xxxxxx", "Content-Encoding: gzip"),
    "half a gzip": answer("200 OK", gzip.compress(ACK)[:-6], "Content-Encoding: gzip"),
    "an unknown packing": answer("200 OK", ACK, "Content-Encoding: br"),
    "the ack of another epoch": answer("200 OK", encode_ack(Ack(2**31, 10**6))),
}


class Server:
    """A shore on loopback that answers each request with an acknowledgement."""

    def __init__(self, pem: Path | None = None) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                self.send_header("Content-Length", str(len(ACK)))
                self.end_headers()
                self.wfile.write(ACK)

            def log_message(self, *args: object) -> None:
                """Silent."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if pem is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.address: tuple[str, int] = ("127.0.0.1", self.http.server_address[1])
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    made = Identity.load_or_make(tmp_path / "me")
    made.enrol("d7", PrivateKey.make().public.text, "claim")
    return made


@pytest.fixture
def connect(identity: Identity, tmp_path: Path) -> Iterator[Callable[..., HttpsLink]]:
    links = []

    def enter(port: int, *, proxy: str = "", ca: str = "", timeout_s: float = 5.0) -> HttpsLink:
        url = f"{'https' if ca else 'http'}://127.0.0.1:{port}"
        shore = ShoreConfig(url=url, ca=ca)
        links.append(HttpsLink(shore, identity, timeout_s=timeout_s, folder=tmp_path, proxy=proxy))
        return links[-1]

    yield enter
    for link in links:
        link.close()


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_deletes_anything_and_it_is_said_once(
    make: Callable[..., Sender],
    outbox: Outbox,
    server: Server,
    connect: Callable[..., HttpsLink],
    caplog: pytest.LogCaptureFixture,
    lie: str,
) -> None:
    outbox.commit([Draft(BadFrame(f"f{n}", n, "x")) for n in range(5)])
    with BadNetwork(server.address, Weather(answer=LIES[lie])) as network:
        link = connect(network.port)
        sender = make(link)
        with caplog.at_level(logging.WARNING, "seadrift.link"):
            for _ in range(3):
                sender.round()
        with contextlib.suppress(LinkError):
            assert link.send(b"batch").epoch != outbox.epoch
        assert network.count.lies
    assert outbox.pending().records == 5
    assert sender.state.state == "down"
    said = [r.getMessage() for r in caplog.records if r.name == "seadrift.link"]
    assert said
    assert len(said) == len(set(said))
    assert "127.0.0.1" in said[0]


def test_a_bomb_costs_no_more_than_an_answer_may_have() -> None:
    with pytest.raises(ValueError, match="more than"):
        unpacked([gzip.compress(bytes(64 << 20), 9)], "gzip", ANSWER_MAX)
    assert unpacked([gzip.compress(b"hello")], "gzip", 100) == b"hello"


def test_bytes_that_were_put_into_an_answer_are_no_acknowledgement(
    server: Server, connect: Callable[..., HttpsLink]
) -> None:
    with BadNetwork(server.address, Weather(inject=(5, b"X-Ad: 1"))) as network:
        for place in range(0, 60 + len(ACK), 7):
            network.weather = Weather(inject=(place, b"\r\n<ad>"))
            try:
                ack = connect(network.port).send(b"batch")
            except LinkError:
                continue
            assert ack == Ack(1, 2), "taken for another acknowledgement"


@pytest.mark.parametrize("way", ["reset_up", "reset_down", "truncate"])
def test_a_connection_that_breaks_anywhere_is_an_error_of_the_link(
    server: Server, connect: Callable[..., HttpsLink], way: str
) -> None:
    body = bytes(20_000)
    with BadNetwork(server.address) as network:
        for place in (0, 1, 17, 40, 60):
            network.weather = Weather(**{way: place})  # type: ignore[arg-type]  # offsets alone
            with pytest.raises(LinkError):
                connect(network.port).send(body)
        network.weather = Weather()
        assert connect(network.port).send(body) == Ack(1, 2)


def test_half_open_slow_refused_and_nameless(
    server: Server, connect: Callable[..., HttpsLink], identity: Identity
) -> None:
    with BadNetwork(server.address, Weather(silent=True)) as network:
        with pytest.raises(LinkError, match="no answer in time"):
            connect(network.port, timeout_s=0.3).send(b"x")
        network.weather = Weather(up=False)
        with pytest.raises(LinkError):
            connect(network.port).send(b"x")
    nameless = HttpsLink(ShoreConfig(url="https://shore.invalid"), identity, timeout_s=5.0)
    with pytest.raises(LinkError, match=r"shore\.invalid"):
        nameless.send(b"x")
    nameless.close()


def test_it_works_through_a_proxy(
    connect: Callable[..., HttpsLink], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path)
    server = Server(pem)
    try:
        with BadNetwork(server.address, proxy=True) as proxy:
            url, port = f"http://127.0.0.1:{proxy.port}", server.address[1]
            assert connect(port, proxy=url, ca=pem.name).send(b"batch") == Ack(1, 2)
            assert proxy.asked == [f"CONNECT 127.0.0.1:{port} HTTP/1.1"]
            monkeypatch.setenv("HTTPS_PROXY", url)
            monkeypatch.setenv("NO_PROXY", "")
            assert connect(port, ca=pem.name).send(b"batch") == Ack(1, 2)
            assert len(proxy.asked) == 2
            proxy.weather = Weather(answer=answer("407 Proxy Authentication Required", HTML))
            with pytest.raises(LinkError, match="407"):
                connect(port, proxy=url, ca=pem.name).send(b"batch")
    finally:
        server.close()


def test_whoever_opens_tls_on_the_way_is_found_out(
    connect: Callable[..., HttpsLink], tmp_path: Path
) -> None:
    (tmp_path / "theirs").mkdir()
    mine, theirs = certificate(tmp_path), certificate(tmp_path / "theirs")
    box = Server(theirs)
    try:
        with pytest.raises(LinkError, match="certificate"):
            connect(box.address[1], ca=mine.name).send(b"batch")
    finally:
        box.close()


def test_what_a_request_costs_is_what_the_budget_counts(
    connect: Callable[..., HttpsLink], tmp_path: Path
) -> None:
    pem = certificate(tmp_path)
    server, body = Server(pem), bytes(1000)
    try:
        with BadNetwork(server.address) as network:
            link = connect(network.port, ca=pem.name)
            link.send(body)
            before = network.count.up_bytes + network.count.down_bytes
            for _ in range(10):
                link.send(body)
            each = (network.count.up_bytes + network.count.down_bytes - before) / 10
            assert len(body) < each <= len(body) + OVERHEAD_BYTES
    finally:
        server.close()


def test_an_answer_that_is_not_the_shores_says_so(
    server: Server, connect: Callable[..., HttpsLink]
) -> None:
    with (
        BadNetwork(server.address, Weather(answer=LIES["a page"])) as network,
        pytest.raises(NotSeadriftError, match="not a Seadrift shore"),
    ):
        connect(network.port).ping()


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
    day = datetime.timedelta(days=1)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "shore.pem"
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none)
    path.write_bytes(made.public_bytes(pem) + private)
    return path

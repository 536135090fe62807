"""The real process: killed without warning, started twice, stopped politely, asked for what it must
not do. `seadrift serve` runs as a person runs it."""

import ipaddress
import os
import random
import re
import resource
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from models.bundle import Bundle
from server.cli import main
from server.simulated import LinkError, SimulatedDevice, make_object, make_record, make_vignette
from wire.codec import encode_batch, encode_record
from wire.records import Record

ROOT = Path(__file__).parents[2]
ADMIN = {"email": "admin@localhost", "password": "a long password"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


class Process:
    """`seadrift serve` on a folder, started as often as one likes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.running: subprocess.Popen[str] | None = None

    def start(self, *more: str, password: str | None = ADMIN["password"]) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        if password is not None:
            environment["SEADRIFT_ADMIN_PASSWORD"] = password
        argv = ["serve", "--data", str(self.folder), "--port", str(self.port), *more]
        self.running = subprocess.Popen(
            [sys.executable, "-m", "server.cli", *argv],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.address}/v1/ping").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"no answer: {self.end(signal.SIGKILL)}")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def end(self, with_signal: signal.Signals) -> tuple[int, str, str]:
        assert self.running is not None
        self.running.send_signal(with_signal)
        out, err = self.running.communicate(timeout=30)
        code, self.running = self.running.returncode, None
        return code, out, err

    def refusal(self) -> tuple[int, str]:
        """Exit code and message of a start that ends by itself."""
        assert self.running is not None
        _, err = self.running.communicate(timeout=60)
        code, self.running = self.running.returncode, None
        return code, err


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path / "shore")
    yield process
    if process.running is not None:
        process.end(signal.SIGKILL)


@pytest.fixture
def http(process: Process) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=process.address, timeout=10) as client:
        yield client


def log_in(http: httpx.Client) -> None:
    answer = http.post("/api/login", json=ADMIN)
    http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    http.cookies.clear()


@pytest.mark.faults
def test_sigkill_at_any_moment_loses_and_doubles_nothing(
    process: Process, http: httpx.Client, bundle: Bundle
) -> None:
    """Batches are sent until acknowledged, while the shore is killed at random moments."""
    process.start()
    process.wait_ready()
    log_in(http)
    project = http.post("/api/projects", json={"title": "Storm"}).json()["project_id"]
    claim = http.post("/api/claims", json={"project_id": project, "name": "n", "valid_h": 1})
    device = SimulatedDevice.enrol(http, claim.json()["claim"], "n")
    done = threading.Event()
    killer = threading.Thread(target=kill_often, args=(process, 3, done))
    killer.start()
    acknowledged, batches = 0, 0
    while not done.is_set() or batches < 12:
        first = 40 * batches
        records = [
            record
            for i in range(first, first + 20)
            for record in (
                make_record(2 * i + 1, make_object(bundle, i)),
                make_record(2 * i + 2, make_vignette(2 * i + 1)),
            )
        ]
        send_until_acknowledged(device, records)
        acknowledged, batches = acknowledged + 20, batches + 1
    killer.join(120)
    process.end(signal.SIGKILL)
    process.start()
    process.wait_ready()
    log_in(http)
    found = every_object(http, project)
    assert len(found) == acknowledged
    assert len({o["orig_id"] for o in found}) == acknowledged
    for one in random.Random(1).sample(found, 20):
        assert http.get(one["image"]).content.startswith(b"\x89PNG")
    with sqlite3.connect(process.folder / "seadrift.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert process.end(signal.SIGTERM)[0] == 0


def kill_often(process: Process, times: int, done: threading.Event) -> None:
    dice = random.Random(4)
    try:
        for _ in range(times):
            done.wait(dice.uniform(0.05, 0.7))  # a moment of its own choosing, not a wait for work
            process.end(signal.SIGKILL)
            process.start()
            process.wait_ready()
    finally:
        done.set()


def send_until_acknowledged(device: SimulatedDevice, records: Sequence[Record]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            ack = device.ingest(records)
        except (httpx.TransportError, LinkError):
            time.sleep(0.02)
            continue
        assert not ack.rej
        return
    raise AssertionError("the shore did not come back")


def every_object(http: httpx.Client, project: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    while True:
        query = {"sort": "objid", "limit": 500, "offset": len(found)}
        page = http.get(f"/api/projects/{project}/objects", params=query).json()["objects"]
        found += page
        if len(page) < 500:
            return found


@pytest.mark.faults
def test_a_disk_that_takes_no_more_refuses_and_goes_on_when_it_can(
    process: Process, http: httpx.Client, bundle: Bundle
) -> None:
    """No file may grow, as on a full disk: nothing is acknowledged, nothing breaks."""
    process.start()
    process.wait_ready()
    log_in(http)
    project = http.post("/api/projects", json={"title": "Full"}).json()["project_id"]
    claim = http.post("/api/claims", json={"project_id": project, "name": "n", "valid_h": 1})
    device = SimulatedDevice.enrol(http, claim.json()["claim"], "n")
    first = [make_record(1, make_object(bundle, 0)), make_record(2, make_vignette(1))]
    assert device.ingest(first).upto == 2
    assert process.running is not None
    _, hard = resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (4096, hard))
    more = [make_record(n, make_object(bundle, n)) for n in range(3, 40)]
    body = encode_batch([encode_record(record) for record in more])
    refused = device.send("POST", "/v1/ingest", body)
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert len(every_object(http, project)) == 1
    resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert device.ingest(more).upto == 39
    vignettes = [make_record(40 + n, make_vignette(3 + n)) for n in range(5)]
    assert device.ingest(vignettes).upto == 44
    assert len(every_object(http, project)) == 38
    assert process.end(signal.SIGTERM)[0] == 0


def test_with_a_certificate_it_speaks_tls(process: Process, tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    process.start("--tls-cert", str(cert), "--tls-key", str(key))
    trust = ssl.create_default_context(cafile=str(cert))
    deadline = time.monotonic() + 60
    with httpx.Client(base_url=f"https://127.0.0.1:{process.port}", verify=trust) as client:
        while time.monotonic() < deadline:
            try:
                answer = client.post("/api/login", json=ADMIN)
                break
            except httpx.TransportError:
                time.sleep(0.05)
    assert answer.status_code == 200
    assert "secure" in answer.headers["set-cookie"].lower()
    assert "strict-transport-security" in answer.headers
    assert "https://127.0.0.1" in process.end(signal.SIGTERM)[1]


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody else knows, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shore")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def test_a_first_start_makes_everything_and_shows_the_password_once(process: Process) -> None:
    process.start(password=None)
    process.wait_ready()
    code, out, err = process.end(signal.SIGTERM)
    assert (code, err) == (0, "")
    assert process.address in out
    assert str(process.folder) in out
    password = re.search(r"shown this once:\n\s+(\S+)", out)
    assert password is not None
    key = process.folder / "keys" / "release.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not any(p.stat().st_mode & 0o077 for p in process.folder.rglob("*"))
    process.start(password=None)
    process.wait_ready()
    answer = httpx.post(f"{process.address}/api/login", json={**ADMIN, "password": password[1]})
    assert answer.status_code == 200
    out = process.end(signal.SIGINT)[1]
    assert "password" not in out


def test_a_port_in_use_is_one_clear_message(process: Process) -> None:
    with socket.create_server(("127.0.0.1", process.port)):
        process.start()
        code, err = process.refusal()
    assert code == 3
    assert f"port {process.port} is in use" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "192.0.2.1"], "--tls-cert"),
        (["--tls-cert", "x.pem"], "belong together"),
        (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "no such file"),
    ],
)
def test_what_must_not_be_served_is_refused(
    process: Process, options: list[str], words: str
) -> None:
    process.start(*options)
    code, err = process.refusal()
    assert code == 2
    assert words in err
    assert not process.folder.exists()


def test_a_database_that_is_not_ours_is_refused(process: Process) -> None:
    process.folder.mkdir()
    (process.folder / "seadrift.db").write_bytes(b"this is not a database" * 500)
    process.start()
    code, err = process.refusal()
    assert code == 3
    assert "database" in err
    assert "Traceback" not in err


def test_tables_of_another_version_are_refused(process: Process) -> None:
    process.folder.mkdir()
    database = sqlite3.connect(process.folder / "seadrift.db")
    database.execute("CREATE TABLE alembic_version (version_num TEXT)")
    database.execute("INSERT INTO alembic_version VALUES ('99')")
    database.commit()
    database.close()
    process.start()
    code, err = process.refusal()
    assert code == 3
    assert "version 99" in err


def test_commands_work_beside_the_running_shore(
    process: Process, http: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    def seadrift(*argv: str) -> tuple[int, str, str]:
        code = main([*argv, "--data", str(process.folder)])
        found = capsys.readouterr()
        return code, found.out, found.err

    nothing = f"seadrift fleet: {process.folder}: no shore's data here; `seadrift serve` makes it\n"
    assert seadrift("fleet") == (3, "", nothing)
    process.start()
    process.wait_ready()
    log_in(http)
    http.post("/api/projects", json={"title": "Baltic"})
    code, out, err = seadrift("claim", "--project", "Baltic", "--name", "north")
    assert (code, err) == (0, "")
    device = SimulatedDevice.enrol(http, out.strip(), "north")
    assert device.device_id in seadrift("fleet")[1]
    code, _, err = seadrift("train", "--project", "Baltic", "--json")
    assert code == 3
    assert "nothing is validated yet" in err
    code, _, err = seadrift("claim", "--project", "Baltik", "--name", "x")
    assert code == 3
    assert "'Baltic'" in err

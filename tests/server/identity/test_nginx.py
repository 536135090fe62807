"""The shipped nginx configuration before a real shore: an instrument and a person through it."""

import datetime
import ipaddress
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.demo.processes import Shore
from server.demo.story import ADMIN, free_port
from tests.faults.stage import CONFIG, PASSWORD, agent, run

ROOT = Path(__file__).parents[3]
CONF = ROOT / "hardware" / "nginx" / "seadrift.conf"
NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
pytestmark = [
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
    pytest.mark.xdist_group("nginx"),
]
AROUND = """
daemon off; pid {folder}/pid; error_log {folder}/error.log info; worker_processes 1;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/seadrift.conf;
}}
"""
Front = tuple[str, Path, Shore]
"""Address of nginx, the authority's certificate, the shore behind."""


def authority(folder: Path) -> tuple[Path, Path, Path]:
    """A private authority, and a certificate of localhost that it signed: ca, certificate, key."""
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("ca", "localhost")
    ]

    def signed(who: int) -> x509.Certificate:
        base = (
            x509.CertificateBuilder()
            .subject_name(names[who])
            .issuer_name(names[0])
            .public_key(keys[who].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=who == 0, path_length=None), critical=True)
        )
        local = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        base = base.add_extension(x509.SubjectAlternativeName(local), critical=False)
        return base.sign(keys[0], hashes.SHA256())

    ca, certificate, key = folder / "ca.pem", folder / "fullchain.pem", folder / "key.pem"
    pem = serialization.Encoding.PEM
    ca.write_bytes(signed(0).public_bytes(pem))
    certificate.write_bytes(signed(1).public_bytes(pem))
    key.write_bytes(
        keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return ca, certificate, key


@contextmanager
def nginx(folder: Path, port: int, behind: int, certificate: Path, key: Path) -> Iterator[None]:
    """nginx with the shipped file; only ports, paths and the name are this test's."""
    plain = free_port(0)
    text = CONF.read_text()
    for line, ours in (
        (r"listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"),
        (r"listen \[::\]:443 ssl http2;", ""),
        (r"listen 80;", f"listen 127.0.0.1:{plain};"),
        (r"listen \[::\]:80;", ""),
        (r"/etc/ssl/seadrift/fullchain\.pem", str(certificate)),
        (r"/etc/ssl/seadrift/key\.pem", str(key)),
        (r"127\.0\.0\.1:8765", f"127.0.0.1:{behind}"),
        (r"shore\.example\.org", "localhost"),
    ):
        text, found = re.subn(line, ours, text)
        assert found, line
    (folder / "seadrift.conf").write_text(text)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    folder.chmod(0o755)
    argv = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    argv += ["-e", str(folder / "error.log")]
    if os.getuid() == 0:
        argv += ["-g", "user root;"]
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except ConnectionRefusedError:
                assert child.poll() is None, (folder / "error.log").read_text()
                time.sleep(0.05)
        yield
    finally:
        child.terminate()
        child.wait(20)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    ca, certificate, key = authority(folder)
    port, behind = free_port(0), free_port(0)
    shore = Shore(folder / "shore" / "data", behind, PASSWORD)
    shore.start("--proxy", "127.0.0.1")
    try:
        with nginx(folder, port, behind, certificate, key):
            yield f"https://localhost:{port}", ca, shore
    finally:
        shore.stop()


@pytest.fixture
def browser(front: Front) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=str(front[1]))
    with httpx.Client(base_url=front[0], verify=context, timeout=60) as client:
        yield client


def log_in(browser: httpx.Client, **headers: str) -> httpx.Response:
    body = {"email": ADMIN, "password": PASSWORD}
    return browser.post("/api/login", json=body, headers=headers)


def test_an_instrument_enrols_and_sends_through_nginx(
    front: Front, browser: httpx.Client, tmp_path: Path
) -> None:
    url, ca, _ = front
    log_in(browser)
    mark = {"X-Seadrift": "1"}
    project = browser.post("/api/projects", json={"title": "cast"}, headers=mark).json()
    asked = {"project_id": project["project_id"], "name": "north"}
    claim = browser.post("/api/claims", json=asked, headers=mark).json()["claim"]
    text = CONFIG.format(
        name="north", data="data", health_s=2.0, url=url, claim=claim, interval_s=0, seed=1,
        retry_max_s=1.0, timeout_s=30, more="",
    )  # fmt: skip
    config = tmp_path / "edge.toml"
    config.write_text(text.replace("[shore]", f'[shore]\nca = "{ca}"'))
    done = run(agent(config, "--frames", "3", "--once"))
    assert done.returncode == 0, done.stderr
    listed = browser.get(f"/api/projects/{project['project_id']}/frames").json()
    assert len(listed) == 3
    done = run([agent(config)[0], "rotate", "--config", str(config)])
    assert done.returncode == 0, done.stderr
    done = run(agent(config, "--frames", "4", "--once"))
    assert done.returncode == 0, done.stderr
    done = run([agent(config)[0], "status", "--json", "--config", str(config)])
    assert '"pending": 0' in done.stdout


def test_over_tls_the_cookie_is_of_this_host_alone_and_browsers_stay_with_tls(
    browser: httpx.Client,
) -> None:
    answer = log_in(browser)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-seadrift=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"))
    assert "Domain" not in cookie
    assert "max-age" in answer.headers["strict-transport-security"]
    assert browser.get("/api/me").status_code == 200
    assert browser.get("/projects/1/review").status_code == 200


def test_the_shore_sees_the_client_that_nginx_saw_not_the_one_it_claims(
    browser: httpx.Client,
) -> None:
    answer = log_in(browser, **{"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "http"})
    assert answer.headers["set-cookie"].startswith("__Host-")
    entries = browser.get("/api/audit", params={"action": "login"}).json()["entries"]
    assert {entry["address"] for entry in entries} == {"127.0.0.1"}

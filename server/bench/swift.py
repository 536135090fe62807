"""A store that speaks S3, of one's own: OpenStack Swift from Debian, on loopback, gone afterwards.

Tests and benchmarks put vignettes into a server that institutes run, not into an imitation: it
checks signatures, writes to the disk and answers as it does there. Four processes: proxy (which
speaks S3), account, container and object server, each with one device in a folder.

Example:
    >>> with private_swift() as server:
    ...     server.make_bucket("packs")
    ...     bucket = Bucket.open("s3://packs", endpoint=server.endpoint)
"""

import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store

KEY, REGION = "test:tester", "us-east-1"
PARTS = ("account", "container", "object", "proxy")
_START_S = 60
_COMMON = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {home}
devices = {home}/devices
mount_check = false
log_level = ERROR
"""
_STORAGE = """
[pipeline:main]
pipeline = {part}-server
[app:{part}-server]
use = egg:swift#{part}
"""
_PROXY = """
[pipeline:main]
pipeline = catch_errors cache s3api tempauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin
"""
_HASHES = """
[swift-hash]
swift_hash_path_suffix = seadrift
[storage-policy:0]
name = one
default = yes
"""

_RINGS = """
import sys
from swift.common.ring import RingBuilder
for ring in sys.argv[2:]:
    part, port = ring.split("=")
    builder = RingBuilder(1, 1, 0)
    builder.add_dev(dict(id=0, region=1, zone=1, ip="127.0.0.1", port=int(port), device="d1",
                         weight=1, replication_ip="127.0.0.1", replication_port=int(port)))
    builder.rebalance()
    builder.get_ring().save(f"{sys.argv[1]}/{part}.ring.gz")
"""
"""What swift-ring-builder does, in one process instead of nine."""


class SwiftError(RuntimeError):
    """Swift is not installed or did not start; the message says which."""


@dataclass(frozen=True)
class Swift:
    """A running store; its owner's key is in `environment`."""

    endpoint: str
    secret: str
    processes: dict[str, "subprocess.Popen[bytes]"]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": REGION,
        }

    def make_bucket(self, name: str) -> None:
        store = S3Store(
            name,
            endpoint=self.endpoint,
            access_key_id=KEY,
            secret_access_key=self.secret,
            region=REGION,
            client_options={"allow_http": True},
        )
        address = obstore.sign(store, "PUT", "", timedelta(minutes=1))
        parts = urlsplit(address)
        with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
            connection.request("PUT", f"{parts.path}?{parts.query}")
            if (status := connection.getresponse().status) != 200:
                raise SwiftError(f"bucket {name}: {status}")

    def pause(self) -> None:
        """Let it answer nobody, as a store behind a cut link does, until `resume`."""
        self.processes["proxy"].send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.processes["proxy"].send_signal(signal.SIGCONT)


@contextmanager
def private_swift(folder: Path | None = None) -> Iterator[Swift]:
    """Start a store in a new folder; stop and remove it. Raises SwiftError."""
    if missing := [part for part in PARTS if shutil.which(f"swift-{part}-server") is None]:
        packages = " ".join(f"swift-{part}" for part in missing)
        raise SwiftError(f"Swift is not installed (apt install {packages})")
    home = Path(tempfile.mkdtemp(prefix="seadrift-swift-", dir=folder))
    ports = {part: _free_port() for part in PARTS}
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        secret = secrets.token_hex(16)
        _write_settings(home, ports, secret)
        for part in PARTS:
            processes[part] = _start(part, home)
        _wait(ports, processes, home)
        yield Swift(f"http://127.0.0.1:{ports['proxy']}", secret, processes)
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in processes.values():
            process.wait(30)
        shutil.rmtree(home)


def _write_settings(home: Path, ports: dict[str, int], secret: str) -> None:
    (home / "devices" / "d1").mkdir(parents=True)
    (home / "swift.conf").write_text(_HASHES)
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "swift")
    for part in PARTS:
        body = _PROXY if part == "proxy" else _STORAGE
        values = {"home": home, "port": ports[part], "part": part, "user": user}
        text = (_COMMON + body).format(**values, secret=secret, region=REGION)
        (home / f"{part}.conf").write_text(text)
    rings = [f"{part}={ports[part]}" for part in PARTS[:3]]
    subprocess.run(["/usr/bin/python3", "-c", _RINGS, str(home), *rings], check=True)


def _start(part: str, home: Path) -> "subprocess.Popen[bytes]":
    with (home / f"{part}.log").open("wb") as log:
        return subprocess.Popen(
            [f"swift-{part}-server", str(home / f"{part}.conf")],
            stdout=log,
            stderr=log,
            env={**os.environ, "SWIFT_DIR": str(home)},
        )


def _wait(
    ports: dict[str, int], processes: dict[str, "subprocess.Popen[bytes]"], home: Path
) -> None:
    """Until all of them answer: one that is asked too early is left alone for a minute."""
    deadline = time.monotonic() + _START_S
    for part, port in ports.items():
        while processes[part].poll() is None and time.monotonic() < deadline:
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port))):
                break
            time.sleep(0.05)
        else:
            raise SwiftError(f"{part}: did not start: {(home / f'{part}.log').read_text()[-800:]}")


def _free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])

"""A real Mosquitto on private ports with the configuration that Seadrift ships.

`broker` serves the test's own shore, with mutual TLS. Where Mosquitto is not installed the tests
that ask for it are skipped and say so.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.clock import now_ms
from server.mqtt.files import Plan, write
from server.shore import Shore
from wire.mqtt import Address

PATIENCE_S = 20.0


def program() -> str:
    """Where Mosquitto is: Debian puts it where users do not look."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed")
    return found


def free_port() -> int:
    """Below the ports that connections are given: after a storm of those, one that looks free is
    still somebody's."""
    while True:
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", 10_000 + secrets.randbelow(22_000)))
            return int(trial.getsockname()[1])


class Mosquitto:
    """A broker that a test starts, kills and starts again."""

    def __init__(self, folder: Path, configuration: Path, port: int, workers_port: int) -> None:
        self.folder = folder
        self.devices = Address("localhost", port, tls=True)
        self.workers = Address("127.0.0.1", workers_port, tls=True)
        self._argv = [program(), "-c", str(configuration)]
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "broker.log").open("ab") as log:
            self._child = subprocess.Popen(self._argv, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        for port in (self.devices.port, self.workers.port):
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert self._child.poll() is None, (self.folder / "broker.log").read_text()
                    assert time.monotonic() < deadline, "Mosquitto does not listen"
                    time.sleep(0.02)

    def listening(self) -> set[int]:
        """The ports on which this process takes connections, as the kernel says."""
        assert self._child is not None
        handles = Path(f"/proc/{self._child.pid}/fd").iterdir()
        ours = {os.readlink(handle) for handle in handles}
        ports = set()
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == "0A" and f"socket:[{words[9]}]" in ours:
                    ports.add(int(words[1].rpartition(":")[2], 16))
        return ports

    def reload(self) -> None:
        """What `systemctl reload mosquitto` does."""
        assert self._child is not None
        self._child.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """SIGKILL: no goodbye, as a power cut."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._child is not None:
            self._child.send_signal(how)
            self._child.wait(PATIENCE_S)
            self._child = None


@pytest.fixture
def broker(shore: Shore) -> Iterator[Mosquitto]:
    """The broker of the test's shore, listening."""
    program()
    plan = Plan(("localhost",), free_port(), "127.0.0.1", free_port(), "127.0.0.1")
    folder = shore.settings.broker
    made = Mosquitto(folder, write(shore, plan, folder, now_ms()), plan.port, plan.workers_port)
    made.start()
    yield made
    made.stop()

"""A shore as its own processes, with instruments enrolled, and what it takes in a second.

Example:
    >>> with served(folder, database=None, workers=1) as shore:
    ...     measure_rate(shore, objects=9600, devices=8).objects_per_s
    4100.0
"""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from server.demo.operator import Operator
from server.demo.processes import Shore
from server.demo.story import ADMIN, free_port
from server.simulated import SimulatedDevice


@dataclass(frozen=True)
class Served:
    """A shore that answers, and its administrator."""

    shore: Shore
    operator: Operator
    project: int

    def claim(self, name: str) -> str:
        body = {"project_id": self.project, "name": name, "valid_h": 1}
        return str(self.operator.post("/api/claims", body)["claim"])


@contextmanager
def served(folder: Path, database: str | None, workers: int) -> Iterator[Served]:
    """Start `seadrift serve` on new data in `folder`; stop it at the end."""
    password = secrets.token_urlsafe(12)
    shore = Shore(folder / "shore", free_port(0), password)
    shore.start(
        "--workers",
        str(workers),
        "--rate",
        "0",
        *([] if database is None else ["--database", database]),
    )
    operator = None
    try:
        operator = Operator(shore.url, ADMIN, password)
        project = int(operator.post("/api/projects", {"title": "Bench"})["project_id"])
        yield Served(shore, operator, project)
    finally:
        if operator is not None:
            operator.close()
        shore.stop()


@dataclass(frozen=True)
class Rate:
    """Objects acknowledged in a second, and the processor time for each of the shore and of the
    instruments, in microseconds: what counts on a machine that has other work too."""

    objects_per_s: float
    shore_us: float
    sender_us: float


def measure_rate(served: Served, objects: int, devices: int) -> Rate:
    """What the shore takes over `devices` connections at once. Raises RuntimeError when it did not
    take everything."""
    order = {
        "port": served.shore.address[1],
        "objects": objects,
        "devices": [_enrolled(served, f"instrument {n}") for n in range(devices)],
    }
    with subprocess.Popen(
        [sys.executable, "-m", "server.bench.sender"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as sender:
        assert sender.stdin is not None
        assert sender.stdout is not None
        print(json.dumps(order), file=sender.stdin, flush=True)
        if sender.stdout.readline() != "ready\n":
            raise RuntimeError("the sender did not start")
        before = processor_s(served.shore.pid)
        print("go", file=sender.stdin, flush=True)
        found = json.loads(sender.stdout.readline())
        used = processor_s(served.shore.pid) - before
    if found["failed"]:
        raise RuntimeError(f"the shore did not take everything: {found['failed'][0]}")
    each = 1e6 / found["objects"]
    rate = found["objects"] / found["seconds"]
    return Rate(rate, used * each, found["used_s"] * each)


def processor_s(pid: int | None) -> float:
    """Processor time of a process and its children, user and system, seconds."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            number, _, rest = stat.read_text().partition(" (")
            fields = rest.rpartition(") ")[2].split()
            if pid in (int(number), int(fields[1])):
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _enrolled(served: Served, name: str) -> tuple[str, str]:
    """A new device's id and key."""
    with httpx.Client(base_url=served.shore.url, timeout=60) as http:
        device = SimulatedDevice.enrol(http, served.claim(name), name)
    return device.device_id, base64.b64encode(device.key.raw).decode()

"""The systemd unit is one that systemd understands, hardened, and fed by the agent's watchdog."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from edge.agent.notify import Notifier

UNIT = Path(__file__).parents[3] / "hardware" / "systemd" / "seadrift-edge.service"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here"
)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/seadrift/bin/seadrift-edge", "/bin/true"))
    found = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    about_us = [line for line in found.stderr.splitlines() if UNIT.name in line]
    assert not about_us


@needs_systemd
def test_its_exposure_is_low(tmp_path: Path) -> None:
    helped = subprocess.run(
        ["systemd-analyze", "--help"], capture_output=True, text=True, check=True
    )
    if "--offline" not in helped.stdout:
        pytest.skip("this systemd-analyze cannot look at a file (before version 250)")
    found = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(UNIT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-300:]


def test_what_the_agent_relies_on() -> None:
    lines = UNIT.read_text().splitlines()
    for wanted in (
        "Type=notify",
        "Restart=always",
        "RestartPreventExitStatus=2",
        "StateDirectory=seadrift",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
    ):
        assert wanted in lines
    assert any(line.startswith("WatchdogSec=") for line in lines)
    assert not any(line.startswith("MemoryDenyWriteExecute=yes") for line in lines)


def test_notifications_reach_the_socket(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(address)
        notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
        notifier.ready("starting")
        assert supervisor.recv(1000) == b"READY=1\nSTATUS=starting"
        notifier.alive("capturing")
        assert supervisor.recv(1000) == b"WATCHDOG=1\nSTATUS=capturing"
        notifier.stopping()
        assert supervisor.recv(1000) == b"STOPPING=1"


def test_without_systemd_or_with_one_that_is_gone_nothing_happens(tmp_path: Path) -> None:
    Notifier.from_environment({}).ready("x")
    Notifier(str(tmp_path / "nobody")).alive("x")
    Notifier("@seadrift-nobody-listens").stopping()

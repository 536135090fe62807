"""SIGKILL as a real agent, or a real shore, enters its n-th call that writes, syncs, renames or
answers; then n + 1; each time the process is started again on what the last one left."""

import subprocess
from pathlib import Path

import pytest

from server.demo.processes import Shore
from tests.faults.failing import STEPS, injecting
from tests.faults.laboratory import progress, report
from tests.faults.recording import can_record
from tests.faults.stage import Place, agent, ashore, run

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow_faults,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not can_record(), reason="strace is not installed"),
]
KILLS_AT_SEA, KILLS_ASHORE = 120, 90
FIRST_ASHORE = 2


def finish(place: Place, injected: str, kills: int) -> None:
    """All that waits is sent; then the books must agree."""
    for config in place.configs.values():
        done = run(agent(config, "--frames", "1", "--once"))
        assert done.returncode == 0, done.stderr
    account = place.account()
    lost = account.lost + account.pending
    report("once", injected, times=kills, lost=lost, duplicated=account.duplicated)


def test_the_agent_is_killed_at_each_step(tmp_path: Path) -> None:
    killed = 0
    with ashore(tmp_path) as place:
        config = place.instrument("north")
        for number in range(1, KILLS_AT_SEA + 1):
            argv = agent(config, "--frames", "4", "--once")
            killed += run(injecting(argv, STEPS, "signal=KILL", str(number))).returncode == -9
            progress(number, KILLS_AT_SEA, "agents killed")
        assert killed > KILLS_AT_SEA * 0.9
        finish(
            place, "SIGKILL of an agent as it enters its n-th write, sync, rename or send", killed
        )


def test_the_shore_is_killed_at_each_step(tmp_path: Path) -> None:
    with ashore(tmp_path) as place:
        config = place.instrument("north", interval_s=0.1)
        place.shore.kill()
        killed = 0
        with subprocess.Popen(agent(config), stderr=subprocess.DEVNULL) as instrument:
            for number in range(FIRST_ASHORE, FIRST_ASHORE + KILLS_ASHORE):
                killed += _live_until_killed(place.shore, number)
                assert instrument.poll() is None, "the agent ended"
                progress(number, KILLS_ASHORE, "shores killed")
            instrument.terminate()
        assert killed > KILLS_ASHORE * 0.9
        place.shore.start()
        finish(place, "SIGKILL of the shore as it enters its n-th write, sync or answer", killed)


def _live_until_killed(shore: Shore, number: int) -> bool:
    """Whether the n-th step came, and was the last."""
    argv = injecting(shore._argv, STEPS, "signal=KILL", str(number))
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            return child.wait(timeout=20) == -9
        except subprocess.TimeoutExpired:
            child.kill()
            return False

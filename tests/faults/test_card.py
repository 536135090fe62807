"""A real file system on a card that loses its power, goes away or locks itself under the agent."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.outbox import Outbox
from tests.faults.card import Card, can_mount
from tests.faults.laboratory import progress, report
from tests.faults.stage import Place, agent, ashore, run
from wire.codec import decode_record

pytestmark = [pytest.mark.faults, pytest.mark.slow_faults, pytest.mark.timeout(600)]
CLOCK = SystemClock(trust_system=False)
CUTS, ROUNDS = 60, 4

WRITER = """
import sys
from pathlib import Path
from edge.clock import SystemClock
from edge.outbox import Draft, Outbox
from wire.records import BadFrame, Vignette
with Outbox.open(Path(sys.argv[1]), max_mb=32, reserve_mb=1,
                 clock=SystemClock(trust_system=False)) as outbox:
    index = int(outbox.cursor or 0)
    while True:
        drafts = [Draft(BadFrame("f", index, "x"))]
        drafts += [Draft(Vignette(0, 0, "png", 1, 1, bytes(3000)), about=0)] * (index % 3)
        outbox.commit(drafts, cursor=str(index + 1))
        index += 1
        print(index, flush=True)
"""


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    if not can_mount(tmp_path):
        pytest.skip("a file system of our own needs root, mkfs.ext4 and a loop device")
    with Card(tmp_path / "sd", megabytes=64) as made:
        yield made


def test_a_real_file_system_loses_its_power(card: Card) -> None:
    chance, lost, twice = random.Random(3), 0, 0
    for number in range(CUTS):
        promised = write_until_cut(card, chance)
        card.put_back()
        with Outbox.open(card.at / "outbox", max_mb=32, reserve_mb=1, clock=CLOCK) as outbox:
            assert not list((card.at / "outbox").glob("damaged-*"))
            done = int(outbox.cursor or 0)
            found = [decode_record(b) for (b,) in outbox._db.execute("SELECT bytes FROM record")]
        frames = [r.body["frame_index"] for r in found if r.kind == "badframe"]
        pictures = sum(r.kind == "vignette" for r in found)
        lost += max(0, promised - done) + len(set(range(done)) - set(frames))
        lost += max(0, sum(i % 3 for i in range(done)) - pictures)
        twice += len(frames) - len(set(frames)) + (max(frames, default=-1) >= done)
        progress(number, CUTS, "cuts of a file system")
        if done > 3000:
            subprocess.run(["rm", "-rf", str(card.at / "outbox")], check=True)
    report(
        "counted",
        "power cut of a real ext4 on a loop device, its cache and open journal dropped",
        times=CUTS,
        lost=lost,
        duplicated=twice,
    )


def write_until_cut(card: Card, chance: random.Random) -> int:
    """Frames that were promised before the power went."""
    argv = [sys.executable, "-c", WRITER, str(card.at / "outbox")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        first = int(child.stdout.readline())
        time.sleep(chance.uniform(0, 0.15))  # the moment of the cut, nothing more
        # A power cut stops the processor too; without this, ext4's shutdown may let one fdatasync
        # that it overtook return as if it had been done.
        child.send_signal(signal.SIGSTOP)
        card.cut()
        child.kill()
        return int((child.stdout.read().split() or [first])[-1])


@pytest.mark.parametrize("how", ["cut", "lock", "take_out"])
def test_a_card_that_fails_under_the_agent(card: Card, tmp_path: Path, how: str) -> None:
    """The agent says what is wrong; its service starts it again until the card is back."""
    with ashore(tmp_path) as place:
        config = place.instrument("north", data=str(card.at / "data"), interval_s=0.05)
        for number in range(ROUNDS):
            words = fail_and_return(card, place, how)
            assert "seadrift-edge run: " in words, words
            progress(number, ROUNDS, f"cards ({how})")
        done = run(agent(config, "--frames", "1", "--once"))
        assert done.returncode == 0, done.stderr
        assert not list((card.at / "data" / "outbox").glob("damaged-*")), "rebuilt without need"
        account = place.account()
    what = {"cut": "dies", "lock": "turns read-only", "take_out": "is taken out"}[how]
    report(
        "card",
        f"the card {what} under a running agent, and is put back",
        times=ROUNDS,
        lost=account.lost + account.pending,
        duplicated=account.duplicated,
    )


def fail_and_return(card: Card, place: Place, how: str) -> str:
    """One failure of the card; what the agent said of it until it worked again."""
    config, log = place.configs["north"], place.folder / "agent.log"
    with log.open("w") as out, subprocess.Popen(agent(config), stderr=out) as child:
        until_frames(place, child, log)
        if how == "cut":
            cut_between_calls(card, child.pid)
        else:
            getattr(card, how)()
        if how == "take_out":
            child.wait(timeout=60)
        else:
            until_said(log, child)
            card.cut()  # a card that was locked is dead all the same once it is pulled
        card.put_back()
        try:
            code = child.wait(timeout=60)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
    assert code == 3, log.read_text()
    return log.read_text()


def cut_between_calls(card: Card, pid: int) -> None:
    """Cut while no call of the process is under way: ext4's shutdown lets a fdatasync that it
    overtakes return as if it had been done, which no card that dies can do."""
    os.kill(pid, signal.SIGSTOP)
    patience = time.monotonic() + 20
    while not all(state == "T" for state in states(pid)):
        assert time.monotonic() < patience, "a call does not end"
        time.sleep(0.001)
    card.cut()
    os.kill(pid, signal.SIGCONT)


def states(pid: int) -> list[str]:
    """The state of each of the process's threads, as the kernel's letter."""
    files = Path(f"/proc/{pid}/task").glob("*/stat")
    return [file.read_text().rpartition(")")[2].split()[0] for file in files]


def until_frames(place: Place, child: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until the shore has frames of this run."""
    before = len(place.operator.get(f"/api/projects/{place.project}/frames"))
    patience = time.monotonic() + 60
    while len(place.operator.get(f"/api/projects/{place.project}/frames")) < before + 3:
        assert child.poll() is None, log.read_text()
        assert time.monotonic() < patience, "no frames come"
        time.sleep(0.1)


def until_said(log: Path, child: "subprocess.Popen[bytes]") -> None:
    patience = time.monotonic() + 60
    while child.poll() is None and "rror" not in log.read_text():
        assert time.monotonic() < patience, "not a word about the card"
        time.sleep(0.1)

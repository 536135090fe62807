"""The instrument's power is cut, at any instant of a real agent's life: first start, enrolment,
frames, sending, acknowledgements.

The agent runs unmodified against a real shore while strace notes what it does to its files; then
the power is cut between, and within, those calls, many times. After each cut the folder is opened
as after a restart and held against what the agent had promised until then.
"""

import random
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.identity import Identity
from edge.outbox import Outbox
from tests.faults.laboratory import progress, report, slice_or_whole
from tests.faults.medium import Medium, lay_out
from tests.faults.recording import Note, Recording, can_record
from wire.codec import decode_record

pytestmark = [
    pytest.mark.faults,
    pytest.mark.xdist_group("power at sea"),
    pytest.mark.skipif(not can_record(), reason="strace is not installed"),
]
CLOCK = SystemClock(trust_system=False)
CUTS, CUTS_MORE = 60, 2000
Names = set[tuple[int, int]]


@dataclass
class Promised:
    """What the agent had promised until some moment."""

    cursor: int = 0
    kept: Names = field(default_factory=set)
    gone: Names = field(default_factory=set)
    used: int = 0
    public: str = ""
    enrolled: bool = False

    def hear(self, line: str) -> None:
        what, *words = line.split()
        if what == "kept":
            self.cursor, epoch, first, last = map(int, words)
            self.kept |= {(epoch, seq) for seq in range(first, last + 1)}
        elif what == "gone":
            epoch, ranges = int(words[0]), [part.split("-") for part in words[1].split(",")]
            held = {(epoch, s) for low, high in ranges for s in range(int(low), int(high) + 1)}
            self.gone |= held & self.kept
        elif what == "used":
            self.used = int(words[0])
        elif what == "public":
            self.public = words[0]
        elif what == "enrolled":
            self.enrolled = True


@dataclass
class Toll:
    """What cuts cost."""

    lost: int = 0
    duplicated: int = 0

    def frames(self, folder: Path, promised: Promised) -> None:
        """The outbox against what was promised; it must not even have needed a rebuild."""
        with Outbox.open(folder / "outbox", max_mb=512, reserve_mb=0, clock=CLOCK) as outbox:
            assert not list((folder / "outbox").glob("damaged-*")), "damaged"
            cursor = int(outbox.cursor or 0)
            self.lost += max(0, promised.cursor - cursor)
            here, indices = read(outbox)
            self.lost += len(promised.kept - promised.gone - here)
            self.duplicated += len(indices) - len(set(indices))
            self.duplicated += sum(index >= cursor for index in indices)

    def identity(self, folder: Path, promised: Promised) -> None:
        """Key, enrolment and request numbers."""
        identity = Identity.load_or_make(folder / "identity")
        self.lost += bool(promised.public) and identity.public.text != promised.public
        self.lost += promised.enrolled and identity.enrolment is None
        if identity.enrolment is not None:
            identity.sign("GET", "/", b"")
            self.duplicated += identity._counter._next - 1 <= promised.used


def read(outbox: Outbox) -> tuple[Names, list[int]]:
    """The names of what waits, and the indices of its frames."""
    names, indices = set(), []
    for (blob,) in outbox._db.execute("SELECT bytes FROM record"):
        found = decode_record(blob)
        names.add(found.key)
        if found.kind in ("frame", "badframe"):
            indices.append(int(found.body["frame_index"]))
    return names, indices


def put_to_the_test(life: Recording, disk: Path, moments: list[int], *, killed: bool) -> Toll:
    """Cut (or kill) at each of the moments, in their order."""
    chance, medium, toll = random.Random(1), Medium(life.notes), Toll()
    promised, said = Promised(), iter([*life.said, (len(life.notes) + 1, "end")])
    at, line = next(said)
    for number, moment in enumerate(sorted(moments)):
        medium.advance(moment)
        while at <= moment:
            promised.hear(line)
            at, line = next(said)
        files = medium.killed() if killed else medium.cut(chance)
        folder = lay_out(files, disk / str(number))
        toll.frames(folder, promised)
        toll.identity(folder, promised)
        shutil.rmtree(folder)
        progress(number, len(moments), "cuts at sea")
    return toll


def cuts(life: Recording, number: int) -> list[int]:
    chance = random.Random(number)
    return [chance.randint(0, len(life.notes)) for _ in range(number)]


@pytest.mark.parametrize("number", slice_or_whole(CUTS, CUTS_MORE))
def test_a_power_cut_at_any_instant(life: Recording, disk: Path, number: int) -> None:
    toll = put_to_the_test(life, disk, cuts(life, number), killed=False)
    for promise in ("counted", "identity"):
        report(
            promise,
            "power cut of a running agent, unsynced sectors torn",
            times=number,
            lost=toll.lost,
            duplicated=toll.duplicated,
        )


@pytest.mark.slow_faults
def test_a_kill_at_each_call_that_touches_a_file(life: Recording, disk: Path) -> None:
    moments = list(range(len(life.notes) + 1))
    toll = put_to_the_test(life, disk, moments, killed=True)
    report(
        "counted",
        "SIGKILL of a running agent at each write, sync and rename",
        times=len(moments),
        lost=toll.lost,
        duplicated=toll.duplicated,
    )


def test_the_laboratory_would_see_an_agent_that_does_not_sync(life: Recording, disk: Path) -> None:
    """The tests above would mean nothing if a cut cost nothing, or if nobody looked."""
    careless = replace(life, notes=[_unsynced(note) for note in life.notes])
    with pytest.raises(AssertionError, match="damaged"):
        put_to_the_test(careless, disk, cuts(life, CUTS), killed=False)
    early = replace(life, said=[(max(0, at - 12), line) for at, line in life.said])
    assert put_to_the_test(early, disk / "early", cuts(life, CUTS), killed=True).lost > 0


def _unsynced(note: Note) -> Note:
    outbox = note.what == "sync" and note.path.startswith("outbox")
    return replace(note, what="settle", path="nowhere") if outbox else note

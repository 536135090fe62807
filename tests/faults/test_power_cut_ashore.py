"""The shore's power is cut, at any instant of its life: first start, enrolment, batches.

As at sea: the real shore on SQLite, recorded while it takes batches, and cut between and within its
calls. Whatever it acknowledged must be there when it opens again, vignettes and all.
"""

import random
import shutil
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from server.db.engine import Database
from server.db.ledger import HELD
from server.db.tables import Device, Image, LedgerEntry, Object, Pack
from server.settings import Settings
from server.simulated import make_vignette
from server.store.folder_packs import FolderPacks
from server.store.packs import Place
from tests.faults.laboratory import progress, report, slice_or_whole
from tests.faults.medium import Medium, lay_out
from tests.faults.recording import Recording, can_record, record

pytestmark = [
    pytest.mark.faults,
    pytest.mark.xdist_group("power ashore"),
    pytest.mark.skipif(not can_record(), reason="strace is not installed"),
]
HERE = Path(__file__).parent
BATCHES = 20


@dataclass
class Promised:
    """What the shore had acknowledged, and what it was about to take, at some moment."""

    held: set[int] = field(default_factory=set)
    sent: set[int] = field(default_factory=set)
    enrolled: bool = False

    def hear(self, line: str) -> None:
        what, *words = line.split()
        if what == "device":
            self.enrolled = True
        elif what in ("sent", "held"):
            seqs = set(range(int(words[1]), int(words[2]) + 1))
            self.sent |= seqs
            self.held |= seqs if what == "held" else set()


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Twenty batches, from the shore's first start on."""
    folder = tmp_path_factory.mktemp("life") / "shore"
    return record(
        [sys.executable, str(HERE / "telling_shore.py"), str(folder), str(BATCHES)], folder
    )


def toll(folder: Path, promised: Promised) -> tuple[int, int]:
    """Records lost and records too many, in a folder that a cut left."""
    settings = Settings(data=folder)
    database = Database.open(settings.database_url, settings.write_lock)
    packs = FolderPacks(settings.packs, settings.pack_max)
    try:
        with database.read() as connection:
            entries = connection.execute(select(LedgerEntry.seq, LedgerEntry.outcome)).all()
            objects = list(connection.execute(select(Object.seq)).scalars())
            pictures = connection.execute(
                select(Image.object_seq, Pack.name, Image.offset, Image.length).join(
                    Pack, Pack.id == Image.pack_id
                )
            ).all()
            devices = len(connection.execute(select(Device.id)).all())
        held = {seq for seq, outcome in entries if outcome == HELD}
        whole = set(objects)
        for seq, name, offset, length in pictures:
            if packs.read(Place(name, offset, length)) == make_vignette(seq).data:
                whole.add(seq + 1)
        lost = len(promised.held - held) + len(held - whole) + (promised.enrolled and not devices)
        twice = len(objects) - len(set(objects)) + len(held - promised.sent) + len(whole - held)
        return lost, twice
    finally:
        packs.close()
        database.close()


def put_to_the_test(life: Recording, disk: Path, moments: list[int], *, killed: bool) -> list[int]:
    """Cut (or kill) at each of the moments; records lost, and too many."""
    chance, medium, sums = random.Random(2), Medium(life.notes), [0, 0]
    promised, said = Promised(), iter([*life.said, (len(life.notes) + 1, "end")])
    at, line = next(said)
    for number, moment in enumerate(sorted(moments)):
        medium.advance(moment)
        while at <= moment:
            promised.hear(line)
            at, line = next(said)
        folder = lay_out(medium.killed() if killed else medium.cut(chance), disk / str(number))
        lost, twice = toll(folder, promised)
        sums = [sums[0] + lost, sums[1] + twice]
        shutil.rmtree(folder)
        progress(number, len(moments), "cuts ashore")
    return sums


@pytest.mark.parametrize("number", slice_or_whole(40, 1000))
def test_a_power_cut_of_the_shore(life: Recording, disk: Path, number: int) -> None:
    chance = random.Random(number)
    moments = [chance.randint(0, len(life.notes)) for _ in range(number)]
    lost, twice = put_to_the_test(life, disk, moments, killed=False)
    report(
        "acknowledged",
        "power cut of the shore (SQLite, packs), unsynced sectors torn",
        times=number,
        lost=lost,
        duplicated=twice,
    )


@pytest.mark.slow_faults
def test_a_kill_of_the_shore_at_each_call_that_touches_a_file(life: Recording, disk: Path) -> None:
    moments = list(range(len(life.notes) + 1))
    lost, twice = put_to_the_test(life, disk, moments, killed=True)
    report(
        "acknowledged",
        "SIGKILL of the shore (SQLite, packs) at each write and sync",
        times=len(moments),
        lost=lost,
        duplicated=twice,
    )


def test_the_laboratory_would_see_a_shore_that_promises_early(life: Recording, disk: Path) -> None:
    early = replace(life, said=[(max(0, at - 30), line) for at, line in life.said])
    moments = list(range(0, len(life.notes), 20))
    assert put_to_the_test(early, disk, moments, killed=True)[0] > 0

"""A card that calls every sync done, and keeps the last writes in a cache that a power cut empties.

Then nobody can promise that nothing is lost. What can be promised: the instrument starts again and
works, whatever it finds; what it can read goes on to the shore; a file that was damaged is kept,
and the shore is told, under a new epoch, so that no name ever means two things.
"""

import random
import shutil
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.identity import Identity
from edge.outbox import Draft, Outbox
from tests.faults.laboratory import progress, report, slice_or_whole
from tests.faults.medium import Medium, lay_out
from tests.faults.recording import Recording, can_record
from wire.codec import decode_record
from wire.records import BadFrame, Gap, read_body

pytestmark = [
    pytest.mark.faults,
    pytest.mark.xdist_group("power at sea"),
    pytest.mark.skipif(not can_record(), reason="strace is not installed"),
]
CLOCK = SystemClock(trust_system=False)


@pytest.mark.parametrize("number", slice_or_whole(40, 1000))
def test_a_card_that_lies_stops_nothing(life: Recording, disk: Path, number: int) -> None:
    chance, medium = random.Random(number), Medium(life.notes, honest=False)
    epochs = {int(line.split()[2]) for _, line in life.said if line.startswith("kept")}
    rebuilt = silent = 0
    for count in range(number):
        # one cut in the middle of each life: all lives together cover it from end to end
        medium.advance(len(life.notes) * (count + 1) // number)
        folder = lay_out(medium.cut(chance), disk / str(count))
        said, damaged = goes_on(folder / "outbox", epochs)
        rebuilt, silent = rebuilt + damaged, silent + (damaged and not said)
        Identity.load_or_renew(folder / "identity")
        shutil.rmtree(folder)
        progress(count, number, f"lying card, {rebuilt} rebuilt")
    assert rebuilt > 0, "a card that lies should have done some damage"
    report(
        "lying",
        "power cut of a card that had only claimed to write",
        times=number,
        lost=silent,
        duplicated=0,
    )


def goes_on(folder: Path, epochs: set[int]) -> tuple[bool, bool]:
    """Start twice and work; whether damage was told to the shore, and whether there was any."""
    with Outbox.open(folder, max_mb=64, reserve_mb=0, clock=CLOCK) as outbox:
        outbox.commit([Draft(BadFrame("after the cut", 9999, "x"))], cursor="9999")
    with Outbox.open(folder, max_mb=64, reserve_mb=0, clock=CLOCK) as outbox:
        assert outbox.cursor == "9999"
        blobs = [bytes(blob) for (blob,) in outbox._db.execute("SELECT bytes FROM record")]
        records = [decode_record(blob) for blob in blobs]
        assert len({r.key for r in records}) == len(records)
        gaps = [read_body(r) for r in records if r.kind == "gap"]
        told = any(isinstance(g, Gap) and "outbox damaged" in g.reason for g in gaps)
        damaged = bool(list(folder.glob("damaged-*")))
        return told and outbox.epoch not in epochs, damaged

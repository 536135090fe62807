"""Power cuts: whatever SQLite had not synced is torn or gone, sector by sector, and nothing that a
commit promised is lost.

A file layer of SQLite's own kind notes every write, truncation, sync and deletion. A cut replays
the notes up to a random point: what was synced is there; of what was not, each sector of 512 bytes
is there or not, at random. The outbox is then opened on those files, as after a restart.
"""

import os
import random
from pathlib import Path

import apsw
import pytest

from edge.clock import SystemClock
from edge.outbox import Draft, Outbox
from wire.ack import Ack
from wire.codec import decode_record
from wire.records import BadFrame, Vignette

CLOCK = SystemClock(trust_system=False)
SECTOR = 512
Note = tuple[str, str, int, bytes]


class Recorder(apsw.VFS):
    """Passes everything on to the file system, and notes what would reach the medium."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        super().__init__("seadrift-recorder", "", maxpathname=512)

    def xOpen(self, name: object, flags: list[int]) -> "Recorded":  # noqa: N802 - SQLite's name
        return Recorded(self.notes, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802 - SQLite's name
        self.notes.append(("delete", os.path.basename(name), 0, b""))
        super().xDelete(name, sync)


class Recorded(apsw.VFSFile):
    def __init__(self, notes: list[Note], name: object, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self.name, self.notes = os.path.basename(path), notes
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        self.notes.append(("write", self.name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802 - SQLite's name
        self.notes.append(("truncate", self.name, size, b""))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self.notes.append(("sync", self.name, 0, b""))
        super().xSync(flags)


def apply(content: bytearray, note: Note) -> None:
    what, _, place, data = note
    if what == "truncate":
        del content[place:]
        return
    content.extend(b"\0" * (place + len(data) - len(content)))
    content[place : place + len(data)] = data


def after_cut(notes: list[Note], chance: random.Random) -> dict[str, bytearray]:
    """The files on the medium after the power went."""
    durable: dict[str, bytearray] = {}
    floating: dict[str, list[Note]] = {}
    for note in notes:
        what, name = note[:2]
        durable.setdefault(name, bytearray())
        if what == "sync":
            for earlier in floating.pop(name, []):
                apply(durable[name], earlier)
        elif what == "delete":
            durable.pop(name), floating.pop(name, None)
        else:
            floating.setdefault(name, []).append(note)
    for name, rest in floating.items():
        for what, _, place, data in rest:
            for start in range(0, max(1, len(data)), SECTOR):
                if chance.random() < 0.5:
                    piece = data[start : start + SECTOR]
                    apply(durable[name], (what, name, place + start, piece))
    return durable


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Note], list[tuple[int, int, int]]]:
    """What one run wrote, and its promises: after so many notes, frames done and records gone."""
    recorder = Recorder()
    chance = random.Random(11)
    promises: list[tuple[int, int, int]] = []
    folder = tmp_path_factory.mktemp("life")
    with Outbox.open(
        folder, max_mb=8, reserve_mb=0, clock=CLOCK, vfs="seadrift-recorder"
    ) as outbox:
        gone = 0
        promises.append((len(recorder.notes), 0, 0))
        for index in range(60):
            size = chance.choice((200, 3000, 20_000))
            drafts = [Draft(BadFrame("f", index, "x"))]
            drafts += [Draft(Vignette(0, 0, "png", 1, 1, b"\1" * size), about=0)] * 2
            outbox.commit(drafts, cursor=str(index + 1))
            if index % 7 == 6:
                gone += 9
                outbox.acknowledge(Ack(outbox.epoch, upto=gone))
            promises.append((len(recorder.notes), index + 1, gone))
    notes = list(recorder.notes)
    recorder.unregister()
    return notes, promises


@pytest.mark.faults
def test_two_hundred_power_cuts_lose_nothing_that_was_promised(
    life: tuple[list[Note], list[tuple[int, int, int]]], tmp_path: Path
) -> None:
    notes, promises = life
    chance = random.Random(1)
    for number in range(200):
        cut = chance.randrange(promises[0][0], len(notes))
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, content in after_cut(notes[:cut], chance).items():
            if not name.endswith("-shm"):
                (folder / name).write_bytes(content)
        done = max(frames for at, frames, _ in promises if at <= cut)
        gone = min(left for at, _, left in promises if at > cut) if cut < promises[-1][0] else 9999
        with Outbox.open(folder, max_mb=8, reserve_mb=0, clock=CLOCK) as outbox:
            assert not list(folder.glob("damaged-*")), f"cut {cut}: rebuilt"
            cursor = int(outbox.cursor or 0)
            assert cursor in (done, done + 1), f"cut {cut}: a promised frame is lost"
            batch = outbox.next_batch(2**30)
            here = set() if batch is None else set(batch.seqs)
            assert here >= set(range(gone + 1, 3 * done + 1)), f"cut {cut}: records are lost"
            for blob in () if batch is None else batch.records:
                record = decode_record(blob)
                if record.kind == "vignette":
                    assert record.body["object_seq"] == record.seq - 1 - (record.seq % 3 == 0)


def test_the_cutter_itself_loses_what_was_not_synced() -> None:
    """The test above would mean nothing on a medium that forgets nothing."""
    notes = [("write", "a", 0, b"1" * 512), ("sync", "a", 0, b""), ("write", "a", 0, b"2" * 512)]
    found = {bytes(after_cut(notes, random.Random(seed))["a"][:1]) for seed in range(20)}
    assert found == {b"1", b"2"}
    assert bytes(after_cut(notes[:2], random.Random(0))["a"]) == b"1" * 512

"""The outbox when the world is bad: killed in a commit, a full disk, a damaged file."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from edge.clock import SystemClock
from edge.outbox import Draft, Outbox, OutboxFullError
from edge.outbox.database import FILE
from wire.ack import Ack
from wire.codec import decode_record
from wire.records import BadFrame, Gap, Record, Vignette, read_body

CLOCK = SystemClock(trust_system=False)
ROOT = Path(__file__).parents[3]

WRITER = """
import sys
from pathlib import Path
from edge.clock import SystemClock
from edge.outbox import Draft, Outbox
from wire.records import BadFrame, Vignette
with Outbox.open(Path(sys.argv[1]), max_mb=64, reserve_mb=0,
                 clock=SystemClock(trust_system=False)) as outbox:
    index = int(outbox.cursor or 0)
    while True:
        drafts = [Draft(BadFrame("f", index, "x"))]
        drafts += [Draft(Vignette(0, 0, "png", 1, 1, bytes(3000)), about=0)] * (index % 5)
        outbox.commit(drafts, cursor=str(index + 1))
        index += 1
        print(index, flush=True)
"""


def open_outbox(folder: Path, max_mb: int = 8, reserve_mb: int = 0) -> Outbox:
    return Outbox.open(folder, max_mb=max_mb, reserve_mb=reserve_mb, clock=CLOCK)


def bad(index: int) -> Draft:
    return Draft(BadFrame(f"frame{index}", index, "test"))


def picture(size: int = 20_000) -> Draft:
    return Draft(Vignette(0, 0, "png", 1, 1, b"\1" * size))


@pytest.mark.faults
def test_a_kill_in_a_commit_neither_loses_nor_repeats_a_frame(tmp_path: Path) -> None:
    chance = random.Random(7)
    promised = 0
    for _ in range(10):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        for _ in range(chance.randrange(1, 30)):
            promised = int(child.stdout.readline())
        time.sleep(chance.uniform(0, 0.004))  # anywhere in the next commit
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()  # promises made before the kill arrived
        promised = int(rest[-1]) if rest else promised
        child.stdout.close()
        child.wait()
        with open_outbox(tmp_path, max_mb=64) as outbox:
            done = int(outbox.cursor or 0)
            assert done in (promised, promised + 1)
            frames = {}
            pictures = 0
            batch = outbox.next_batch(2**30)
            assert batch is not None
            for blob in batch.records:
                record = decode_record(blob)
                if record.kind == "badframe":
                    assert record.body["frame_index"] not in frames
                    frames[record.body["frame_index"]] = record.seq
                else:
                    pictures += 1
                    assert record.body["object_seq"] in frames.values()
            assert sorted(frames) == list(range(done))
            assert pictures == sum(index % 5 for index in range(done))
            assert sorted(batch.seqs) == list(range(1, outbox.next_seq))


@pytest.mark.faults
def test_a_full_disk_stops_commits_and_frees_again(tmp_path: Path) -> None:
    """A real file system of 12 MB, filled by somebody else."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        with open_outbox(disk / "outbox", max_mb=64, reserve_mb=4) as outbox:
            index = 0
            for index in range(20):
                outbox.commit([bad(index), picture()], cursor=str(index + 1))
            _fill(disk / "other")
            done = _commit_until_full(outbox, index + 1)
            assert outbox.cursor == str(done)
            before = outbox.pending()
            assert before.by_kind["badframe"] == done
        # A restart on the full disk, and what the shore has taken must go there too.
        with open_outbox(disk / "outbox", max_mb=64, reserve_mb=4) as outbox:
            assert outbox.pending() == before
            assert outbox.acknowledge(Ack(outbox.epoch, upto=outbox.next_seq - 1)) > 0
            assert outbox.pending().records == 0
            (disk / "other").unlink()
            outbox.commit([bad(done), picture()], cursor=str(done + 1))
        with open_outbox(disk / "outbox", max_mb=64, reserve_mb=4) as outbox:
            assert outbox.cursor == str(done + 1)
            assert outbox.pending().records == 2
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def _commit_until_full(outbox: Outbox, index: int) -> int:
    """Commits frames of summaries alone until nothing fits; the number of frames done."""
    for done in range(index, index + 100_000):
        try:
            outbox.commit([Draft(BadFrame("f" * 400, done, "r" * 400))], cursor=str(done + 1))
        except OutboxFullError:
            return done
    raise AssertionError("the disk never filled")


LIMITED = """
import resource, sys
from pathlib import Path
from edge.clock import SystemClock
from edge.outbox import Draft, Outbox, OutboxFullError
from wire.records import BadFrame
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Outbox.open(Path(sys.argv[1]), max_mb=64, reserve_mb=0,
                 clock=SystemClock(trust_system=False)) as outbox:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, resource.RLIM_INFINITY))
    index = 0
    try:
        while True:
            outbox.commit([Draft(BadFrame("f" * 400, index, "r" * 400))], cursor=str(index + 1))
            index += 1
    except OutboxFullError as error:
        print(index, outbox.cursor, outbox.pending().records)
        print(error)
"""


@pytest.mark.faults
def test_a_file_size_limit_is_one_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    counts, message = child.stdout.splitlines()
    done, cursor, pending = counts.split()
    assert done == cursor == pending
    assert int(done) > 100
    assert str(tmp_path) in message
    with open_outbox(tmp_path, max_mb=64) as outbox:
        assert outbox.cursor == done
        assert outbox.pending().records == int(done)


@pytest.mark.faults
def test_a_damaged_file_is_set_aside_and_what_can_be_read_goes_on(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        for index in range(40):
            outbox.commit([bad(index), picture()], cursor=str(index + 1))
        old = outbox.epoch
        outbox._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(4096 * 60)
        file.write(os.urandom(4096 * 8))
    with open_outbox(tmp_path) as outbox:
        assert outbox.epoch != old
        assert outbox.cursor == "40"
        pending = outbox.pending()
        assert 40 <= pending.records <= 80
        records = _all(outbox)
        told = [read_body(r) for r in records if r.kind == "gap"]
        assert len(told) == 1
        assert isinstance(told[0], Gap)
        assert "outbox damaged" in told[0].reason
        assert {r.epoch for r in records if r.kind != "gap"} == {old}
        assert outbox.commit([bad(40)], cursor="41") == (2,)
    assert (tmp_path / "damaged-1" / FILE).exists()


class PowerCut(BaseException):
    """The process ends here."""


@pytest.mark.faults
def test_a_power_cut_at_every_step_of_a_rebuild(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, at, cut = os.replace, 0, True
    while cut:
        at += 1
        folder = tmp_path / str(at)
        with open_outbox(folder) as outbox:
            for index in range(10):
                outbox.commit([bad(index), picture(6000)], cursor=str(index + 1))
        with (folder / FILE).open("r+b") as file:
            file.seek(4096 * 8)
            file.write(b"\xff" * 4096)
        left = [at]

        def cutting(*args: Path, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise PowerCut
            replace(*args)

        monkeypatch.setattr(os, "replace", cutting)
        try:
            open_outbox(folder).close()
            cut = False
        except PowerCut:
            pass
        monkeypatch.setattr(os, "replace", replace)
        with open_outbox(folder) as outbox:
            found = _all(outbox)
            assert sum(record.kind == "gap" for record in found) == 1, f"cut {at}"
            assert sum(record.kind == "badframe" for record in found) >= 8, f"cut {at}"
            assert len({record.key for record in found}) == len(found)
            assert outbox.cursor == "10"
            assert outbox.commit([bad(10)], cursor="11")
    assert at > 3


@pytest.mark.faults
@pytest.mark.parametrize("content", [b"", b"not a database at all" * 400, os.urandom(8192)])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with open_outbox(tmp_path) as outbox:
        assert outbox.commit([bad(0)]) == (1,) if not content else (2,)


@pytest.mark.faults
def test_damage_at_every_page_always_ends_in_a_working_outbox(tmp_path: Path) -> None:
    source = tmp_path / "source"
    with open_outbox(source) as outbox:
        for index in range(10):
            outbox.commit([bad(index), picture(6000)], cursor=str(index + 1))
        outbox._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = (source / FILE).read_bytes()
    pages = len(whole) // 4096
    for page in range(pages):
        folder = tmp_path / f"page{page}"
        folder.mkdir()
        broken = bytearray(whole)
        broken[4096 * page : 4096 * (page + 1)] = random.Random(page).randbytes(4096)
        (folder / FILE).write_bytes(broken)
        with open_outbox(folder) as outbox:
            records = _all(outbox)
            names = [record.key for record in records]
            assert len(names) == len(set(names))
            assert outbox.commit([bad(99)])
            assert int(outbox.cursor or 0) in range(11)


def _all(outbox: Outbox) -> list[Record]:
    rows = list(outbox._db.execute("SELECT bytes FROM record ORDER BY id"))
    records = []
    for (blob,) in rows:
        try:
            records.append(decode_record(blob))
        except ValueError:  # damage inside a record: the shore sets it aside
            continue
    return records


def test_the_file_is_in_the_mode_that_survives_a_power_cut(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        connection = outbox._db.connection
        assert connection.execute("PRAGMA journal_mode").get == "wal"
        assert connection.execute("PRAGMA synchronous").get == 2
        assert connection.execute("PRAGMA mmap_size").get in (0, None)
        assert apsw.sqlite_lib_version() >= "3.51.3"

"""Blobs beside the records: kept like them, counted in the budget, given up before them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.files import write_atomic
from edge.outbox import Draft, Outbox, Whole
from edge.outbox import blobs as blobs_module
from wire.ack import Ack
from wire.codec import decode_record
from wire.records import BadFrame, Gap, Vignette, read_body

Open = Callable[[], Outbox]
MB = 2**20


@pytest.fixture
def start(tmp_path: Path) -> Open:
    clock = SystemClock(trust_system=False, synchronised=Path("/nonexistent"))
    return lambda: Outbox.open(tmp_path, max_mb=8, reserve_mb=0, clock=clock)


def data(number: int, size: int = 300_000) -> bytes:
    return hashlib.shake_256(str(number).encode()).digest(size)


def frame(number: int, size: int = 300_000) -> Draft:
    whole = Whole("frame", data(number, size), name=f"{number}.png")
    return Draft(BadFrame(f"f{number}", number, "bad"), whole=whole)


def vignette(number: int) -> Draft:
    body = Vignette(0, 0, "png", 3, 3, b"small")
    return Draft(body, about=0, whole=Whole("vignette", data(number), width=600, height=500))


def gaps(outbox: Outbox) -> list[Gap]:
    batch = outbox.next_batch(2**30)
    bodies = [] if batch is None else [read_body(decode_record(b)) for b in batch.records]
    return [body for body in bodies if isinstance(body, Gap)]


def files(outbox: Outbox) -> set[str]:
    return {path.name for path in outbox.blobs.folder.iterdir()}


def test_a_blob_survives_a_restart_and_leaves_when_it_has_arrived(start: Open) -> None:
    with start() as outbox:
        outbox.commit([frame(1)])
    with start() as outbox:
        blob = outbox.blobs.next()
        assert blob is not None
        assert (blob.meta.kind, blob.meta.name, blob.size) == ("frame", "1.png", 300_000)
        assert blob.meta.sha256 == hashlib.sha256(data(1)).hexdigest()
        assert outbox.blobs.read(blob, 1000, 50) == data(1)[1000:1050]
        outbox.blobs.arrived(blob)
        assert (outbox.blobs.next(), files(outbox)) == (None, set())


def test_a_whole_vignette_waits_until_its_record_has_gone(start: Open) -> None:
    with start() as outbox:
        outbox.commit([Draft(BadFrame("f", 0, "")), vignette(1), frame(2)])
        first = outbox.blobs.next()
        assert first is not None
        assert first.meta.kind == "frame"
        outbox.acknowledge(Ack(outbox.epoch, 2))
        blob = outbox.blobs.next()
        assert blob is not None
        assert (blob.meta.kind, blob.meta.object_seq, blob.priority) == ("vignette", 1, 4)
        assert (blob.meta.epoch, blob.meta.width, blob.meta.height) == (outbox.epoch, 600, 500)


def test_the_same_content_is_one_file_and_two_blobs(start: Open) -> None:
    with start() as outbox:
        outbox.commit([frame(1), Draft(BadFrame("g", 2, ""), whole=frame(1).whole)])
        assert (outbox.blobs.count, len(files(outbox))) == (2, 1)
        blob = outbox.blobs.next()
        assert blob is not None
        outbox.blobs.arrived(blob)
        assert (outbox.blobs.count, len(files(outbox))) == (1, 1)


def test_records_come_first_when_room_is_short_and_what_went_is_told(start: Open) -> None:
    """A full outbox gives up frames, then whole vignettes, and no record for a blob."""
    with start() as outbox:
        outbox.commit([Draft(BadFrame("v", 0, "")), vignette(0)])
        for number in range(1, 40):
            outbox.commit([frame(number)])
        kept = outbox.blobs.count
        assert kept * 300_000 < 8 * MB
        refused = [gap for gap in gaps(outbox) if gap.kind == "blob"]
        assert sum(gap.count for gap in refused) == 40 - kept
        assert {gap.reason for gap in refused} == {"outbox full"}
        assert outbox.pending().by_kind["badframe"] == 40
        while outbox.blobs.count:
            before = outbox.blobs.count
            outbox.commit([Draft(Vignette(1, 0, "png", 3, 3, bytes(150_000)))])
            assert outbox.blobs.count <= before
        assert files(outbox) == set()
        told = [gap for gap in gaps(outbox) if gap.kind == "blob"]
        assert sum(gap.count for gap in told) == 40
        assert "vignette" not in {gap.kind for gap in gaps(outbox)}


def test_what_a_cut_leaves_without_a_row_is_swept(start: Open) -> None:
    with start() as outbox:
        outbox.commit([frame(1)])
        write_atomic(outbox.blobs.folder / hashlib.sha256(b"x").hexdigest(), b"x")
    with start() as outbox:
        assert files(outbox) == {hashlib.sha256(data(1)).hexdigest()}
        (outbox.blobs.folder / hashlib.sha256(data(1)).hexdigest()).unlink()
    with start() as outbox:
        assert outbox.blobs.next() is None


def test_a_disk_that_takes_no_file_costs_the_blob_alone(
    start: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(blobs_module, "write_atomic", full)
    with start() as outbox:
        outbox.commit([frame(1)])
        assert outbox.blobs.count == 0
        assert [gap.reason for gap in gaps(outbox)] == [
            "cannot be written: No space left on device"
        ]
        assert outbox.pending().by_kind == {"badframe": 1, "gap": 1}


def test_blobs_survive_the_rebuilding_of_a_damaged_outbox(start: Open) -> None:
    with start() as outbox:
        outbox.commit([frame(1)])
        folder = outbox.blobs.folder.parent
    with (folder / "outbox.sqlite").open("r+b") as file:
        file.seek(0, 2)
        last = file.tell() - 4096
        file.seek(last)
        file.write(bytes(range(256)) * 16)
    with start() as outbox:
        blob = outbox.blobs.next()
        if blob is None:  # the damage hit its row
            pytest.skip("the page held the blob's row")
        assert outbox.blobs.read(blob, 0, 10) == data(1)[:10]

"""The outbox's promises one by one: order, batches, acknowledgements, eviction, names."""

from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.outbox import (
    Draft,
    Outbox,
    OutboxBusyError,
    OutboxError,
    OutboxFullError,
    RecordTooLargeError,
)
from edge.outbox.database import check_version
from wire.ack import Ack, Rejection, ranges
from wire.codec import RECORD_MAX, decode_record
from wire.records import BadFrame, Gap, Health, Record, Vignette, read_body

CLOCK = SystemClock(trust_system=False)


def open_outbox(folder: Path, max_mb: int = 16) -> Outbox:
    return Outbox.open(folder, max_mb=max_mb, reserve_mb=0, clock=CLOCK)


def health() -> Draft:
    return Draft(Health(uptime_s=1, pending=0, pending_bytes=0, disk_free_mb=1, release=None))


def bad(index: int) -> Draft:
    return Draft(BadFrame(f"frame{index}", index, "test"))


def vignette(size: int = 100, about: int | None = None) -> Draft:
    return Draft(Vignette(0, 0, "png", 1, 1, b"\0" * size), about)


def waiting(outbox: Outbox) -> list[Record]:
    batch = outbox.next_batch(2**30)
    return [] if batch is None else [decode_record(blob) for blob in batch.records]


def test_seqs_are_given_in_order_and_the_vignette_finds_its_object(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        assert outbox.commit([bad(0)]) == (1,)
        assert outbox.commit([bad(1), bad(2), vignette(about=1)], cursor="3") == (2, 3, 4)
        assert outbox.cursor == "3"
        shown = next(r for r in waiting(outbox) if r.kind == "vignette")
        body = read_body(shown)
        assert isinstance(body, Vignette)
        assert body.object_seq == 3


def test_only_a_vignette_may_be_about_an_object(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        with pytest.raises(TypeError, match="only a vignette"):
            outbox.commit([Draft(BadFrame("x", 0, "y"), about=0)])
        assert outbox.pending().records == 0


def test_batches_go_by_priority_then_age(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([vignette(), health(), vignette(), bad(0)])
        assert [r.seq for r in waiting(outbox)] == [2, 4, 1, 3]


def test_a_batch_keeps_to_its_size_but_is_never_empty(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([vignette(1000) for _ in range(10)])
        batch = outbox.next_batch(3900)
        assert batch is not None
        assert len(batch.records) == 3
        smallest = outbox.next_batch(1)
        assert smallest is not None
        assert len(smallest.records) == 1
        few = outbox.next_batch(2**20, max_records=2)
        assert few is not None
        assert few.seqs == (1, 2)


def test_acknowledged_records_leave_and_others_stay(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([bad(i) for i in range(10)])
        assert outbox.acknowledge(Ack(outbox.epoch, upto=2, sack=((5, 6), (9, 9)))) == 5
        assert [r.seq for r in waiting(outbox)] == [3, 4, 7, 8, 10]


def test_an_acknowledgement_of_another_epoch_deletes_nothing(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([bad(0)])
        assert outbox.acknowledge(Ack(outbox.epoch + 1, upto=99)) == 0
        assert outbox.pending().records == 1


def test_refused_records_are_kept_aside_even_when_the_ack_covers_them(tmp_path: Path) -> None:
    rejected = {"seq": 2, "code": "schema", "detail": "no", "retry": False}
    later = {"seq": 3, "code": "busy", "detail": "later", "retry": True}
    with open_outbox(tmp_path) as outbox:
        outbox.commit([bad(0), bad(1), bad(2)])
        outbox.acknowledge(Ack(outbox.epoch, upto=2, rej=(rejected, later)))
        assert outbox.pending().dead == 1
        assert [r.seq for r in waiting(outbox)] == [3]


def test_a_failing_record_goes_last_and_can_be_set_aside(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([health(), bad(0), vignette()])
        assert outbox.blame(outbox.epoch, 1) == 1
        assert outbox.blame(outbox.epoch, 1) == 2
        assert [r.seq for r in waiting(outbox)] == [2, 3, 1]
        outbox.set_aside(outbox.epoch, Rejection(1, "refused", "x"))
        assert [r.seq for r in waiting(outbox)] == [2, 3]
        assert outbox.pending().dead == 1


def test_too_large_a_record_is_refused_and_nothing_is_stored(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        with pytest.raises(RecordTooLargeError, match=f"at most {RECORD_MAX} bytes"):
            outbox.commit([bad(0), vignette(RECORD_MAX)], cursor="1")
        assert outbox.pending().records == 0
        assert outbox.cursor is None
        assert outbox.next_seq == 1


def test_a_full_outbox_gives_up_vignettes_and_says_which(tmp_path: Path) -> None:
    with open_outbox(tmp_path, max_mb=2) as outbox:
        for index in range(60):
            outbox.commit([bad(index), vignette(50_000)], cursor=str(index))
        records = waiting(outbox)
        gaps = [read_body(r) for r in records if r.kind == "gap"]
        named = {
            seq
            for gap in gaps
            if isinstance(gap, Gap)
            for first, last in gap.ranges
            for seq in range(first, last + 1)
        }
        held = {r.seq for r in records}
        assert named
        assert named | held == set(range(1, outbox.next_seq))
        assert not named & held
        assert sum(g.count for g in gaps if isinstance(g, Gap)) == len(named)
        assert sum(r.kind == "badframe" for r in records) == 60
        assert outbox.pending().given_up == len(named)
        assert sum(r.kind == "vignette" for r in records) > 20  # no more than needed went
        assert (tmp_path / "outbox.sqlite").stat().st_size <= 3 * 2**20


def test_health_and_summaries_are_never_given_up(tmp_path: Path) -> None:
    with open_outbox(tmp_path, max_mb=2) as outbox:
        done = 0
        full = ""
        while not full:
            try:
                outbox.commit([Draft(BadFrame("f" * 9000, done, "r" * 9000))], cursor=str(done))
                done += 1
            except OutboxFullError as error:
                full = str(error)
        assert "max_mb = 2" in full
        assert outbox.pending().records == done
        assert outbox.cursor == str(done - 1)
        assert outbox.acknowledge(Ack(outbox.epoch, upto=done)) == done
        outbox.commit([bad(done)])


def test_names_go_on_after_a_restart_and_the_boot_is_counted(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        epoch, boot = outbox.epoch, outbox.boot
        outbox.commit([bad(0)], facts={"note": 7})
    with open_outbox(tmp_path) as outbox:
        assert (outbox.epoch, outbox.boot) == (epoch, boot + 1)
        assert outbox.commit([bad(1)]) == (2,)
        assert outbox.fact("note") == "7"


def test_a_new_outbox_has_another_epoch(tmp_path: Path) -> None:
    with open_outbox(tmp_path / "a") as a, open_outbox(tmp_path / "b") as b:
        assert a.epoch != b.epoch


def test_a_renewed_epoch_starts_at_one_and_old_records_keep_their_names(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([bad(0), bad(1)])
        old = outbox.epoch
        new = outbox.renew_epoch()
        outbox.commit([bad(2)])
        assert new != old
        first = outbox.next_batch(2**20)
        assert first is not None
        assert (first.epoch, first.seqs) == (old, (1, 2))
        outbox.acknowledge(Ack(old, upto=2))
        second = outbox.next_batch(2**20)
        assert second is not None
        assert (second.epoch, second.seqs) == (new, (1,))


def test_two_agents_on_one_folder(tmp_path: Path) -> None:
    with open_outbox(tmp_path), pytest.raises(OutboxBusyError, match="another agent"):
        open_outbox(tmp_path)
    open_outbox(tmp_path).close()


def test_an_old_sqlite_is_refused() -> None:
    with pytest.raises(OutboxError, match=r"3\.51\.2 can corrupt.*expected 3\.51\.3"):
        check_version("3.51.2")
    check_version("3.51.3")


def test_an_outbox_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([bad(0)])
        outbox._db.execute("PRAGMA user_version=2")
    with pytest.raises(OutboxError, match="made by a newer seadrift"):
        open_outbox(tmp_path)
    assert not list(tmp_path.glob("damaged-*"))


def test_ranges_and_pending_agree(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([bad(0), vignette(), vignette()])
        pending = outbox.pending()
        assert (pending.records, pending.by_kind) == (3, {"badframe": 1, "vignette": 2})
        assert ranges(r.seq for r in waiting(outbox)) == ((1, 3),)

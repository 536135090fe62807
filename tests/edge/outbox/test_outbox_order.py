"""What goes first, what waits, and what a full outbox gives up first."""

from collections.abc import Iterator
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edge.clock import SystemClock
from edge.links.simulated import SimulatedShore
from edge.outbox import Batch, Draft, Outbox
from edge.outbox.eviction import RANGES_MAX, evict
from edge.outbox.queue import SHARES, shared
from edge.outbox.rebuild import rebuild
from wire.ack import Ack
from wire.codec import decode_record, encode_batch
from wire.records import BadFrame, Gap, Health, ObjectBody, Vignette, read_body

CLOCK = SystemClock(trust_system=False)
HEALTH = Draft(Health(uptime_s=1, pending=0, pending_bytes=0, disk_free_mb=1, release=None))


def open_outbox(folder: Path, max_mb: int = 16) -> Outbox:
    return Outbox.open(folder, max_mb=max_mb, reserve_mb=0, clock=CLOCK)


def an_object(score: float | None = None, size: int = 0) -> Draft:
    return Draft(
        ObjectBody(
            frame="f", frame_index=0, index_in_frame=0, sample="s", acquisition="a", process="p",
            bx=0, by=0, width=1, height=1, esd_um=1.0, border=False, measures_version=2,
            measures=b"", embedding=b"", shape=b"", release=None, taxon=None, score=score, top=(),
            brief=bytes(size),
        )
    )  # fmt: skip


def picture(about: int, size: int = 1000) -> Draft:
    return Draft(Vignette(0, 0, "png", 1, 1, b"\1" * size), about)


def kinds(batch: Batch | None) -> list[str]:
    return [] if batch is None else [decode_record(blob).kind for blob in batch.records]


def taken(batch: Batch | None) -> Ack:
    assert batch is not None
    return Ack(batch.epoch, 0, tuple((seq, seq) for seq in batch.seqs))


def test_what_can_pile_up_shares_a_batch(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        for _ in range(60):
            outbox.commit([an_object(size=600), picture(0, 700), picture(0, 700)])
        outbox.prefer({(outbox.epoch, 3 * n + 1) for n in range(30)})  # 60 vignettes wanted
        outbox.commit([HEALTH])
        assert outbox.pending().by_priority == {0: 1, 2: 60, 3: 60, 4: 60}
        batch = outbox.next_batch(40_000)
        assert batch is not None
        found = [decode_record(blob) for blob in batch.records]
        assert found[0].kind == "health"
        sizes = dict.fromkeys(SHARES, 0)
        priorities = dict(outbox._db.execute("SELECT seq, priority FROM record"))
        for seq, blob in zip(batch.seqs[1:], batch.records[1:], strict=True):
            sizes[priorities[seq]] += len(blob)
        for priority, share in SHARES.items():
            assert abs(sizes[priority] / sum(sizes.values()) - share / 100) < 0.05


def test_no_class_waits_for_ever_though_more_of_another_comes_than_goes(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([an_object(), picture(0)])
        for _ in range(10):
            outbox.commit([an_object(size=500)] * 20)
            outbox.acknowledge(taken(outbox.next_batch(6000)))
        assert "vignette" not in outbox.pending().by_kind
        assert outbox.pending().by_kind["object"] > 100


@given(st.lists(st.tuples(st.sampled_from(sorted(SHARES)), st.integers(1, 5000)), max_size=60))
def test_sharing_keeps_every_row_and_the_age_within_a_class(rows: list[tuple[int, int]]) -> None:
    waiting: dict[int, list[tuple[int, int]]] = {priority: [] for priority in SHARES}
    for place, (priority, size) in enumerate(rows):
        waiting[priority].append((place, size))
    found = list(shared({priority: iter(some) for priority, some in waiting.items()}))
    assert sorted(found) == sorted(row for some in waiting.values() for row in some)
    for priority, some in waiting.items():
        mine = [row for row in found if rows[row[0]][0] == priority]
        assert mine == some


def test_a_carrier_gets_only_what_it_may_carry(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([an_object(), picture(0), HEALTH])
        outbox.commit([Draft(BadFrame("f", 0, "r" * 500))])
        assert kinds(outbox.next_batch(10_000, priority_max=1, size_max=300)) == ["health"]
        assert kinds(outbox.next_batch(10_000, priority_max=1)) == ["health", "badframe"]
        assert kinds(outbox.next_batch(10_000, priority_max=2))[2:] == ["object"]
        outbox.acknowledge(taken(outbox.next_batch(10_000, priority_max=2)))
        assert outbox.next_batch(10_000, priority_max=3) is None
        assert kinds(outbox.next_batch(10_000)) == ["vignette"]


def test_a_vignette_that_is_wanted_goes_before_others_also_after_a_restart(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([an_object(), an_object(), picture(0), picture(1)])
        epoch = outbox.epoch
        assert outbox.prefer({(epoch, 2), (epoch, 99), (epoch + 1, 1)}) == {(epoch, 2)}
        outbox.acknowledge(Ack(epoch, upto=2))
    with open_outbox(tmp_path) as outbox:
        batch = outbox.next_batch(1)
        assert batch is not None
        assert decode_record(batch.records[0]).body["object_seq"] == 2
        assert outbox.next_batch(10_000, priority_max=3) == batch
        outbox.acknowledge(Ack(epoch, upto=4))
        assert not outbox.prefer({(epoch, 2)})


def test_what_went_without_an_answer_goes_behind_and_stays(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([HEALTH, HEALTH, an_object()])
        first = outbox.next_batch(1)
        assert first is not None
        outbox.mark_sent(first.epoch, first.seqs)
        second = outbox.next_batch(1)
        assert second is not None
        assert (first.seqs, second.seqs) == ((1,), (2,))
    with open_outbox(tmp_path) as outbox:
        whole = outbox.next_batch(10_000)
        assert whole is not None
        assert whole.seqs == (2, 3, 1)
        assert outbox.acknowledge(Ack(outbox.epoch, upto=3)) == 3


def test_a_restart_in_the_middle_of_a_batch_sends_it_again_and_the_shore_takes_it_once(
    tmp_path: Path,
) -> None:
    shore = SimulatedShore()
    with open_outbox(tmp_path) as outbox:
        outbox.commit([an_object(), an_object(), picture(0), HEALTH])
        batch = outbox.next_batch(10_000)
        assert batch is not None
        shore.send(encode_batch(batch.records))  # and the power goes before the answer is read
    with open_outbox(tmp_path) as outbox:
        again = outbox.next_batch(10_000)
        assert again == batch
        outbox.acknowledge(shore.send(encode_batch(again.records)))
        assert outbox.pending().records == 0
    assert (len(shore.records), shore.repeats) == (4, 4)


def gaps(outbox: Outbox) -> Iterator[Gap]:
    batch = outbox.next_batch(2**30, priority_max=0)
    for blob in () if batch is None else batch.records:
        body = read_body(decode_record(blob))
        if isinstance(body, Gap):
            yield body


def test_vignettes_of_surely_recognised_objects_are_given_up_first(tmp_path: Path) -> None:
    with open_outbox(tmp_path, max_mb=2) as outbox:
        frames = 0
        while not outbox.pending().given_up:
            outbox.commit([an_object(0.99), an_object(0.3), picture(0, 20_000), picture(1, 20_000)])
            frames += 1
        (gap,) = gaps(outbox)
        assert gap.kind == "vignette"
        assert {(seq - 1) % 4 for first, last in gap.ranges for seq in range(first, last + 1)} == {
            2  # the first of each frame's two vignettes
        }
        assert frames > gap.count > 1


def test_every_record_that_is_given_up_is_named_however_many(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        some = RANGES_MAX + 10
        for _ in range(some // 200 + 1):
            outbox.commit([an_object(1.0), *[picture(0, 1), HEALTH] * 200])
        with outbox._db.transaction():
            told = evict(outbox._db, outbox.epoch, 10**9)
    vignettes = [gap for gap in told if gap.kind == "vignette"]
    assert len(vignettes) > 1
    assert all(len(gap.ranges) <= RANGES_MAX for gap in vignettes)
    named = {first for gap in vignettes for first, _ in gap.ranges}
    assert len(named) == sum(gap.count for gap in vignettes) > RANGES_MAX


def test_what_the_shore_wanted_is_still_wanted_after_a_rebuild(tmp_path: Path) -> None:
    with open_outbox(tmp_path) as outbox:
        outbox.commit([an_object(), an_object(), picture(0), picture(1)])
        outbox.prefer({(outbox.epoch, 2)})
    rebuild(tmp_path, "as if it were damaged")
    with open_outbox(tmp_path) as outbox:
        assert outbox.pending().by_priority == {0: 1, 2: 2, 3: 1, 4: 1}

"""What an outbox that is full gives up: the least important first, and never without a word.

P5 goes before P4 before P3 before P2; P0 and P1 (health, summaries, gaps) never go. Of one class
the vignettes of surely recognised objects go first, since a person learns least from them; then the
oldest. Each kind that lost records gets `gap` records with their seqs, in the same transaction. A
chunk at a time goes, not one record at a time, so that gap records stay few.

Example:
    >>> evict(database, epoch=7, goal_bytes=1 << 20)
    [Gap(kind='vignette', count=310, bytes=1049102, reason='outbox full', ranges=((4, 313),))]
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Protocol

from wire.ack import ranges
from wire.records import Gap

KEPT_BELOW = 2
"""Priorities below this one are never given up."""
RANGES_MAX = 2000
"""Most seq ranges in one gap record (some 20 kB)."""


class Store(Protocol):
    """What eviction needs of a database."""

    def execute(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[int, ...]]: ...


def chunk_bytes(used_bytes: int) -> int:
    """How much to give up at a time: a 16th of what is there, whether the budget is the limit or
    a disk that others filled."""
    return max(4096, used_bytes // 16)


def evict(store: Store, epoch: int, goal_bytes: int) -> list[Gap]:
    """Delete records until `goal_bytes` are free or nothing may go; returns what to say about it.

    Runs inside the caller's transaction. `epoch` is the one whose seqs a gap may name."""
    chosen: list[int] = []
    seqs: dict[tuple[int, str], list[int]] = defaultdict(list)
    sizes: dict[tuple[int, str], int] = defaultdict(int)
    freed = 0
    for row, of_epoch, seq, kind, size in store.execute(
        "SELECT id, epoch, seq, kind, size FROM record WHERE priority >= ?"
        " ORDER BY priority DESC, sure DESC, id",
        (KEPT_BELOW,),
    ):
        if freed >= goal_bytes:
            break
        chosen.append(row)
        seqs[of_epoch, str(kind)].append(seq)
        sizes[of_epoch, str(kind)] += size
        freed += size
    for row in chosen:
        store.execute("DELETE FROM record WHERE id = ?", (row,))
    return [
        gap
        for (of_epoch, kind), lost in seqs.items()
        for gap in _gaps(kind, lost, sizes[of_epoch, kind], of_epoch, epoch)
    ]


def _gaps(kind: str, seqs: list[int], size: int, of_epoch: int, epoch: int) -> Iterator[Gap]:
    """Records that name what went, each with a part of the seqs and its part of the bytes."""
    if of_epoch != epoch:
        yield Gap(kind, len(seqs), size, f"outbox full; seqs of epoch {of_epoch}", ())
        return
    named = ranges(seqs)
    for start in range(0, len(named), RANGES_MAX):
        some = named[start : start + RANGES_MAX]
        count = sum(last - first + 1 for first, last in some)
        yield Gap(kind, count, round(size * count / len(seqs)), "outbox full", some)

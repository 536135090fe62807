"""What goes next, and how much waits: by priority, with a share for each class that can pile up.

P0 and P1 go first, always. P2, P3 and P4 share what is left of a batch 50 : 30 : 20 by bytes:
object records are what the counts are made of, so they get half; but a crowded sea makes more of
them than a thin link carries, for weeks, and a person who asked for a vignette waits for it. A
share that its class does not need goes to the others. P5 goes when none of these waits. A record
that failed, or that went without an answer yet, goes behind all that is fresh.

In a batch that holds fewer than three records the shares cannot be had: the order is then strict.

Example:
    >>> choose(database, Limits(bytes=192 * 1024))
    Batch(epoch=7, seqs=(4, 1, 2, 3), records=(...))
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from edge.outbox.database import Database
from wire.codec import RECORD_MAX, RECORDS_MAX

SHARES = {2: 50, 3: 30, 4: 20}
LAST = 5
Row = tuple[int, int]  # id, size

_FRESH = (
    "SELECT id, size FROM record WHERE failures = 0 AND sent = 0 AND priority = ? AND epoch = ?"
    " AND size <= ? AND instr(?, kind) = 0 ORDER BY id"
)
_TRIED = (
    "SELECT id, size FROM record WHERE (failures, sent) > (0, 0) AND priority <= ? AND epoch = ?"
    " AND size <= ? AND instr(?, kind) = 0 ORDER BY failures, sent, priority, id"
)


@dataclass(frozen=True)
class Limits:
    """What a carrier takes: bytes and records in a batch; the highest number of priority, the
    largest record, and the kinds (in one text) that it does not carry."""

    bytes: int
    records: int = RECORDS_MAX
    priority_max: int = LAST
    size_max: int = RECORD_MAX
    without: str = ""


@dataclass(frozen=True)
class Batch:
    """Encoded records of one epoch, in the order in which they should go."""

    epoch: int
    seqs: tuple[int, ...]
    records: tuple[bytes, ...]


@dataclass(frozen=True)
class Pending:
    """What waits: counts for a person and for `health` records."""

    records: int
    bytes: int
    dead: int
    given_up: int
    oldest_ms: int | None
    by_kind: Mapping[str, int]
    by_priority: Mapping[int, int]


def choose(database: Database, limits: Limits) -> Batch | None:
    """The records to send next, of one epoch; None when nothing waits that the carrier takes. At
    least one is given, even when it alone is larger than the batch."""
    epoch = database.value(
        "SELECT epoch FROM record WHERE priority <= ? AND size <= ? AND instr(?, kind) = 0"
        " ORDER BY failures, sent, priority, id LIMIT 1",
        (limits.priority_max, limits.size_max, limits.without),
    )
    if epoch is None:
        return None
    chosen: list[int] = []
    total = 0
    for row, size in islice(_in_order(database, int(epoch), limits), limits.records):
        if chosen and total + size > limits.bytes:
            break
        chosen.append(row)
        total += size
    found = [
        database.execute("SELECT seq, bytes FROM record WHERE id = ?", (row,)).get for row in chosen
    ]
    seqs, blobs = zip(*found, strict=True)
    return Batch(int(epoch), tuple(seqs), tuple(blobs))


def _in_order(database: Database, epoch: int, limits: Limits) -> Iterator[Row]:
    what = (limits.size_max, limits.without)

    def fresh(priority: int) -> Iterable[Row]:
        if priority > limits.priority_max:
            return ()
        rows: Iterable[Row] = database.execute(_FRESH, (priority, epoch, *what))
        return rows

    for priority in range(min(SHARES)):
        yield from fresh(priority)
    yield from shared({priority: iter(fresh(priority)) for priority in SHARES})
    yield from fresh(LAST)
    yield from database.execute(_TRIED, (limits.priority_max, epoch, *what))


def shared(waiting: Mapping[int, Iterator[Row]]) -> Iterator[Row]:
    """Rows of several priorities, each time of the one that has had least of its share."""
    had = dict.fromkeys(waiting, 0.0)
    heads = {priority: row for priority, rows in waiting.items() if (row := next(rows, None))}
    while heads:
        priority = min(heads, key=lambda one: (had[one], one))
        row = heads.pop(priority)
        had[priority] += row[1] / SHARES[priority]
        yield row
        following = next(waiting[priority], None)
        if following is not None:
            heads[priority] = following


def count(database: Database, given_up: int) -> Pending:
    """Counts of what waits and of the dead."""
    kinds: dict[str, int] = {}
    priorities: dict[int, int] = {}
    total = 0
    for priority, kind, number, size in database.execute(
        "SELECT priority, kind, COUNT(*), SUM(size) FROM record GROUP BY priority, kind"
    ):
        kinds[kind] = kinds.get(kind, 0) + number
        priorities[priority] = priorities.get(priority, 0) + number
        total += size
    oldest = database.value("SELECT made_ms FROM record ORDER BY id LIMIT 1")
    return Pending(
        records=sum(kinds.values()),
        bytes=total,
        dead=int(database.value("SELECT COUNT(*) FROM dead")),
        given_up=given_up,
        oldest_ms=None if oldest is None else int(oldest),
        by_kind=kinds,
        by_priority=priorities,
    )

"""The ledger of records: which are held, which were refused, and up to where nothing is missing.

Invariant: `(device, epoch, seq)` is in the ledger once, with the hash of the bytes that came first.

Example:
    >>> known(connection, device_id=1, epoch=7, seqs=[1, 2])
    {1: (b'...', 'held')}
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from server.db.dialect import insert_new
from server.db.tables import Epoch, GapRange, LedgerEntry
from wire.ack import ranges

HELD = "held"
_CHUNK = 500
_WALK = 4096


@dataclass(frozen=True)
class Entry:
    seq: int
    hash: bytes
    outcome: str


@dataclass(frozen=True)
class EpochState:
    epoch: int
    upto: int
    next_seq: int
    held: int
    given_up: int

    @property
    def lag(self) -> int:
        """Records that the shore knows of but neither holds nor has seen given up."""
        return max(0, self.next_seq - 1 - self.held - self.given_up)


def known(
    connection: Connection, device_id: int, epoch: int, seqs: Sequence[int]
) -> dict[int, tuple[bytes, str]]:
    """Hash and outcome of those of `seqs` that the ledger has."""
    found: dict[int, tuple[bytes, str]] = {}
    for start in range(0, len(seqs), _CHUNK):
        query = select(LedgerEntry.seq, LedgerEntry.hash, LedgerEntry.outcome).where(
            LedgerEntry.device_id == device_id,
            LedgerEntry.epoch == epoch,
            LedgerEntry.seq.in_(seqs[start : start + _CHUNK]),
        )
        found.update({seq: (bytes(h), outcome) for seq, h, outcome in connection.execute(query)})
    return found


def enter(connection: Connection, device_id: int, epoch: int, entries: Sequence[Entry]) -> None:
    """Add entries that `known` did not find."""
    if entries:
        connection.execute(
            insert(LedgerEntry),
            [
                {
                    "device_id": device_id,
                    "epoch": epoch,
                    "seq": e.seq,
                    "hash": e.hash,
                    "outcome": e.outcome,
                }
                for e in entries
            ],
        )


def admit(connection: Connection, device_id: int, epoch: int, seq: int) -> None:
    """A record that was refused is held after all, under the hash of the bytes that came."""
    connection.execute(
        update(LedgerEntry)
        .where(
            LedgerEntry.device_id == device_id, LedgerEntry.epoch == epoch, LedgerEntry.seq == seq
        )
        .values(outcome=HELD)
    )


def see_epoch(
    connection: Connection, device_id: int, epoch: int, next_seq: int, now_ms: int
) -> EpochState:
    """The state of an epoch, made when it is new, after hearing that its next seq is `next_seq`."""
    row = {
        "device_id": device_id,
        "epoch": epoch,
        "upto": 0,
        "next_seq": next_seq,
        "held": 0,
        "given_up": 0,
        "first_seen_ms": now_ms,
    }
    insert_new(connection, Epoch, [row], ("device_id", "epoch"))
    here = (Epoch.device_id == device_id) & (Epoch.epoch == epoch)
    connection.execute(
        update(Epoch).where(here, Epoch.next_seq < next_seq).values(next_seq=next_seq)
    )
    query = select(Epoch.upto, Epoch.next_seq, Epoch.held, Epoch.given_up).where(here)
    upto, highest, held, given_up = connection.execute(query).one()
    return EpochState(epoch, upto, highest, held, given_up)


def add_gaps(
    connection: Connection,
    device_id: int,
    epoch: int,
    gaps: Sequence[tuple[int, int, str, str]],
    now_ms: int,
) -> int:
    """Note (first, last, kind, reason) as given up by the device; how many seqs that is."""
    rows = [
        {
            "device_id": device_id,
            "epoch": epoch,
            "first": first,
            "last": last,
            "kind": kind,
            "reason": reason,
            "noted_ms": now_ms,
        }
        for first, last, kind, reason in gaps
    ]
    if rows:
        connection.execute(insert(GapRange), rows)
    return sum(last - first + 1 for first, last, _, _ in gaps)


def advance(
    connection: Connection, device_id: int, state: EpochState, new: int, given_up: int
) -> int:
    """Count `new` entries and `given_up` seqs, move the watermark as far as it goes; the new
    `upto`."""
    upto = _walk(connection, device_id, state.epoch, state.upto)
    here = (Epoch.device_id == device_id) & (Epoch.epoch == state.epoch)
    connection.execute(
        update(Epoch)
        .where(here)
        .values(upto=upto, held=Epoch.held + new, given_up=Epoch.given_up + given_up)
    )
    return upto


def _walk(connection: Connection, device_id: int, epoch: int, upto: int) -> int:
    """The highest seq below which everything is in the ledger or given up. Costs what it
    advances."""
    while True:
        query = (
            select(LedgerEntry.seq)
            .where(
                LedgerEntry.device_id == device_id,
                LedgerEntry.epoch == epoch,
                LedgerEntry.seq > upto,
                LedgerEntry.seq <= upto + _WALK,
            )
            .order_by(LedgerEntry.seq)
        )
        reached = upto
        for seq in connection.execute(query).scalars():
            if seq != reached + 1:
                break
            reached = seq
        jump = _gap_end(connection, device_id, epoch, reached)
        if jump == upto:
            return upto
        upto = jump


def _gap_end(connection: Connection, device_id: int, epoch: int, upto: int) -> int:
    query = select(func.max(GapRange.last)).where(
        GapRange.device_id == device_id,
        GapRange.epoch == epoch,
        GapRange.first <= upto + 1,
        GapRange.last > upto,
    )
    end: int | None = connection.execute(query).scalar()
    return upto if end is None else end


def held_above(
    connection: Connection, device_id: int, epoch: int, upto: int, most: int
) -> tuple[tuple[int, int], ...]:
    """Ranges of the first `most` entries above `upto`."""
    query = (
        select(LedgerEntry.seq)
        .where(
            LedgerEntry.device_id == device_id,
            LedgerEntry.epoch == epoch,
            LedgerEntry.seq > upto,
            LedgerEntry.outcome == HELD,
        )
        .order_by(LedgerEntry.seq)
        .limit(most)
    )
    return ranges(connection.execute(query).scalars())

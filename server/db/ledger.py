"""The ledger of records: which are held, which were refused, and up to where nothing is missing.

Invariant: `(device, epoch, seq)` is in the ledger once, with the hash of the bytes that came first.

Example:
    >>> known(connection, device_id=1, epoch=7, seqs=[1, 2])
    {1: (b'...', 'held')}
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, insert, select, update

from server.db.dialect import insert_or
from server.db.tables import Epoch, GapRange, LedgerEntry
from wire.ack import ranges

HELD = "held"
_CHUNK = 500
_WALK = 4096
STATE = (
    Epoch.epoch,
    Epoch.upto,
    Epoch.next_seq,
    Epoch.held,
    Epoch.given_up,
    Epoch.behind_since_ms,
)


@dataclass(frozen=True)
class Entry:
    seq: int
    hash: bytes
    outcome: str


@dataclass(frozen=True)
class EpochState:
    """What the shore holds of an epoch, counted in records. `behind_since_ms`: since when it knows
    of one that is missing; None while there is none."""

    epoch: int
    upto: int
    next_seq: int
    held: int
    given_up: int
    behind_since_ms: int | None

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
    """The state of an epoch, made when it is new, after hearing that its next seq is `next_seq`.
    Until the end of the transaction nobody else changes it."""
    row = {
        "device_id": device_id,
        "epoch": epoch,
        "upto": 0,
        "next_seq": next_seq,
        "held": 0,
        "given_up": 0,
        "behind_since_ms": now_ms if next_seq > 1 else None,
        "first_seen_ms": now_ms,
    }
    new = insert_or(connection, Epoch)
    highest = case((new.excluded.next_seq > Epoch.next_seq, next_seq), else_=Epoch.next_seq)
    behind = new.excluded.next_seq - 1 > Epoch.held + Epoch.given_up
    since = func.coalesce(Epoch.behind_since_ms, case((behind, now_ms), else_=None))
    statement = new.on_conflict_do_update(
        index_elements=["device_id", "epoch"],
        set_={"next_seq": highest, "behind_since_ms": since},
    ).returning(*STATE)
    return EpochState(*connection.execute(statement, row).one())


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
    held, given_up = state.held + new, state.given_up + given_up
    behind = state.next_seq - 1 > held + given_up
    connection.execute(
        update(Epoch)
        .where(Epoch.device_id == device_id, Epoch.epoch == state.epoch)
        .values(
            upto=upto,
            held=held,
            given_up=given_up,
            behind_since_ms=state.behind_since_ms if behind else None,
        )
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

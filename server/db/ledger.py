"""The ledger of records: which are held, which were refused, and up to where nothing is missing.

Invariant: `(device, epoch, seq)` is in the ledger once, with the hash of the bytes that came first.

Example:
    >>> known(connection, device_id=1, epoch=7, seqs=[1, 2])
    {1: (b'...', 'held')}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, case, insert, select, update

from server.db.bulk import insert_rows
from server.db.dialect import insert_new
from server.db.hot import Hot, each
from server.db.tables import Epoch, GapRange, LedgerEntry
from wire.ack import ranges

HELD = "held"
_LOOK, _WALK = 64, 4096
"""Seqs looked at together when the watermark moves: few at first, for often it does not."""
STATE = (
    Epoch.epoch,
    Epoch.upto,
    Epoch.next_seq,
    Epoch.held,
    Epoch.given_up,
    Epoch.behind_since_ms,
)


_ENTRY = ("device_id", "epoch", "seq", "hash", "outcome")


def _here(table: Any) -> Any:
    return (table.device_id == bindparam("device_id")) & (table.epoch == bindparam("epoch"))


_KNOWN = each(
    (LedgerEntry.seq, LedgerEntry.hash, LedgerEntry.outcome),
    _here(LedgerEntry),
    LedgerEntry.seq,
    "seqs",
)
_ABOVE = Hot(
    select(LedgerEntry.seq)
    .where(_here(LedgerEntry), LedgerEntry.seq.between(bindparam("upto") + 1, bindparam("most")))
    .order_by(LedgerEntry.seq)
)
_GAPS = Hot(
    select(GapRange.first, GapRange.last)
    .where(_here(GapRange), GapRange.last > bindparam("upto"))
    .order_by(GapRange.last)
    .limit(bindparam("limit"))
)
_ADVANCE = Hot(
    update(Epoch)
    .where(_here(Epoch))
    .values(
        upto=bindparam("upto"),
        held=bindparam("held"),
        given_up=bindparam("given_up"),
        behind_since_ms=bindparam("since"),
    )
)
_TOLD = bindparam("next_seq", type_=BigInteger)
_SEE = Hot(
    update(Epoch)
    .where(_here(Epoch))
    .values(
        next_seq=case((Epoch.next_seq < _TOLD, _TOLD), else_=Epoch.next_seq),
        behind_since_ms=case(
            (Epoch.behind_since_ms.is_not(None), Epoch.behind_since_ms),
            (Epoch.held + Epoch.given_up < _TOLD - 1, bindparam("now_ms", type_=BigInteger)),
            else_=None,
        ),
    )
    .returning(*STATE)
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
    rows = _KNOWN.run(connection, device_id=device_id, epoch=epoch, seqs=list(seqs))
    return {seq: (bytes(digest), outcome) for seq, digest, outcome in rows}


def enter(connection: Connection, device_id: int, epoch: int, entries: Sequence[Entry]) -> None:
    """Add entries that `known` did not find."""
    rows = [(device_id, epoch, e.seq, e.hash, e.outcome) for e in entries]
    insert_rows(connection, LedgerEntry, _ENTRY, rows)


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
    values = {"device_id": device_id, "epoch": epoch, "next_seq": next_seq, "now_ms": now_ms}
    found = _SEE.run(connection, **values).first()
    if found is None:
        row = {
            "device_id": device_id,
            "epoch": epoch,
            "upto": 0,
            "next_seq": 1,
            "held": 0,
            "given_up": 0,
            "first_seen_ms": now_ms,
        }
        insert_new(connection, Epoch, [row], ("device_id", "epoch"))
        found = _SEE.run(connection, **values).one()
    return EpochState(*found)


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
    here = {"device_id": device_id, "epoch": state.epoch}
    whole = state.held + new == state.next_seq - 1  # seqs differ and lie below: none is missing
    upto = state.next_seq - 1 if whole else _walk(connection, here, state.upto)
    held, given_up = state.held + new, state.given_up + given_up
    behind = state.next_seq - 1 > held + given_up
    since = state.behind_since_ms if behind else None
    _ADVANCE.run(connection, **here, upto=upto, held=held, given_up=given_up, since=since)
    return upto


def _walk(connection: Connection, here: Mapping[str, int], upto: int) -> int:
    """The highest seq below which everything is in the ledger or given up. Costs what it
    advances."""
    window = _LOOK
    while True:
        entries = _ABOVE.run(connection, **here, upto=upto, most=upto + window).scalars()
        gaps = _GAPS.run(connection, **here, upto=upto, limit=window).all()
        reached = _reach(upto, [(seq, seq) for seq in entries] + [(g[0], g[1]) for g in gaps])
        if reached == upto:
            return upto
        upto, window = reached, min(_WALK, 4 * window)


def _reach(upto: int, spans: list[tuple[int, int]]) -> int:
    """How far the spans (first, last) go on from `upto` without a hole; holes that the device
    gave up may be as many as the records between them."""
    for first, last in sorted(spans):
        if first > upto + 1:
            break
        upto = max(upto, last)
    return upto


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

"""The queue between instrument and shore: what goes in comes out exactly once, or is counted.

Invariants:
- `commit` writes a frame's records and the source's cursor in one transaction, so a kill at any
  moment neither loses a frame nor gives one twice;
- `seq` is drawn inside that transaction and `(epoch, seq)` never names two things: the epoch is
  drawn at random whenever the file is made anew;
- a record leaves by the shore's word (`acknowledge`), into the dead (the shore will never take it:
  kept and counted), or by eviction, which writes a `gap` record in the same transaction.

Example:
    >>> outbox.commit([Draft(Health(...))])
    (1,)
"""

import contextlib
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import apsw

from edge.clock import Clock
from edge.outbox import database as db
from edge.outbox.eviction import chunk_bytes, evict
from edge.outbox.rebuild import rebuild
from wire.ack import Ack, Rejection
from wire.codec import RECORD_MAX, RECORDS_MAX, encode_record
from wire.records import KIND_OF, PRIORITY, Body, Record, Vignette, as_map

LOCK_PATIENCE_S = 2.0
ROW_BYTES = 160
"""What a row costs beside its bytes: two indices, a header and partly filled pages, measured."""


class RecordTooLargeError(ValueError):
    """A record larger than the link carries; make it smaller before it is committed."""


@dataclass(frozen=True)
class Draft:
    """A record to be. `about` is the place in the same commit of the object a vignette shows."""

    body: Body
    about: int | None = None


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
    oldest_ms: int | None
    by_kind: Mapping[str, int]


class Outbox:
    """Use `Outbox.open`. Every method may be called from any thread of the one process."""

    def __init__(self, database: db.Database, lock: int, clock: Clock) -> None:
        self._db = database
        self._file_lock = lock
        self._clock = clock
        self._guard = threading.RLock()
        with self._guard, database.transaction():
            if database.fact("epoch") is None:
                database.set_fact("epoch", _draw_epoch())
                database.set_fact("next_seq", 1)
            self.boot = int(database.fact("boot") or 0) + 1
            database.set_fact("boot", self.boot)

    @classmethod
    def open(cls, folder: Path, *, max_mb: int, reserve_mb: int, clock: Clock) -> "Outbox":
        """The outbox in `folder`, made when it is not there, rebuilt when it is damaged.

        Raises OutboxBusyError, OutboxFullError or OutboxError."""
        db.check_version()
        folder.mkdir(parents=True, exist_ok=True)
        lock = db.take_lock(folder, LOCK_PATIENCE_S)
        try:
            try:
                database, damage = db.Database.open(folder, max_mb, reserve_mb), None
            except db.DamagedError as error:
                damage = rebuild(folder, str(error))
                database = db.Database.open(folder, max_mb, reserve_mb)
            outbox = cls(database, lock, clock)
        except BaseException:
            db.release_lock(lock)
            raise
        if damage is not None:
            outbox.commit([Draft(damage)])
        return outbox

    def close(self) -> None:
        with self._guard:
            self._db.close()
            db.release_lock(self._file_lock)

    def __enter__(self) -> "Outbox":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def epoch(self) -> int:
        return int(self.fact("epoch") or 0)

    @property
    def next_seq(self) -> int:
        return int(self.fact("next_seq") or 1)

    @property
    def cursor(self) -> str | None:
        """Where the source goes on: what the last commit with a cursor stored."""
        return self.fact("cursor")

    def fact(self, name: str) -> str | None:
        """A small text stored with the records, or None."""
        with self._guard:
            return self._db.fact(name)

    def commit(
        self,
        drafts: Sequence[Draft],
        cursor: str | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> tuple[int, ...]:
        """Store the records, the cursor and the facts together; returns the seqs given.

        Raises RecordTooLargeError (nothing stored) or OutboxFullError (nothing stored)."""
        stored = dict(facts or {})
        if cursor is not None:
            stored["cursor"] = cursor
        with self._guard:
            relieved = False
            while True:
                try:
                    return self._commit_once(drafts, stored)
                except _NoRoomError as error:
                    self._make_room(max(error.need, chunk_bytes(self._db.budget_bytes)))
                except (apsw.FullError, apsw.IOError) as error:
                    self._db.relieve()
                    if relieved:
                        self._make_room(chunk_bytes(self._db.budget_bytes), str(error))
                    relieved = True

    def _commit_once(self, drafts: Sequence[Draft], facts: Mapping[str, object]) -> tuple[int, ...]:
        database = self._db
        with database.transaction():
            first = self.next_seq
            records = _name(drafts, self.epoch, first, self.boot, self._clock)
            blobs = [_encode(record) for record in records]
            need = sum(len(blob) + ROW_BYTES for blob in blobs)
            if database.free_bytes() < need:
                raise _NoRoomError(need)
            self._store(records, blobs)
            for name, value in facts.items():
                database.set_fact(name, value)
        return tuple(record.seq for record in records)

    def _make_room(self, goal: int, disk: str = "") -> None:
        """Give up what matters least, with gap records; OutboxFullError if nothing may go."""
        database = self._db
        try:
            with database.transaction():
                gaps = [Draft(gap) for gap in evict(database, self.epoch, goal)]
                if not gaps:
                    what = disk or f"[outbox] max_mb = {database.budget_bytes >> 20} is used up"
                    raise db.OutboxFullError(
                        f"{database.folder}: full ({what}), and what is left may not be given up;"
                        " capture waits until the shore has taken some"
                    )
                records = _name(gaps, self.epoch, self.next_seq, self.boot, self._clock)
                self._store(records, [_encode(record) for record in records])
        except (apsw.FullError, apsw.IOError) as error:
            raise db.OutboxFullError(f"{database.folder}: cannot be written: {error}") from error

    def _store(self, records: Sequence[Record], blobs: Sequence[bytes]) -> None:
        for record, blob in zip(records, blobs, strict=True):
            self._db.execute(
                "INSERT INTO record (epoch, seq, priority, kind, made_ms, size, bytes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    record.epoch,
                    record.seq,
                    record.priority,
                    record.kind,
                    record.utc_ms,
                    len(blob),
                    blob,
                ),
            )
        if records:
            self._db.set_fact("next_seq", records[-1].seq + 1)

    def next_batch(self, max_bytes: int, max_records: int = RECORDS_MAX) -> Batch | None:
        """The records to send next, by priority then age, of one epoch; None when nothing waits.

        At least one record is given, even when it alone is larger than `max_bytes`."""
        with self._guard:
            first = self._db.execute(
                "SELECT epoch FROM record ORDER BY failures, priority, id LIMIT 1"
            ).get
            if first is None:
                return None
            chosen: list[tuple[int, bytes]] = []
            total = 0
            for seq, size, blob in self._db.execute(
                "SELECT seq, size, bytes FROM record WHERE epoch = ?"
                " ORDER BY failures, priority, id LIMIT ?",
                (first, min(max_records, RECORDS_MAX)),
            ):
                if chosen and total + size > max_bytes:
                    break
                chosen.append((seq, blob))
                total += size
            seqs, blobs = zip(*chosen, strict=True)
            return Batch(int(first), tuple(seqs), tuple(blobs))

    def acknowledge(self, ack: Ack) -> int:
        """Delete what the shore holds, set aside what it will never take; returns how many left."""
        with self._guard, self._upkeep():
            before = int(self._db.connection.total_changes())
            for rejection in ack.rejections:
                if not rejection.retry:
                    self._bury(ack.epoch, rejection)
            for low, high in ((0, ack.upto), *ack.sack):
                self._db.execute(
                    "DELETE FROM record WHERE epoch = ? AND seq BETWEEN ? AND ?",
                    (ack.epoch, low, high),
                )
            return int(self._db.connection.total_changes()) - before

    def blame(self, epoch: int, seq: int) -> int:
        """Count a failed attempt of a record sent alone; it then goes last. Returns the count."""
        with self._guard, self._upkeep():
            key = (epoch, seq)
            self._db.execute(
                "UPDATE record SET failures = failures + 1 WHERE epoch = ? AND seq = ?", key
            )
            found = self._db.value("SELECT failures FROM record WHERE epoch = ? AND seq = ?", key)
            return int(found or 0)

    def set_aside(self, epoch: int, rejection: Rejection) -> None:
        """Move one record to the dead: it is kept and counted, and never sent again."""
        with self._guard, self._upkeep():
            self._bury(epoch, rejection)

    def _bury(self, epoch: int, rejection: Rejection) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO dead SELECT epoch, seq, kind, ?, ?, bytes FROM record"
            " WHERE epoch = ? AND seq = ?",
            (rejection.code, rejection.detail[:500], epoch, rejection.seq),
        )
        self._db.execute("DELETE FROM record WHERE epoch = ? AND seq = ?", (epoch, rejection.seq))

    def renew_epoch(self) -> int:
        """Draw a new epoch: the shore knows seqs of ours that were never given here (a card that
        was restored or cloned), so further records need names of their own."""
        with self._guard, self._upkeep():
            self._db.set_fact("epoch", _draw_epoch())
            self._db.set_fact("next_seq", 1)
        return self.epoch

    def pending(self) -> Pending:
        """Counts of what waits and of the dead."""
        with self._guard:
            rows = list(
                self._db.execute("SELECT kind, COUNT(*), SUM(size) FROM record GROUP BY kind")
            )
            oldest = self._db.value("SELECT MIN(made_ms) FROM record")
            return Pending(
                records=sum(count for _, count, _ in rows),
                bytes=sum(size for _, _, size in rows),
                dead=int(self._db.value("SELECT COUNT(*) FROM dead")),
                oldest_ms=None if oldest is None else int(oldest),
                by_kind={kind: count for kind, count, _ in rows},
            )

    @contextlib.contextmanager
    def _upkeep(self) -> Iterator[None]:
        """A transaction that must work on a full disk too: the reserve gives it room.

        Raises OutboxFullError when even that is gone; nothing has changed then."""
        try:
            with self._db.transaction():
                yield
        except (apsw.FullError, apsw.IOError) as error:
            self._db.relieve()
            raise db.OutboxFullError(f"{self._db.folder}: cannot be written: {error}") from error


class _NoRoomError(Exception):
    """The commit needs `need` bytes, more than the budget has left."""

    def __init__(self, need: int) -> None:
        super().__init__(need)
        self.need = need


def _draw_epoch() -> int:
    return secrets.randbelow(2**32 - 1) + 1


def _name(drafts: Sequence[Draft], epoch: int, first: int, boot: int, clock: Clock) -> list[Record]:
    """The drafts as records: seqs from `first` on, vignettes pointing at their object's seq."""
    mono_ms, utc_ms = clock.mono_ms(), clock.utc_ms()
    records = []
    for place, draft in enumerate(drafts):
        body = draft.body
        if draft.about is not None:
            if not isinstance(body, Vignette):
                raise TypeError(f"Draft.about: only a vignette shows an object, not {body!r}")
            body = replace(body, object_seq=first + draft.about)
        kind = KIND_OF[type(body)]
        records.append(
            Record(epoch, first + place, kind, PRIORITY[kind], boot, mono_ms, utc_ms, as_map(body))
        )
    return records


def _encode(record: Record) -> bytes:
    blob = encode_record(record)
    if len(blob) > RECORD_MAX:
        raise RecordTooLargeError(
            f"{record.kind} record: expected at most {RECORD_MAX} bytes, got {len(blob)}"
        )
    return blob

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
import json
import logging
import secrets
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import apsw

from edge.clock import Clock
from edge.outbox import database as db
from edge.outbox import rows
from edge.outbox.blobs import Blobs
from edge.outbox.drafts import Draft, encode, name
from edge.outbox.eviction import chunk_bytes, evict
from edge.outbox.lock import release_lock, take_lock
from edge.outbox.queue import Batch, Limits, Pending, choose, count
from edge.outbox.rebuild import DAMAGE, damage_in, finish, rebuild
from edge.outbox.wanted import prefer, reorder
from wire.ack import Ack, Rejection
from wire.codec import RECORD_MAX, RECORDS_MAX
from wire.records import Record

log = logging.getLogger("seadrift.outbox")

T = TypeVar("T")
GIVEN_UP = "given_up"
"""The fact that counts the records that were given up."""

PRIORITIES = "priorities"
"""The fact with the priorities that the shore has set for kinds of records."""

LOCK_PATIENCE_S = 2.0


class Outbox:
    """Use `Outbox.open`. Every method may be called from any thread of the one process."""

    def __init__(self, database: db.Database, lock: int, clock: Clock) -> None:
        self._db = database
        self._file_lock = lock
        self._clock = clock
        self._counted: tuple[int, Pending] | None = None
        self._said_full = False
        self._guard = threading.RLock()
        self.boot = self._upkeep(self._begin)
        self.blobs = Blobs(database, self._guard, self._upkeep)

    def _begin(self) -> int:
        """Another start of the process, the first one of a new file perhaps; its number."""
        database = self._db
        if database.fact("epoch") is None:
            database.set_fact("epoch", _draw_epoch())
            database.set_fact("next_seq", 1)
        boot = int(database.fact("boot") or 0) + 1
        database.set_fact("boot", boot)
        return boot

    @classmethod
    def open(
        cls, folder: Path, *, max_mb: int, reserve_mb: int, clock: Clock, vfs: str | None = None
    ) -> "Outbox":
        """The outbox in `folder`, made when it is not there, rebuilt when it is damaged.

        Raises OutboxBusyError, OutboxFullError or OutboxError."""
        db.check_version()
        folder.mkdir(parents=True, exist_ok=True)
        lock = take_lock(folder, LOCK_PATIENCE_S)
        try:
            finish(folder)
            try:
                database = db.Database.open(folder, max_mb, reserve_mb, vfs)
            except db.DamagedError as error:
                rebuild(folder, str(error))
                database = db.Database.open(folder, max_mb, reserve_mb, vfs)
            outbox = cls(database, lock, clock)
            damage = damage_in(outbox.fact(DAMAGE))
            if damage is not None:
                outbox.commit([Draft(damage)], facts={DAMAGE: ""})
        except BaseException:
            release_lock(lock)
            raise
        return outbox

    def close(self) -> None:
        with self._guard:
            self._db.close()
            release_lock(self._file_lock)

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
    def oldest_seq(self) -> int:
        """The lowest seq of the present epoch that still waits; the next one if none does."""
        with self._guard:
            found = self._db.value("SELECT MIN(seq) FROM record WHERE epoch = ?", (self.epoch,))
            return self.next_seq if found is None else int(found)

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

        Raises RecordTooLargeError, OutboxFullError or OutboxGoneError; nothing is stored then."""
        stored = dict(facts or {})
        if cursor is not None:
            stored["cursor"] = cursor
        with self._guard:
            self._db.check_there()
            drafts = self.blobs.admit(drafts)
            relieved = False
            while True:
                try:
                    return self._commit_once(drafts, stored)
                except _NoRoomError as error:
                    self._make_room(max(error.need, chunk_bytes(self._db.used_bytes())))
                except (apsw.FullError, apsw.IOError) as error:
                    self._db.make_log_room()
                    if relieved and isinstance(error, apsw.IOError):
                        self._db.check_usable(error)
                    if relieved:
                        self._make_room(chunk_bytes(self._db.used_bytes()), str(error))
                    relieved = True

    def _commit_once(self, drafts: Sequence[Draft], facts: Mapping[str, object]) -> tuple[int, ...]:
        database = self._db
        with database.transaction():
            first = self.next_seq
            wanted = json.loads(database.fact(PRIORITIES) or "{}")
            records = name(drafts, self.epoch, first, self.boot, self._clock, wanted)
            blobs = [encode(record) for record in records]
            need = sum(len(blob) + rows.ROW_BYTES for blob in blobs)
            if database.free_bytes() < need:
                raise _NoRoomError(need)
            if not database.can_take(need):
                raise apsw.FullError("the disk is full: the reserve is used up")
            self._store(records, blobs)
            self.blobs.enter(drafts, self.epoch, first)
            for fact, value in facts.items():
                database.set_fact(fact, value)
        return tuple(record.seq for record in records)

    def _make_room(self, goal: int, disk: str = "") -> None:
        """Give up what matters least, with gap records; OutboxFullError if nothing may go."""
        database = self._db

        def give_up() -> Callable[[], None]:
            gaps, after = self.blobs.give_up(goal)
            gaps = gaps or evict(database, self.epoch, goal)
            if not gaps:
                what = disk or f"[outbox] max_mb = {database.budget_bytes >> 20} is used up"
                raise db.OutboxFullError(
                    f"{database.folder}: full ({what}), and what is left may not be given up;"
                    " capture waits until the shore has taken some"
                )
            records = name(
                [Draft(gap) for gap in gaps], self.epoch, self.next_seq, self.boot, self._clock
            )
            self._store(records, [encode(record) for record in records])
            before = int(database.fact(GIVEN_UP) or 0)
            database.set_fact(GIVEN_UP, before + sum(gap.count for gap in gaps))
            if not self._said_full:
                log.warning("the outbox is full: giving up vignettes first, then objects")
            self._said_full = True
            return after

        self._upkeep(give_up)()

    def _store(self, records: Sequence[Record], blobs: Sequence[bytes]) -> None:
        rows.store(self._db.connection, records, blobs)
        if records:
            self._db.set_fact("next_seq", records[-1].seq + 1)

    def note(self, name: str, value: str) -> None:
        """Keep a fact of upkeep, on a full disk too; where even that fails, it is lost at the next
        start."""
        with self._guard, contextlib.suppress(db.OutboxFullError):
            self._upkeep(lambda: self._db.set_fact(name, value))

    def next_batch(
        self,
        max_bytes: int,
        max_records: int = RECORDS_MAX,
        *,
        priority_max: int = 5,
        size_max: int = RECORD_MAX,
        without: Collection[str] = (),
    ) -> Batch | None:
        """What a carrier should send next (`edge.outbox.queue`), of the priorities, sizes and
        kinds that it takes; None when nothing such waits.

        At least one record is given, even when it alone is larger than `max_bytes`. Asked again it
        gives the same, until something is acknowledged, marked, blamed or committed."""
        limits = Limits(
            max_bytes, min(max_records, RECORDS_MAX), priority_max, size_max, ",".join(without)
        )
        with self._guard:
            return choose(self._db, limits)

    def acknowledge(self, ack: Ack) -> int:
        """Delete what the shore holds, set aside what it will never take; returns how many left.

        In small transactions, so that a full disk can hold each; one that is lost to a power cut
        only means that the shore says it again."""
        with self._guard:
            gone = 0
            for rejection in ack.rejections:
                if not rejection.retry:
                    gone += self._upkeep(partial(rows.bury, self._db, ack.epoch, rejection))
            for low, high in ((0, ack.upto), *ack.sack):
                while some := self._upkeep(partial(rows.delete, self._db, ack.epoch, low, high)):
                    gone += some
            with contextlib.suppress(OSError):
                self._db.make_reserve()
            return gone

    def blame(self, epoch: int, seq: int) -> int:
        """Count a failed attempt of a record sent alone; it then goes last. Returns the count."""
        with self._guard:
            return self._upkeep(lambda: rows.blame(self._db, epoch, seq))

    def mark_sent(self, epoch: int, seqs: Collection[int]) -> None:
        """A carrier took these, and the shore's word comes later, by another way perhaps: they stay
        until then, behind what has not gone yet."""
        with self._guard:
            self._upkeep(lambda: rows.mark_sent(self._db, epoch, seqs))

    def set_aside(self, epoch: int, rejection: Rejection) -> None:
        """Move one record to the dead: it is kept and counted, and never sent again."""
        with self._guard:
            self._upkeep(lambda: rows.bury(self._db, epoch, rejection))

    def prefer(self, objects: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
        """Send the vignettes of these objects (epoch, seq) before others; those that are here."""
        with self._guard:
            return self._upkeep(lambda: prefer(self._db, objects))

    def prioritise(self, priorities: Mapping[str, int]) -> dict[str, object]:
        """Reorder what waits; returns the facts that make further records follow, for the
        caller's commit."""
        with self._guard:
            self._upkeep(lambda: reorder(self._db, priorities))
            known = json.loads(self._db.fact(PRIORITIES) or "{}")
            return {PRIORITIES: json.dumps({**known, **priorities})}

    def renew_epoch(self) -> int:
        """Draw a new epoch: the shore knows seqs of ours that were never given here (a card that
        was restored or cloned), so further records need names of their own."""
        epoch = _draw_epoch()

        def begin() -> None:
            self._db.set_fact("epoch", epoch)
            self._db.set_fact("next_seq", 1)

        with self._guard:
            self._upkeep(begin)
        return epoch

    def pending(self) -> Pending:
        """Counts of what waits and of the dead; free of cost while nothing changes."""
        with self._guard:
            changes = int(self._db.connection.total_changes())
            if self._counted is None or self._counted[0] != changes:
                self._counted = changes, count(self._db, int(self._db.fact(GIVEN_UP) or 0))
            return self._counted[1]

    def _upkeep(self, work: Callable[[], T]) -> T:
        return self._db.upkeep(work)


class _NoRoomError(Exception):
    """The commit needs `need` bytes, more than the budget has left."""

    def __init__(self, need: int) -> None:
        super().__init__(need)
        self.need = need


def _draw_epoch() -> int:
    return secrets.randbelow(2**32 - 1) + 1

"""What is too large for a record, as files beside the outbox: whole vignettes, kept frames.

Invariants:
- a file is written, flushed and renamed before its row is committed with the records of its frame,
  and removed after its row: what a power cut leaves without a row is swept at the next start;
- a file is named by the SHA-256 of its content; its bytes count against the outbox's budget;
- blobs are given up before any record, P5 before P4, each time with a `gap` record, and none
  is taken in at the cost of a record;
- a whole vignette goes after the record with its smaller image, whose place it takes on shore.

Example:
    >>> blob = outbox.blobs.next()
    >>> outbox.blobs.read(blob, 0, 16384)
    >>> outbox.blobs.arrived(blob)
"""

import contextlib
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge.files import sync_folder, write_atomic
from edge.outbox.database import Database
from edge.outbox.drafts import Draft
from wire.records import Gap
from wire.tus import SIZE_MAX, BlobMeta

log = logging.getLogger("seadrift.outbox")

PRIORITY = {"vignette": 4, "frame": 5}
SHARE = 4
"""One blob takes at most this part of the outbox's budget."""
_COLUMNS = "id, priority, size, kind, name, sha256, epoch, object_seq, width, height"


@dataclass(frozen=True)
class Blob:
    """One that waits; `meta` is what the shore is told."""

    id: int
    priority: int
    size: int
    meta: BlobMeta


class Blobs:
    """`upkeep` runs a small transaction on a full disk too. For any thread."""

    def __init__(
        self,
        database: Database,
        guard: threading.RLock,
        upkeep: Callable[[Callable[[], None]], None],
    ) -> None:
        self.folder = database.folder / "blobs"
        self._db, self._guard, self._upkeep = database, guard, upkeep
        self._sweep()

    @property
    def count(self) -> int:
        with self._guard:
            return int(self._db.value("SELECT COUNT(*) FROM blob"))

    def admit(self, drafts: Sequence[Draft]) -> list[Draft]:
        """The drafts with their blobs' files on the disk; one for which there is no room is left
        out, and a `gap` says so."""
        if not any(draft.whole for draft in drafts):
            return list(drafts)
        admitted, gaps = [], []
        for draft in drafts:
            whole = draft.whole
            reason = "" if whole is None else self._write(whole.data)
            if whole is None or not reason:
                admitted.append(draft)
                continue
            log.warning("a %s of %d bytes is not kept: %s", whole.kind, len(whole.data), reason)
            gaps.append(Draft(Gap("blob", 1, len(whole.data), reason, ())))
            admitted.append(replace(draft, whole=None))
        return [*admitted, *gaps]

    def enter(self, drafts: Sequence[Draft], epoch: int, first: int) -> None:
        """Rows for the drafts' blobs, inside the transaction that gives the records their names."""
        for draft in drafts:
            whole = draft.whole
            if whole is None:
                continue
            seq = 0 if draft.about is None else first + draft.about
            digest = hashlib.sha256(whole.data).hexdigest()
            self._db.execute(
                "INSERT INTO blob (priority, size, kind, name, sha256, epoch, object_seq, width,"
                " height) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    PRIORITY[whole.kind],
                    len(whole.data),
                    whole.kind,
                    whole.name or str(seq),
                    digest,
                    epoch,
                    seq,
                    whole.width,
                    whole.height,
                ),
            )

    def next(self) -> Blob | None:
        """The one to send next: of vignettes those whose record has gone."""
        with self._guard:
            row = self._db.execute(
                f"SELECT {_COLUMNS} FROM blob WHERE NOT EXISTS (SELECT 1 FROM record WHERE"  # noqa: S608 - names above
                " record.epoch = blob.epoch AND record.about = blob.object_seq)"
                " ORDER BY failures, priority, id LIMIT 1"
            ).fetchone()
        if row is None:
            return None
        number, priority, size, *meta = row
        return Blob(number, priority, size, BlobMeta(*meta))

    def read(self, blob: Blob, offset: int, size: int) -> bytes:
        """Raises OSError."""
        with self._path(blob.meta.sha256).open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def arrived(self, blob: Blob) -> None:
        """The shore has it: the row goes, then the file."""
        with self._guard:
            self._upkeep(lambda: self._delete([blob]))
            self._remove([blob])

    def blame(self, blob: Blob) -> None:
        """It failed; it goes after the others now."""
        with self._guard:
            self._upkeep(
                lambda: self._db.execute(
                    "UPDATE blob SET failures = failures + 1 WHERE id = ?", (blob.id,)
                )
            )

    def give_up(self, goal_bytes: int) -> tuple[list[Gap], Callable[[], None]]:
        """Delete rows until `goal_bytes` are free, inside the caller's transaction: what to say of
        it, and what to call once it is committed."""
        chosen: list[Blob] = []
        for row in self._db.execute(f"SELECT {_COLUMNS} FROM blob ORDER BY priority DESC, id"):  # noqa: S608
            if sum(blob.size for blob in chosen) >= goal_bytes:
                break
            chosen.append(Blob(row[0], row[1], row[2], BlobMeta(*row[3:])))
        self._delete(chosen)
        size = sum(blob.size for blob in chosen)
        gaps = [Gap("blob", len(chosen), size, "outbox full", ())] if chosen else []
        return gaps, lambda: self._remove(chosen)

    def _write(self, data: bytes) -> str:
        """The file, durable; why not, otherwise."""
        if len(data) > min(SIZE_MAX, self._db.budget_bytes // SHARE):
            return "too large"
        if self._db.free_bytes() < 2 * len(data):
            return "outbox full"
        path = self._path(hashlib.sha256(data).hexdigest())
        try:
            if not path.exists():
                write_atomic(path, data)
        except OSError as error:
            return f"cannot be written: {error.strerror}"
        return ""

    def _delete(self, blobs: Sequence[Blob]) -> None:
        for blob in blobs:
            self._db.execute("DELETE FROM blob WHERE id = ?", (blob.id,))

    def _remove(self, blobs: Sequence[Blob]) -> None:
        """Files that no row names any more. What fails is swept at the next start."""
        for blob in blobs:
            digest = blob.meta.sha256
            if not self._db.value("SELECT COUNT(*) FROM blob WHERE sha256 = ?", (digest,)):
                with contextlib.suppress(OSError):
                    self._path(digest).unlink()

    def _sweep(self) -> None:
        """Files without a row, and rows without a file."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(exist_ok=True)
        named = {str(row[0]) for row in self._db.execute("SELECT sha256 FROM blob")}
        there = {path.name for path in self.folder.glob("*")}
        for name in there - named:
            with contextlib.suppress(OSError):
                (self.folder / name).unlink()
        for digest in named - there:
            log.warning("blob %s: its file is gone", digest[:12])
            self._upkeep(
                lambda digest=digest: self._db.execute(  # type: ignore[misc]  # bound now
                    "DELETE FROM blob WHERE sha256 = ?", (digest,)
                )
            )
        with contextlib.suppress(OSError):
            sync_folder(self.folder)

    def _path(self, digest: str) -> Path:
        return self.folder / os.path.basename(digest)

"""The index of a project and network: made, kept up to date, asked.

Two segments: `main`, and `more` with what came since. Both are derived from the database and only
choose candidates: an answer's distances come from the database's embeddings, read in the same
transaction, so a stale index may miss an object and never tells a wrong one. What came after the
last refresh is compared directly. Objects without an embedding are not found, and counted.

Example:
    >>> similar = Similar(shore.database, shore.settings.similar)
    >>> similar.nearest(objid=9, n=100).objids[:2]
    [17, 4711]
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from sqlalchemy import Connection

from server.db import embeddings
from server.db.embeddings import Embedded
from server.db.engine import Database
from server.similar.cells import (
    PER_CELL,
    Float32,
    UInt8,
    cells_for,
    coarse,
    make_centres,
    nearest_centre,
)
from server.similar.nearest import nearest, rows_to_look_at
from server.similar.segment import Int64, Segment, write

AT_ONCE = 50_000
"""So many objects are put into an index while somebody waits for it."""
TAIL = 4000
"""New objects that are compared directly; more of them ask for a refresh."""
ROUNDS = 4
"""When a filter leaves too few, four times as many are looked at, this often."""
Keep = Callable[[Connection, Sequence[int]], set[int]]
Progress = Callable[[float, str], None]


class NoEmbeddingError(ValueError):
    """The object has no embedding to compare."""


class NotBuiltError(RuntimeError):
    """The project has no index yet, and too many objects to make one at once."""


@dataclass(frozen=True)
class Found:
    """The nearest first, the object itself left out; distances are L2 of embeddings in 256ths.
    `indexed` objects were looked through by the index; `stale`: it is time for a refresh."""

    objids: list[int]
    distances: list[float]
    indexed: int
    stale: bool


@dataclass(frozen=True)
class _Noted:
    """When a refresh ended, how long it took, and the project's newest object when it began."""

    at_s: float
    seconds: float
    high: int

    @property
    def is_old(self) -> bool:
        """Whether the next is due: refreshes may take one part in a hundred of the time."""
        return time.time() - self.at_s > max(60.0, 100 * self.seconds)


class Similar:
    """The indexes in a folder; for any thread and process."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def nearest(self, objid: int, n: int, keep: Keep | None = None) -> Found:
        """The `n` nearest of its project, of those that `keep` keeps. Raises NoEmbeddingError,
        NotBuiltError."""
        with self._database.read() as connection:
            like = embeddings.of_object(connection, objid)
            if like is None:
                raise NoEmbeddingError(f"object {objid} has no embedding yet")
            segments = self._open(like)
            if not segments and embeddings.count(connection, like, AT_ONCE + 1) > AT_ONCE:
                raise NotBuiltError(f"project {like.project_id} has no index of similar objects")
        if not segments:
            self.refresh(like)
            segments = self._open(like)
        with self._database.read() as connection:
            return self._nearest(connection, like, segments, n, keep)

    def _nearest(
        self,
        connection: Connection,
        like: Embedded,
        segments: list[Segment],
        n: int,
        keep: Keep | None,
    ) -> Found:
        noted = self._noted(like)
        high = max((segment.high for segment in segments), default=0)
        fresh = embeddings.after(connection, max(high, noted.high), like.project_id, TAIL)
        tail = embeddings.exact(connection, fresh, like)
        indexed = sum(segment.rows for segment in segments)
        pairs: list[tuple[int, float]] = []
        for turn in range(ROUNDS):
            most, look = (2 * n + 1) * 4**turn, rows_to_look_at(indexed) * 4**turn
            pairs = self._compared(connection, like, segments, tail, most, look)
            if keep is not None:
                kept = keep(connection, [objid for objid, _ in pairs])
                pairs = [pair for pair in pairs if pair[0] in kept]
            if len(pairs) >= n or most >= indexed:
                break
        objids = [objid for objid, _ in pairs[:n]]
        stale = len(fresh) == TAIL or noted.is_old
        return Found(objids, [distance for _, distance in pairs[:n]], indexed, stale)

    def _compared(
        self,
        connection: Connection,
        like: Embedded,
        segments: list[Segment],
        tail: list[tuple[int, bytes]],
        most: int,
        look: int,
    ) -> list[tuple[int, float]]:
        """(objid, distance) of candidates, by the database's values, the nearest first."""
        wanted = np.frombuffer(like.embedding, "<u2")
        chosen: set[int] = set()
        for segment in segments:
            chosen.update(nearest(segment, wanted, most, look).tolist())
        rows = dict(embeddings.exact(connection, sorted(chosen), like)) | dict(tail)
        rows.pop(like.objid, None)
        if not rows:
            return []
        values = np.frombuffer(b"".join(rows.values()), "<u2").reshape(len(rows), -1)
        away = (values.astype(np.float32) - wanted.astype(np.float32)) / 256
        distance = np.sqrt((away**2).sum(1))
        ids = list(rows)
        return [(ids[i], float(distance[i])) for i in np.argsort(distance, kind="stable")]

    def refresh(self, like: Embedded, progress: Progress = lambda percent, said: None) -> int:
        """Bring the index of the project and network of `like` up to date; how many rows it has
        then. Raises OSError."""
        with self._alone(like):
            began = time.monotonic()
            with self._database.read() as connection:
                high = embeddings.last(connection, like.project_id)
                rows = self._refresh(connection, like, progress)
            self._note(like, time.monotonic() - began, high)
            return rows

    def _refresh(self, connection: Connection, like: Embedded, progress: Progress) -> int:
        progress(1, "which objects have an embedding")
        parts = [np.array(some, np.int64) for some in embeddings.objids(connection, like)]
        there = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        main, more = (Segment.open(self._path(like, part)) for part in ("main", "more"))
        known = np.zeros(0, np.int64) if main is None else np.sort(main.objids)
        fresh = np.setdiff1d(there, known, assume_unique=True)
        gone = len(known) + len(fresh) - len(there)
        if main is None or len(fresh) + gone > max(AT_ONCE, len(known) // 5):
            self._build(connection, like, len(there), progress)
            self._path(like, "more").unlink(missing_ok=True)
        elif len(fresh) and not (more is not None and np.array_equal(np.sort(more.objids), fresh)):
            rows = [
                row
                for at in range(0, len(fresh), AT_ONCE)
                for row in embeddings.exact(connection, fresh[at : at + AT_ONCE].tolist(), like)
            ]
            self._write_more(like, rows, int(there[-1]))
        return len(there)

    def _write_more(self, like: Embedded, rows: list[tuple[int, bytes]], high: int) -> None:
        values = coarse(np.frombuffer(b"".join(data for _, data in rows), "<u2"))
        values = values.reshape(len(rows), -1)
        objids = np.array([objid for objid, _ in rows], np.int64)
        centres, cell = _one_cell(values), np.zeros(len(rows), np.int32)
        write(self._path(like, "more"), like.network, high, objids, values, centres, cell)

    def _build(self, connection: Connection, like: Embedded, rows: int, progress: Progress) -> None:
        """Make `main` anew. The vectors pass through a file, since they may be more than the memory
        holds."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        width = len(like.embedding) // 2
        with TemporaryFile(dir=self._folder) as draft:
            objids, at = np.zeros(rows, np.int64), 0
            values = np.memmap(draft, np.uint8, "w+", shape=(max(rows, 1), width))
            for some in embeddings.everything(connection, like):
                some = some[: rows - at]  # noqa: PLW2901 # one that came since is for the next time
                data = np.frombuffer(b"".join(data for _, data in some), "<u2")
                values[at : at + len(some)] = coarse(data).reshape(len(some), width)
                objids[at : at + len(some)] = [objid for objid, _ in some]
                at += len(some)
                progress(1 + 59 * at / rows, f"{at} of {rows} objects read")
            self._write_main(like, objids[:at], values[:at], progress)

    def _write_main(self, like: Embedded, objids: Int64, values: UInt8, progress: Progress) -> None:
        dice, cells = np.random.default_rng(len(objids)), cells_for(len(objids))
        centres = _one_cell(values)
        if cells > 1:
            sample = np.sort(
                dice.choice(len(values), min(PER_CELL * cells, len(values)), replace=False)
            )
            centres = make_centres(values[sample], cells, dice)
        progress(70, "into cells")
        cell = nearest_centre(values, centres)
        progress(90, "writing")
        high = int(objids.max(initial=0))
        write(self._path(like, "main"), like.network, high, objids, values, centres, cell)

    def _open(self, like: Embedded) -> list[Segment]:
        """The segments of the project and network; none when `main` cannot be used."""
        width = len(like.embedding) // 2
        found = [Segment.open(self._path(like, part)) for part in ("main", "more")]
        sound = [
            one
            for one in found
            if one is not None and one.network == like.network and one.values.shape[1] == width
        ]
        return sound if sound and found[0] is sound[0] else []

    def _noted(self, like: Embedded) -> "_Noted":
        """What the last refresh noted of itself; an old one where there is none."""
        path = self._path(like, "note")
        try:
            seconds, high = path.read_text().split()
            return _Noted(path.stat().st_mtime, float(seconds), int(high))
        except (OSError, ValueError):
            return _Noted(0.0, 0.0, 0)

    def _note(self, like: Embedded, seconds: float, high: int) -> None:
        draft = self._path(like, f"note.{os.getpid()}")
        draft.write_text(f"{seconds:.3f} {high}")
        draft.replace(self._path(like, "note"))

    def _path(self, like: Embedded, part: str) -> Path:
        return self._folder / f"{like.project_id}-{like.network[:16]}.{part}"

    @contextmanager
    def _alone(self, like: Embedded) -> Iterator[None]:
        """One refresh at a time, whichever process does it."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._path(like, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _one_cell(values: UInt8) -> Float32:
    return np.zeros((1, values.shape[1]), np.float32)

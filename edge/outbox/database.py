"""The outbox's SQLite file: opened one way only, by one process, and checked before it is trusted.

WAL with synchronous=FULL is the only setting that kept every acknowledged commit through power
cuts (docs/adr/0001). One connection in one process avoids the WAL-reset bug of SQLite before
3.51.3, and that version is asserted all the same. The file may not grow past `max_page_count`,
because on a full disk SQLite cannot even delete; a reserve file gives the last megabyte back when
the disk is full.

Example:
    >>> database = Database.open(Path("data/outbox"), max_mb=512, reserve_mb=1)
    >>> database.free_bytes()
    536346624
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import apsw

from edge.files import sync_folder, write_atomic
from edge.outbox.schema import SCHEMA, SCHEMA_VERSION

T = TypeVar("T")
SQLITE_MIN = (3, 51, 3)
PAGE_BYTES = 4096
HEADROOM_PAGES = 256
"""Pages above the budget that only upkeep may use (acknowledgements, the dead, gaps): 1 MiB."""
LOG_PAGES = 256
"""Pages in the write-ahead log before it is moved into the file: 1 MiB, less than the reserve."""
FILE = "outbox.sqlite"
RESERVE = "reserve"


class OutboxError(Exception):
    """The outbox cannot be used; the message says what a person can do."""


class OutboxBusyError(OutboxError):
    """Another process has this outbox open."""


class OutboxFullError(OutboxError):
    """No room for the record, and nothing left that may be given up."""


class DamagedError(OutboxError):
    """The file is not a sound database."""


class OutboxGoneError(OutboxError):
    """The open file is no longer the one in the folder: the card was away. Opening again helps."""


def check_version(version: str | None = None) -> None:
    """Raises OutboxError when the SQLite in use has the WAL-reset bug."""
    found = version or apsw.sqlite_lib_version()
    if tuple(int(part) for part in found.split(".")[:3]) < SQLITE_MIN:
        wanted = ".".join(map(str, SQLITE_MIN))
        raise OutboxError(
            f"SQLite {found} can corrupt a database in WAL mode; expected {wanted} or later:"
            " pip install --upgrade apsw"
        )


class Database:
    """The one connection, its size limit and its reserve file."""

    def __init__(self, folder: Path, connection: Any, max_mb: int, reserve_mb: int) -> None:
        self.folder = folder
        self.connection = connection
        self.reserve_bytes = reserve_mb * 2**20
        self.budget_bytes = max_mb * 2**20
        page = int(self.value("PRAGMA page_size"))
        self.page_bytes = page
        pages = self.budget_bytes // page + HEADROOM_PAGES
        self.value(f"PRAGMA max_page_count={pages}")
        self._identity = _identity(folder / FILE)
        self._reserved = False
        with contextlib.suppress(OSError):  # a full disk: made later, when there is room
            self.make_reserve()

    @classmethod
    def open(cls, folder: Path, max_mb: int, reserve_mb: int, vfs: str | None = None) -> "Database":
        """Raises DamagedError for an unsound file, OutboxFullError when the disk has no room even
        with the reserve given back. `vfs` names another of SQLite's file layers, for tests."""
        try:
            return cls._open(folder, max_mb, reserve_mb, vfs)
        except OutboxFullError:
            (folder / RESERVE).unlink(missing_ok=True)
            return cls._open(folder, max_mb, reserve_mb, vfs)

    @classmethod
    def _open(cls, folder: Path, max_mb: int, reserve_mb: int, vfs: str | None) -> "Database":
        connection = None
        try:
            connection = apsw.Connection(str(folder / FILE), vfs=vfs)
            connection.set_busy_timeout(0)
            check(connection)
            prepare(connection)
            return cls(folder, connection, max_mb, reserve_mb)
        except (apsw.CorruptError, apsw.NotADBError, apsw.FormatError) as error:
            _close(connection)
            raise DamagedError(f"{folder / FILE}: {error}") from error
        except (apsw.FullError, apsw.IOError, apsw.CantOpenError) as error:
            _close(connection)
            raise OutboxFullError(f"{folder}: cannot be written: {error}") from error
        except OutboxError:
            _close(connection)
            raise

    def close(self) -> None:
        _close(self.connection)

    def check_there(self) -> None:
        """Raises OutboxGoneError when what is written now would not be found after a restart."""
        if _identity(self.folder / FILE) != self._identity:
            raise OutboxGoneError(
                f"{self.folder / FILE} is not there any more, or another file is: was the card"
                " taken out?"
            )

    def check_usable(self, error: Exception) -> None:
        """After an input or output error. Raises OutboxGoneError when the folder can be written,
        so that only our old handles are of no use."""
        probe = self.folder / "probe"
        sizes = [path.stat().st_size for path in self.folder.glob(f"{FILE}*")]
        try:
            write_atomic(probe, b"x" * self.page_bytes)
            os.truncate(probe, max(sizes, default=0) + self.page_bytes)  # a limit on sizes, perhaps
        except OSError:
            return
        finally:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)
        raise OutboxGoneError(
            f"{self.folder}: {error}, but the folder can be written: was the card away?"
        ) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable when it returns."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            # SQLite ends the transaction by itself on some errors (a full disk, for one).
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def upkeep(self, work: Callable[[], T]) -> T:
        """A small transaction that must work on a full disk too: the reserve gives it room.

        Raises OutboxFullError when even that is gone; nothing has changed then."""
        for relieve in (self.make_log_room, self.relieve, None):
            try:
                with self.transaction():
                    return work()
            except (apsw.FullError, apsw.IOError) as error:
                if relieve is None:
                    raise OutboxFullError(f"{self.folder}: cannot be written: {error}") from error
                relieve()
        raise AssertionError("unreachable")

    def execute(self, sql: str, values: tuple[Any, ...] = ()) -> Any:
        return self.connection.execute(sql, values)

    def value(self, sql: str, values: tuple[Any, ...] = ()) -> Any:
        return self.connection.execute(sql, values).get

    def fact(self, name: str) -> str | None:
        found = self.value("SELECT value FROM fact WHERE name = ?", (name,))
        return None if found is None else str(found)

    def set_fact(self, name: str, value: object) -> None:
        self.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, str(value)))

    def free_bytes(self) -> int:
        """Room left below the budget; pages freed inside the running transaction count."""
        used = int(self.value("PRAGMA page_count")) - int(self.value("PRAGMA freelist_count"))
        return self.budget_bytes - used * self.page_bytes - self.blob_bytes()

    def blob_bytes(self) -> int:
        """What the files take that wait beside the records."""
        return int(self.value("SELECT COALESCE(SUM(size), 0) FROM blob"))

    def used_bytes(self) -> int:
        """What the file's pages in use take; those freed inside the running transaction do not."""
        return self.budget_bytes - self.free_bytes()

    def can_take(self, need: int) -> bool:
        """Whether `need` bytes of new records leave upkeep its room: with the reserve in place, or
        without it on pages that the file has free already."""
        if self._reserved or self._has_reserve():
            return True
        free = int(self.value("PRAGMA freelist_count")) * self.page_bytes
        return free >= 2 * need + LOG_PAGES * self.page_bytes

    def _has_reserve(self) -> bool:
        with contextlib.suppress(OSError):
            self.make_reserve()
        return self._reserved

    def make_reserve(self) -> None:
        """Raises OSError when the disk has no room for it."""
        path = self.folder / RESERVE
        whole = path.exists() and path.stat().st_size >= self.reserve_bytes
        if self._reserved or not self.reserve_bytes or whole:
            self._reserved = True
            return
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            os.posix_fallocate(handle, 0, self.reserve_bytes)
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(handle)
        self._reserved = True

    def make_log_room(self) -> None:
        """A write found the disk full: move the log into the file and begin it anew."""
        with contextlib.suppress(apsw.Error):
            self.execute("PRAGMA wal_checkpoint(RESTART)")

    def relieve(self) -> None:
        """The same with the reserve given back. For upkeep alone: what captures must not eat it."""
        self._reserved = False
        with contextlib.suppress(FileNotFoundError):
            (self.folder / RESERVE).unlink()
            sync_folder(self.folder)
        self.make_log_room()


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells one file from another under the same name."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def prepare(connection: Any) -> None:
    """The pragmas and the schema; page_size only counts for a new file."""
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
    mode = connection.execute("PRAGMA journal_mode=WAL").get
    if mode != "wal":
        raise OutboxError(f"the file system does not support WAL (got {mode}); use a local disk")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit={16 * 2**20}")
    connection.execute("PRAGMA mmap_size=0")
    found = int(connection.execute("PRAGMA user_version").get)
    if found > SCHEMA_VERSION:
        raise OutboxError(
            f"the outbox was made by a newer seadrift (version {found}, this one reads"
            f" {SCHEMA_VERSION}): install that one again, and send what waits"
        )
    with connection:
        connection.execute(SCHEMA)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def check(connection: Any) -> None:
    """Raises DamagedError unless every page of the file makes sense."""
    found = connection.execute("PRAGMA quick_check(1)").get
    if found != "ok":
        raise DamagedError(f"quick_check: {found}")


def _close(connection: Any) -> None:
    if connection is not None:
        with contextlib.suppress(apsw.Error):
            connection.close()

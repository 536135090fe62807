"""Writers that wait for each other travel together: one commit, one wait for the disk, for all.

SQLite has one writer at a time, and a commit waits for the disk, far longer than a batch takes to
write. So whoever is next in the queue goes on in the transaction of the one before, in a savepoint
of its own, and the last one commits for all. Nobody is told that it is done before that commit; if
it fails, it failed for all of them. What one of them raises undoes its own savepoint alone.

Example:
    >>> convoy = Convoy(begin)
    >>> with convoy.write() as connection: ...      # durable when the block has been left
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

MOST = 32
"""Writers in one commit."""
LONGEST_S = 0.2
"""After so long a transaction is committed, whoever waits."""


@dataclass
class _Trip:
    """A transaction that is open, and how it ended."""

    connection: Connection
    closing: ExitStack
    began: float = field(default_factory=time.monotonic)
    writers: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    @property
    def full(self) -> bool:
        return self.writers >= MOST or time.monotonic() - self.began > LONGEST_S

    @property
    def broken(self) -> bool:
        """SQLite undoes a whole transaction by itself when the disk is full or fails."""
        driver = self.connection.connection.driver_connection
        return driver is None or not driver.in_transaction


class Convoy:
    """`begin` opens a transaction; what it puts on the stack commits it, or undoes it after an
    error."""

    def __init__(self, begin: Callable[[ExitStack], Connection]) -> None:
        self._begin = begin
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._waiting = 0
        self._trip: _Trip | None = None

    @property
    def waiting(self) -> int:
        """Writers that wait for their turn."""
        return self._waiting

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A savepoint of the transaction that the next commit makes durable."""
        with self._count:
            self._waiting += 1
        with self._turn:
            with self._count:
                self._waiting -= 1
            trip = self._trip = self._trip or self._depart()
            try:
                with trip.connection.begin_nested():
                    yield trip.connection
            finally:
                trip.writers += 1
                if not self._waiting or trip.full or trip.broken:
                    self._arrive(trip)
        trip.ended.wait()
        if trip.error is not None:
            raise trip.error

    def _depart(self) -> _Trip:
        with ExitStack() as stack:
            connection = self._begin(stack)
            return _Trip(connection, stack.pop_all())
        raise AssertionError("ExitStack swallows nothing")

    def _arrive(self, trip: _Trip) -> None:
        """Commit, and tell all who wait for it."""
        self._trip = None
        try:
            trip.closing.close()
        except BaseException as error:  # raised by each of those who wait
            trip.error = error
        finally:
            trip.ended.set()

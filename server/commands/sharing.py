"""Several processes that accept from one socket: whoever has fewest connections goes first.

An instrument keeps its connection for hours. Left to the kernel, whichever process wakes first
takes the next one, and of eight instruments six may end up with one of two processes, which then
works while the other has nothing to do. So a process that has more connections than another leaves
the next one to it, for a moment.

Example:
    >>> shares = Shares(context.Array("i", [ABSENT] * 2, lock=False), mine=0)
    >>> server.run(sockets=[Fair(listening, shares)])
"""

import socket
import time
import weakref
from collections.abc import MutableSequence
from dataclasses import dataclass
from typing import Any

ABSENT = -1
"""Of a process that was not there yet."""
_AWHILE_S, _TIMES = 0.001, 20
"""How long to leave a connection to the others, and how often: they may be busy, or gone."""


@dataclass(frozen=True)
class Shares:
    """Connections of each process, in memory that they share; each writes its own place alone."""

    counts: MutableSequence[int]
    mine: int

    def begin(self, patience_s: float = 10.0) -> None:
        """Be there, without whoever had this place before; wait for those who start beside this
        one, for all instruments come as soon as the first of them answers."""
        self.counts[self.mine] = 0
        until_s = time.monotonic() + patience_s
        while min(self.counts) == ABSENT and time.monotonic() < until_s:
            time.sleep(0.01)

    def add(self, change: int) -> None:
        self.counts[self.mine] += change

    def too_many(self) -> bool:
        """Whether another process has fewer."""
        return self.counts[self.mine] > min(self.counts)


class Fair(socket.socket):
    """A listening socket, taken over from `listening`."""

    def __init__(self, listening: socket.socket, shares: Shares) -> None:
        super().__init__(fileno=listening.detach())
        self._shares = shares
        self._left = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """Raises BlockingIOError for a connection that is left to the others."""
        if self._left < _TIMES and self._shares.too_many():
            self._left += 1
            time.sleep(_AWHILE_S)
            raise BlockingIOError
        self._left = 0
        connection, address = super().accept()
        self._shares.add(1)
        weakref.finalize(connection, self._shares.add, -1)
        return connection, address

"""Connections that say nothing are closed, and there are never more than the shore can hold.

uvicorn waits for ever for the first line of a request, and takes any number of connections: a few
thousand silent ones would be the end of it.

Example:
    >>> uvicorn.Config(app, http=protocol(Door()))
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.auth.addresses import counted_as


@dataclass
class Door:
    """`head_s`: how long the head of a request may take. `most`, `most_of_one`: connections in all
    and from one address, unless it is one of `proxies`, which speak for many."""

    head_s: float = 30.0
    most: int = 1000
    most_of_one: int = 200
    proxies: frozenset[str] = frozenset()
    inside: Counter[str] = field(default_factory=Counter)

    def enter(self, address: str) -> bool:
        limit = self.most if address in self.proxies else self.most_of_one
        if self.inside.total() >= self.most or self.inside[address] >= limit:
            return False
        self.inside[address] += 1
        return True

    def leave(self, address: str) -> None:
        self.inside[address] -= 1
        if not self.inside[address]:
            del self.inside[address]


def protocol(door: Door) -> type[H11Protocol]:
    """uvicorn's protocol behind this door."""

    class Guarded(H11Protocol):
        _address: str | None = None
        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            peer = transport.get_extra_info("peername")
            address = counted_as(peer[0]) if isinstance(peer, tuple) else "local"
            super().connection_made(transport)
            if not door.enter(address):
                transport.abort()
                return
            self._address = address
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
            if self._address is not None:
                door.leave(self._address)
                self._address = None
            super().connection_lost(exc)

        def handle_events(self) -> None:
            before = self.cycle
            super().handle_events()
            if self.cycle is not before and self._waiting is not None:
                self._waiting.cancel()  # the head is there; the body has its own clock
                self._waiting = None

        def send_400_response(self, msg: str) -> None:
            """For what is no HTTP; if it was at the beginning, its answer is under way already, and
            must not be sent after this one."""
            if self.cycle is not None:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                super().send_400_response(msg)
            else:
                self.transport.abort()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self.transport.is_closing():
                self._wait()

        def _wait(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
            self._waiting = self.loop.call_later(door.head_s, self._hang_up)

        def _hang_up(self) -> None:
            self._waiting = None
            if self.cycle is None or self.cycle.response_complete:
                self.transport.abort()

    return Guarded

"""Sessions with the gateway: tried again as their status says, paid before they begin.

A session of unknown outcome counts as paid and is tried again: the message may arrive twice, which
the shore recognises. One that certainly failed gives its credits back.

Example:
    >>> sessions = Sessions(modem, purse, Pace(), take=print)
    >>> sessions.transmit(blob)
"""

import logging
import threading
import time
from collections.abc import Callable

from edge.links import LinkError
from edge.links.modem import Modem, ModemError, Pace, Session
from edge.links.purse import Purse
from wire.short import credits

log = logging.getLogger("seadrift.satellite")

WAITS = (1, 1, 6, 6)
"""After each try so long a wait, in steps of `Pace.step_s`."""
MAILBOX_MAX = 10
"""Most messages fetched in one visit."""
STATUSES = {
    15: "the gateway knows no such modem, or its account is closed",
    16: "the modem was disabled by the gateway",
    32: "no network",
    33: "antenna fault",
    34: "the modem's radio is disabled",
    35: "the modem is busy",
    36: "to be tried after three minutes",
    37: "service suspended",
    38: "traffic is limited",
}


class Sessions:
    """Not for several threads at once; `close` may be called from another. `take` is given every
    message that comes down."""

    def __init__(
        self, modem: Modem, purse: Purse, pace: Pace, take: Callable[[bytes], object]
    ) -> None:
        self._modem, self._purse, self._pace, self._take = modem, purse, pace, take
        self.ended = threading.Event()
        self._looked_s = time.monotonic()

    @property
    def unlooked_s(self) -> float:
        """Seconds since the gateway was asked for messages."""
        return time.monotonic() - self._looked_s

    def wake(self) -> None:
        """Raises LinkError when no modem answers."""
        try:
            self._modem.wake()
        except ModemError as error:
            raise LinkError(f"satellite: {error}") from error

    def close(self) -> None:
        self.ended.set()
        self._modem.close()

    def rings(self) -> bool:
        """Whether the gateway has a message, as far as the modem has said so."""
        return self._modem.rings()

    def transmit(self, blob: bytes) -> None:
        """Until the gateway has it. Raises LinkError when it does not, BusyError without credits
        for it."""
        trouble, price = "", credits(len(blob))
        for wait in WAITS:
            if self.ended.is_set():
                raise LinkError("satellite: closed")
            self._purse.spend(price)
            try:
                self._modem.wake()
                self._modem.load(blob)
            except ModemError as error:
                self._purse.give_back(price)
                trouble = str(error)
            else:
                session = self._session(price)
                if session is not None and session.sent:
                    return
                trouble = _why(session)
            self.ended.wait(wait * self._pace.step_s)
        raise LinkError(f"satellite: not sent ({trouble})")

    def look(self) -> None:
        """Fetch what waits at the gateway. Raises LinkError, BusyError."""
        self._looked_s = time.monotonic()
        for _ in range(MAILBOX_MAX):
            self._purse.spend(1)
            try:
                self._modem.wake()
                self._modem.clear()
            except ModemError as error:
                self._purse.give_back(1)
                raise LinkError(f"satellite: {error}") from error
            session = self._session(1)
            if session is None or not session.sent:
                self._modem.ringing = True
                raise LinkError(f"satellite: {_why(session)}")
            if not session.waiting:
                return

    def _session(self, price: int) -> Session | None:
        """One session and what it brought; None when nobody knows how it ended."""
        try:
            session = self._modem.session()
        except ModemError:
            return None
        try:
            if session.received:
                self._take(self._modem.receive())
            if session.sent:
                self._modem.clear()
        except ModemError as error:
            log.info("a message down was not read: %s", error)
        if not session.sent:
            self._purse.give_back(price)
        elif session.waiting:
            self._modem.ringing = True
        return session


def _why(session: Session | None) -> str:
    if session is None:
        return "no answer"
    return f"status {session.mo}: {STATUSES.get(session.mo, 'the session failed')}"

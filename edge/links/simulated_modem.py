"""A satellite modem without a satellite: Iridium's AT commands on a pseudo-terminal, with faults.

For tests, rehearsals and demonstrations; everything above the serial port is the real thing. It
keeps the rules that a driver can see: one buffer each way, MO status above 4 is not sent, a message
that is not cleared goes (and is billed) again. `Faults` says how often what goes wrong; the same
seed gives the same run. Closing the port is its power switch: it then forgets all but MOMSN.

Example:
    >>> with SimulatedModem(gateway, imei="300234010753370") as modem:
    ...     Modem(modem.port, 19200, Pace(reply_s=0.5)).signal()
    5
"""

import contextlib
import os
import random
import select
import struct
import threading
import time
import tty
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from edge.links.modem import MO_MAX, SENT_MAX

FAILURES = (*range(5, 9), *range(10, 20), *range(32, 39), 64, 65)
"""Every MO status of Iridium's manual that means: not sent."""


@dataclass(frozen=True)
class Faults:
    """How often each happens, 0 to 1. Replies: `lost`, `half` of it, one byte `corrupt`, said
    `twice`; `ring` alerts in the middle of one; `stuck` until the port is closed. Sessions: `fail`
    with one of `statuses`; `unheard`: the gateway has the message and the modem says that it
    failed. `echo` back on after power."""

    lost: float = 0.0
    half: float = 0.0
    corrupt: float = 0.0
    twice: float = 0.0
    ring: float = 0.0
    stuck: float = 0.0
    fail: float = 0.0
    unheard: float = 0.0
    statuses: tuple[int, ...] = FAILURES
    echo: bool = True


class Gateway(Protocol):
    """What the modem asks of the other side."""

    def deliver(self, imei: str, momsn: int, data: bytes) -> None: ...

    def fetch(self, imei: str) -> tuple[int, bytes] | None:
        """The oldest waiting message with its number, taken away."""
        ...

    def waiting(self, imei: str) -> int: ...


@dataclass
class Tally:
    """What happened, for reports: sessions tried, messages that reached the gateway, credits."""

    sessions: int = 0
    delivered: int = 0
    fetched: int = 0
    credits: int = 0
    faults: int = 0
    resets: int = 0
    statuses: dict[int, int] = field(default_factory=dict)


class SimulatedModem(threading.Thread):
    """Runs until `stop`. `port` is what a driver opens."""

    def __init__(
        self, gateway: Gateway, imei: str, faults: Faults | None = None, seed: int = 0
    ) -> None:
        super().__init__(name="simulated modem", daemon=True)
        self._gateway, self.imei = gateway, imei
        self.faults = faults or Faults()
        self._random = random.Random(seed)
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        os.close(slave)
        self._ended = threading.Event()
        self.tally = Tally()
        self._mo = self._mt = b""
        self._momsn = self._mtmsn = 0
        self._stuck, self._echo, self._alerts, self._used = False, True, False, False

    def __enter__(self) -> "SimulatedModem":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._ended.set()
        self.join(5)
        os.close(self._master)

    def run(self) -> None:
        line = b""
        while not self._ended.is_set():
            byte = self._byte()
            if byte is None:
                line = b""
            elif self._stuck:
                continue
            elif byte != b"\r":
                line = (line + byte)[-80:]
            else:
                if self._echo:
                    self._put(line + b"\r")
                self._obey(line.strip())
                line = b""

    # --- the commands -------------------------------------------------------------------------

    def _obey(self, line: bytes) -> None:
        if self._hit(self.faults.stuck):
            self._stuck = True
            return
        if line.startswith(b"AT+SBDWB="):
            self._write_binary(line[9:])
        elif line in (b"AT+SBDIX", b"AT+SBDIXA"):
            self._reply(self._session())
        elif line == b"AT+SBDRB":
            data = struct.pack(">H", len(self._mt)) + self._mt
            self._reply(data + struct.pack(">H", sum(self._mt) & 0xFFFF))
        elif line in (b"AT+SBDD0", b"AT+SBDD1", b"AT+SBDD2"):
            self._mo = b"" if line[-1:] in b"02" else self._mo
            self._mt = b"" if line[-1:] in b"12" else self._mt
            self._reply(b"\r\n0\r\n\r\nOK\r\n")
        elif line == b"AT+SBDSX":
            flags = bool(self._mo), self._momsn, bool(self._mt), self._mtmsn, 0
            said = ", ".join(str(int(flag)) for flag in (*flags, self._gateway.waiting(self.imei)))
            self._reply(f"\r\n+SBDSX: {said}\r\n\r\nOK\r\n".encode())
        elif line == b"AT+CSQ":
            bars = self._random.randint(1, 5)
            self._reply(b"\r\n+CSQ:%d\r\n\r\nOK\r\n" % bars)
        elif line[:2].upper() == b"AT":
            self._echo = {b"ATE0": False, b"ATE1": True}.get(line, self._echo)
            self._alerts = {b"AT+SBDMTA=1": True, b"AT+SBDMTA=0": False}.get(line, self._alerts)
            self._reply(b"\r\nOK\r\n")
        elif line:
            self._reply(b"\r\nERROR\r\n")

    def _write_binary(self, said: bytes) -> None:
        if not said.isdigit() or not 1 <= int(said) <= MO_MAX:
            self._reply(b"\r\n3\r\n\r\nOK\r\n")
            return
        self._reply(b"\r\nREADY\r\n")
        data = b""
        deadline_s = time.monotonic() + 2.0
        while len(data) < int(said) + 2:
            byte = self._byte()
            if byte is None and time.monotonic() > deadline_s:
                self._reply(b"\r\n1\r\n\r\nOK\r\n")
                return
            data += byte or b""
        message, check = data[:-2], struct.unpack(">H", data[-2:])[0]
        right = sum(message) & 0xFFFF == check and not self._hit(self.faults.corrupt)
        self._mo = message if right else self._mo
        self._reply(b"\r\n%d\r\n\r\nOK\r\n" % (0 if right else 2))

    def _session(self) -> bytes:
        """One SBD session: the message up, if there is one, and the next one down."""
        self.tally.sessions += 1
        status = self._status()
        self.tally.statuses[status] = self.tally.statuses.get(status, 0) + 1
        momsn, mt, length = self._momsn, 0, 0
        heard = status <= SENT_MAX or self._hit(self.faults.unheard)
        if heard and self._mo:
            self.tally.delivered += 1
            self.tally.credits += -(-len(self._mo) // 50)
            self._gateway.deliver(self.imei, momsn, self._mo)
        if status <= SENT_MAX:
            self._momsn = (momsn + 1) & 0xFFFF
            found = self._gateway.fetch(self.imei)
            self.tally.credits += not self._mo and found is None
            if found is not None:
                self._mtmsn, self._mt = found
                mt, length = 1, len(self._mt)
                self.tally.fetched += 1
                self.tally.credits += -(-length // 50)
        else:
            mt = 2
        waiting = self._gateway.waiting(self.imei) if status <= SENT_MAX else 0
        said = f"{status}, {momsn}, {mt}, {self._mtmsn}, {length}, {waiting}"
        return f"\r\n+SBDIX: {said}\r\n\r\nOK\r\n".encode()

    def _status(self) -> int:
        if self._hit(self.faults.fail):
            return self._random.choice(self.faults.statuses)
        return self._random.choice((0, 0, 0, 0, 1, 2, 3, 4))

    # --- the line -----------------------------------------------------------------------------

    def _reply(self, said: bytes) -> None:
        """Say it, or what the faults leave of it."""
        faults = self.faults
        if self._hit(faults.lost):
            return
        if self._hit(faults.half):
            said = said[: len(said) // 2]
        if self._hit(faults.corrupt):
            place = self._random.randrange(len(said))
            said = said[:place] + self._random.randbytes(1) + said[place + 1 :]
        if self._hit(faults.ring):
            said = b"\r\nSBDRING\r\n" + said
        self._put(said + said if self._hit(faults.twice) else said)

    def ring(self) -> None:
        """A ring alert: the gateway has something."""
        if self._alerts and not self._stuck:
            self._put(b"\r\nSBDRING\r\n")

    def _hit(self, chance: float) -> bool:
        hit = chance > 0 and self._random.random() < chance
        self.tally.faults += hit
        return hit

    def _put(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._master, data)

    def _byte(self) -> bytes | None:
        """The next byte, or None when nothing came for a moment or nobody has the port open."""
        if not select.select([self._master], [], [], 0.02)[0]:
            return None
        try:
            byte = os.read(self._master, 1)
        except OSError:  # nobody has the port open: no power
            self._power_off()
            self._ended.wait(0.005)
            return None
        self._used = True
        return byte

    def _power_off(self) -> None:
        if self._used:
            self.tally.resets += 1
        self._used, self._stuck, self._alerts = False, False, False
        self._echo = self.faults.echo
        self._mo = self._mt = b""

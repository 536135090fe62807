"""An Iridium SBD modem (9602, 9603, RockBLOCK) behind its AT commands.

The modem loses replies, repeats them, and says things in the middle of others (`SBDRING`); what is
not understood is no success. Success of a session is MO status 0 to 4 and nothing else: 5 and above
are failures in Iridium's manual. Echo is switched off, and understood when it comes back after a
reset. Answers are read up to `OK` or `ERROR`, binary ones up to their checksum.

Example:
    >>> modem = Modem("/dev/ttyUSB0", 19200)
    >>> modem.load(message); modem.session().sent
    True
"""

import contextlib
import logging
import re
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

import serial

log = logging.getLogger("seadrift.modem")

SENT_MAX = 4
"""The highest MO status that means: the gateway has it."""
MO_MAX, MT_MAX = 340, 270
_SESSION = re.compile(rb"\+SBDIXA?: *(\d+), *(\d+), *(\d+), *(\d+), *(\d+), *(\d+)\s")


class ModemError(Exception):
    """The modem did not answer, or not in a way that could be understood."""


@dataclass(frozen=True)
class Pace:
    """How long to wait, in seconds: for a plain answer, for a session, between attempts, while the
    modem is off at a reset."""

    reply_s: float = 5.0
    session_s: float = 75.0
    step_s: float = 5.0
    off_s: float = 2.0


@dataclass(frozen=True)
class Session:
    """What `+SBDIX` said. `waiting` messages are still at the gateway."""

    mo: int
    momsn: int
    mt: int
    mtmsn: int
    length: int
    waiting: int

    @property
    def sent(self) -> bool:
        return self.mo <= SENT_MAX

    @property
    def received(self) -> bool:
        return self.mt == 1 and 0 < self.length <= MT_MAX


class Modem:
    """One modem on one port. Not for several threads at once."""

    def __init__(
        self,
        port: str,
        baud: int,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pace = pace or Pace()
        self._sleep = sleep
        self._port = serial.Serial(baudrate=baud, timeout=0.05, write_timeout=10, exclusive=True)
        self._port.port = port
        self.ringing = False
        """A ring alert came since the last session: the gateway has a message."""
        self._awake = False

    def close(self) -> None:
        self._port.close()
        self._awake = False

    def wake(self) -> None:
        """Make sure that the modem answers; reset it when it does not. Raises ModemError."""
        if self._awake:
            return
        for attempt in range(3):
            with contextlib.suppress(ModemError):
                self._ask(b"ATE0")
                self._ask(b"AT&K0")
                self._ask(b"AT+SBDMTA=1")
                self._awake = True
                return
            if attempt:
                self._reset()
        raise ModemError(f"{self._port.port}: the modem does not answer")

    def signal(self) -> int:
        """Bars of signal, 0 to 5. Raises ModemError."""
        answer = self._ask(b"AT+CSQ", self._pace.session_s)
        found = re.search(rb"\+CSQ: *([0-5])", answer)
        if found is None:
            raise ModemError("AT+CSQ: no signal in the answer")
        return int(found[1])

    def holds(self) -> tuple[bool, bool]:
        """Whether there is a message to send and one received in the modem's buffers
        (`AT+SBDSX`: MO flag, MOMSN, MT flag, MTMSN, RA flag, waiting). Raises ModemError."""
        answer = self._ask(b"AT+SBDSX")
        found = re.search(rb"\+SBDSX: *(\d), *\d+, *(\d), *-?\d+, *(\d)", answer)
        if found is None:
            raise ModemError("AT+SBDSX: no status in the answer")
        self.ringing = self.ringing or found[3] == b"1"
        return found[1] == b"1", found[2] == b"1"

    def clear(self) -> None:
        """Empty the buffer of what to send: the modem sends (and bills) it again at every session
        otherwise. Raises ModemError."""
        self._expect(b"AT+SBDD0", b"0")

    def load(self, message: bytes) -> None:
        """Put a message into the modem. Raises ModemError; the buffer is then not to be trusted."""
        if not 1 <= len(message) <= MO_MAX:
            raise ModemError(f"message of {len(message)} bytes: expected 1 to {MO_MAX}")
        self.clear()
        self._write(b"AT+SBDWB=%d\r" % len(message))
        self._until(re.compile(rb"READY\r\n"), self._pace.reply_s)
        self._write(message + struct.pack(">H", sum(message) & 0xFFFF))
        answer = self._until(
            re.compile(rb"(?:^|\n)\r?([0-3])\r\n[\r\n]*OK\r\n"), self._pace.reply_s
        )
        if answer[1] != b"0":
            reason = {b"1": "timeout", b"2": "wrong checksum", b"3": "wrong size"}[answer[1]]
            raise ModemError(f"AT+SBDWB: {reason}")

    def session(self) -> Session:
        """Send what is loaded and fetch what waits. Raises ModemError: the outcome is unknown."""
        command = b"AT+SBDIXA" if self.ringing else b"AT+SBDIX"
        self.ringing = False
        self._write(command + b"\r")
        answer = self._until(_SESSION, self._pace.session_s)
        session = Session(*(int(number) for number in answer.groups()))
        if b"OK\r\n" not in answer.string:
            with contextlib.suppress(ModemError):
                self._until(re.compile(rb"OK\r\n"), self._pace.reply_s)
        return session

    def receive(self) -> bytes:
        """The message that a session brought, read twice if need be. Raises ModemError."""
        try:
            return self._receive()
        except ModemError:
            return self._receive()

    def _receive(self) -> bytes:
        self._write(b"AT+SBDRB\r")
        seen, deadline_s = b"", time.monotonic() + self._pace.reply_s
        while time.monotonic() < deadline_s:
            seen += self._read()
            place = _message_in(seen)
            if place is not None:
                self._listen(seen[: place[0]])
                return seen[place[0] : place[1]]
        self._awake = False
        raise ModemError("AT+SBDRB: no whole message came")

    def rings(self) -> bool:
        """Whether the gateway has a message, as far as the modem has said so."""
        with contextlib.suppress(serial.SerialException, OSError):
            if self._port.is_open:
                self._listen(self._port.read(self._port.in_waiting or 1))
        return self.ringing

    def _expect(self, command: bytes, digit: bytes) -> None:
        answer = self._ask(command)
        if re.search(rb"(?:^|\n)\r?" + digit + rb"\r\n", answer) is None:
            raise ModemError(f"{command.decode()}: {_shown(answer)}")

    def _ask(self, command: bytes, timeout_s: float = 0.0) -> bytes:
        """A command and all that came up to its OK. Raises ModemError."""
        self._write(command + b"\r")
        done = re.compile(rb"(?s)^.*?(?:^|\n|\r)(OK|ERROR)\r\n")
        answer = self._until(done, timeout_s or self._pace.reply_s)
        if answer[1] == b"ERROR":
            raise ModemError(f"{command.decode()}: ERROR")
        return answer[0]

    def _write(self, data: bytes) -> None:
        """Send, after what the modem said unasked has been taken. Raises ModemError."""
        try:
            if not self._port.is_open:
                self._port.open()
            self._listen(self._port.read(self._port.in_waiting))
            self._port.write(data)
        except (OSError, serial.SerialException) as error:
            self.close()
            raise ModemError(f"{self._port.port}: {error}") from error

    def _until(self, wanted: re.Pattern[bytes], timeout_s: float) -> re.Match[bytes]:
        """What came, once `wanted` is in it. Raises ModemError after `timeout_s`."""
        seen, deadline_s = b"", time.monotonic() + timeout_s
        try:
            while time.monotonic() < deadline_s:
                seen += self._read()
                found = wanted.search(seen)
                if found is not None:
                    self._listen(seen)
                    return found
        except (OSError, serial.SerialException) as error:
            self.close()
            raise ModemError(f"{self._port.port}: {error}") from error
        self._listen(seen)
        self._awake = False
        raise ModemError(f"{self._port.port}: no answer ({_shown(seen)})")

    def _read(self) -> bytes:
        """What has come, or the next byte within a twentieth of a second."""
        return bytes(self._port.read(max(1, self._port.in_waiting)))

    def _listen(self, said: bytes) -> None:
        if b"SBDRING" in said:
            self.ringing = True

    def _reset(self) -> None:
        """Close the port, which drops DTR, and open it again: wired to ON/OFF, that is power."""
        log.warning("%s: the modem is stuck; resetting it", self._port.port)
        self.close()
        self._sleep(self._pace.off_s)


def _message_in(seen: bytes) -> tuple[int, int] | None:
    """Where in an answer to AT+SBDRB the message lies: after its length, before its sum."""
    for place in range(len(seen) - 4):
        (length,) = struct.unpack_from(">H", seen, place)
        begin, end = place + 2, place + 2 + length
        if 1 <= length <= MT_MAX and end + 2 <= len(seen):
            (check,) = struct.unpack_from(">H", seen, end)
            if check == sum(seen[begin:end]) & 0xFFFF:
                return begin, end
    return None


def _shown(said: bytes) -> str:
    return repr(said[-60:])[2:-1] or "nothing"

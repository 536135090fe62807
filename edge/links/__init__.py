"""Carriers behind one interface: what the agent needs of a link to shore, whatever carries it.

A link moves bytes and says plainly how a request ended. It decides nothing: what to send, when to
try again and what an answer means for the outbox is the agent's business.

Example:
    >>> link = HttpsLink(ShoreConfig(url="https://shore.example"), identity, timeout_s=30)
    >>> link.send(batch)
    Ack(epoch=7, upto=20, sack=(), rej=())
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from wire.ack import Ack
from wire.signing import NextKey


class LinkError(Exception):
    """No shore answered the request: link down, a timeout, an answer that makes no sense."""


class NotSeadriftError(LinkError):
    """Something answered, and it is not a Seadrift shore (another program, a captive portal)."""


class BusyError(LinkError):
    """The shore asks to come back later."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SentError(LinkError):
    """The carrier took the records; the shore's acknowledgement has not come yet, and may come over
    another."""


class RefusedError(LinkError):
    """A Seadrift shore understood the request and refused it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"shore refused ({status} {code}): {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Enrolled:
    """The shore's answer to a claim. `link_key` (base64, 32 bytes) is the secret that short
    satellite messages are authenticated with; `certificate` (PEM: the device's, then the shore's
    authority) is for a broker's TLS. Either is empty when the shore has none to give."""

    device_id: str
    release_key: str
    time_ms: int
    link_key: str = ""
    certificate: str = ""


@dataclass(frozen=True)
class HelloReply:
    """`time_ms` is 0 when the carrier cannot tell it; `assignment` is a signed assignment newer
    than the device's, or None; `commands` are signed commands (`wire.commands`) that the device has
    not answered yet, oldest first."""

    ack: Ack
    time_ms: int
    assignment: bytes | None
    commands: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Carriage:
    """What a carrier can take. `priority_max`: records of a higher number wait for another
    carrier; `batch_bytes`: the largest compressed batch; `credit_bytes`: bytes that one credit
    pays for, 0 where bytes cost nothing; `overhead_bytes`: what a request costs beside its body,
    the answer included; `without`: kinds of records that wait for another carrier."""

    name: str
    batch_bytes: int
    priority_max: int = 5
    enrols: bool = False
    fetches: bool = False
    credit_bytes: int = 0
    overhead_bytes: int = 0
    without: tuple[str, ...] = ()


class Link(Protocol):
    """Every method blocks until it is answered or raises LinkError. A carrier that does not enrol
    or fetch (see its `carriage`) raises LinkError there."""

    @property
    def carriage(self) -> Carriage: ...

    def ping(self) -> str:
        """The shore's version. Raises NotSeadriftError for another program."""
        ...

    def enrol(self, claim: str, name: str, board: str, software: str) -> Enrolled: ...

    def hello(
        self, epoch: int, next_seq: int, software: str, release: str | None, deploy_seq: int
    ) -> HelloReply: ...

    def send(self, batch: bytes) -> Ack: ...

    def fetch(self, release: str, offset: int) -> Iterator[bytes]:
        """The bundle's bytes from `offset` on."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class AnnouncesKeys(Protocol):
    """A link that can tell the shore of the instrument's next key."""

    def announce_key(self, key: NextKey) -> None:
        """Returns when the shore accepts both keys. Raises LinkError."""
        ...

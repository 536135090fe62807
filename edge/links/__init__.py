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
from typing import Protocol

from wire.ack import Ack


class LinkError(Exception):
    """No shore answered the request: link down, a timeout, an answer that makes no sense."""


class NotSeadriftError(LinkError):
    """Something answered, and it is not a Seadrift shore (another program, a captive portal)."""


class BusyError(LinkError):
    """The shore asks to come back later."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RefusedError(LinkError):
    """A Seadrift shore understood the request and refused it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"shore refused ({status} {code}): {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Enrolled:
    """The shore's answer to a claim."""

    device_id: str
    release_key: str
    time_ms: int


@dataclass(frozen=True)
class HelloReply:
    """`assignment` is a signed assignment newer than the device's, or None."""

    ack: Ack
    time_ms: int
    assignment: bytes | None


class Link(Protocol):
    """Every method blocks until it is answered or raises LinkError."""

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

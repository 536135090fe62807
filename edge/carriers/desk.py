"""What every carrier's visit is about: enrolment, the hello, records, releases.

Example:
    >>> desk = Desk(outbox, identity, updater, orders, clock, settings, release=lambda: None)
    >>> desk.introduce(link)
    >>> desk.hello(link)
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from edge.carriers.delivery import Delivery
from edge.carriers.rotation import change_key
from edge.certificate import CertificateError
from edge.clock import SystemClock
from edge.config_link import LinkConfig
from edge.identity import Identity, IdentityError
from edge.links import Enrolled, Link, LinkError, RefusedError
from edge.outbox import Outbox
from edge.updates.updater import Updater

log = logging.getLogger("seadrift.link")


@dataclass(frozen=True)
class LinkSettings:
    """What a visit needs to know beside the objects it works with."""

    link: LinkConfig
    url: str
    claim: str
    name: str
    board: str
    software: str


@runtime_checkable
class Certifies(Protocol):
    """A link that can bring a certificate for the broker."""

    def certificate(self) -> str: ...


class Orders(Protocol):
    """What obeys the shore's commands."""

    def take(self, blob: bytes) -> bool: ...


@dataclass
class Desk:
    """`release` tells which release classifies now; `now_s` is a clock that never goes back."""

    outbox: Outbox
    identity: Identity
    updater: Updater
    orders: Orders
    clock: SystemClock
    settings: LinkSettings
    release: Callable[[], str | None]
    now_s: Callable[[], float] = time.monotonic
    delivery: Delivery = field(init=False)

    def __post_init__(self) -> None:
        self.delivery = Delivery(self.outbox)

    def introduce(self, link: Link) -> None:
        """Make sure that a shore answers and that it knows this instrument. Raises LinkError,
        IdentityError, SignatureError."""
        settings = self.settings
        if self.identity.needs(settings.claim) and not link.carriage.enrols:
            raise LinkError(f"not enrolled yet, and {link.carriage.name} cannot do that")
        link.ping()
        if not self.identity.needs(settings.claim):
            return
        if not settings.claim:
            raise IdentityError(
                "not enrolled: make a claim on shore (seadrift claim) and put it in [shore] claim"
            )
        answer = self._enrol(link)
        self.identity.enrol(answer.device_id, answer.release_key, settings.claim, answer.link_key)
        self.clock.set_from_shore(answer.time_ms)
        if answer.certificate:
            self._certify(lambda: answer.certificate)
        log.info("enrolled at %s as device %s", settings.url, answer.device_id)

    def _enrol(self, link: Link) -> Enrolled:
        """Make the claim. The key of a device that was revoked is of no use any more: with a new
        claim comes a new one."""
        settings = self.settings
        said = (settings.claim, settings.name, settings.board, settings.software)
        try:
            return link.enrol(*said)
        except RefusedError as error:
            if error.code != "old_key":
                raise
            self.identity.renew()
            log.info("the shore revoked the old key; trying with a new one")
            return link.enrol(*said)

    def hello(self, link: Link) -> None:
        """Tell the shore what there is, and hear what it holds and wants. Raises LinkError."""
        change_key(self.identity, link)
        outbox = self.outbox
        reply = link.hello(
            outbox.epoch,
            outbox.next_seq,
            self.settings.software,
            self.release(),
            self.updater.state.deploy_seq,
        )
        if reply.time_ms:  # a satellite brings none: what it brings may be hours old
            self.clock.set_from_shore(reply.time_ms)
        self.delivery.take(reply.ack)
        enrolment = self.identity.enrolment
        if reply.assignment is not None and enrolment is not None:
            self.updater.offer(reply.assignment, enrolment.key, enrolment.device_id)
        for command in reply.commands:
            self.orders.take(command)
        if "mqtt" in self.settings.link.carriers and isinstance(link, Certifies):
            now_ms = self.clock.utc_ms()
            if now_ms is not None and self.identity.certificate_due(now_ms):
                self._certify(link.certificate)

    def _certify(self, ask: Callable[[], str]) -> None:
        """Keep a certificate for the broker. The work goes on without one."""
        try:
            self.identity.keep_certificate(ask())
        except (LinkError, CertificateError) as error:
            log.warning("no certificate for the broker: %s", error)

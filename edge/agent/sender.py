"""The link's thread: says hello, sends batches until nothing waits, and takes no for an answer.

Being cut off for weeks is normal, so a failure is logged once, when it changes, and tried again
with full jitter. Records are deleted only on an acknowledgement in the shore's own form. A record
that the shore cannot take alone, five times, is set aside, so that it never blocks those behind.

Example:
    >>> sender = Sender(link, outbox, identity, updater, clock, settings)
    >>> sender.start(); sender.wake(); sender.stop()
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from edge.agent.orders import Orders
from edge.agent.rotation import change_key
from edge.clock import SystemClock
from edge.config import LinkConfig
from edge.identity import Identity, IdentityError
from edge.links import BusyError, Enrolled, Link, LinkError, RefusedError
from edge.links.backoff import Backoff
from edge.outbox import Batch, Outbox, OutboxError
from edge.updates.updater import Updater
from wire.ack import Ack, Rejection
from wire.codec import RECORDS_MAX, encode_batch
from wire.signing import SignatureError

log = logging.getLogger("seadrift.link")

ATTEMPTS_MAX = 5
"""A record refused so many times alone, by a shore that takes others, is set aside."""
REST_S = 30.0
ATTEMPTS_ALONE_MAX = 20
"""The same when the shore took nothing else since: that looks more like a sick shore."""


@dataclass(frozen=True)
class LinkSettings:
    """What the sender needs to know beside the objects it works with."""

    link: LinkConfig
    url: str
    claim: str
    name: str
    board: str
    software: str


@dataclass(frozen=True)
class LinkState:
    """For `status`: the link as a person wants to see it. Times are on the monotonic clock."""

    state: str = "starting"
    error: str = ""
    last_ack_s: float | None = None
    acknowledged: int = 0
    failures: int = 0


class Sender(threading.Thread):
    """Runs until `stop`. Only `state`, `wake` and `stop` are for other threads."""

    def __init__(
        self,
        link: Link,
        outbox: Outbox,
        identity: Identity,
        updater: Updater,
        clock: SystemClock,
        settings: LinkSettings,
        release: Callable[[], str | None],
        orders: Orders | None = None,
    ) -> None:
        """Without `orders` the shore's commands are left undone."""
        super().__init__(name="link", daemon=True)
        self._link = link
        self._outbox = outbox
        self._identity = identity
        self._updater = updater
        self._clock = clock
        self._settings = settings
        self._release = release
        self._orders = orders
        self._backoff = Backoff(settings.link.retry_max_s)
        self._records_max = RECORDS_MAX
        self._fetching = Backoff(settings.link.retry_max_s)
        self._fetch_due_s = 0.0
        self._hello_due_s = 0.0
        self._known = False
        self._blamed: set[tuple[int, int]] = set()
        self._suspects: dict[tuple[int, int], int] = {}
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self.state = LinkState()
        self.moved_s = time.monotonic()

    def wake(self) -> None:
        """There are new records."""
        self._wanted.set()

    def stop(self, patience_s: float = 5.0) -> None:
        """End after the request that is under way, or without waiting for it any longer."""
        self._ended.set()
        self._wanted.set()
        if self.is_alive():
            self.join(patience_s)

    def run(self) -> None:
        while not self._ended.is_set():
            self.moved_s = time.monotonic()
            wait_s = self.round()
            failing = self._backoff.failures > 0
            self._wanted.clear()
            if failing:
                self._rest(self._ended, wait_s)  # new records are no reason to hurry a dead link
            elif not self._outbox.pending().records:
                self._rest(self._wanted, wait_s)
        self._link.close()

    def _rest(self, until: threading.Event, wait_s: float) -> None:
        """Wait, and show the watchdog now and then that it is waiting."""
        deadline_s = time.monotonic() + wait_s
        while not until.wait(max(0.0, min(deadline_s - time.monotonic(), REST_S))):
            self.moved_s = time.monotonic()
            if self.moved_s >= deadline_s:
                return

    def fetch(self, release: str, offset: int) -> Iterator[bytes]:
        """A bundle's bytes through the link; each piece shows the watchdog that it moves."""
        for chunk in self._link.fetch(release, offset):
            self.moved_s = time.monotonic()
            yield chunk

    def round(self) -> float:
        """One visit: enrolment, hello, batches, download. Returns how long to wait, in seconds."""
        try:
            self._visit()
            due_s = self._hello_due_s
            if self._updater.wants_bytes:
                due_s = min(due_s, self._fetch_due_s)
            return max(0.05, due_s - time.monotonic())
        except (LinkError, IdentityError, SignatureError, OutboxError, OSError) as error:
            return self._failed(error)
        except Exception as error:
            if self._ended.is_set():
                return 0.0  # the agent went on to close what this thread still used
            log.exception("unexpected error on the link")
            return self._failed(error)

    def _visit(self) -> None:
        self._blamed = set()
        if not self._known:
            self._introduce()
        while not self._ended.is_set():
            if time.monotonic() >= self._hello_due_s:
                self._hello()
            batch = self._outbox.next_batch(self._settings.link.batch_kb * 1024, self._records_max)
            if batch is None:
                break
            self._deliver(batch)
        if self._updater.wants_bytes and time.monotonic() >= self._fetch_due_s:
            self._fetch()

    def _fetch(self) -> None:
        """Download a release. A shore that cannot give it does not slow the records down."""
        try:
            self._updater.fetch(self)
            self._fetching = self._fetching.acknowledged()
        except (LinkError, OSError) as error:
            log.warning("release not fetched: %s", error)
            self._fetching = self._fetching.failed()
        self._fetch_due_s = time.monotonic() + self._fetching.wait_s()

    def _introduce(self) -> None:
        """Make sure that a shore answers and that it knows this instrument."""
        settings = self._settings
        self._link.ping()
        if self._identity.needs(settings.claim):
            if not settings.claim:
                raise IdentityError(
                    "not enrolled: make a claim on shore (seadrift claim) and put it in [shore]"
                    " claim"
                )
            answer = self._enrol(settings)
            self._identity.enrol(
                answer.device_id, answer.release_key, settings.claim, answer.link_key
            )
            self._clock.set_from_shore(answer.time_ms)
            log.info("enrolled at %s as device %s", settings.url, answer.device_id)
        self._known = True

    def _enrol(self, settings: LinkSettings) -> Enrolled:
        """Make the claim. The key of a device that was revoked is of no use any more: with a new
        claim comes a new one."""
        said = (settings.claim, settings.name, settings.board, settings.software)
        try:
            return self._link.enrol(*said)
        except RefusedError as error:
            if error.code != "old_key":
                raise
            self._identity.renew()
            log.info("the shore revoked the old key; trying with a new one")
            return self._link.enrol(*said)

    def _hello(self) -> None:
        change_key(self._identity, self._link)
        outbox = self._outbox
        reply = self._link.hello(
            outbox.epoch,
            outbox.next_seq,
            self._settings.software,
            self._release(),
            self._updater.state.deploy_seq,
        )
        self._clock.set_from_shore(reply.time_ms)
        self._take(reply.ack)
        enrolment = self._identity.enrolment
        if reply.assignment is not None and enrolment is not None:
            self._updater.offer(reply.assignment, enrolment.key, enrolment.device_id)
        if self._orders is not None:
            for command in reply.commands:
                self._orders.take(command)
        self._succeeded(0)
        self._hello_due_s = time.monotonic() + self._settings.link.hello_s

    def _deliver(self, batch: Batch) -> None:
        """Send a batch and delete what the shore then holds."""
        try:
            ack = self._link.send(encode_batch(batch.records))
        except RefusedError as error:
            if error.status in (400, 413, 422):
                self._divide(batch, error.code, error)
                return
            raise
        if ack.epoch != batch.epoch or not self._take(ack):
            problem = LinkError(f"the shore took none of {len(batch.seqs)} records")
            later = any(rejection.retry for rejection in ack.rejections)
            self._divide(batch, "busy" if later else "ignored", problem)
            return
        self._records_max = min(RECORDS_MAX, self._records_max * 2)
        self._succeeded(len(batch.seqs))

    def _take(self, ack: Ack) -> int:
        """Apply an acknowledgement; a shore that knows more of this epoch than was ever given here
        means that the card was restored or cloned, and further records get names of their own."""
        ahead = ack.epoch == self._outbox.epoch and ack.upto >= self._outbox.next_seq
        clash = any(rejection.code == "hash_conflict" for rejection in ack.rejections)
        left = self._outbox.acknowledge(ack)
        if ahead or (clash and ack.epoch == self._outbox.epoch):
            log.warning(
                "the shore holds other records under names of this outbox (a restored or cloned"
                " card?); going on with epoch %d",
                self._outbox.renew_epoch(),
            )
        return left

    def _divide(self, batch: Batch, code: str, error: LinkError) -> None:
        """Halve a batch of which nothing was taken, down to the record that is the cause; that one
        goes last from then on, and is set aside when it alone fails again and again while the
        shore takes others. Raises `error` once every record has failed in this visit."""
        if len(batch.seqs) > 1:
            self._records_max = len(batch.seqs) // 2
            return
        name = (batch.epoch, batch.seqs[0])
        if name in self._blamed:
            raise error
        self._blamed.add(name)
        attempts = self._outbox.blame(*name)
        taken = self._suspects.setdefault(name, self.state.acknowledged)
        limit = ATTEMPTS_MAX if self.state.acknowledged > taken else ATTEMPTS_ALONE_MAX
        if attempts >= limit and code != "busy":
            log.warning("record %d is set aside: %s", name[1], error)
            self._outbox.set_aside(batch.epoch, Rejection(name[1], code, str(error)))
            del self._suspects[name]

    def _succeeded(self, records: int) -> None:
        if self.state.error:
            log.info("link to %s is back", self._settings.url)
        self._backoff = self._backoff.acknowledged()
        self.moved_s = time.monotonic()
        self.state = replace(
            self.state,
            state="up",
            error="",
            failures=0,
            last_ack_s=time.monotonic(),
            acknowledged=self.state.acknowledged + records,
        )

    def _failed(self, error: Exception) -> float:
        """Note the failure, once in the log while it stays the same; returns the wait."""
        message = str(error) or repr(error)
        if isinstance(error, RefusedError) and error.code == "counter":
            self._identity.skip_ahead()
        if message != self.state.error:
            log.warning("link: %s; trying again", message)
        self._known = self._known and isinstance(error, RefusedError | BusyError | OutboxError)
        self._backoff = self._backoff.failed()
        self._hello_due_s = 0.0  # its answer says what arrived after all: that is not sent again
        self.state = replace(
            self.state, state="down", error=message, failures=self._backoff.failures
        )
        longest_s = self._settings.link.retry_max_s
        wait_s = self._backoff.wait_s(random.random)
        if isinstance(error, BusyError):
            wait_s = max(wait_s, min(error.retry_after_s, longest_s))
        if isinstance(error, RefusedError) and error.status == 403:
            # A claim or a device that is not wanted: only a person can change that.
            wait_s = max(wait_s, longest_s * random.uniform(0.5, 1.0))
        return wait_s

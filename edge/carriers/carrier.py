"""One link, what has been learnt of it, and a visit to the shore over it.

A visit sends what this carrier may take and what its budgets pay for: records of any priority it
carries while more than the reserve is left, P0 alone after that. What they hold back stays in the
outbox and is said.

Example:
    >>> carrier = Carrier(link, desk, budgets.account(link.carriage))
    >>> carrier.visit(ended=threading.Event(), alive=lambda: None)
    Visit(delivered=20, wait_s=60.0, held='')
"""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from edge.carriers.budgets import Account
from edge.carriers.desk import Desk
from edge.links import AnnouncesKeys, BusyError, Link, LinkError, RefusedError, SentError
from edge.links.backoff import Backoff
from edge.links.tus import PIECE_MAX, PIECE_MIN, Sending, Uploads
from edge.outbox import Batch, OutboxError
from edge.outbox.blobs import Blob
from wire.ack import Ack

log = logging.getLogger("seadrift.link")

FRAMING = 64
"""Bytes that a batch may have beyond those of its records, when nothing could be compressed."""
HELLO_BYTES = 400
"""A hello and its answer, with room for an assignment."""
SAID_MAX = 20
"""Kinds of failure that are told in a row."""
LOOK_S = 300.0
"""How soon to look again for the acknowledgement of what a carrier took."""
PIECE_BYTES = 64 * 1024
"""At most so much of a download arrives before it is paid."""


@runtime_checkable
class Credited(Protocol):
    """A link that is paid by the message."""

    @property
    def credits_left(self) -> float: ...


class SpentError(LinkError):
    """What this carrier may cost today is used up."""


@dataclass(frozen=True)
class Visit:
    """`delivered` records left the outbox; there is nothing to do for `wait_s`; `held` names the
    budget that holds records back."""

    delivered: int
    wait_s: float
    held: str = ""


class Carrier:
    """For the link's thread alone; `error` and `held` may be read by others."""

    def __init__(self, link: Link, desk: Desk, account: Account) -> None:
        self.link = link
        self.account = account
        self.name = link.carriage.name
        self.error = ""
        self.held = ""
        self.backoff = Backoff(desk.settings.link.retry_max_s)
        self._desk = desk
        self._said: set[str] = set()
        self._known = False
        self._hello_due_s = 0.0
        self._fetching = Backoff(desk.settings.link.retry_max_s)
        self._fetch_due_s = 0.0
        self._sending = Sending(link) if isinstance(link, Uploads) else None
        self._uploading = Backoff(desk.settings.link.retry_max_s)
        self._upload_due_s = 0.0
        self._under_way: set[tuple[int, ...]] = set()
        self._alive: Callable[[], None] = lambda: None

    def probe(self) -> None:
        """Whether the shore answers over it. Raises LinkError."""
        self._afford(0)
        with self.account.paying(0):
            self.link.ping()

    def visit(self, ended: threading.Event, alive: Callable[[], None]) -> Visit:
        """All that can be done now; `alive` is called after each step that took time. Raises
        LinkError, IdentityError, SignatureError, OutboxError, OSError."""
        self._alive = alive
        self._under_way = set()
        desk, before = self._desk, self._desk.delivery.acknowledged
        desk.delivery.begin()
        if not self._known:
            self._afford(HELLO_BYTES)
            with self.account.paying(HELLO_BYTES):
                desk.introduce(self.link)
            self._known = True
        while not ended.is_set():
            if self._desk.now_s() >= self._hello_due_s:
                self._hello()
            if not (self._deliver() or self._upload()):
                break
        if self._fetches and self._desk.now_s() >= self._fetch_due_s:
            self._fetch()
        return Visit(desk.delivery.acknowledged - before, self._wait_s(), self.held)

    def is_news(self, message: str) -> bool:
        """Whether this failure has not been told since the carrier worked."""
        if message in self._said or len(self._said) >= SAID_MAX:
            return False
        self._said.add(message)
        return True

    def succeeded(self) -> None:
        """After a visit."""
        self.error, self.backoff = "", self.backoff.acknowledged()
        self._said = set()

    def failed(self, error: Exception, message: str) -> None:
        """After a visit or a probe that did not succeed."""
        self.error, self.backoff = message, self.backoff.failed()
        self._known = self._known and isinstance(error, RefusedError | BusyError | OutboxError)
        self._hello_due_s = 0.0  # its answer says what arrived after all: that is not sent again

    def _hello(self) -> None:
        self._afford(HELLO_BYTES)
        with self.account.paying(HELLO_BYTES):
            self._desk.hello(self.link)
        self._alive()
        self._hello_due_s = self._desk.now_s() + self._desk.settings.link.hello_s

    def _deliver(self) -> bool:
        """One batch, if one may go; whether to go on."""
        batch = self._next()
        if batch is None:
            return False

        def send(data: bytes) -> Ack:
            with self.account.paying(len(data)):
                return self.link.send(data)

        if batch.seqs in self._under_way:
            return False
        try:
            self._desk.delivery.deliver(batch, send)
        except SentError:
            self._under_way.add(batch.seqs)
        self._alive()
        return True

    def _upload(self) -> bool:
        """A piece of a blob, when no record waits; whether to go on."""
        if self._sending is None or self._desk.now_s() < self._upload_due_s:
            return False
        blob = self._desk.outbox.blobs.next()
        if blob is None or blob.priority > self.link.carriage.priority_max:
            return False
        left = self.account.left(blob.priority)
        if left.bytes < PIECE_MIN:
            self.held = self.held or left.short
            return False
        with self.account.paying(min(self._sending.piece_bytes, int(min(left.bytes, PIECE_MAX)))):
            self._send_piece(self._sending, blob, int(min(left.bytes, PIECE_MAX)))
        self._alive()
        return True

    def _send_piece(self, sending: Sending, blob: Blob, most: int) -> None:
        """What the shore refuses goes behind the others, after a while."""
        blobs = self._desk.outbox.blobs
        try:
            if sending.step(blob.meta, blob.size, partial(blobs.read, blob), most):
                blobs.arrived(blob)
        except RefusedError as error:
            if error.status in (401, 403):
                raise
            log.warning("blob %s: %s", blob.meta.name, error)
            blobs.blame(blob)
            self._uploading = self._uploading.failed()
            self._upload_due_s = self._desk.now_s() + self._uploading.wait_s()

    def _next(self) -> Batch | None:
        """What to send next within the budgets; `held` says which one holds something back."""
        carriage, desk = self.link.carriage, self._desk
        self.held = ""
        most = min(desk.settings.link.batch_kb * 1024, carriage.batch_bytes)
        for priority in (carriage.priority_max, 0):
            left = self.account.left(priority)
            room = min(most, int(min(left.bytes, most + FRAMING)) - FRAMING)
            batch = desk.outbox.next_batch(
                max(1, room),
                desk.delivery.records_max,
                priority_max=priority,
                size_max=carriage.batch_bytes,
                without=carriage.without,
            )
            if batch is None or sum(map(len, batch.records)) + FRAMING <= left.bytes:
                return batch
            self.held = left.short
        return None

    def _afford(self, size: int, priority: int = 0) -> None:
        """Raises SpentError when the budgets do not pay for so much."""
        left = self.account.left(priority)
        if left.bytes < size:
            raise SpentError(f"{self.name}: the budget of {left.short} for 24 hours is used up")

    def report(self) -> dict[str, dict[str, float]]:
        """Its budgets, as (used, of), and the credits left of one that is paid by the message."""
        report = self.account.report()
        if isinstance(self.link, Credited):
            report["credits"] = {"left": round(self.link.credits_left, 1)}
        return report

    @property
    def uploads(self) -> bool:
        """Whether blobs can go this way."""
        return self._sending is not None

    @property
    def announces(self) -> bool:
        """Whether the shore hears of a new key this way."""
        return isinstance(self.link, AnnouncesKeys)

    @property
    def _fetches(self) -> bool:
        return self.link.carriage.fetches and self._desk.updater.wants_bytes

    def _wait_s(self) -> float:
        due_s = self._hello_due_s
        if self._fetches:
            due_s = min(due_s, self._fetch_due_s)
        if self._under_way:
            due_s = min(due_s, self._desk.now_s() + LOOK_S)
        return max(0.05, due_s - self._desk.now_s())

    def _fetch(self) -> None:
        """Download a release. A shore that cannot give it does not slow the records down."""
        try:
            self._desk.updater.fetch(self)
            self._fetching = self._fetching.acknowledged()
        except (LinkError, OSError) as error:
            log.warning("release not fetched: %s", error)
            self._fetching = self._fetching.failed()
        self._fetch_due_s = self._desk.now_s() + self._fetching.wait_s()

    def fetch(self, release: str, offset: int) -> Iterator[bytes]:
        """A bundle's bytes through the link; each piece shows the watchdog that it moves."""
        began_s = self._desk.now_s()
        self._afford(PIECE_BYTES, priority=1)
        for piece in self.link.fetch(release, offset):
            now_s = self._desk.now_s()
            self.account.paid(len(piece), now_s - began_s)
            began_s = now_s
            self._alive()
            yield piece
            self._afford(PIECE_BYTES, priority=1)

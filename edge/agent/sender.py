"""The link's thread: works with the best carrier that there is, until nothing waits.

Being cut off for weeks is normal, so each kind of failure is logged once until the link is back,
and tried again with full jitter. Which carrier to use is `edge.carriers.choice`'s to decide, what a
visit does `edge.carriers.carrier`'s. Changing carriers in the middle of anything costs nothing:
records are named once, and an acknowledgement counts whichever way it comes.

Example:
    >>> sender = Sender([link], desk, budgets)
    >>> sender.start(); sender.wake(); sender.stop()
"""

import logging
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.carriers.budgets import Budgets
from edge.carriers.carrier import Carrier, SpentError, Visit
from edge.carriers.choice import Choice, Rules, Step
from edge.carriers.desk import Desk
from edge.identity import IdentityError
from edge.links import BusyError, Link, LinkError, RefusedError
from edge.outbox import OutboxError
from wire.signing import SignatureError

log = logging.getLogger("seadrift.link")

REST_S = 30.0
SPENT_S = 900.0
"""How long a carrier without budget is left alone: what was spent comes back by the quarter."""


@dataclass(frozen=True)
class CarrierState:
    """For `status`: one carrier, what it is at and why, and its budgets as (used, of)."""

    name: str
    state: str
    error: str
    held: str
    budgets: dict[str, dict[str, float]]


@dataclass(frozen=True)
class LinkState:
    """For `status`: the link as a person wants to see it. Times are on the monotonic clock."""

    state: str = "starting"
    error: str = ""
    carrier: str = ""
    held: str = ""
    last_ack_s: float | None = None
    acknowledged: int = 0
    failures: int = 0


class Sender(threading.Thread):
    """Runs until `stop`. Only `state`, `carriers`, `wake` and `stop` are for other threads."""

    def __init__(self, links: Sequence[Link], desk: Desk, budgets: Budgets) -> None:
        super().__init__(name="link", daemon=True)
        self._desk = desk
        self._carriers = [Carrier(link, desk, budgets.account(link.carriage)) for link in links]
        link = desk.settings.link
        rules = Rules(link.leave_after, link.return_after, link.return_s, link.retry_max_s)
        self._choice = Choice.among(len(links), rules)
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
            self._moved()
            wait_s = self.round()
            # New records are no reason to hurry a dead link.
            self._rest(self._wanted if self.state.state == "up" else self._ended, wait_s)
            self._wanted.clear()
        for carrier in self._carriers:
            carrier.link.close()

    def _rest(self, until: threading.Event, wait_s: float) -> None:
        """Wait, and show the watchdog now and then that it is waiting."""
        deadline_s = time.monotonic() + wait_s
        while not until.wait(max(0.0, min(deadline_s - time.monotonic(), REST_S))):
            self._moved()
            if self.moved_s >= deadline_s:
                return

    def _moved(self) -> None:
        self.moved_s = time.monotonic()

    def round(self) -> float:
        """Signs of life of better carriers, and a visit over the best that works. Returns how long
        to wait, in seconds."""
        now_s = self._desk.now_s
        self._choice, left = self._choice.hurried(self._beside()), True
        for step in self._choice.steps(now_s()):
            if not (left or step.place in self._beside()):
                continue
            try:
                held = self._do(step)
            except Exception as error:
                if self._ended.is_set():
                    return 0.0  # the agent went on to close what this thread still used
                self._failed(step, error)
                held = self._choice.serving is None
            left = left if step.probe else held
        return max(0.05, self._choice.next_due_s(self._beside()) - now_s())

    def _beside(self) -> tuple[int, ...]:
        """Worse carriers that are needed beside the one in use, which cannot do what waits: take
        whole images, announce a new key."""
        serving, desk, all_ = self._choice.serving, self._desk, self._carriers
        able = [
            [carrier.uploads for carrier in all_] if desk.outbox.blobs.count else [],
            [carrier.announces for carrier in all_] if desk.identity.key_changes else [],
        ]
        first = [one.index(True) for one in able if any(one)]
        return tuple(place for place in first if serving is not None and place > serving)

    def _do(self, step: Step) -> bool:
        """A step; whether a visit left something that another carrier may take."""
        carrier = self._carriers[step.place]
        if step.probe:
            carrier.probe()
            self._choice = self._choice.answered(step.place, self._desk.now_s())
            return False
        visit = carrier.visit(self._ended, self._moved)
        self._worked(step.place, visit)
        return bool(visit.held)

    @property
    def carriers(self) -> tuple[CarrierState, ...]:
        """All of them, in order of preference."""
        choice = self._choice
        return tuple(
            CarrierState(
                carrier.name,
                choice.word(place),
                carrier.error,
                carrier.held,
                carrier.report(),
            )
            for place, carrier in enumerate(self._carriers)
        )

    @property
    def idle(self) -> bool:
        """Whether nothing waits that could ever go."""
        outbox = self._desk.outbox
        if outbox.pending().records:
            return False
        return not (outbox.blobs.count and any(carrier.uploads for carrier in self._carriers))

    def _worked(self, place: int, visit: Visit) -> None:
        carrier, now_s = self._carriers[place], self._desk.now_s()
        if carrier.error:
            log.info("%s: link to %s is back", carrier.name, self._desk.settings.url)
        carrier.succeeded()
        self._choice = self._choice.worked(
            place, now_s, visit.wait_s, delivered=visit.delivered > 0
        )
        serving = place if self._choice.serving is None or visit.delivered else self._choice.serving
        self.state = replace(
            self.state,
            state="up",
            error="",
            carrier=self._carriers[serving].name,
            held=visit.held,
            failures=0,
            last_ack_s=time.monotonic(),
            acknowledged=self._desk.delivery.acknowledged,
        )

    def _failed(self, step: Step, error: Exception) -> None:
        """Note the failure, each kind once in the log until the carrier works again."""
        carrier, message = self._carriers[step.place], str(error) or repr(error)
        expected = (LinkError, IdentityError, SignatureError, OutboxError, OSError)
        if not isinstance(error, expected):
            log.error("unexpected error on the link", exc_info=error)
        elif carrier.is_news(message):
            log.warning("%s: %s; trying again", carrier.name, message)
        if isinstance(error, RefusedError) and error.code == "counter":
            self._desk.identity.skip_ahead()
        carrier.failed(error, message)
        now_s = self._desk.now_s()
        if isinstance(error, SpentError):
            self._choice = self._choice.rested(step.place, now_s, SPENT_S)
        else:
            self._choice = self._choice.failed(step.place, now_s, self._wait_s(carrier, error))
        if not step.probe and self._choice.serving in (None, step.place):
            self.state = replace(
                self.state, state="down", error=message, failures=self.state.failures + 1
            )

    def _wait_s(self, carrier: Carrier, error: Exception) -> float:
        """How long to leave a carrier alone that failed."""
        longest_s = self._desk.settings.link.retry_max_s
        wait_s = carrier.backoff.wait_s(random.random)
        if isinstance(error, BusyError):
            wait_s = max(wait_s, min(error.retry_after_s, longest_s))
        if isinstance(error, RefusedError) and error.status == 403:
            # A claim or a device that is not wanted: only a person can change that.
            wait_s = max(wait_s, longest_s * random.uniform(0.5, 1.0))
        return wait_s

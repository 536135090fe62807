"""The agent's loop: a frame, its records in one commit, the next frame; for months, if need be.

Invariants: the cursor is stored with the frame's records, so a frame is done exactly once whatever
happens; one bad frame never stops the loop; a full outbox makes it wait, with the frame in hand; a
release changes between two frames only.

Example:
    >>> Agent(parts, options).run()
    0
"""

import contextlib
import logging
import statistics
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from edge import records
from edge.agent.health import Counters, health, status
from edge.agent.parts import Parts, release_of
from edge.agent.resume import name_of
from edge.agent.timekeeper import Timekeeper
from edge.budget import frame_energy, frame_period_s
from edge.frames import BadFrame, Frame
from edge.outbox import Draft, OutboxError, OutboxFullError, RecordTooLargeError
from edge.satellite.counts import count
from wire.records import Context

log = logging.getLogger("seadrift.agent")

STATUS_S = 1.0
LINK_SILENCE_S = 900.0
"""The link's thread moves more often than this, however long it waits: one request at most."""


@dataclass(frozen=True)
class Options:
    """`frames` is the most to do in this run (None: all); `once` ends when all is sent."""

    frames: int | None = None
    once: bool = False


class CannotContinueError(Exception):
    """There is no room for the next record and none will ever come."""


class StoppedError(Exception):
    """Told to stop while a frame waited for room; the next run does that frame."""


class Agent:
    """One run. `stop` may be called from a signal handler."""

    def __init__(self, parts: Parts, options: Options) -> None:
        self._parts = parts
        self._options = options
        self._ended = threading.Event()
        self._counters = Counters.load(parts.outbox)
        self._recent_ms: deque[float] = deque(maxlen=50)
        self._status_due_s = 0.0
        self._health_due_s = 0.0
        self._began_s = time.monotonic()
        self._doing = "starting"
        self._bad_here = 0
        self._trouble = ""
        self._said_pending = 0
        self._context = parts.outbox.fact("context")
        self._source = name_of(parts.config)
        self._timekeeper = Timekeeper(parts.outbox, parts.clock)

    def stop(self) -> None:
        """Finish the frame that is under way, then end."""
        self._ended.set()

    def run(self) -> int:
        """Exit code: 0, 1 when frames were set aside in a run with `once`. Raises
        CannotContinueError or OutboxError."""
        parts = self._parts
        log.info(
            "%s: %s frames done so far, %d records wait; release %s; shore %s",
            parts.config.device.name,
            parts.outbox.cursor or "no",
            parts.outbox.pending().records,
            (release_of(parts.pipeline) or "none")[:12],
            parts.config.shore.url or "none",
        )
        if parts.sender is not None:
            parts.sender.start()
        parts.notifier.ready("starting")
        try:
            self._capture()
            self._drain()
        except StoppedError:
            log.info("stopped while waiting for room")
        finally:
            self._doing = "stopped"
            parts.notifier.stopping()
            if parts.sender is not None:
                parts.sender.stop()
            with contextlib.suppress(OSError):
                parts.updater.pause()
            self._tell(force=True)
        return 1 if self._options.once and self._bad_here else 0

    # --- frames -------------------------------------------------------------------------------

    def _capture(self) -> None:
        self._doing = "capturing"
        for item in self._items():
            if isinstance(item, BadFrame):
                self._set_aside(item, None)
            else:
                self._do(item)
            self._between()
            if self._ended.is_set():
                return
            pause_s = self._pause_s()
            if pause_s:
                self._pause_until(time.monotonic() + pause_s)

    def _pause_s(self) -> float:
        """Until the next frame: as configured, or as long as what a frame costs lasts by budget."""
        config, ms = self._parts.config, self._ms_per_frame
        if ms is None or not config.budget.frames_j:
            return config.source.interval_s
        cost_j = frame_energy(self._parts.board, ms, 0.0).marginal_j
        period_s = frame_period_s(cost_j, config.budget.frames_j)
        return max(config.source.interval_s, period_s - ms / 1e3)

    def _items(self) -> Iterator[Frame | BadFrame]:
        """The source's frames, as far as options and configuration say."""
        config, options = self._parts.config, self._options
        if options.frames == 0:
            return
        self._between()
        for done, item in enumerate(self._parts.source, start=1):
            if config.source.frames and item.index >= config.source.frames:
                return
            if self._ended.is_set():
                return
            yield item
            if options.frames is not None and done >= options.frames:
                return

    def _do(self, frame: Frame) -> None:
        parts = self._parts
        try:
            result = parts.pipeline.process(frame)
            release = release_of(parts.pipeline)
            drafts = records.frame_drafts(result, parts.config.acquisition, release)
            if records.is_kept(frame.index, parts.config.frames):
                drafts[0] = replace(drafts[0], whole=records.whole(frame))
        except Exception as error:  # one bad frame never stops the loop; its picture is kept
            log.exception("frame %s", frame.name)
            reason = f"could not be processed: {type(error).__name__}: {error}"
            self._set_aside(BadFrame(frame.name, frame.index, reason), frame)
            return
        self._counters = self._counters.with_frame(len(result.objects))
        self._recent_ms.append(sum(ms for name, ms in result.ms.items() if name != "total"))
        context = records.context(parts.config, release, parts.software)
        step = parts.tally.step(frame, count(result, parts.pipeline.classifier), release or "")
        try:
            self._commit(drafts, frame, context, parts.tally.facts(step))
        except RecordTooLargeError as error:
            self._set_aside(BadFrame(frame.name[:250], frame.index, str(error)), frame)
            return
        parts.tally.took(step)
        with contextlib.suppress(OSError):  # the state of the trial, on a full disk: asked again
            parts.updater.observe(result)

    def _set_aside(self, bad: BadFrame, frame: Frame | None) -> None:
        log.warning("frame %s set aside: %s", bad.name, bad.reason)
        try:
            self._parts.quarantine.keep(bad, frame)
        except OSError as error:
            log.warning("frame %s: no copy could be kept: %s", bad.name, error)
        self._bad_here += 1
        self._counters = self._counters.with_bad_frame()
        whole = None
        if self._parts.config.frames.send_bad:
            whole = records.whole_of(self._parts.quarantine.file(bad), bad)
        self._commit([Draft(records.bad_frame(bad), whole=whole)], bad, None)

    def _commit(
        self,
        drafts: list[Draft],
        done: Frame | BadFrame,
        context: Context | None,
        sums: Mapping[str, object] | None = None,
    ) -> None:
        """Store a frame's records, the cursor and the counters in one transaction, the context
        before them if it has changed. Waits, frame in hand, while the outbox is full."""
        facts: dict[str, object] = {
            "counters": self._counters.as_text(),
            "source": self._source,
            "last_frame": done.name,
            **(sums or {}),
        }
        if context is not None and repr(context) != self._context:
            drafts = [Draft(context), *shifted(drafts, 1)]
            facts["context"] = repr(context)
        while True:
            try:
                self._parts.outbox.commit(drafts, cursor=str(done.index + 1), facts=facts)
            except OutboxFullError as error:
                self._wait_for_room(error)
                continue
            self._context = str(facts.get("context", self._context))
            break
        if self._parts.sender is not None:
            self._parts.sender.wake()

    def _wait_for_room(self, error: OutboxFullError) -> None:
        """Raises CannotContinueError when nothing can ever be sent, StoppedError when told to."""
        if self._parts.sender is None or not self._parts.outbox.pending().records:
            raise CannotContinueError(str(error)) from error
        if self._doing != "waiting for room":
            log.error("%s", error)
            self._doing = "waiting for room"
        self._pause_until(time.monotonic() + 1.0)
        if self._ended.is_set():
            raise StoppedError
        self._doing = "capturing"

    # --- between frames -----------------------------------------------------------------------

    def _between(self) -> None:
        """What must not happen in the middle of a frame, and what must happen now and then."""
        parts = self._parts
        try:
            candidate = parts.updater.advance()
            if candidate is not None:
                parts.pipeline.classifier = candidate
            parts.orders.apply(parts.pipeline.classifier)
            self._report_updates()
            self._report_dive()
            if self._timekeeper.tick() and parts.sender is not None:
                parts.sender.wake()
            if time.monotonic() >= self._health_due_s:
                self._report_health()
        except (OutboxError, OSError) as error:
            # A full disk: frames wait in _commit, and what failed here is tried again.
            if str(error) != self._trouble:
                log.warning("%s", error)
            self._trouble = str(error)
        self._tell()

    def _report_health(self) -> None:
        self._health_due_s = time.monotonic() + self._parts.config.device.health_s
        body = health(self._parts, self._counters, self._ms_per_frame, self._uptime_s)
        self._parts.outbox.commit([Draft(body)])
        self._said_pending = body.pending
        if self._parts.sender is not None:
            self._parts.sender.wake()

    def _report_dive(self) -> None:
        """A dive that is over, as a record; not while a frame that belongs to it waits for room."""
        classifier = self._parts.pipeline.classifier
        if self._doing == "waiting for room":
            return
        if self._parts.tally.is_due("" if classifier is None else classifier.release_id):
            self._parts.tally.close_dive()
            if self._parts.sender is not None:
                self._parts.sender.wake()

    def _report_updates(self) -> None:
        """Steps of a release as records, each exactly once: the number told is stored with them."""
        outbox, updater = self._parts.outbox, self._parts.updater
        told = int(outbox.fact("deployment") or 0)
        notices = updater.notices()
        fresh = [(number, body) for number, body in notices if number > told]
        if fresh:
            told = fresh[-1][0]
            outbox.commit([Draft(body) for _, body in fresh], facts={"deployment": told})
            if self._parts.sender is not None:
                self._parts.sender.wake()
        if notices:
            updater.told(told)

    def _tell(self, *, force: bool = False) -> None:
        """The status file and the watchdog, which is fed only while the link's thread lives."""
        parts, now = self._parts, time.monotonic()
        if now < self._status_due_s and not force:
            return
        self._status_due_s = now + STATUS_S
        found = status(parts, self._counters, self._ms_per_frame, self._doing)
        try:
            found.write(parts.config.data)
        except OSError as error:
            log.warning("status file: %s", error)
        sender = parts.sender
        if sender is None or (sender.is_alive() and now - sender.moved_s < LINK_SILENCE_S):
            parts.notifier.alive(f"{self._doing}: {found.frames_done} frames, {found.pending} wait")

    @property
    def _ms_per_frame(self) -> float | None:
        return statistics.median(self._recent_ms) if self._recent_ms else None

    @property
    def _uptime_s(self) -> float:
        return time.monotonic() - self._began_s

    def _pause_until(self, deadline_s: float) -> None:
        """Sleep in short steps, so that stopping, status and watchdog are not kept waiting."""
        while not self._ended.is_set():
            left = deadline_s - time.monotonic()
            if left <= 0:
                return
            self._ended.wait(min(left, 0.5))
            self._between()

    def _drain(self) -> None:
        """After the last frame: go on sending. With `once` until nothing waits, else for ever."""
        self._doing = "sending"
        self._health_due_s = 0.0  # the shore shall know how the last frames went
        while not self._ended.is_set():
            self._between()
            idle = self._parts.sender is None or self._parts.sender.idle
            if idle and self._parts.sender is not None and self._said_pending:
                self._said_pending, self._health_due_s = 0, 0.0  # all is sent: say that too
                continue
            if self._options.once and idle:
                return
            self._doing = "idle" if idle else "sending"
            self._ended.wait(0.2 if self._options.once else 1.0)


def shifted(drafts: Sequence[Draft], by: int) -> list[Draft]:
    """The drafts as they are when `by` others come before them."""
    return [d if d.about is None else replace(d, about=d.about + by) for d in drafts]

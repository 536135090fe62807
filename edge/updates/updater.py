"""Does what `state` decides: fetches, checks, tries, switches; and keeps the old release at work.

Two threads use it. The link's thread brings assignments and bytes (`offer`, `fetch`). The agent's
thread, between frames, runs the candidate (`advance`, `observe`), so that a frame is never split
between two releases and the candidate's code runs in one place.

Example:
    >>> updater = Updater(ReleaseStore(folder), settings, runtime="auto")
    >>> classifier = updater.load_active()      # the classifier to work with, or None
    >>> updater.advance()                       # a classifier when the candidate is committed
"""

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge.config import UpdatesConfig
from edge.links import LinkError
from edge.pipeline import FrameResult
from edge.updates import state as s
from edge.updates.store import ReleaseStore
from models.bundle import Bundle, BundleError
from models.classifier import Classifier
from models.measure_table import missing_measures
from wire.checked import FieldError
from wire.codec import CodecError
from wire.records import Deployment
from wire.release import check_assignment
from wire.signing import PublicKey, SignatureError

log = logging.getLogger("seadrift.updates")

SLACK_MS = 2.0
"""Added to the allowed time per object, so that a tiny network is not judged by noise."""
MEMORY_MAX_MB = 512.0
"""Most that loading and running a candidate may add to the process."""


class Fetches(Protocol):
    """What the updater asks of a link."""

    def fetch(self, release: str, offset: int) -> Iterator[bytes]: ...


@dataclass
class _Trial:
    """The candidate at work beside the active release."""

    classifier: Classifier
    ms_per_object: float
    began_s: float
    frames: int = 0


class Updater:
    """Use `load_active` once, before anything else."""

    def __init__(
        self,
        store: ReleaseStore,
        settings: UpdatesConfig,
        runtime: str,
        now_s: Callable[[], float] = time.monotonic,
        tier: str = "all",
    ) -> None:
        self._store = store
        self._settings = settings
        self._runtime = runtime
        self._tier = tier
        self._now_s = now_s
        self._guard = threading.RLock()
        self._trial: _Trial | None = None
        self._active_ms: float | None = None
        self._active_runtime: str | None = None
        self.factory = _factory_id(store)
        self._state = store.load()
        self._save(s.started(self._state))

    @property
    def state(self) -> s.UpdateState:
        with self._guard:
            return self._state

    # --- the active release -------------------------------------------------------------------

    def load_active(self) -> Classifier | None:
        """The classifier of the active release; of the next best one if that cannot be used; None
        when none can: objects are then measured and not classified."""
        tried = []
        for slot in dict.fromkeys((self.state.active, *self.state.slots, s.FACTORY)):
            try:
                found = self._usable(self._store.bundle(slot))
            except (BundleError, OSError, ValueError) as error:
                log.error("release in slot %s cannot be used: %s", slot, error)
                tried.append(f"slot {slot}: {error}")
                continue
            if slot != self.state.active:
                self._save(s.fell_back(self.state, slot, "; ".join(tried)))
            classifier, self._active_ms, self._active_runtime = found
            return classifier
        return None

    def _usable(self, bundle: Bundle) -> tuple[Classifier, float, str]:
        """A classifier whose golden vectors came out right, its ms per object, and its runtime:
        the one that was asked for, or the reference, which is slow and right on every machine.

        Raises BundleError."""
        if missing := missing_measures(bundle.head.columns, self._tier):
            raise BundleError(missing)
        for runtime in dict.fromkeys((self._runtime, "reference")):
            test = bundle.self_test(runtime)
            if test.ok:
                return Classifier(bundle, runtime), test.ms_per_object, runtime
            log.error("release %s on %s: %s", bundle.release_id[:12], runtime, test.reason)
        raise BundleError(f"self-test failed: {test.reason}")

    # --- the link's thread --------------------------------------------------------------------

    def offer(self, blob: bytes, key: PublicKey, device: str) -> None:
        """A signed assignment from the shore: taken up, or refused and told."""
        with self._guard:
            try:
                assignment = check_assignment(
                    key, blob, device=device, last_deploy_seq=self._state.deploy_seq
                )
                if not re.fullmatch(r"[0-9a-f]{64}", assignment.release):
                    raise FieldError("Assignment.release: expected 64 hex digits")
            except (SignatureError, CodecError, FieldError) as error:
                log.warning("assignment refused: %s", error)
                digest = hashlib.sha256(blob).hexdigest()
                self._save(s.refused(self._state, digest, 0, str(error)))
                return
            log.info("assignment %d: release %s", assignment.deploy_seq, assignment.release[:12])
            self._trial = None
            self._save(
                s.begin(
                    self._state,
                    deploy_seq=assignment.deploy_seq,
                    release=assignment.release,
                    factory=self.factory,
                )
            )

    def take_on_board(self, deploy_seq: int, release: str) -> str:
        """An assignment of a release that is here already, named by its first digits; why not, or
        "". The same one again is no harm. The caller has checked who says so."""
        with self._guard:
            held = {**self._state.slots, s.FACTORY: self.factory}
            found = [name for name in held.values() if name.startswith(release)]
            if deploy_seq <= self._state.deploy_seq:
                again = deploy_seq == self._state.deploy_seq and self._state.release in found
                return "" if again else f"assignment {self._state.deploy_seq} is newer"
            if not found:
                return f"release {release} is not on board"
            self._trial = None
            self._save(
                s.begin(self._state, deploy_seq=deploy_seq, release=found[0], factory=self.factory)
            )
            return ""

    @property
    def wants_bytes(self) -> bool:
        """Whether a download is to be made or gone on with."""
        state = self.state
        return state.step == "fetching" and not s.has_arrived(state, self.factory)

    def fetch(self, link: Fetches) -> None:
        """Download the candidate, from where the last attempt broke off. Raises LinkError."""
        state = self.state
        release, slot = state.release, state.target
        resumed = self._store.part_size(release)
        try:
            self._store.extend(release, link.fetch(release, resumed))
            self._store.settle(release, slot)
        except BundleError as error:
            self._store.drop_part(release)
            if resumed:
                raise LinkError(f"release {release[:12]}: {error}; fetching it anew") from error
            self._give_up(state.deploy_seq, f"bundle: {error}")
            return
        with self._guard:
            if self._state.deploy_seq == state.deploy_seq:
                self._save(s.arrived(self._state))

    # --- the agent's thread, between frames ---------------------------------------------------

    def advance(self) -> Classifier | None:
        """One step on with the candidate, if there is one here. Returns its classifier at the
        moment when it is committed; the caller works with it from the next frame on."""
        state = self.state
        if state.step == "fetching" and s.has_arrived(state, self.factory):
            self._verify(state)
        trial = self._trial
        if trial is None or self.state.step != "trial":
            return None
        waited = self._now_s() - trial.began_s >= self._settings.trial_wait_s
        if trial.frames >= self._settings.trial_frames or waited:
            return self._commit(trial)
        return None

    def observe(self, result: FrameResult) -> None:
        """The candidate looks at the objects of a frame too; it is given up if that goes wrong."""
        trial = self._trial
        if trial is None or self.state.step != "trial":
            return
        regions = [item.region for item in result.objects]
        measures = np.array([item.measures for item in result.objects], np.float32)
        began = time.perf_counter()
        try:
            if regions:
                said = trial.classifier.classify(
                    [r.signal for r in regions], [r.mask for r in regions], measures
                )
                if not np.isfinite(said.probabilities).all():
                    raise ValueError("probabilities are not finite")
        except Exception as error:  # whatever a candidate does wrong, the old one goes on
            self._give_up(self.state.deploy_seq, f"on frame {result.frame.name}: {error!r}")
            return
        spent_ms = 1e3 * (time.perf_counter() - began)
        old_ms = result.ms.get("classify", 0.0)
        bound_ms = old_ms * self._settings.slower_at_most + SLACK_MS * (1 + len(regions))
        if spent_ms > 10 * bound_ms:  # one frame may meet a busy moment; ten times is a hang
            self._give_up(self.state.deploy_seq, f"{spent_ms:.0f} ms for one frame")
            return
        trial.frames += 1

    def pause(self) -> None:
        """The agent ends by its own will: that is no crash of the candidate."""
        with self._guard:
            if self._state.running:
                self._save(s.runs(self._state, running=False))

    def _verify(self, state: s.UpdateState) -> None:
        """Hash, self-test, speed and memory; the old release is at hand all the while."""
        self._trial = None
        try:
            bundle = self._store.bundle(state.target)
            if bundle.release_id != state.release:
                raise BundleError(f"slot {state.target} holds {bundle.release_id[:12]}")
            self._save(s.runs(self.state, running=True))
            before_mb = _memory_mb()
            classifier, ms = self._proved(bundle)
            grown_mb = _memory_mb() - before_mb
            if grown_mb > MEMORY_MAX_MB:
                raise BundleError(f"needs {grown_mb:.0f} MB more memory")
        except Exception as error:  # whatever a candidate does wrong, the old one goes on
            self._give_up(state.deploy_seq, str(error) or repr(error))
            return
        with self._guard:
            if self._state.deploy_seq != state.deploy_seq:
                return
            self._save(s.trial(s.verified(self._state, ms), ms))
            self._trial = _Trial(classifier, ms, self._now_s())

    def _proved(self, bundle: Bundle) -> tuple[Classifier, float]:
        """On the runtime that the active release uses, or on any if there is no active one."""
        if self._active_runtime is None:
            classifier, ms, _ = self._usable(bundle)
            return classifier, ms
        if missing := missing_measures(bundle.head.columns, self._tier):
            raise BundleError(missing)
        test = bundle.self_test(self._active_runtime)
        if not test.ok:
            raise BundleError(f"self-test: {test.reason}")
        classifier, ms = Classifier(bundle, self._active_runtime), test.ms_per_object
        old_ms = self._active_ms
        if old_ms is not None and ms > old_ms * self._settings.slower_at_most + SLACK_MS:
            raise BundleError(f"{ms:.2f} ms per object, against {old_ms:.2f} of the old release")
        return classifier, ms

    def _commit(self, trial: _Trial) -> Classifier:
        with self._guard:
            self._save(s.committed(self._state, trial.ms_per_object))
            self._trial = None
            self._active_ms = trial.ms_per_object
        log.info("release %s is at work", trial.classifier.release_id[:12])
        return trial.classifier

    def _give_up(self, deploy_seq: int, reason: str) -> None:
        with self._guard:
            if self._state.deploy_seq == deploy_seq and s.in_progress(self._state):
                log.warning("release %s is given up: %s", self._state.release[:12], reason)
                self._save(s.rolled_back(self._state, reason[:500]))
            self._trial = None

    # --- telling the shore --------------------------------------------------------------------

    def notices(self) -> list[tuple[int, Deployment]]:
        """Steps that are not in the outbox yet, each with its number."""
        return [
            (n.number, Deployment(n.deploy_seq, n.release, n.state, n.reason, n.ms_per_object))
            for n in self.state.notices
        ]

    def told(self, number: int) -> None:
        with self._guard:
            self._save(s.told(self._state, number))

    def _save(self, state: s.UpdateState) -> None:
        with self._guard:
            if state != self._state:
                self._store.save(state)
                self._state = state


def _factory_id(store: ReleaseStore) -> str:
    try:
        return store.bundle(s.FACTORY).release_id
    except (BundleError, OSError) as error:
        log.error("factory release: %s", error)
        return ""


def _memory_mb() -> float:
    """Resident memory of this process; 0 where the system does not say."""
    try:
        with open("/proc/self/status") as file:
            lines = dict(line.split(":", 1) for line in file if ":" in line)
        return int(lines["VmRSS"].split()[0]) / 1024
    except (OSError, KeyError, ValueError):
        return 0.0

"""What the shore tells the instrument to do (`wire.commands`), each command done exactly once.

A command counts when its answer is committed: with it, in the same transaction, its number and the
settings that it changes. What a command does outside the outbox can be done twice without harm and
is done before. A setting is never taken back by a command of a lower number that was overtaken.
Commands come with any carrier's hello, on the link's thread; what touches the classifier waits for
`apply`, on the agent's thread, between two frames.

Example:
    >>> orders = Orders(outbox, identity, updater)
    >>> for blob in reply.commands: orders.take(blob)
    >>> orders.apply(pipeline.classifier)
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edge.identity import Identity
from edge.outbox import Draft, Outbox
from edge.pipeline import Classifies
from edge.policy import FACT as POLICY
from edge.policy import policy
from edge.updates.updater import Updater
from models.classifier import Classifier
from wire.codec import CodecError
from wire.commands import Command, CommandError, check, check_command
from wire.records import Answer
from wire.signing import SignatureError

log = logging.getLogger("seadrift.orders")

STATE = "orders"
THRESHOLDS = "thresholds"
ABOVE_MAX = 500


@dataclass(frozen=True)
class Done:
    """Which numbers were taken: all up to `upto`, and those in `above`. `last`: what was set by
    which number."""

    upto: int = 0
    above: tuple[int, ...] = ()
    last: Mapping[str, int] = field(default_factory=dict)

    def holds(self, number: int) -> bool:
        return number <= self.upto or number in self.above

    def plus(self, number: int, keys: tuple[str, ...]) -> "Done":
        above = {*self.above, number}
        upto = self.upto
        if len(above) > ABOVE_MAX:  # those in between will not come any more
            upto = min(above) - 1
        while upto + 1 in above:
            upto += 1
            above.discard(upto)
        return Done(
            upto,
            tuple(sorted(n for n in above if n > upto)),
            {**self.last, **dict.fromkeys(keys, number)},
        )

    def fresh(self, keys: tuple[str, ...], number: int) -> tuple[str, ...]:
        """Those of the keys that no later command has set."""
        return tuple(key for key in keys if self.last.get(key, 0) < number)

    @property
    def text(self) -> str:
        return json.dumps([self.upto, self.above, self.last], separators=(",", ":"))

    @classmethod
    def read(cls, text: str | None) -> "Done":
        upto, above, last = json.loads(text or "[0, [], {}]")
        return cls(upto, tuple(above), last)


@dataclass(frozen=True)
class Outcome:
    """What to answer, what to store with the answer, and which settings it set."""

    ok: bool
    text: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    keys: tuple[str, ...] = ()


class Orders:
    """`take` may be called from any thread."""

    def __init__(self, outbox: Outbox, identity: Identity, updater: Updater) -> None:
        self._outbox, self._identity, self._updater = outbox, identity, updater
        self._guard = threading.Lock()
        self._limited: tuple[str, str | None] | None = None

    def take(self, blob: bytes) -> bool:
        """Do a command and commit its answer; False when it is not the shore's or was done before.

        Raises OutboxError: then it was not done, and counts when it comes again."""
        enrolment = self._identity.enrolment
        if enrolment is None:
            return False
        try:
            command = check_command(enrolment.key, enrolment.device_id, blob)
        except (SignatureError, CodecError) as error:
            log.warning("command refused: %s", error)
            return False
        with self._guard:
            done = Done.read(self._outbox.fact(STATE))
            if done.holds(command.number):
                return False
            outcome = self._obey(command, done)
            log.info("command %d, %s: %s", command.number, command.name, outcome.text or "done")
            if self._identity.enrolment is None:
                return True  # wiped: nobody is left to answer
            facts = {**outcome.facts, STATE: done.plus(command.number, outcome.keys).text}
            answer = Answer(command.number, outcome.ok, outcome.text[:200])
            self._outbox.commit([Draft(answer)], facts=facts)
            return True

    def apply(self, classifier: Classifies | None) -> None:
        """Make the classifier decide by the thresholds that the shore has set for its release."""
        text = self._outbox.fact(THRESHOLDS)
        if not isinstance(classifier, Classifier):
            return
        if self._limited == (classifier.release_id, text):
            return
        said = json.loads(text or "{}")
        ours = bool(said) and classifier.release_id.startswith(said["release"])
        nodes = {int(node): float(least) for node, least in said.get("nodes", {}).items()}
        classifier.limit(nodes if ours else {}, said.get("unknown") if ours else None)
        self._limited = (classifier.release_id, text)

    def _obey(self, command: Command, done: Done) -> Outcome:
        try:
            check(command)
        except CommandError as error:
            return Outcome(False, str(error))
        return self._orders[command.name](command, done)

    @property
    def _orders(self) -> Mapping[str, Callable[[Command, Done], Outcome]]:
        return {
            "priorities": self._priorities,
            "policy": self._policy,
            "thresholds": self._thresholds,
            "vignettes": self._vignettes,
            "assign": self._assign,
            "wipe": self._wipe,
        }

    def _priorities(self, command: Command, done: Done) -> Outcome:
        keys = done.fresh(_keys(command), command.number)
        wanted = {key.partition(" ")[2]: command.argument[key.partition(" ")[2]] for key in keys}
        facts = self._outbox.prioritise(wanted)
        return Outcome(bool(keys), "" if keys else "overtaken", facts, keys)

    def _policy(self, command: Command, done: Done) -> Outcome:
        keys = done.fresh(_keys(command), command.number)
        names = [key.partition(" ")[2] for key in keys]
        changed = {**policy(self._outbox), **{name: command.argument[name] for name in names}}
        return Outcome(bool(keys), "" if keys else "overtaken", {POLICY: json.dumps(changed)}, keys)

    def _thresholds(self, command: Command, done: Done) -> Outcome:
        if not done.fresh((command.name,), command.number):
            return Outcome(False, "overtaken")
        facts = {THRESHOLDS: json.dumps(command.argument)}
        return Outcome(True, "", facts, (command.name,))

    def _vignettes(self, command: Command, done: Done) -> Outcome:
        wanted = {(int(epoch), int(seq)) for epoch, seq in command.argument}
        missing = wanted - self._outbox.prefer(wanted)
        if not missing:
            return Outcome(True)
        named = ", ".join(f"{epoch}:{seq}" for epoch, seq in sorted(missing)[:8])
        return Outcome(False, f"{len(missing)} of {len(wanted)} not on board: {named}")

    def _assign(self, command: Command, done: Done) -> Outcome:
        deploy_seq, release = command.argument
        reason = self._updater.take_on_board(deploy_seq, release)
        return Outcome(not reason, reason)

    def _wipe(self, command: Command, done: Done) -> Outcome:
        self._identity.wipe()
        return Outcome(True, "keys wiped")


def _keys(command: Command) -> tuple[str, ...]:
    return tuple(f"{command.name} {name}" for name in command.argument)

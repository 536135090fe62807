"""The states of taking a release, as pure functions on one frozen value.

    idle -> fetching -> verified -> trial -> committed
                |           |         |
                +-----------+---------+----> rolled_back(reason)

Invariants: `active` never names the slot that a candidate is written to, so the instrument always
has a release to run; `deploy_seq` only rises, so an assignment that failed is never tried again;
the candidate's code runs only while `running` is stored as True, so a crash of the process is
counted against it on the next start.

Example:
    >>> state = begin(UpdateState(), deploy_seq=3, release="ab12", factory="00ff")
    >>> state.step, state.target
    ('fetching', 'a')
"""

from dataclasses import dataclass, field, replace

FACTORY = "factory"
SLOTS = ("a", "b")
CRASHES_MAX = 2
"""So many ends of the process while the candidate runs, and it is given up."""
NOTICES_MAX = 100


@dataclass(frozen=True)
class Notice:
    """A step to tell the shore of; `number` only rises, so each is told once."""

    number: int
    deploy_seq: int
    release: str
    state: str
    reason: str = ""
    ms_per_object: float | None = None


@dataclass(frozen=True)
class UpdateState:
    """Everything that must survive a power cut. `slots` maps a slot to the release in it."""

    active: str = FACTORY
    slots: dict[str, str] = field(default_factory=dict)
    deploy_seq: int = 0
    release: str = ""
    step: str = "idle"
    reason: str = ""
    target: str = ""
    running: bool = False
    crashes: int = 0
    refused: str = ""
    told: int = 0
    notices: tuple[Notice, ...] = ()


def begin(state: UpdateState, *, deploy_seq: int, release: str, factory: str) -> UpdateState:
    """A new assignment. One that is under way is given up for it. The candidate goes to the slot
    that is not active; a release that is here already keeps its place."""
    if deploy_seq <= state.deploy_seq:
        raise ValueError(f"deploy_seq {deploy_seq} is not above {state.deploy_seq}")
    if in_progress(state):
        state = rolled_back(state, f"replaced by assignment {deploy_seq}")
    held = {**state.slots, FACTORY: factory}
    here = [slot for slot in (state.active, *SLOTS, FACTORY) if held.get(slot) == release]
    target = here[0] if here else next(slot for slot in SLOTS if slot != state.active)
    slots = {slot: held for slot, held in state.slots.items() if slot != target or here}
    state = replace(
        state,
        deploy_seq=deploy_seq,
        release=release,
        step="fetching",
        reason="",
        target=target,
        slots=slots,
        running=False,
        crashes=0,
    )
    return _noticed(state, "fetching")


def in_progress(state: UpdateState) -> bool:
    return state.step in ("fetching", "verified", "trial")


def arrived(state: UpdateState) -> UpdateState:
    """The bundle lies whole in its slot."""
    if state.target == FACTORY:
        return state
    return replace(state, slots={**state.slots, state.target: state.release})


def has_arrived(state: UpdateState, factory: str) -> bool:
    return {**state.slots, FACTORY: factory}.get(state.target) == state.release


def runs(state: UpdateState, running: bool) -> UpdateState:
    """The candidate's code is about to run, or has stopped by our own will."""
    return replace(state, running=running)


def verified(state: UpdateState, ms_per_object: float) -> UpdateState:
    return _noticed(replace(state, step="verified"), "verified", ms_per_object=ms_per_object)


def trial(state: UpdateState, ms_per_object: float) -> UpdateState:
    return _noticed(replace(state, step="trial"), "trial", ms_per_object=ms_per_object)


def committed(state: UpdateState, ms_per_object: float | None = None) -> UpdateState:
    """From now on the candidate is what runs."""
    state = replace(state, step="committed", active=state.target, running=False, crashes=0)
    return _noticed(state, "committed", ms_per_object=ms_per_object)


def rolled_back(state: UpdateState, reason: str) -> UpdateState:
    """The candidate is given up; what was active stays active. Its slot counts as empty, unless
    it was the active or the factory release itself."""
    slots = dict(state.slots)
    if state.target not in (state.active, FACTORY):
        slots.pop(state.target, None)
    state = replace(state, step="rolled_back", reason=reason, slots=slots, running=False, crashes=0)
    return _noticed(state, "rolled_back", reason)


def refused(state: UpdateState, digest: str, deploy_seq: int, reason: str) -> UpdateState:
    """An assignment that may not be believed. The same one again is not told twice."""
    if digest == state.refused:
        return state
    notice = Notice(_number(state), deploy_seq, "", "refused", reason)
    return _with(replace(state, refused=digest), notice)


def started(state: UpdateState) -> UpdateState:
    """The process starts; if the candidate ran when the last one ended, that was a crash."""
    if not (in_progress(state) and state.running):
        return replace(state, running=False)
    state = replace(state, crashes=state.crashes + 1, running=False)
    if state.crashes >= CRASHES_MAX:
        return rolled_back(state, f"the agent ended {state.crashes} times while trying it")
    return replace(state, step="fetching")  # verified and tried anew, from the slot


def fell_back(state: UpdateState, active: str, reason: str) -> UpdateState:
    """The active release cannot be loaded any more; `active` runs instead."""
    broken = state.slots.get(state.active, "")
    slots = {slot: held for slot, held in state.slots.items() if slot != state.active}
    state = replace(state, active=active, slots=slots)
    return _with(state, Notice(_number(state), state.deploy_seq, broken, "rolled_back", reason))


def told(state: UpdateState, number: int) -> UpdateState:
    """Notices up to `number` are in the outbox."""
    left = tuple(notice for notice in state.notices if notice.number > number)
    return replace(state, notices=left, told=max(state.told, number))


def _number(state: UpdateState) -> int:
    return max([state.told, *(notice.number for notice in state.notices)]) + 1


def _noticed(
    state: UpdateState, step: str, reason: str = "", ms_per_object: float | None = None
) -> UpdateState:
    number = _number(state)
    return _with(
        state, Notice(number, state.deploy_seq, state.release, step, reason, ms_per_object)
    )


def _with(state: UpdateState, notice: Notice) -> UpdateState:
    return replace(state, notices=(*state.notices, notice)[-NOTICES_MAX:])

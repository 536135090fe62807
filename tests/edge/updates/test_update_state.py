"""The states of taking a release, as pure functions: every order of events ends in a safe place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.updates import state as s

FACTORY = "f" * 64
NEW = "a" * 64
OTHER = "b" * 64


def steps(state: s.UpdateState) -> list[str]:
    return [notice.state for notice in state.notices]


def taken(state: s.UpdateState, seq: int, release: str) -> s.UpdateState:
    state = s.arrived(s.begin(state, deploy_seq=seq, release=release, factory=FACTORY))
    return s.committed(s.trial(s.verified(s.runs(state, True), 1.0), 1.0))


def test_the_way_to_a_committed_release() -> None:
    state = taken(s.UpdateState(), 1, NEW)
    assert (state.active, state.slots, state.running) == ("a", {"a": NEW}, False)
    assert steps(state) == ["fetching", "verified", "trial", "committed"]
    assert [notice.number for notice in state.notices] == [1, 2, 3, 4]


def test_the_candidate_never_takes_the_active_slot() -> None:
    state = taken(s.UpdateState(), 1, NEW)
    state = s.begin(state, deploy_seq=2, release=OTHER, factory=FACTORY)
    assert (state.active, state.target) == ("a", "b")
    state = taken(s.UpdateState(slots={"a": NEW, "b": OTHER}, active="b"), 5, "c" * 64)
    assert (state.active, state.slots) == ("a", {"a": "c" * 64, "b": OTHER})


def test_a_release_that_is_here_is_not_fetched() -> None:
    state = taken(taken(s.UpdateState(), 1, NEW), 2, OTHER)
    back = s.begin(state, deploy_seq=3, release=NEW, factory=FACTORY)
    assert back.target == "a"
    assert s.has_arrived(back, FACTORY)
    home = s.begin(state, deploy_seq=3, release=FACTORY, factory=FACTORY)
    assert home.target == s.FACTORY
    assert s.committed(home).active == s.FACTORY
    assert s.committed(home).slots == state.slots


def test_giving_up_keeps_what_was_active() -> None:
    state = taken(s.UpdateState(), 1, NEW)
    state = s.arrived(s.begin(state, deploy_seq=2, release=OTHER, factory=FACTORY))
    state = s.rolled_back(s.trial(state, 1.0), "worse")
    assert (state.active, state.slots) == ("a", {"a": NEW})
    assert state.notices[-1].reason == "worse"
    with pytest.raises(ValueError, match="not above 2"):
        s.begin(state, deploy_seq=2, release=OTHER, factory=FACTORY)


def test_a_newer_assignment_replaces_one_under_way() -> None:
    state = s.begin(s.UpdateState(), deploy_seq=1, release=NEW, factory=FACTORY)
    state = s.begin(state, deploy_seq=2, release=OTHER, factory=FACTORY)
    assert (state.release, state.step) == (OTHER, "fetching")
    assert steps(state) == ["fetching", "rolled_back", "fetching"]


def test_two_crashes_with_the_candidate_are_enough() -> None:
    state = s.arrived(s.begin(s.UpdateState(), deploy_seq=1, release=NEW, factory=FACTORY))
    state = s.started(s.runs(state, True))
    assert (state.step, state.crashes) == ("fetching", 1)
    state = s.started(state)  # ended without the candidate at work: no crash of its
    assert state.crashes == 1
    state = s.started(s.runs(state, True))
    assert state.step == "rolled_back"
    assert "2 times" in state.reason


def test_a_refusal_is_told_once() -> None:
    state = s.refused(s.UpdateState(), "digest", 0, "not signed")
    assert s.refused(state, "digest", 0, "not signed") == state
    assert steps(state) == ["refused"]
    assert state.deploy_seq == 0


def test_notices_leave_when_told_and_numbers_go_on() -> None:
    state = taken(s.UpdateState(), 1, NEW)
    state = s.told(state, 3)
    assert [n.number for n in state.notices] == [4]
    state = s.told(state, 4)
    state = s.begin(state, deploy_seq=2, release=OTHER, factory=FACTORY)
    assert [n.number for n in state.notices] == [5]


EVENTS = st.sampled_from(
    ["begin", "arrived", "run", "verified", "trial", "commit", "give up", "start", "told"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(EVENTS, st.sampled_from([NEW, OTHER, FACTORY])), max_size=40))
def test_whatever_happens_the_active_release_is_one_that_was_committed(
    events: list[tuple[str, str]],
) -> None:
    state = s.UpdateState()
    good = {FACTORY}
    for event, release in events:
        if event == "begin":
            state = s.begin(
                state, deploy_seq=state.deploy_seq + 1, release=release, factory=FACTORY
            )
        elif event == "arrived" and state.step == "fetching":
            state = s.arrived(state)
        elif event == "run" and s.in_progress(state):
            state = s.runs(state, True)
        elif event in ("verified", "trial") and s.in_progress(state):
            if s.has_arrived(state, FACTORY):
                state = getattr(s, event)(state, 1.0)
        elif event == "commit" and state.step == "trial":
            good.add(state.release)
            state = s.committed(state)
        elif event == "give up" and s.in_progress(state):
            state = s.rolled_back(state, "x")
        elif event == "start":
            state = s.started(state)
        elif event == "told" and state.notices:
            state = s.told(state, state.notices[0].number)
        held = {**state.slots, s.FACTORY: FACTORY}
        assert held[state.active] in good
        numbers = [notice.number for notice in state.notices]
        assert numbers == sorted(set(numbers))

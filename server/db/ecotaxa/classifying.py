"""What EcoTaxa's API says about objects: a taxon for each and one state, or predictions from
outside.

Each becomes events, as an action of the review page does, so that history, counts and undo hold. An
object is changed when its taxon or its state is, or when somebody else says the same: EcoTaxa then
notes the new person.

Example:
    >>> classify(connection, Classification(project_id=1, user_id=2, {17: 4, 18: None}, "V"), now)
    2
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Connection, select

from server.db.changes import Request, State, add_action, change, states_of
from server.db.ecotaxa.fields import MANUAL
from server.db.ecotaxa.lists import among
from server.db.tables import Action, Event, Taxon

KEEP = "="
"""Leave each object's state as it is."""


class ClassifyError(ValueError):
    """The objects cannot be classified as asked; nothing was done."""


@dataclass(frozen=True)
class Classification:
    """`taxa` by object, None to keep the one it has; `status` one of V, D, X, P, or KEEP."""

    project_id: int
    user_id: int
    taxa: Mapping[int, int | None]
    status: str


def classify(connection: Connection, wanted: Classification, now_ms: int) -> int:
    """How many objects were changed, in one action that can be undone. Raises ClassifyError."""
    check_taxa(connection, {t for t in wanted.taxa.values() if t is not None})
    states = states_of(connection, wanted.project_id, wanted.taxa)
    if len(states) != len(wanted.taxa):
        raise ClassifyError(f"{len(wanted.taxa) - len(states)} of the objects are not there")
    changes = [c for state in states if (c := _change(state, wanted)) is not None]
    same = [c[0] for c in changes if (c[0].status, c[0].taxon_id) == c[1:]]
    mine = _said_by(connection, wanted.user_id, same)
    changes = [c for c in changes if c[0].objid not in mine]
    if changes:
        request = Request(
            wanted.project_id, wanted.user_id, "classify", (), None, f"ecotaxa {uuid4()}"
        )
        action_id = add_action(connection, request, b"", None, len(changes), now_ms)
        change(connection, wanted.project_id, action_id, changes, now_ms)
    return len(changes)


def _change(state: State, wanted: Classification) -> tuple[State, str, int | None] | None:
    """The object's new state; None for one that would have no taxon: EcoTaxa passes over it."""
    given = wanted.taxa[state.objid]
    taxon = state.taxon_id if given is None else given
    status = state.status if wanted.status == KEEP else wanted.status
    if taxon is None:
        return None
    return state, ("V" if status == "U" else status), taxon


def _said_by(connection: Connection, user_id: int, states: Sequence[State]) -> set[int]:
    """Those of the objects whose present state this person gave them, or nobody did."""
    events = {state.event_id: state.objid for state in states if state.event_id is not None}
    silent = {state.objid for state in states if state.status not in MANUAL}
    query = (
        select(Event.id)
        .join(Action, Action.id == Event.action_id)
        .where(among(connection, Event.id, list(events)), Action.user_id == user_id)
    )
    return silent | {events[number] for number in connection.execute(query).scalars()}


def check_taxa(connection: Connection, taxa: set[int]) -> None:
    """Raises ClassifyError for a taxon that there is not."""
    query = select(Taxon.id).where(among(connection, Taxon.id, list(taxa)))
    missing = sorted(taxa - set(connection.execute(query).scalars()))
    if missing:
        raise ClassifyError(f"there is no taxon {', '.join(map(str, missing[:5]))}")


def reset(
    connection: Connection, project_id: int, user_id: int, objids: Sequence[int], now_ms: int
) -> int:
    """Make what people said of these objects predictions again, with the taxa that they have; how
    many. As EcoTaxa, it passes over those of which nobody said anything."""
    states = [s for s in states_of(connection, project_id, objids) if s.status in MANUAL]
    changes = [(s, "P", s.taxon_id) for s in states if s.taxon_id is not None]
    if changes:
        request = Request(project_id, user_id, "classify", (), None, f"ecotaxa {uuid4()}")
        action_id = add_action(connection, request, b"", None, len(changes), now_ms)
        change(connection, project_id, action_id, changes, now_ms)
    return len(changes)

"""What people say about objects: validate, dubious, discard, relabel, reset.

Every object points at the event whose outcome is its present state; `server.db.turns` goes back and
forth along these.

Example:
    >>> act(connection, Request(1, 2, "validate", (17, 18), None, key="..."), now_ms=now)
    Outcome(action_id=5, changed=2, kind='validate')
"""

import hashlib
import json
from collections.abc import Sequence

from sqlalchemy import Connection, select

from server.db.changes import Outcome, Request, State, add_action, change, states_of
from server.db.tables import Action, Taxon

KINDS = ("validate", "dubious", "discard", "relabel", "reset", "classify")
"""`classify` gives each object a taxon of its own (`server.db.ecotaxa.classifying`)."""
MOST = 5000
_STATUS = {"validate": "V", "dubious": "D", "discard": "X", "relabel": "V"}


class ActionRefusedError(ValueError):
    """The action cannot be done as asked; `code` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def act(connection: Connection, request: Request, now_ms: int) -> Outcome:
    """Do what a person asked, once by `key`: the same again answers as before. Raises
    ActionRefusedError."""
    asked = hashlib.sha256(
        json.dumps(
            [request.project_id, request.kind, sorted(request.objids), request.taxon_id]
        ).encode()
    ).digest()
    earlier = connection.execute(
        select(Action.id, Action.changed, Action.kind, Action.request_hash).where(
            Action.user_id == request.user_id, Action.key == request.key
        )
    ).first()
    if earlier is not None:
        if bytes(earlier.request_hash) != asked:
            raise ActionRefusedError("key_reused", "This key was used for another action.")
        return Outcome(earlier.id, earlier.changed, earlier.kind)
    states = states_of(connection, request.project_id, request.objids)
    _check(connection, request, states)
    changes = [(state, *_new(request, state)) for state in states]
    changes = [c for c in changes if (c[0].status, c[0].taxon_id) != (c[1], c[2])]
    action_id = add_action(connection, request, asked, None, len(changes), now_ms)
    change(connection, request.project_id, action_id, changes, now_ms)
    return Outcome(action_id, len(changes), request.kind)


def _new(request: Request, state: State) -> tuple[str, int | None]:
    """The status and taxon that the action gives."""
    if request.kind == "reset":
        return ("U" if state.pred_taxon_id is None else "P"), state.pred_taxon_id
    taxon = request.taxon_id if request.kind == "relabel" else state.taxon_id
    return _STATUS[request.kind], taxon


def _check(connection: Connection, request: Request, states: Sequence[State]) -> None:
    missing = len(set(request.objids)) - len(states)
    if missing:
        raise ActionRefusedError("not_found", f"{missing} of the objects are not in this project.")
    if request.kind == "relabel":
        query = select(Taxon.id).where(Taxon.id == request.taxon_id)
        if request.taxon_id is None or connection.execute(query).first() is None:
            raise ActionRefusedError("taxon", "Relabel needs the taxon_id of a taxon that exists.")
    if request.kind == "validate":
        bare = sum(state.taxon_id is None for state in states)
        if bare:
            raise ActionRefusedError(
                "no_taxon", f"{bare} of the objects have no taxon: relabel them."
            )

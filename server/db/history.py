"""The history of an object: every event, with who and which release."""

from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from server.db.tables import Action, Event, Release, Taxon, User


def history(connection: Connection, objid: int) -> list[dict[str, Any]]:
    """Every event of an object, oldest first: what it became, what it was, by whom or which
    release."""
    old, new = aliased(Taxon), aliased(Taxon)
    query = (
        select(
            Event.id.label("event_id"),
            Event.created_ms.label("at_ms"),
            Action.kind.label("action"),
            Action.undone,
            User.name.label("user"),
            Release.release_id.label("release"),
            Event.new_status.label("status"),
            new.display_name.label("taxon"),
            Event.old_status.label("from_status"),
            old.display_name.label("from_taxon"),
            Event.score,
            Event.applied,
        )
        .outerjoin(Action, Action.id == Event.action_id)
        .outerjoin(User, User.id == Action.user_id)
        .outerjoin(Release, Release.no == Event.release_no)
        .outerjoin(old, old.id == Event.old_taxon_id)
        .outerjoin(new, new.id == Event.new_taxon_id)
        .where(Event.objid == objid)
        .order_by(Event.id)
    )
    rows = [dict(row._mapping) for row in connection.execute(query)]
    for row in rows:
        row["score"] = row["score"] if row["status"] == "P" else None
        row["action"] = row["action"] or "predict"
        row["undone"] = bool(row["undone"])
    return rows

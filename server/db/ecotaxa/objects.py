"""One object, its images and its history, as EcoTaxa's API shows them; the parents of many.

Example:
    >>> one(connection, 17).values["classif_qual"]
    'V'
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from server.db.ecotaxa import dates
from server.db.ecotaxa.fields import MANUAL, OBJECT, joined, vault_name
from server.db.ecotaxa.levels import names
from server.db.ecotaxa.lists import among
from server.db.tables import Action, Event, Image, Object, ObjectFree, Taxon, User

_FREE: Any = ObjectFree.__table__


@dataclass(frozen=True)
class OneObject:
    """`values` by EcoTaxa's names without a prefix, `free` by the project's."""

    project_id: int
    sample_id: int
    values: dict[str, Any]
    free: dict[str, Any]
    images: list[dict[str, Any]]


def one(connection: Connection, objid: int) -> OneObject | None:
    """Everything of an object."""
    needs = [need for field in OBJECT.values() for need in field.needs]
    query = joined(
        select(Object.project_id, Object.sample_id)
        .add_columns(*(field.expression for field in OBJECT.values()))
        .select_from(Object)
        .where(Object.objid == objid),
        needs,
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    shown = zip(OBJECT.items(), row[2:], strict=True)
    values = {name: v if f.show is None else f.show(v) for (name, f), v in shown}
    return OneObject(
        row[0], row[1], values, _free(connection, row[0], objid), images(connection, objid)
    )


def _free(connection: Connection, project_id: int, objid: int) -> dict[str, Any]:
    places = names(connection, project_id).places
    if not places:
        return {}
    query = select(*(_FREE.c[place] for place in places.values())).where(_FREE.c.objid == objid)
    row = connection.execute(query).first()
    return {} if row is None else dict(zip(places, row, strict=True))


def images(connection: Connection, objid: int) -> list[dict[str, Any]]:
    """By rank, as EcoTaxa describes them."""
    query = (
        select(Image.id, Image.rank, Image.width, Image.height, Image.file_name, Image.format)
        .where(Image.objid == objid)
        .order_by(Image.rank, Image.id)
    )
    return [
        {
            "imgid": row.id,
            "objid": objid,
            "imgrank": row.rank,
            "width": row.width,
            "height": row.height,
            "orig_file_name": row.file_name,
            "file_name": vault_name(f"{row.id}.{row.format}"),
        }
        for row in connection.execute(query)
    ]


def image_of(connection: Connection, imgid: int) -> tuple[int, int, str] | None:
    """(object, rank, format) of an image."""
    query = select(Image.objid, Image.rank, Image.format).where(Image.id == imgid)
    row = connection.execute(query).first()
    return None if row is None or row[0] is None else (row[0], row[1], row[2])


def history(connection: Connection, objid: int) -> list[dict[str, Any]]:
    """Every classification of the object that is known, oldest first; EcoTaxa leaves out those
    without a state."""
    query = (
        select(
            Event.new_taxon_id,
            Event.created_ms,
            Action.user_id,
            Event.new_status,
            Event.score,
            User.name,
            Taxon.display_name,
        )
        .outerjoin(Action, Action.id == Event.action_id)
        .outerjoin(User, User.id == Action.user_id)
        .outerjoin(Taxon, Taxon.id == Event.new_taxon_id)
        .where(Event.objid == objid, Event.new_status != "U")
        .order_by(Event.id)
    )
    return [
        {
            "objid": objid,
            "classif_id": taxon,
            "classif_date": dates.moment(at),
            "classif_who": who if status in MANUAL else None,
            "classif_type": "M" if status in MANUAL else "A",
            "classif_qual": status,
            "classif_score": score if status == "P" else None,
            "user_name": name if status in MANUAL else None,
            "taxon_name": display,
        }
        for taxon, at, who, status, score, name, display in connection.execute(query)
    ]


def parents(connection: Connection, objids: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """(object, acquisition, sample, project) of those that there are."""
    query = select(Object.objid, Object.acquisition_id, Object.sample_id, Object.project_id).where(
        among(connection, Object.objid, objids)
    )
    return [(o, a, s, p) for o, a, s, p in connection.execute(query.order_by(Object.objid))]


def predictions(connection: Connection, objids: Sequence[int]) -> list[list[Any]]:
    """[object, taxon, score] of the latest prediction of each that has one."""
    query = select(Object.objid, Object.pred_taxon_id, Object.score).where(
        among(connection, Object.objid, objids), Object.pred_taxon_id.is_not(None)
    )
    return [[o, t, s] for o, t, s in connection.execute(query.order_by(Object.objid))]

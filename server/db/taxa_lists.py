"""A project's own list of taxa, in its order: what its people choose from first.

Example:
    >>> set_list(connection, project_id=1, taxon_ids=[4, 61])
    [4, 61]
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from server.db.bulk import insert_rows
from server.db.tables import ProjectTaxon
from server.db.taxa_log import hold
from server.db.taxa_read import current

MOST = 5000


def list_of(connection: Connection, project_id: int) -> list[int]:
    """The taxa of the list, in order."""
    query = select(ProjectTaxon.taxon_id).where(ProjectTaxon.project_id == project_id)
    return list(connection.execute(query.order_by(ProjectTaxon.place)).scalars())


def set_list(connection: Connection, project_id: int, taxon_ids: Sequence[int]) -> list[int]:
    """Replace the list; what it is then: each taxon once, merged ones as what they became. Raises
    LookupError naming the numbers that are no taxa, ValueError for more than MOST."""
    if len(taxon_ids) > MOST:
        raise ValueError(f"a list holds at most {MOST} taxa, not {len(taxon_ids)}")
    hold(connection)
    now = current(connection, taxon_ids)
    unknown = sorted(set(taxon_ids) - now.keys())
    if unknown:
        shown = ", ".join(map(str, unknown[:10])) + (", ..." if len(unknown) > 10 else "")
        raise LookupError(f"there is no taxon {shown}")
    wanted = list(dict.fromkeys(now[taxon] for taxon in taxon_ids))
    connection.execute(delete(ProjectTaxon).where(ProjectTaxon.project_id == project_id))
    rows = [(project_id, taxon, place) for place, taxon in enumerate(wanted)]
    insert_rows(connection, ProjectTaxon, ("project_id", "taxon_id", "place"), rows)
    return wanted

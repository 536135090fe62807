"""Whether everything that a row names is there: asked all at once, instead of by every INSERT.

Example:
    >>> orphans(connection)
    []
"""

from sqlalchemy import Connection, Table, func, select

from server.db.tables import (
    Acquisition,
    Action,
    Base,
    Device,
    Epoch,
    Event,
    ExactValues,
    Image,
    LedgerEntry,
    Object,
    ObjectFree,
    ObjectValues,
    Pack,
    Process,
    Project,
    Release,
    Sample,
    Taxon,
    Training,
)
from server.db.tables.objects import NO_DEVICE

_NAMES: tuple[tuple[type[Base], str, type[Base]], ...] = (
    (Sample, "device_id", Device),
    (Object, "project_id", Project),
    (Object, "sample_id", Sample),
    (Object, "acquisition_id", Acquisition),
    (Object, "process_id", Process),
    (Object, "device_id", Device),
    (Object, "taxon_id", Taxon),
    (Object, "pred_taxon_id", Taxon),
    (Object, "release_no", Release),
    (Object, "objid", ObjectValues),
    (ObjectValues, "objid", Object),
    (ObjectFree, "objid", Object),
    (ExactValues, "objid", Object),
    (ExactValues, "release_no", Release),
    (Image, "objid", Object),
    (Image, "device_id", Device),
    (Image, "pack_id", Pack),
    (LedgerEntry, "device_id", Device),
    (Event, "objid", Object),
    (Event, "action_id", Action),
    (Event, "release_no", Release),
    (Event, "training_id", Training),
    (Event, "old_taxon_id", Taxon),
    (Event, "new_taxon_id", Taxon),
    (Event, "previous_id", Event),
    (Object, "event_id", Event),
)
"""(table, column, table whose key it holds), where the tables have no foreign key."""


def orphans(connection: Connection) -> list[str]:
    """One sentence for each column that names rows which are not there. Reads whole tables."""
    found = []
    for table, column, other in _NAMES:
        value = table.__table__.columns[column]
        [key] = other.__table__.primary_key
        named = other.__table__.alias("named").c[key.name]  # a table may name rows of its own
        absent = ~select(named).where(named == value).exists()
        names = value != NO_DEVICE if other is Device else value.is_not(None)
        query = select(func.count()).select_from(table).where(names, absent)
        count = connection.execute(query).scalar_one()
        if count:
            found.append(f"{table.__tablename__}.{column}: {count} rows name what is not there")
    return found


def uncounted(connection: Connection) -> list[tuple[int, int, int, int]]:
    """(device, epoch, held as kept, held as counted) of epochs where the two differ."""
    ledger: Table = LedgerEntry.metadata.tables["ledger"]
    counted = (
        select(ledger.c.device_id, ledger.c.epoch, func.count().label("n"))
        .group_by(ledger.c.device_id, ledger.c.epoch)
        .subquery()
    )
    same = (counted.c.device_id == Epoch.device_id) & (counted.c.epoch == Epoch.epoch)
    n = func.coalesce(counted.c.n, 0)
    query = select(Epoch.device_id, Epoch.epoch, Epoch.held, n).outerjoin(counted, same)
    return [(d, e, held, n) for d, e, held, n in connection.execute(query.where(Epoch.held != n))]

"""What operators watch, for all devices at once: few queries, however many devices there are.

Example:
    >>> deployments(connection)[3]["state"]
    'trial'
"""

from typing import Any

from sqlalchemy import Connection, func, select, text

from server.db.ledger import STATE, EpochState
from server.db.quarantine import OPEN
from server.db.tables import (
    Assignment,
    DeploymentStep,
    Epoch,
    GapRange,
    HealthRow,
    LedgerEntry,
    Object,
    Quarantined,
    Release,
)
from server.db.tables.base import CLOCKLESS

DAY_MS = 86_400_000
UNDATED_MAX = 100_000
_MISSING_LOOKED = 5000


def epochs(connection: Connection) -> dict[int, list[EpochState]]:
    """Every device's epochs, oldest first."""
    query = select(Epoch.device_id, *STATE).order_by(Epoch.first_seen_ms, Epoch.epoch)
    found: dict[int, list[EpochState]] = {}
    row: Any
    for row in connection.execute(query):
        found.setdefault(row[0], []).append(EpochState(*row[1:]))
    return found


def deployments(connection: Connection) -> dict[int, dict[str, Any]]:
    """Every device's latest assignment and how far it got: "assigned" until the device reports."""
    latest = (
        select(Assignment.device_id, func.max(Assignment.deploy_seq).label("deploy_seq"))
        .group_by(Assignment.device_id)
        .subquery()
    )
    reported = (
        select(func.max(DeploymentStep.id).label("id"))
        .group_by(DeploymentStep.device_id, DeploymentStep.deploy_seq)
        .subquery()
    )
    newest = select(DeploymentStep).join(reported, reported.c.id == DeploymentStep.id).subquery()
    query = (
        select(
            Assignment.device_id,
            Assignment.deploy_seq,
            Release.release_id.label("release"),
            Release.name.label("release_name"),
            Assignment.issued_ms,
            func.coalesce(newest.c.state, "assigned").label("state"),
            func.coalesce(newest.c.reason, "").label("reason"),
            newest.c.ms_per_object,
        )
        .join(
            latest,
            (latest.c.device_id == Assignment.device_id)
            & (latest.c.deploy_seq == Assignment.deploy_seq),
        )
        .join(Release, Release.no == Assignment.release_no)
        .outerjoin(
            newest,
            (newest.c.device_id == Assignment.device_id)
            & (newest.c.deploy_seq == Assignment.deploy_seq),
        )
    )
    rows = (dict(row._mapping) for row in connection.execute(query))
    return {row.pop("device_id"): row for row in rows}


def set_aside(connection: Connection) -> dict[int, int]:
    """Entries of the quarantine that somebody still has to decide about, by device."""
    query = select(Quarantined.device_id, func.count()).where(Quarantined.state.in_(OPEN))
    return dict(connection.execute(query.group_by(Quarantined.device_id)).all())


def pending_day_ago(connection: Connection, now_ms: int) -> dict[int, int]:
    """What waited on each device at its first health record of the last 24 hours."""
    first = (
        select(HealthRow.device_id, func.min(HealthRow.at_ms).label("at_ms"))
        .where(HealthRow.at_ms >= now_ms - DAY_MS)
        .group_by(HealthRow.device_id)
        .subquery()
    )
    same = (first.c.device_id == HealthRow.device_id) & (first.c.at_ms == HealthRow.at_ms)
    query = select(HealthRow.device_id, HealthRow.pending).join(first, same)
    return dict(connection.execute(query).all())


def clocks(connection: Connection) -> dict[int, bool]:
    """Whether each device's newest health record had a trusted date."""
    newest = (
        select(HealthRow.device_id, func.max(HealthRow.received_ms).label("received_ms"))
        .group_by(HealthRow.device_id)
        .subquery()
    )
    same = (newest.c.device_id == HealthRow.device_id) & (
        newest.c.received_ms == HealthRow.received_ms
    )
    query = select(HealthRow.device_id, HealthRow.utc_ms).join(newest, same).order_by(HealthRow.seq)
    return {device: utc_ms is not None for device, utc_ms in connection.execute(query)}


def missing(connection: Connection, pk: int, state: EpochState, most: int) -> list[list[int]]:
    """The first ranges of seqs that the device told of and that neither came nor were given up."""
    entries = select(LedgerEntry.seq, LedgerEntry.seq).where(
        LedgerEntry.device_id == pk, LedgerEntry.epoch == state.epoch, LedgerEntry.seq > state.upto
    )
    gone = select(GapRange.first, GapRange.last).where(
        GapRange.device_id == pk, GapRange.epoch == state.epoch, GapRange.last > state.upto
    )
    known = connection.execute(entries.order_by(LedgerEntry.seq).limit(_MISSING_LOOKED)).all()
    given_up = connection.execute(gone.order_by(GapRange.first).limit(_MISSING_LOOKED)).all()
    found, at = [], state.upto + 1
    for first, last in sorted([*map(tuple, known), *map(tuple, given_up)]):
        if first > at:
            found.append([at, first - 1])
        at = max(at, last + 1)
    if at < state.next_seq and len(known) < _MISSING_LOOKED:
        found.append([at, state.next_seq - 1])
    return found[:most]


def gaps(connection: Connection, pk: int) -> list[dict[str, Any]]:
    """What the device gave up by day, kind and reason: day_ms, kind, reason, n; newest first."""
    day = (GapRange.noted_ms - GapRange.noted_ms % DAY_MS).label("day_ms")
    n = func.sum(GapRange.last - GapRange.first + 1).label("n")
    query = (
        select(day, GapRange.kind, GapRange.reason, n)
        .where(GapRange.device_id == pk)
        .group_by(day, GapRange.kind, GapRange.reason)
        .order_by(day.desc(), n.desc())
        .limit(200)
    )
    return [{**row._mapping, "n": int(row.n)} for row in connection.execute(query)]


def steps(connection: Connection, pk: int, most: int = 50) -> list[dict[str, Any]]:
    """What the device reported about releases, newest first."""
    query = (
        select(
            DeploymentStep.deploy_seq,
            DeploymentStep.release,
            DeploymentStep.state,
            DeploymentStep.reason,
            DeploymentStep.ms_per_object,
            DeploymentStep.received_ms,
        )
        .where(DeploymentStep.device_id == pk)
        .order_by(DeploymentStep.id.desc())
        .limit(most)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def undated(connection: Connection, pk: int) -> dict[str, int]:
    """Objects that came without a date, by what became of it: filled or unknown; counted up to
    UNDATED_MAX together."""
    some = (
        select(Object.utc_source)
        .where(Object.device_id == pk, text(CLOCKLESS))
        .limit(UNDATED_MAX)
        .subquery()
    )
    query = select(some.c.utc_source, func.count()).group_by(some.c.utc_source)
    found = {"filled": 0, "unknown": 0}
    return {**found, **dict(connection.execute(query).all())}


def newest_object(connection: Connection, pk: int, epoch: int | None) -> dict[str, Any] | None:
    """The object of the highest seq: when it was seen and when it arrived."""
    query = (
        select(Object.objid, Object.utc_ms, Object.received_ms)
        .where(Object.device_id == pk, Object.epoch == (epoch or 0))
        .order_by(Object.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else dict(row._mapping)

"""Numbers about a project's work: progress by day, who did what, by taxon and sample, and how often
people agree with what releases predicted.

What is by day comes of the small tables that `server.db.counts` and `server.db.work` keep; samples
and agreement are counted over the objects themselves, by index and for one project.

Example:
    >>> progress(connection, project_id=3)[-1]
    {'day': '2026-05-04', 'U': 0, 'P': 812, 'D': 3, 'V': 9185, 'X': 0, 'arrived': 0}
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from server.db.tables import CountDay, Object, Release, Sample, User, WorkDay, WorkTaxon

_EPOCH = datetime.date(1970, 1, 1)
RATE_MIN_MS = 60_000
"""Less work than this says nothing about its speed."""


@dataclass(frozen=True)
class Period:
    """Days, both included; None: without end."""

    since: datetime.date | None = None
    until: datetime.date | None = None

    def covers(self, day: Any) -> list[Any]:
        """Conditions on a column of days."""
        found = [] if self.since is None else [day >= number(self.since)]
        return found if self.until is None else [*found, day <= number(self.until)]


def number(day: datetime.date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days


def name(day: int) -> str:
    """As in ISO 8601."""
    return (_EPOCH + datetime.timedelta(days=day)).isoformat()


def progress(connection: Connection, project_id: int) -> list[dict[str, Any]]:
    """For each day on which anything changed: how many objects were of each status at its end, and
    by how many there were more."""
    query = (
        select(CountDay.day, CountDay.status, func.sum(CountDay.n))
        .where(CountDay.project_id == project_id)
        .group_by(CountDay.day, CountDay.status)
        .order_by(CountDay.day)
    )
    found: dict[int, dict[str, int]] = {}
    for day, status, n in connection.execute(query):
        found.setdefault(day, dict.fromkeys("UPDVX", 0))[status] = int(n)
    rows, total = [], dict.fromkeys("UPDVX", 0)
    for day, changes in found.items():
        total = {status: total[status] + changes[status] for status in total}
        rows.append({"day": name(day), **total, "arrived": sum(changes.values())})
    return rows


_SUMS = {
    column.key: func.sum(column).label(column.key)
    for column in (
        WorkDay.actions,
        WorkDay.objects,
        WorkDay.timed,
        WorkDay.sessions,
        WorkDay.active_ms,
    )
}


def people(connection: Connection, project_id: int, period: Period) -> list[dict[str, Any]]:
    """Who worked, the one who did most first."""
    last = func.max(WorkDay.last_ms).label("last_ms")
    days = func.count(WorkDay.day).label("days")
    query = (
        select(User.id.label("user_id"), User.name, last, days, *_SUMS.values())
        .join(WorkDay, WorkDay.user_id == User.id)
        .where(WorkDay.project_id == project_id, *period.covers(WorkDay.day))
        .group_by(User.id, User.name)
    )
    rows = [_timed(row._mapping) for row in connection.execute(query)]
    return sorted(rows, key=lambda row: (-row["objects"], row["user_id"]))


def days(
    connection: Connection, project_id: int, period: Period, user_id: int | None = None
) -> list[dict[str, Any]]:
    """Each day's work of each person, or of one, oldest first."""
    columns = [getattr(WorkDay, key) for key in _SUMS]
    query = (
        select(WorkDay.day, WorkDay.user_id, User.name, WorkDay.last_ms, *columns)
        .join(User, User.id == WorkDay.user_id)
        .where(WorkDay.project_id == project_id, *period.covers(WorkDay.day))
        .order_by(WorkDay.day, WorkDay.user_id)
    )
    if user_id is not None:
        query = query.where(WorkDay.user_id == user_id)
    rows = [_timed(row._mapping) for row in connection.execute(query)]
    return [{**row, "day": name(row["day"])} for row in rows]


def _timed(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row of work with how fast it was: objects changed in an hour of a session."""
    found = {key: int(row[key]) if key in _SUMS else row[key] for key in row}
    active_ms = found["active_ms"]
    rate = None if active_ms < RATE_MIN_MS else found.pop("timed") * 3_600_000 / active_ms
    found.pop("timed", None)
    return {**found, "objects_per_h": None if rate is None else round(max(0.0, rate))}


def said(
    connection: Connection, project_id: int, period: Period, user_id: int | None = None
) -> list[dict[str, Any]]:
    """What people said, by taxon (0: none) and status: taxon_id, and the counts that are not 0."""
    n = func.sum(WorkTaxon.n)
    query = (
        select(WorkTaxon.taxon_id, WorkTaxon.status, n)
        .where(WorkTaxon.project_id == project_id, *period.covers(WorkTaxon.day))
        .group_by(WorkTaxon.taxon_id, WorkTaxon.status)
        .having(n != 0)
    )
    if user_id is not None:
        query = query.where(WorkTaxon.user_id == user_id)
    found: dict[int, dict[str, int]] = {}
    for taxon_id, status, count in connection.execute(query):
        found.setdefault(taxon_id, dict.fromkeys("UPDVX", 0))[status] = int(count)
    rows = [{"taxon_id": taxon_id, **counts} for taxon_id, counts in found.items()]
    return sorted(rows, key=lambda row: (-sum(row[s] for s in "DVX"), row["taxon_id"]))


def samples(
    connection: Connection, project_id: int, limit: int, offset: int
) -> tuple[int, list[dict[str, Any]]]:
    """How many samples there are, and some of them with their objects by status, the newest
    first."""
    here = Sample.project_id == project_id
    total = connection.execute(select(func.count()).select_from(Sample).where(here)).scalar_one()
    query = select(Sample.id, Sample.orig_id).where(here).order_by(Sample.id.desc())
    names = connection.execute(query.limit(limit).offset(offset)).all()
    counts = {row.id: dict.fromkeys("UPDVX", 0) for row in names}
    counted = (
        select(Object.sample_id, Object.status, func.count())
        .where(Object.sample_id.in_(list(counts)))
        .group_by(Object.sample_id, Object.status)
    )
    for sample_id, status, n in connection.execute(counted):
        counts[sample_id][status] = n
    rows = [{"sample_id": row.id, "sample": row.orig_id, **counts[row.id]} for row in names]
    return int(total), rows


def agreement(connection: Connection, project_id: int) -> list[dict[str, Any]]:
    """For each release, the newest first: of its predictions that people judged since, how many
    they confirmed. `pairs`: (predicted taxon, what people said, how many). `release` is None for
    predictions that were not a release's."""
    query = (
        select(
            Release.release_id,
            Release.name,
            Object.pred_taxon_id,
            Object.taxon_id,
            func.count(),
        )
        .outerjoin(Release, Release.no == Object.release_no)
        .where(
            Object.project_id == project_id,
            Object.status == "V",
            Object.pred_taxon_id.is_not(None),
            Object.taxon_id.is_not(None),
        )
        .group_by(Object.release_no, Release.release_id, Release.name)
        .group_by(Object.pred_taxon_id, Object.taxon_id)
        .order_by(Object.release_no.desc())
    )
    found: dict[tuple[str | None, str | None], list[Any]] = {}
    for release, title, predicted, taxon, n in connection.execute(query):
        found.setdefault((release, title), []).append((predicted, taxon, n))
    rows = [{"release": key[0], "name": key[1], **_agreed(pairs)} for key, pairs in found.items()]
    return sorted(rows, key=lambda row: row["release"] is None)


def _agreed(pairs: Sequence[tuple[int, int, int]]) -> dict[str, Any]:
    by_taxon: dict[int, list[int]] = {}
    for predicted, taxon, n in pairs:
        sums = by_taxon.setdefault(predicted, [0, 0])
        sums[0] += n
        sums[1] += n if predicted == taxon else 0
    return {
        "judged": sum(n for _, _, n in pairs),
        "confirmed": sum(n for predicted, taxon, n in pairs if predicted == taxon),
        "taxa": [
            {"taxon_id": taxon, "judged": judged, "confirmed": confirmed}
            for taxon, (judged, confirmed) in sorted(by_taxon.items(), key=lambda i: -i[1][0])
        ],
        "pairs": sorted((p for p in pairs if p[0] != p[1]), key=lambda p: (-p[2], p[0], p[1])),
    }

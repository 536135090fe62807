"""Statistics of a project: progress, people, taxa, samples, and how well releases are agreed with.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" \
        "$SHORE/api/projects/3/statistics/people?since=2026-05-01"
    [{"user_id": 2, "name": "Ann", "objects": 5120, "objects_per_h": 2650, ...}]
"""

import datetime
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection

from server.api.deps import ShoreDep, Viewer
from server.api.objects import ID_MAX
from server.api.rights import need
from server.db import statistics, taxa
from server.db.statistics import Period
from server.errors import ApiError

router = APIRouter(prefix="/api/projects/{project_id}/statistics", tags=["statistics"])
PAIRS_MAX = 100
UserId = Annotated[int | None, Query(ge=1, lt=ID_MAX)]


def _period(since: datetime.date | None = None, until: datetime.date | None = None) -> Period:
    if since is not None and until is not None and since > until:
        raise ApiError(422, "until", f"until: expected {since} or later, because of since.")
    return Period(since, until)


PeriodDep = Annotated[Period, Depends(_period)]


@router.get("/progress")
def progress(shore: ShoreDep, user: Viewer, project_id: int) -> list[dict[str, Any]]:
    """For each day (UTC) on which anything changed: the objects of each status at its end, and how
    many had `arrived`."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        return statistics.progress(connection, project_id)


@router.get("/people")
def people(
    shore: ShoreDep, user: Viewer, project_id: int, period: PeriodDep
) -> list[dict[str, Any]]:
    """Who changed how many objects, in how many sessions and how much time (`active_ms`; a pause of
    more than five minutes ends a session), and how fast in these."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        return statistics.people(connection, project_id, period)


@router.get("/days")
def days(
    shore: ShoreDep, user: Viewer, project_id: int, period: PeriodDep, user_id: UserId = None
) -> list[dict[str, Any]]:
    """The same for each day."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        return statistics.days(connection, project_id, period, user_id)


@router.get("/taxa")
def by_taxon(
    shore: ShoreDep, user: Viewer, project_id: int, period: PeriodDep, user_id: UserId = None
) -> list[dict[str, Any]]:
    """How many objects people gave each taxon, by status; what they undid is taken off."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        rows = statistics.said(connection, project_id, period, user_id)
        names = _names(connection, (row["taxon_id"] for row in rows))
    return [{**row, "taxon": names.get(row["taxon_id"], "no taxon")} for row in rows]


@router.get("/samples")
def samples(
    shore: ShoreDep,
    user: Viewer,
    project_id: int,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, lt=ID_MAX)] = 0,
) -> dict[str, Any]:
    """Samples with their objects by status, the newest first."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        total, rows = statistics.samples(connection, project_id, limit, offset)
    return {"total": total, "samples": rows}


@router.get("/agreement")
def agreement(shore: ShoreDep, user: Viewer, project_id: int) -> list[dict[str, Any]]:
    """For each release, the newest first: of what it predicted and people judged since, how much
    they confirmed, in all and by predicted taxon, and the commonest corrections."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        rows = statistics.agreement(connection, project_id)
        named = {taxon for row in rows for pair in row["pairs"] for taxon in pair[:2]}
        named |= {one["taxon_id"] for row in rows for one in row["taxa"]}
        names = _names(connection, named)
    return [
        {
            **row,
            "taxa": [{**one, "taxon": names.get(one["taxon_id"], "?")} for one in row["taxa"]],
            "pairs": [
                {"predicted": names.get(predicted, "?"), "taxon": names.get(taxon, "?"), "n": n}
                for predicted, taxon, n in row["pairs"][:PAIRS_MAX]
            ],
        }
        for row in rows
    ]


def _names(connection: Connection, taxon_ids: Iterable[int]) -> dict[int, str]:
    infos = taxa.by_id(connection, [taxon for taxon in taxon_ids if taxon])
    return {taxon: info.display_name for taxon, info in infos.items()}

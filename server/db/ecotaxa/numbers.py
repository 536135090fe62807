"""Numbers about samples, people and columns, as EcoTaxa's API gives them.

Example:
    >>> by_person(connection, project_id=1)
    [Work(user_id=2, name='Ann', changed=605, last_ms=1700000000000)]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from server.db import counts
from server.db.ecotaxa import levels
from server.db.ecotaxa.fields import joined
from server.db.ecotaxa.lists import among
from server.db.ecotaxa.projects import columns as free_columns
from server.db.ecotaxa.projects import rows as project_rows
from server.db.free import places
from server.db.tables import Acquisition, Action, Object, ObjectFree, User

VALUES_MOST = 50_000_000
"""As many numbers are read for one answer; more are for an export."""
_FREE: Any = ObjectFree.__table__


class TooManyError(ValueError):
    """The answer would read more values than VALUES_MOST."""


@dataclass(frozen=True)
class Work:
    """What a person did in a project: `changed` counts objects, once for each action."""

    user_id: int
    name: str
    changed: int
    last_ms: int


@dataclass(frozen=True)
class Chosen:
    """Of validated objects: at most `limit` of each taxon, drawn by their fixed random number; and
    only these taxa."""

    limit: int | None
    taxa: list[int] | None


@dataclass(frozen=True)
class ColumnStats:
    total: int
    counts: list[int]
    variances: list[float | None]


def by_sample(
    connection: Connection, sample_ids: Sequence[int]
) -> dict[int, dict[int, dict[str, int]]]:
    """Objects by sample, taxon (0: none) and status, counted along the index of samples."""
    query = (
        select(Object.sample_id, Object.taxon_id, Object.status, func.count())
        .where(among(connection, Object.sample_id, sample_ids))
        .group_by(Object.sample_id, Object.taxon_id, Object.status)
    )
    found: dict[int, dict[int, dict[str, int]]] = {}
    for sample, taxon, status, n in connection.execute(query):
        found.setdefault(sample, {}).setdefault(taxon or 0, {})[status] = n
    return found


def by_person(connection: Connection, project_id: int) -> list[Work]:
    """Everybody who said something about a project's objects, the busiest first."""
    changed = func.sum(Action.changed)
    query = (
        select(User.id, User.name, changed, func.max(Action.created_ms))
        .join(User, User.id == Action.user_id)
        .where(Action.project_id == project_id, Action.kind.not_in(("undo", "redo")))
        .where(~Action.undone)
        .group_by(User.id, User.name)
        .order_by(changed.desc(), User.id)
    )
    return [Work(i, name, int(n), last) for i, name, n, last in connection.execute(query)]


def column_stats(
    connection: Connection, project_ids: Sequence[int], names: Sequence[str], chosen: Chosen
) -> ColumnStats:
    """Of validated objects of all the projects. Raises FieldError, TooManyError."""
    parts = [_validated(connection, project, names, chosen) for project in project_ids]
    table = np.concatenate([np.empty((0, len(names))), *parts])
    there = ~np.isnan(table)
    numbers = there.sum(axis=0)
    variances = [
        float(np.var(table[there[:, i], i], ddof=1)) if numbers[i] > 1 else None
        for i in range(len(names))
    ]
    return ColumnStats(len(table), [int(n) for n in numbers], variances)


def _validated(
    connection: Connection, project_id: int, names: Sequence[str], chosen: Chosen
) -> Any:
    """Float64 [objects, names], NaN for what is not there or no number."""
    known = levels.names(connection, project_id)
    fields = [known.field(name) for name in names]
    total = counts.total(connection, project_id, None, "V")
    _check_few(total * max(1, len(names)))
    query = select(Object.taxon_id, Object.shuffle).where(
        Object.project_id == project_id, Object.status == "V"
    )
    if chosen.taxa is not None:
        query = query.where(among(connection, Object.taxon_id, chosen.taxa))
    query = joined(query, [need for field in fields for need in field.needs])
    rows = connection.execute(query.add_columns(*(f.expression for f in fields))).all()
    if chosen.limit is not None:
        rows = _drawn(rows, chosen.limit)
    return np.array([[_number(v) for v in row[2:]] for row in rows]).reshape(-1, len(names))


def _drawn(rows: Sequence[Any], limit: int) -> list[Any]:
    """At most `limit` rows of each taxon."""
    ordered = sorted(rows, key=lambda row: (row[0] or 0, row[1]))
    found = []
    for _, group in groupby(ordered, key=lambda row: row[0]):
        found += list(group)[:limit]
    return found


def _number(value: Any) -> float:
    good = isinstance(value, int | float) and np.isfinite(value)
    return float(value) if good else np.nan


def project_lines(connection: Connection, project_id: int) -> list[str]:
    """EcoTaxa's statistics of a project, as lines of text. Raises TooManyError."""
    [project] = project_rows(connection, [project_id])
    numeric = [p for p in places(connection, project_id).values() if p.startswith("n")]
    _check_few(counts.total(connection, project_id, None, None) * max(1, len(numeric)))
    names = free_columns(connection, [project_id]).get(project_id, {})
    lines = [project.title, str(names), "(0):", "Total: 0 values, dup 0 values"]
    query = levels.in_project(select(Acquisition.id, Acquisition.orig_id), "acq", project_id)
    for number, name in connection.execute(query.order_by(Acquisition.id)).all():
        values = (
            select(*(_FREE.c[place] for place in numeric))
            .select_from(Object)
            .outerjoin(_FREE, _FREE.c.objid == Object.objid)
            .where(Object.acquisition_id == number)
        )
        rows = connection.execute(values).all() if numeric else []
        lines += _acquisition_lines(name, np.array([list(r) for r in rows], dtype=float))
    return lines


def _acquisition_lines(name: str, table: Any) -> list[str]:
    """
    >>> _acquisition_lines("a1", np.array([[1.0, 5.5], [1.0, 7.0]]))
    ['a1 (2): [1,1,#1,u2],[5.5,7,#2,u1]', 'Total: 4 values, dup 3 values']
    """
    parts, commonest = [], 0
    for column in table.T if table.size else ():
        different, times = np.unique(column, return_counts=True)
        commonest += int(times.max())
        least, most = np.nanmin(different, initial=np.inf), np.nanmax(different, initial=-np.inf)
        low, high = (f"{v:.12g}" if np.isfinite(v) else "nan" for v in (least, most))
        parts.append(f"[{low},{high},#{len(different)},u{times.max()}]")
    return [
        f"{name} ({len(table)}): {','.join(parts)}",
        f"Total: {table.size} values, dup {commonest} values",
    ]


def _check_few(values: int) -> None:
    if values > VALUES_MOST:
        raise TooManyError(f"{values} values are too many for one answer: export them instead")

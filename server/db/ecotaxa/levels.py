"""The levels above objects: their free columns' names, and which of their rows fit a filter.

A sample's, acquisition's or process's free columns are a JSON object in its row. EcoTaxa numbers
them (t01, t02, ...) for a project; the order here is that in which names first came.

Example:
    >>> names_above(connection, project_id=1)["sam"]
    ['tot_vol', 'ship']
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from server.db.ecotaxa.fields import Names
from server.db.ecotaxa.lists import among
from server.db.free import places
from server.db.tables import Acquisition, Process, Project, Sample

LEVELS: dict[str, Any] = {"sam": Sample, "acq": Acquisition, "prc": Process}


def names(connection: Connection, project_id: int) -> Names:
    """All names of fields that hold in a project."""
    return Names(places(connection, project_id), names_above(connection, project_id))


def names_above(connection: Connection, project_id: int) -> dict[str, list[str]]:
    """The free columns of each level, in the order of their first coming."""
    return {level: _names(connection, project_id, level) for level in LEVELS}


def _names(connection: Connection, project_id: int, level: str) -> list[str]:
    table = LEVELS[level]
    query = in_project(select(table.free), level, project_id).where(table.free != "{}")
    found: dict[str, None] = {}
    for free in connection.execute(query.order_by(table.id)).scalars():
        found.update(dict.fromkeys(json.loads(free)))
    return list(found)


def in_project(query: Any, level: str, project_id: int) -> Any:
    """The query over a level's rows, of one project alone."""
    return _joined(query, level).where(Sample.project_id == project_id)


def _joined(query: Any, level: str) -> Any:
    if level == "prc":
        query = query.join(Acquisition, Acquisition.id == Process.acquisition_id)
    if level in ("acq", "prc"):
        query = query.join(Sample, Sample.id == Acquisition.sample_id)
    return query


def with_instrument(connection: Connection, project_id: int, wanted: str) -> list[int] | None:
    """The acquisitions whose instrument has `wanted` in its name; None for all of them, when the
    project's has."""
    of_project = select(Project.instrument).where(Project.id == project_id)
    if wanted.lower() in (connection.execute(of_project).scalar() or "").lower():
        return None
    columns = select(Acquisition.id, Acquisition.instrument)
    query = in_project(columns, "acq", project_id)
    rows = connection.execute(query.where(Acquisition.instrument.is_not(None)))
    return [number for number, name in rows if wanted.lower() in name.lower()]


def with_text(
    connection: Connection, project_id: int, level: str, name: str, wanted: str
) -> list[int]:
    """The rows of a level whose free column has the text: % and _ stand for others, as in
    EcoTaxa."""
    table = LEVELS[level]
    fits = _matcher(wanted)
    query = in_project(select(table.id, table.free), level, project_id)
    rows = ((number, json.loads(free).get(name)) for number, free in connection.execute(query))
    return [number for number, value in rows if value is not None and fits(str(value))]


def _matcher(wanted: str) -> Any:
    """
    >>> _matcher("^zoo")("ZooScan") is not None
    True
    """
    middle = wanted.removeprefix("^").removesuffix("$")
    inside = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in middle)
    before = "" if wanted.startswith("^") else ".*"
    after = "" if wanted.endswith("$") else ".*"
    return re.compile(f"{before}{inside}{after}", re.IGNORECASE | re.DOTALL).fullmatch


def numbered(names_of_level: Sequence[str]) -> dict[str, str]:
    """EcoTaxa's mapping of a level's free columns.

    >>> numbered(["ship", "tot_vol"])
    {'ship': 't01', 'tot_vol': 't02'}
    """
    return {name: f"t{i:02d}" for i, name in enumerate(names_of_level, 1)}


def projects_of(connection: Connection, level: str, ids: Sequence[int]) -> dict[int, int]:
    """Project by number of a level's rows, of those that there are."""
    table = LEVELS[level]
    query = _joined(select(table.id, Sample.project_id), level)
    rows = connection.execute(query.where(among(connection, table.id, ids)))
    return dict(rows.all())

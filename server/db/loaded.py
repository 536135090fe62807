"""Which tables a project has loaded, in its settings under EcoTaxa's name `fileloaded`.

Example:
    >>> add(connection, project_id=1, names=["s1/ecotaxa_s1.tsv"])
    >>> tables(connection, project_id=1)
    ['s1/ecotaxa_s1.tsv']
"""

import json
from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from server.db.tables import Project

_KEY = "fileloaded"


def tables(connection: Connection, project_id: int) -> list[str]:
    """In the order in which they were loaded."""
    query = select(Project.settings).where(Project.id == project_id)
    return _listed(json.loads(connection.execute(query).scalar_one()))


def add(connection: Connection, project_id: int, names: Iterable[str]) -> None:
    """In a transaction that holds the project's row."""
    query = select(Project.settings).where(Project.id == project_id)
    settings = json.loads(connection.execute(query).scalar_one())
    settings[_KEY] = list(dict.fromkeys([*_listed(settings), *names]))
    text = json.dumps(settings, ensure_ascii=False)
    connection.execute(update(Project).where(Project.id == project_id).values(settings=text))


def _listed(settings: dict[str, object]) -> list[str]:
    found = settings.get(_KEY)
    return [str(name) for name in found] if isinstance(found, list) else []

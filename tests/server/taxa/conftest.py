"""Objects of chosen taxa without a device, and transactions that leave nothing behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from server.db.counts import Delta
from server.db.tables import Object, Project
from server.shore import Shore

Trial = Callable[[], Any]


NUMBERS = (
    "sample_id acquisition_id process_id device_id epoch frame_index index_in_frame bx by width"
    " height esd_um boot mono_ms score shuffle received_ms"
)


class UndoneError(Exception):
    """Ends a trial."""


@pytest.fixture
def trial(shore: Shore) -> Trial:
    """A write transaction that is rolled back at its end."""

    @contextmanager
    def trying() -> Iterator[Connection]:
        with suppress(UndoneError), shore.database.write() as connection:
            yield connection
            raise UndoneError

    return trying


def add_project(connection: Connection, title: str) -> int:
    values = {"title": title, "created_by": 1, "created_ms": 1}
    return int(
        connection.execute(insert(Project).values(values).returning(Project.id)).scalar_one()
    )


def add_objects(
    connection: Connection, project_id: int, taxon_id: int | None, n: int, status: str = "V"
) -> None:
    """Objects of a taxon, predicted as the same, and their counts."""
    numbers = dict.fromkeys(NUMBERS.split(), 1)
    row = {
        **numbers,
        "project_id": project_id,
        "taxon_id": taxon_id,
        "pred_taxon_id": taxon_id,
        "status": status,
        "orig_id": "o",
        "border": False,
        "utc_source": "unknown",
    }
    start = connection.execute(select(Object.seq).order_by(Object.seq.desc()).limit(1)).scalar()
    first = (start or 0) + 1
    connection.execute(insert(Object), [{**row, "seq": first + i} for i in range(n)])
    delta = Delta()
    delta.add(project_id, (taxon_id, status), n)
    delta.save(connection)

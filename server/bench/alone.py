"""The intake without a network, one thread, and beside it a plain loop of INSERTs of the very rows
that it wrote.

Example:
    >>> take_alone(folder, objects=4800, server=None)   # SQLite: (ours, plain) objects a second
    (8000.0, 12000.0)
"""

import os
import time
from pathlib import Path

from models import factory
from models.bundle import Bundle
from server.auth.tokens import token_hash
from server.bench.limits import plain_postgres_s, plain_sqlite_s, rows_of
from server.bench.material import PAIRS, make_batches
from server.bench.postgres import Postgres
from server.db import fleet, projects
from server.db.fleet import DeviceInfo
from server.intake.batch import take
from server.settings import Settings
from server.shore import Admin, Shore, open_shore

NOW_MS = 1_800_000_000_000
_DATABASE = "alone"


def take_alone(folder: Path, objects: int, server: Postgres | None) -> tuple[float, float]:
    """(through `take`, through plain INSERTs) objects a second, on SQLite or on `server`."""
    batches = list(make_batches(Bundle.load(factory.path()), objects, epoch=7))
    database = None if server is None else server.create(_DATABASE)
    shore = open_shore(Settings(folder, database=database), Admin(password=os.urandom(9).hex()))
    try:
        device = _enrolled(shore)
        began = time.perf_counter()
        for counter, (_, body) in enumerate(batches, start=1):
            take(shore.stores, device, counter, body, NOW_MS)
        ours = time.perf_counter() - began
        with shore.database.read() as connection:
            rows = rows_of(connection)
        if server is None:
            plain = plain_sqlite_s(rows, shore.database.engine, folder / "plain.db", PAIRS)
    finally:
        shore.close()
    if server is not None:
        plain = plain_postgres_s(rows, server, _DATABASE, PAIRS)
    return objects / ours, rows.objects / plain


def _enrolled(shore: Shore) -> DeviceInfo:
    """An instrument of a new project."""
    with shore.database.write() as connection:
        project = projects.create(connection, title="Bench", user_id=1, now_ms=NOW_MS)
        fleet.add_claim(
            connection,
            token_hash=token_hash("claim"),
            project_id=project,
            name="one",
            user_id=1,
            now_ms=NOW_MS,
            expires_ms=NOW_MS + 1,
        )
        name = fleet.enrol(
            connection,
            token_hash=token_hash("claim"),
            device_id="d1",
            public_key=bytes(32),
            name="one",
            board="",
            software="",
            now_ms=NOW_MS,
        )
        device = fleet.device(connection, name)
    assert device is not None
    return device

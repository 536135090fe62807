"""A shore in this process with one instrument enrolled, for what needs many records and no network.

Example:
    >>> with opened(tmp_path / "shore") as (shore, device):
    ...     take(shore.stores, device, 1, body, NOW_MS)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.auth.tokens import token_hash
from server.db import fleet, projects
from server.db.fleet import DeviceInfo
from server.settings import Settings
from server.shore import Admin, Shore, open_shore

NOW_MS = 1_800_000_000_000


@contextmanager
def opened(folder: Path, database: str | None = None) -> Iterator[tuple[Shore, DeviceInfo]]:
    """The shore and its instrument."""
    settings = Settings(data=folder, database=database)
    shore = open_shore(settings, Admin(password="a password of the laboratory"))
    try:
        yield shore, enrolled(shore)
    finally:
        shore.close()


def enrolled(shore: Shore) -> DeviceInfo:
    """An instrument of a new project."""
    with shore.database.write() as connection:
        project = projects.create(connection, title="Cast", user_id=1, now_ms=NOW_MS)
        claim = token_hash("claim")
        fleet.add_claim(
            connection,
            token_hash=claim,
            project_id=project,
            name="one",
            user_id=1,
            now_ms=NOW_MS,
            expires_ms=NOW_MS + 1,
        )
        name = fleet.enrol(
            connection,
            token_hash=claim,
            device_id="d1",
            public_key=bytes(32),
            name="one",
            board="",
            software="",
            now_ms=NOW_MS,
        )
        found = fleet.device(connection, name)
    assert found is not None
    return found
